/** What every file and folder owes its reader: a size, a name, a README, no loose ends. */
import { basename, dirname } from 'node:path/posix';
import {
  importsOf,
  isCode,
  isSource,
  sideOf,
  type TidyFile,
  type Violation,
  withoutComments,
} from './tree.ts';

const LINES_MAX = 400;
const COLUMNS_MAX = 100;

/** Names that say nothing about what is inside, and barrels. */
const EMPTY_NAMES = ['utils', 'util', 'helpers', 'helper', 'common', 'manager', 'misc', 'index'];

// Written in parts, so that this file does not report itself.
const UNFINISHED = new RegExp(
  `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`,
);

/** Files that are too long, lines that are too wide, names that say nothing. */
export function checkSizes(files: readonly TidyFile[]): Violation[] {
  return files
    .filter(({ path }) => isCode(path))
    .flatMap(({ path, text }) => {
      const found: Violation[] = [];
      const lines = text.trimEnd().split('\n');
      if (lines.length > LINES_MAX) {
        found.push({ path, message: `has ${lines.length} lines; the limit is ${LINES_MAX}` });
      }
      lines.forEach((line, index) => {
        if (line.length > COLUMNS_MAX && !isUnbreakable(line)) {
          found.push({ path, message: `line ${index + 1} has ${line.length} columns` });
        }
      });
      const name = basename(path).replace(/\..*$/, '');
      if (EMPTY_NAMES.includes(name)) found.push({ path, message: `"${name}" says nothing` });
      return found;
    });
}

/** A line that a formatter cannot break: one long string, address or import path. */
function isUnbreakable(line: string): boolean {
  return /['"`][^'"`]{40,}['"`]/.test(line) || /https?:\S{40,}/.test(line) || /\S{60,}/.test(line);
}

/** Work that was left for later belongs in an issue. */
export function checkUnfinished(files: readonly TidyFile[]): Violation[] {
  return files
    .filter(({ path }) => isCode(path) || path.endsWith('.md'))
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) =>
          UNFINISHED.test(line) ? [{ path, message: `line ${index + 1} is unfinished` }] : [],
        ),
    );
}

/** Chance comes from the Random that is passed in; only keys are made from the system's own. */
export function checkChance(files: readonly TidyFile[]): Violation[] {
  return files
    .filter(({ path }) => isSource(path) && path !== 'devices/runtime.ts')
    .filter(({ text }) => /\bMath\.random\b/.test(withoutComments(text)))
    .map(({ path }) => ({ path, message: 'uses Math.random; take a Random (devices/runtime.ts)' }));
}

/** Every folder of source, and every kind of test, says what it is for. */
export function checkReadmes(files: readonly TidyFile[]): Violation[] {
  const paths = new Set(files.map((file) => file.path));
  const folders = new Set<string>();
  for (const { path } of files) {
    // What a bundler copies as it is has no place for a README.
    if (sideOf(path) === '' || dirname(path).endsWith('/public')) continue;
    // Unit tests mirror the source, so their inner folders say nothing that the source does not.
    const depth = sideOf(path) === 'test' ? 2 : Number.POSITIVE_INFINITY;
    const parts = dirname(path).split('/').slice(0, depth);
    for (let end = 1; end <= parts.length; end += 1) folders.add(parts.slice(0, end).join('/'));
  }
  const found: Violation[] = [];
  for (const folder of [...folders].sort()) {
    const path = `${folder}/README.md`;
    if (!paths.has(path)) found.push({ path: folder, message: 'has no README.md' });
  }
  for (const { path, text } of files) {
    if (basename(path) !== 'README.md') continue;
    const words = text.split(/\s+/).length;
    if (!text.startsWith('# ') || words < 20) {
      found.push({ path, message: 'does not say what the folder is for (heading, 20 words)' });
    }
  }
  return found;
}

/**
 * Every command of package.json can be started by its name, and looks at the Node that runs it
 * before it loads anything else.
 */
export function checkCommands(files: readonly TidyFile[]): Violation[] {
  const manifest = files.find(({ path }) => path === 'package.json');
  const { bin = {} } = JSON.parse(manifest?.text ?? '{}') as { bin?: Record<string, string> };
  return Object.entries(bin).flatMap(([name, built]) => {
    const path = built.replace(/^dist\//, '').replace(/\.js$/, '.ts');
    const file = files.find((one) => one.path === path);
    if (!file) return [{ path, message: `is not there for the command ${name}` }];
    const found: Violation[] = [];
    if (!file.text.startsWith('#!/usr/bin/env node\n')) {
      found.push({ path, message: 'does not begin with #!/usr/bin/env node' });
    }
    if (!importsOf(file)[0]?.specifier.endsWith('/needs-node.ts')) {
      found.push({ path, message: 'does not import devices/io/needs-node.ts first' });
    }
    return found;
  });
}

/** Example configurations tell an editor where their schema is. */
export function checkExamples(files: readonly TidyFile[]): Violation[] {
  const paths = new Set(files.map((file) => file.path));
  return files
    .filter(({ path }) => path.startsWith('examples/') && /\.ya?ml$/.test(path))
    .flatMap(({ path, text }) => {
      const named = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1];
      if (named === undefined) return [{ path, message: 'does not begin with its $schema line' }];
      const target = new URL(named, `file:///${path}`).pathname.slice(1);
      return paths.has(target) ? [] : [{ path, message: `${named} leads nowhere` }];
    });
}
