/** Titles of tests, read from the source of a test file. */

/** What is given first to `it`, `describe` and their forms that run. */
export function titlesOf(source: string): Set<string> {
  const call = /(\w+(?:\.\w+)*)(?:<[^>]*>)?\(\s*(['"`])((?:(?!\2)[^\\\n]|\\.)*)\2\s*,/g;
  const called = [...source.matchAll(call)].filter(([, name]) =>
    /^(it|describe)$/.test(name ?? ''),
  );
  const each = [...source.matchAll(/\)\(\s*(['"`])((?:(?!\1)[^\\\n]|\\.)*)\1\s*,/g)];
  return new Set([...called.map(([, , , title = '']) => title), ...each.map(([, , t = '']) => t)]);
}
