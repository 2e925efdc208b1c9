/** Makes folders, and gives up where none can be made. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes `directory` and the missing folders above it, with `mode`. One after the other, because
 * Node's own recursive call never returns where a file system says "no such file" to every
 * attempt, as /proc does. Throws what the file system throws.
 */
export function makeDirectory(directory: string, mode = 0o777): void {
  if (existsSync(directory)) return;
  const above = dirname(directory);
  if (above !== directory) makeDirectory(above, mode);
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(directory)) throw error;
  }
}
