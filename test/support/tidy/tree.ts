/** A tree of source files as the tidy rules see it: paths, texts and what each file imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path/posix';

/** A file with its path relative to the project's folder, parts separated by `/`. */
export interface TidyFile {
  readonly path: string;
  readonly text: string;
}

/** What one import statement names. */
export interface Import {
  /** The text between the quotes. */
  readonly specifier: string;
  /** Path in the tree, for a relative import. */
  readonly path?: string;
  /** Package, for an import that is neither relative nor built in, e.g. `@scope/name`. */
  readonly package?: string;
  /** Built-in module with its `node:` prefix. */
  readonly builtin?: string;
  /** Whether it is erased when types are stripped. */
  readonly typeOnly: boolean;
}

/** Something that a rule found. */
export interface Violation {
  readonly path: string;
  readonly message: string;
}

/** The folders whose files are read, and single files of the top folder. */
const FOLDERS = [
  'devices',
  'gateway',
  'ingest',
  'simulators',
  'test',
  'scripts',
  'docs',
  'examples',
];
const SKIPPED = new Set(['node_modules', 'dist', 'var', '.git', '.ci', 'coverage']);
const READ = /\.(ts|tsx|mjs|md|yaml|yml|json|jsonld|geojson|css|html|svg|py|c)$/;

/** Reads the project below `root`, in the order of paths. */
export function readTree(root: string): TidyFile[] {
  const files: TidyFile[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const kept = folder !== '' || FOLDERS.includes(entry.name) || entry.isFile();
      if (SKIPPED.has(entry.name) || !kept) continue;
      if (entry.isDirectory()) visit(path);
      else if (READ.test(entry.name)) {
        files.push({ path, text: readFileSync(join(root, path), 'utf8') });
      }
    }
  };
  visit('');
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The first part of a path: `gateway` for `gateway/drivers/modbus.ts`. */
export function sideOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '';
}

/** Whether a file is TypeScript that ends up in `dist/` or in the console. */
export function isSource(path: string): boolean {
  const sides = ['devices', 'gateway', 'ingest', 'simulators'];
  return /\.tsx?$/.test(path) && sides.includes(sideOf(path));
}

/** Whether a file is code of any kind: source, tests, scripts, settings. */
export function isCode(path: string): boolean {
  return /\.(ts|tsx|mjs)$/.test(path);
}

/** Code without comments; strings keep their place, so that line numbers stay true. */
export function withoutComments(text: string): string {
  return blank(text, (token) => token.startsWith('/*') || token.startsWith('//'));
}

/** Code without comments and without templates, which may hold programs of their own. */
function withoutTemplates(text: string): string {
  return blank(text, (token) => !token.startsWith("'") && !token.startsWith('"'));
}

/** Puts spaces in the place of those comments and strings that `drop` names. */
function blank(text: string, drop: (token: string) => boolean): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
  return text.replace(token, (match) => (drop(match) ? match.replace(/[^\n]/g, ' ') : match));
}

/** Everything that a file imports, re-exports, loads lazily or starts as a worker. */
export function importsOf(file: TidyFile): Import[] {
  const code = withoutTemplates(file.text);
  const found: Import[] = [];
  const statement =
    /^\s*(import|export)\s+(type\s)?(?:[\w*{][^;'"`=()]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
  for (const [, , type, specifier = ''] of code.matchAll(statement)) {
    found.push(classify(file.path, specifier, type !== undefined));
  }
  for (const [, specifier = ''] of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)) {
    found.push(classify(file.path, specifier, false));
  }
  for (const [, name = ''] of code.matchAll(/\bworkerUrl\(\s*['"]([^'"]+)['"]/g)) {
    found.push(classify(file.path, `${name}.ts`, false));
  }
  return found;
}

function classify(from: string, specifier: string, typeOnly: boolean): Import {
  if (specifier.startsWith('.')) {
    return { specifier, typeOnly, path: normalize(join(dirname(from), specifier)) };
  }
  const bare = specifier.replace(/^node:/, '');
  if (specifier.startsWith('node:') || builtinModules.includes(bare)) {
    return { specifier, typeOnly, builtin: `node:${bare}` };
  }
  const parts = specifier.split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
  return { specifier, typeOnly, package: name };
}
