import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../../devices/io/config-file.ts';
import { limits } from '../../../../devices/limits.ts';
import { Type } from '../../../../devices/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'bondline-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const schema = Type.Object({ port: Type.Integer() }, { additionalProperties: false });

function mistakesIn(text: string): string[] {
  const file = join(folder, 'a.yaml');
  writeFileSync(file, text);
  const result = readConfig(file, schema);
  return result.ok ? [] : result.mistakes.map((one) => `${one.line}:${one.column} ${one.message}`);
}

function unknownKeys(count: number): string {
  return Array.from({ length: count }, (_, at) => `key${at}: 1\n`).join('');
}

describe('readConfig', () => {
  it('names the place of a mistake in YAML and in what it says', () => {
    expect(mistakesIn('port: 1\n')).toEqual([]);
    expect(mistakesIn('port: 1\nport: 2\n')).toEqual(['2:1 Map keys must be unique']);
    expect(mistakesIn('prt: 1\nport: 2\n')).toEqual([
      '1:1 "prt" is not known here; did you mean "port"?',
    ]);
  });

  it('names each key that its map has already, wherever the map stands', () => {
    expect(mistakesIn('port: 1\na: [ { b: 1, "b": 2 } ]\nport: 2\n')).toEqual([
      '2:14 Map keys must be unique',
      '3:1 Map keys must be unique',
    ]);
  });

  it('tells the first hundred mistakes, and that there are more', () => {
    for (const text of ['a: 1\n'.repeat(200_001), unknownKeys(5_000), '} '.repeat(900)]) {
      const told = mistakesIn(text);
      expect(told).toHaveLength(101);
      expect(told.at(-1)).toMatch(/there are more than these 100 mistakes$/);
    }
    expect(mistakesIn(unknownKeys(99))).toHaveLength(100);
  });

  it('takes time by the size of a map, and not by its square', () => {
    const tookMs = (keys: number) => {
      const file = join(folder, 'wide.yaml');
      writeFileSync(file, Array.from({ length: keys }, (_, at) => `k${at}: 1`).join('\n'));
      const before = process.threadCpuUsage().user;
      expect(readConfig(file, Type.Record(Type.String(), Type.Integer())).ok).toBe(true);
      return (process.threadCpuUsage().user - before) / 1_000;
    };
    tookMs(2_000);
    // Four times as many: four times as long, or sixteen times by the square.
    expect(tookMs(20_000) / tookMs(5_000)).toBeLessThan(8);
  });

  it('says that an alias stands for what it is a part of', () => {
    for (const text of ['&a [*a,*a]', 'port: &a { b: *a }', '&a { port: [ *a ] }']) {
      expect(mistakesIn(text), text).toEqual([expect.stringMatching(/^1:1 its aliases/)]);
    }
  });

  it('says which alias stands for nothing', () => {
    expect(mistakesIn('a: &one 1\nport: *two\nb: [ *one, *b ]\n')).toEqual([
      '2:7 nothing before it is called "&two"; what starts with * as a text needs quotes',
      '3:12 nothing before it is called "&b"; what starts with * as a text needs quotes',
    ]);
    expect(mistakesIn('# a: &one\nport: &one 1\n')).toEqual([]);
  });

  it('says what a document of an older version means that it does not', () => {
    expect(mistakesIn('%YAML 1.1\n---\n<<: 1\n')).toEqual([expect.stringMatching(/^1:1 Merge/)]);
  });

  it('says that aliases unfold to too much', () => {
    const lines = ['port: 1', 'a0: &a0 [1,1,1,1,1,1,1,1,1]'];
    for (let at = 1; at < 6; at += 1) {
      lines.push(
        `a${at}: &a${at} [${Array(9)
          .fill(`*a${at - 1}`)
          .join(',')}]`,
      );
    }
    expect(mistakesIn(lines.join('\n'))).toEqual([expect.stringMatching(/^1:1 its aliases/)]);
  });

  it('says where it is nested too deep, and reads what is not', () => {
    for (const opener of ['- ', '[', '{a: ', '? ', '["a", {b: ']) {
      const text = `port: 1\na:\n ${opener.repeat(20_000)}`;
      expect(mistakesIn(text), opener).toEqual([expect.stringMatching(/^3:\d+ it is nested/)]);
    }
    expect(mistakesIn(`port: ${'['.repeat(20)}${']'.repeat(20)}`)).toEqual([
      expect.stringMatching(/^1:1 port: \[.* must be integer$/),
    ]);
  });

  it('says from where on the same is repeated without end', () => {
    const runs = [
      ['a: 1', '\n', '2:5'],
      ['a: [ 1', ',', '2:7'],
      ['a: [ ', '""', '2:6'],
    ] as const;
    for (const [before, one, place] of runs) {
      expect(mistakesIn(`port: 1\n${before}${one.repeat(2_000)}`)).toEqual([
        `${place} from here on the same stands more than 1000 times`,
      ]);
    }
    expect(mistakesIn(`${'\n'.repeat(900)}port: 1\n`)).toEqual([]);
  });

  it('says where a word is longer than any is meant to be', () => {
    expect(mistakesIn(`port: 1\nab: "${'p'.repeat(16_384)}"\n`)).toEqual([
      '2:5 from here on 16386 characters are one; at most 16384 are read',
    ]);
    expect(mistakesIn(`port: 1\na: 'b\n${'c: 1\n'.repeat(4_000)}`)).toEqual([
      '2:4 the quote that opens here is never closed',
    ]);
  });

  it('says that there is a second document', () => {
    expect(mistakesIn('---\nport: 1\n...\n# end\n')).toEqual([]);
    expect(mistakesIn('port: 1\n---\nport: 2\n')).toEqual([
      expect.stringMatching(/^2:\d+ a second document/),
    ]);
  });

  it('takes not much longer for what is wrong all over than for what is right', () => {
    const { stackTraceLimit } = Error;
    const tookMs = (text: string) => {
      const times = [0, 1, 2].map(() => {
        const before = process.threadCpuUsage().user;
        mistakesIn(text);
        return process.threadCpuUsage().user - before;
      });
      return Math.min(...times) / 1_000;
    };
    const [right, wrong] = ['- [ 1, 22, 333, 4 ]\n', '- "a" "b" "c" "d" "e" "f"\n'];
    tookMs(wrong.repeat(500));
    tookMs(right.repeat(500));
    // It takes 0.6 times as long; with a stack in each error of the package twice as long or more.
    expect(tookMs(wrong.repeat(4_000)) / tookMs(right.repeat(4_000))).toBeLessThan(1.3);
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  });

  it('tells of a very long key quickly, and not in full', () => {
    const before = process.threadCpuUsage().user;
    const [mistake = ''] = mistakesIn(`port: 1\n? ${'p'.repeat(16_000)}\n: 1\n`);
    expect(mistake).toMatch(/^2:3 "p{56}\.\.\. is not known here; known are: port$/);
    expect((process.threadCpuUsage().user - before) / 1_000).toBeLessThan(500);
  });

  it('does not read a file without end', () => {
    expect(mistakesIn('#\n'.repeat(limits.configLengthMax / 2 + 1))).toEqual([
      expect.stringMatching(/^1:1 it has 16777218 characters/),
    ]);
  });
});
