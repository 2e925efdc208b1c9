/** The folder of published vectors, and the JSON-LD contexts beside it; read in place. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** A folder below the vectors, or a part of it. Paths in it use `/`. */
export interface Vectors {
  readonly folder: string;
  has(path: string): boolean;
  /** All files below, relative and sorted, whose path matches. */
  files(pattern: RegExp): readonly string[];
  bytes(path: string): Buffer;
  text(path: string): string;
  /** The JSON of a file; what it is, the suite knows. */
  json<T>(path: string): T;
  /** A folder below this one. */
  below(path: string): Vectors;
}

/** Opens a folder of vectors. */
export function openVectors(folder: string): Vectors {
  const bytes = (path: string): Buffer => readFileSync(join(folder, path));
  const text = (path: string): string => bytes(path).toString('utf8');
  return {
    folder,
    has: (path) => existsSync(join(folder, path)),
    files: (pattern) => walk(folder, '').filter((path) => pattern.test(path)),
    bytes,
    text,
    json: <T>(path: string) => JSON.parse(text(path)) as T,
    below: (path) => openVectors(join(folder, path)),
  };
}

function walk(folder: string, below: string): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      return entry.isDirectory() ? walk(folder, path) : [path];
    })
    .sort();
}

/** `folder/name.json` as `name`. */
export function stemOf(path: string): string {
  return basename(path).replace(/\.[^.]*$/, '');
}

/** The folder of a path, or the empty text. */
export function folderOf(path: string): string {
  const folder = dirname(path);
  return folder === '.' ? '' : folder;
}

/**
 * The contexts that lie beside the vectors (`contexts/SOURCES.md` says which URL each stands for),
 * by URL; the file of each is read when it is asked for.
 */
export function openContexts(vectorsFolder: string): (url: string) => unknown {
  const files = new Map<string, string>();
  for (const folder of [join(vectorsFolder, '..', 'contexts'), join(vectorsFolder, 'contexts')]) {
    const table = join(resolve(folder), 'SOURCES.md');
    if (!existsSync(table)) continue;
    for (const row of readFileSync(table, 'utf8').split('\n')) {
      const [, file = '', urls = ''] = row.split('|').map((cell) => cell.trim());
      if (!file.endsWith('.jsonld')) continue;
      for (const [url] of urls.matchAll(/https?:\/\/[^\s,)]+/g)) {
        for (const [name, place] of spelledOut(file, url)) files.set(place, join(folder, name));
      }
    }
  }
  const read = new Map<string, unknown>();
  return (url) => {
    const file = files.get(url);
    if (file === undefined || !existsSync(file)) return undefined;
    if (!read.has(url)) read.set(url, JSON.parse(readFileSync(file, 'utf8')));
    return read.get(url);
  };
}

/** A row may stand for several files: `untp-{core,dte}-0.6.1.jsonld`, `…/untp/{dte,...}/0.6.1/`. */
function spelledOut(file: string, url: string): readonly (readonly [string, string])[] {
  const names = /\{([^}]*)\}/.exec(file)?.[1]?.split(',');
  if (!names) return [[file, url]];
  return names.map((name) => [file.replace(/\{[^}]*\}/, name), url.replace(/\{[^}]*\}/, name)]);
}
