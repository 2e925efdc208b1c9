/**
 * The material beside the project: published vectors, JSON-LD contexts and recordings. It is read
 * in place and never copied, since its licences differ.
 *
 * A suite that needs it is written `describe.skipIf(!hasShared)`. Under `CI=true` nothing may be
 * skipped for lack of it, so importing this file throws there when it is missing.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../../shared');

/** Whether the folder `../shared` lies beside the project. */
export const hasShared = existsSync(join(root, 'vectors')) && existsSync(join(root, 'data'));

if (!hasShared && process.env['CI'] === 'true') {
  throw new Error(`CI=true, but ${root} is missing: suites that need it would be skipped`);
}

/** The absolute path of something below `../shared`, e.g. `sharedPath('data', 'meter-skab')`. */
export function sharedPath(...parts: readonly string[]): string {
  return join(root, ...parts);
}
