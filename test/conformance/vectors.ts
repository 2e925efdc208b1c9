/** The folder of published vectors, and the JSON-LD contexts beside it; read in place. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { sharedPath } from '../support/shared.ts';

/** A folder below the vectors, or a part of it. Paths in it use `/`. */
export interface Vectors {
  readonly folder: string;
  /** The folder of all suites. */
  readonly root: string;
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

/** Opens a folder of vectors; `root` is the one that holds all suites. */
export function openVectors(folder: string, root = folder): Vectors {
  const bytes = (path: string): Buffer => readFileSync(join(folder, path));
  const text = (path: string): string => bytes(path).toString('utf8');
  return {
    folder,
    root,
    has: (path) => existsSync(join(folder, path)),
    files: (pattern) => walk(folder, '').filter((path) => pattern.test(path)),
    bytes,
    text,
    json: <T>(path: string) => JSON.parse(text(path)) as T,
    below: (path) => openVectors(join(folder, path), root),
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

/** Where JSON-LD contexts may lie: beside the vectors, among them, or beside the project. */
export function contextFolders(root: string): readonly string[] {
  const places = [join(root, '..', 'contexts'), join(root, 'contexts'), sharedPath('contexts')];
  return [...new Set(places)].filter((one) => existsSync(one));
}

/**
 * What cases are held against (schemas, keys) and need not come with every part of a suite: the
 * file of this folder, or else the one of the folder of the same suite beside the project.
 */
export function support(vectors: Vectors, path: string): Vectors {
  if (vectors.has(path)) return vectors;
  return openVectors(join(sharedPath('vectors'), relative(vectors.root, vectors.folder)));
}
