/** The attack on parsers sees what it is to see. */
import { describe, expect, it } from 'vitest';
import { attack } from './attack.ts';
import { bake } from './mutate.ts';
import type { Parser } from './parser.ts';

describe('the attack itself', () => {
  const seeds = [{ bytes: Buffer.from('[1]') }];
  const parserOf = (parse: (bytes: Uint8Array) => number): Parser => ({
    name: 'bad',
    prepare: () => ({ seeds, parse: (bytes) => ({ taken: true, value: parse(bytes) }) }),
  });

  it('sees a crash, and shows a small input that gives it', async () => {
    const bad = parserOf((bytes) => {
      if (bytes.includes(0x5b, 1)) throw new Error('two brackets');
      return 0;
    });
    const { failures } = await attack(bad, 2_000, 1);
    expect(failures[0]).toMatch(/^it throws Error: two brackets .*: [A-Za-z0-9+/=]{1,80}; bad, 1$/);
  });

  it('sees an input that takes long', async () => {
    const bad = parserOf((bytes) => {
      const end = process.threadCpuUsage().user + (bytes.length > 1_000 ? 150_000 : 0);
      while (process.threadCpuUsage().user < end);
      return 0;
    });
    const { failures } = await attack(bad, 300, 1);
    expect(failures[0]).toMatch(/^it takes \d+ ms/);
  });

  it('sees memory that is kept', async () => {
    const kept: Uint8Array[] = [];
    const bad = parserOf(() => kept.push(new Uint8Array(16_384)));
    const { failures } = await attack(bad, 1_500, 1);
    expect(failures[0]).toMatch(/^it keeps \d+\.\d MiB/);
  });

  it('sees a valid input that is refused', async () => {
    const bad: Parser = {
      name: 'bad',
      prepare: () => ({ seeds, parse: () => ({ taken: false, code: 'NOTHING' }) }),
    };
    const { failures } = await attack(bad, 10, 1);
    expect(failures).toEqual(['a valid input, 0, is not taken: NOTHING']);
  });

  it('makes the same input of the same recipe', () => {
    const changes = [{ kind: 'nest', at: 1, size: 40, pick: 4 } as const];
    const recipe = { from: 0, changes };
    expect(bake(recipe, seeds)).toEqual(bake(recipe, seeds));
    expect(Buffer.from(bake(recipe, seeds)).toString()).not.toBe('[1]');
  });
});
