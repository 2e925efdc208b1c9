/** Finds a worker's file beside the module that starts it, in the source tree and in `dist`. */

/**
 * The URL of worker `name` (`./outbox-worker`) beside the module at `moduleUrl`
 * (`import.meta.url`): `.ts` where the source itself runs, `.js` where the build does.
 */
export function workerUrl(name: string, moduleUrl: string): URL {
  return new URL(`${name}${moduleUrl.endsWith('.ts') ? '.ts' : '.js'}`, moduleUrl);
}
