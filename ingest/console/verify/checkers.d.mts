/** What the build puts in the place of checkers.mjs: the module that it prints. */
export const checkers: Readonly<Record<string, (value: unknown) => boolean>>;
