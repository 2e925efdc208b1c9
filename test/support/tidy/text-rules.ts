/** What the pages and the code must agree on: error codes, links, words. */
import { dirname, join, normalize } from 'node:path/posix';
import { isCode, isSource, type TidyFile, type Violation, withoutComments } from './tree.ts';

/**
 * Every catalogued code is used by source and stands on the reference page, and every literal that
 * looks like one of ours is catalogued.
 */
export function checkErrorCodes(
  files: readonly TidyFile[],
  codes: readonly string[],
  page: string,
): Violation[] {
  const prefixes = new Set(codes.map((code) => code.slice(0, code.indexOf('_'))));
  const used = new Map<string, string>();
  for (const { path, text } of files) {
    if (!isSource(path) || path.startsWith('devices/errors/')) continue;
    for (const [, code = ''] of withoutComments(text).matchAll(
      /['"`]([A-Z]+(?:_[A-Z0-9]+)+)['"`]/g,
    )) {
      used.set(code, path);
    }
  }
  const found: Violation[] = [];
  for (const code of codes) {
    if (!used.has(code)) found.push({ path: 'devices/errors', message: `nothing uses ${code}` });
  }
  for (const [code, path] of used) {
    if (prefixes.has(code.slice(0, code.indexOf('_'))) && !codes.includes(code)) {
      found.push({ path, message: `${code} is not in the catalogue` });
    }
  }
  const text = files.find((file) => file.path === page)?.text ?? '';
  for (const code of codes) {
    if (!text.includes(`\`${code}\``)) found.push({ path: page, message: `lacks ${code}` });
  }
  return found;
}

/** Every relative link of a page leads to a file, and every path in backticks exists. */
export function checkLinks(files: readonly TidyFile[]): Violation[] {
  const known = new Set<string>();
  for (const { path } of files) {
    for (let at = path; at !== '.'; at = dirname(at)) known.add(at);
  }
  return files
    .filter(({ path }) => path.endsWith('.md') && !path.endsWith('CHANGELOG.md'))
    .flatMap(({ path, text }) => {
      const links = [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)/g)].map(([, to = '']) => ({
        to,
        target: normalize(join(dirname(path), to)).replace(/\/$/, ''),
      }));
      const sides = 'devices|gateway|ingest|simulators|scripts|docs|test|examples';
      const named = new RegExp(`\`((?:${sides})/[\\w./-]+?)/?\``, 'g');
      const mentions = [...text.matchAll(named)].map(([, to = '']) => ({ to, target: to }));
      return [...links, ...mentions]
        .filter(({ target }) => !known.has(target) && !target.includes('..'))
        .map(({ to }) => ({ path, message: `${to} leads nowhere` }));
    });
}

/** One word of the glossary, with the words that are not used for it. */
export interface GlossaryEntry {
  readonly word: string;
  readonly not: readonly string[];
}

/** The glossary's table: `| word | meaning | not |`. */
export function readGlossary(text: string): GlossaryEntry[] {
  return [...text.matchAll(/^\| \*\*([^|*]+)\*\* \|[^|]*\|([^|]*)\|$/gm)].map(
    ([, word = '', not = '']) => ({
      word,
      not: not
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    }),
  );
}

/** One word per thing: no exported name is built from a word that the glossary replaces. */
export function checkGlossary(
  files: readonly TidyFile[],
  glossary: readonly GlossaryEntry[],
): Violation[] {
  const replaced = new Map(
    glossary.flatMap(({ word, not }) => not.map((other) => [other.toLowerCase(), word] as const)),
  );
  const exported = /^export (?:async )?(?:const|function|class|interface|type) (\w+)/gm;
  return files
    .filter(({ path }) => isCode(path) && isSource(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(exported)].flatMap(([, name = '']) =>
        wordsOf(name)
          .filter((word) => replaced.has(word))
          .map((word) => ({
            path,
            message: `${name} says "${word}"; the glossary says "${replaced.get(word)}"`,
          })),
      ),
    );
}

/** `readDataPoint` → read, data, point, and each neighbouring pair joined: readdata, datapoint. */
function wordsOf(name: string): string[] {
  const words = name
    .split(/(?=[A-Z])|_/)
    .map((word) => word.toLowerCase())
    .filter((word) => word !== '');
  return [...words, ...words.slice(1).map((word, index) => `${words[index]}${word}`)];
}
