/** The threat table of docs/trust.md names every threat, by mechanisms and tests that exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from './support/commands.ts';
import { titlesOf } from './support/titles.ts';

/** The threats of the model (STRIDE) that the project was given. */
const THREATS = Array.from({ length: 14 }, (_, index) => index + 1);

interface Row {
  readonly number: number;
  readonly mechanisms: readonly string[];
  /** What a cell names: test files, each with titles of tests in it. */
  readonly tests: readonly { readonly file: string; readonly titles: readonly string[] }[];
  readonly promise: string;
}

const page = readFileSync(join(projectRoot, 'docs', 'trust.md'), 'utf8');
const [table = '', open = ''] =
  (page.split('\n## Threats\n')[1] ?? '').split('\n## ')[0]?.split('\n### What stays open\n') ?? [];
const rows = readRows(table);

/** The rows of the table: number, threat, mechanism, tests, promise. */
function readRows(text: string): Row[] {
  return text
    .split('\n')
    .filter((line) => /^\| \d/.test(line))
    .map((line) => {
      const [number, , mechanism = '', tests = '', promise = ''] = line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim());
      return {
        number: Number(number),
        mechanisms: [...mechanism.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file),
        tests: tests.split('; ').map((one) => ({
          file: /`([^`]+)`/.exec(one)?.[1] ?? '',
          titles: [...one.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
        })),
        promise,
      };
    });
}

describe('docs/trust.md', () => {
  it('names each threat once, in order', () => {
    expect(rows.map(({ number }) => number)).toEqual(THREATS);
  });

  it('says of each what stays open', () => {
    const numbers = [...open.matchAll(/^(\d+)\. \S/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(THREATS);
  });

  it.each(rows)('threat $number has a mechanism, a test that attacks it, and a promise', (row) => {
    expect(row.mechanisms.length).toBeGreaterThan(0);
    expect(row.mechanisms.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
    expect(row.tests.length).toBeGreaterThan(0);
    for (const { file, titles } of row.tests) {
      expect(file).toMatch(/^test\/.+\.test\.ts$/);
      const there = titlesOf(readFileSync(join(projectRoot, file), 'utf8'));
      expect(titles.length, `${file} without a title`).toBeGreaterThan(0);
      expect(
        titles.filter((title) => !there.has(title)),
        file,
      ).toEqual([]);
    }
    expect(row.promise).not.toBe('');
  });

  it('is read by rules that can say no', () => {
    const source = "it('a', () => 1); it.skip('b', () => 1); // c\nit.each([1])('d %i', () => 1);";
    expect([...titlesOf(source)]).toEqual(['a', 'd %i']);
    expect(
      readRows('| 3 | x | `a.ts`, `b.ts` | `t.ts` “one”, “two”; `u.ts` “three” | y |'),
    ).toEqual([
      {
        number: 3,
        mechanisms: ['a.ts', 'b.ts'],
        tests: [
          { file: 't.ts', titles: ['one', 'two'] },
          { file: 'u.ts', titles: ['three'] },
        ],
        promise: 'y',
      },
    ]);
  });

  it('links only to pages that are there', () => {
    const links = [...page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link);
    expect(links.length).toBeGreaterThan(3);
    expect(links.filter((link) => !existsSync(join(projectRoot, 'docs', link)))).toEqual([]);
  });
});

describe('the README', () => {
  /** Numbers of a table of the published suites, as their test pins them. */
  function pinned(table: string): number[] {
    const source = readFileSync(join(projectRoot, 'test/conformance/conformance.test.ts'), 'utf8');
    const body = source.split(`const ${table}:`)[1]?.split('\n};')[0] ?? '';
    return [...body.matchAll(/: \[?([\d, ]+)\]?,$/gm)].flatMap(([, n = '']) =>
      n.split(', ').map(Number),
    );
  }

  it('counts the published cases as their test does', () => {
    const cases = pinned('CASES').reduce((a, b) => a + b, 0);
    const excused = pinned('EXCUSED');
    const [notApplicable = 0, open = 0] = [0, 1].map((which) =>
      excused.filter((_, index) => index % 2 === which).reduce((a, b) => a + b, 0),
    );
    const text = readFileSync(join(projectRoot, 'README.md'), 'utf8').replace(/\s+/g, ' ');
    const said = (count: number) => count.toLocaleString('en');
    expect(cases).toBeGreaterThan(1_000);
    expect(text).toContain(`${said(cases)} published cases`);
    expect(text).toContain(`${said(cases - notApplicable - open)} pass, none fails`);
    expect(text).toContain(`${notApplicable} are not applicable`);
    expect(text).toContain(`${open} are open`);
  });
});
