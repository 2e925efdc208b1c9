/** The console's files, read into memory once: nothing a request says reaches the file system. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';

export interface StaticFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** Whether its name changes with its content, so that a browser may keep it. */
  readonly immutable: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

/** Files by URL path; `/` is index.html. An absent directory gives none. */
export function readConsole(directory: string | undefined): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>();
  if (directory === undefined) return files;
  for (const name of listFiles(directory)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const path = `/${relative(directory, name).split(sep).join('/')}`;
    const file = { type, bytes: readFileSync(name), immutable: path.startsWith('/assets/') };
    files.set(path, file);
    if (path === '/index.html') files.set('/', file);
  }
  return files;
}

function listFiles(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
