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
    expect(mistakesIn('a: 1\n'.repeat(200_001))).toHaveLength(200_000);
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

  it('says that it is nested too deep', () => {
    expect(mistakesIn('- '.repeat(20_000))).toEqual([expect.stringMatching(/^1:1 it is nested/)]);
  });

  it('tells of a very long key quickly, and not in full', () => {
    const before = process.threadCpuUsage().user;
    const [mistake = ''] = mistakesIn(`port: 1\n? ${'p'.repeat(200_000)}\n: 1\n`);
    expect(mistake).toMatch(/^2:3 "p{56}\.\.\. is not known here; known are: port$/);
    expect((process.threadCpuUsage().user - before) / 1_000).toBeLessThan(500);
  });

  it('does not read a file without end', () => {
    expect(mistakesIn('#'.repeat(limits.configLengthMax + 1))).toEqual([
      expect.stringMatching(/^1:1 it has 16777217 characters/),
    ]);
  });
});
