import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineCounter, parseDocument, stringify } from 'yaml';
import { readYaml, type YamlPath } from '../../../../devices/io/yaml.ts';
import { limits } from '../../../../devices/limits.ts';

const OURS = /must be unique|nothing before it is called|a second document|its aliases say/;

/** As the package reads it whole, without a limit. */
function whole(text: string) {
  const lineCounter = new LineCounter();
  const options = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const;
  const document = parseDocument(text, { ...options, lineCounter });
  const placed = document.errors.map(({ message, pos: [offset] }) => {
    const { line, col } = lineCounter.linePos(offset);
    return { line, column: col, message };
  });
  return { value: () => document.toJS() ?? {}, placed };
}

const values = fc.object({
  maxDepth: 5,
  key: fc.string({ maxLength: 8 }),
  withNullPrototype: false,
});
const written = fc.constantFrom(
  '# why\r\na: 1 # and how\r\nb:\r\n  - c: |\r\n      one\r\n      two\r\n  - d: >-\r\n      three\r\n',
  'a: &one { b: [1, 2], c: "d e" }\nf: *one\n? g\n: h\n',
  "%YAML 1.2\n---\n- 'it''s'\n- !!str 1\n- ~\n-\n  - x: y z\n...\n# end\n",
  '\ufeffa: 1\n\n\n\nb:   \n  c: 2\n',
);
const texts = fc.oneof(
  written,
  values.map((value) => JSON.stringify(value)),
  values.map((value) => stringify(JSON.parse(JSON.stringify(value)))),
);

describe('readYaml', () => {
  it('says what the package says of anything that is within the limits', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(readYaml(text)).toMatchObject({ value: whole(text).value() });
      }),
    );
  });

  it('finds the mistakes that the package finds, where it finds them', () => {
    const cuts = fc.tuple(texts, fc.nat(), fc.constantFrom(...'[]{}:,"\'&*!|>%@-?# \n\t'));
    let found = 0;
    fc.assert(
      fc.property(cuts, ([text, at, sign]) => {
        const place = at % (text.length + 1);
        const wrong = `${text.slice(0, place)}${sign}${text.slice(place + (at % 3))}`;
        const read = readYaml(wrong);
        const { placed } = whole(wrong);
        if (!('mistakes' in read)) {
          expect(placed).toEqual([]);
          expect(read.value).toEqual(whole(wrong).value());
          return;
        }
        const expected = placed.filter(({ message }) => !/multiple documents/.test(message));
        if (expected.length === 0) {
          // It says what the package does not, and only of these.
          expect(read.mistakes[0]?.message).toMatch(OURS);
          return;
        }
        found += 1;
        const byPlace = (a: (typeof placed)[0], b: (typeof placed)[0]) =>
          a.line - b.line || a.column - b.column;
        const first = expected.sort(byPlace).slice(0, limits.configMistakesMax);
        expect(read.mistakes.slice(0, first.length)).toMatchObject(first);
      }),
      { numRuns: 1_000 },
    );
    expect(found).toBeGreaterThan(50);
  });

  it('knows the place of all that it reads', () => {
    const read = readYaml('a: 1\nlist:\n  - b: 2\n    c: [ x, y ]\n');
    if ('mistakes' in read) throw new Error('it has mistakes');
    const places: [YamlPath, number, number][] = [
      [['a'], 1, 1],
      [['list', 0], 3, 5],
      [['list', 0, 'c'], 4, 5],
      [['list', 0, 'c', 1], 4, 13],
      [['list', 0, 'd', 'e'], 3, 5],
      [['nowhere'], 1, 1],
    ];
    for (const [path, line, column] of places) expect(read.placeOf(path)).toEqual({ line, column });
  });

  it('reads nothing as an empty configuration', () => {
    expect(readYaml('')).toMatchObject({ value: {} });
    expect(readYaml('# nothing\n')).toMatchObject({ value: {} });
  });
});
