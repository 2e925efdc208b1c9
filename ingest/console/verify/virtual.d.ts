/** What the build makes (build-plugin.ts). */
declare module 'virtual:checkers' {
  export const checkers: Readonly<Record<string, (value: unknown) => boolean>>;
}
