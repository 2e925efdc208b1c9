/** A part of `npm run faults -- --short`: faults that take seconds, and their plants. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const runner = fileURLToPath(new URL('./run.ts', import.meta.url));

const FAULTS = [
  'failing-calls-outbox',
  'lying-syncs-journal',
  'bit-flips-journal',
  'outbox-full',
  'outbox-rows',
  'forwarding',
  'packed',
  'restore',
  'import',
  'two-histories',
];

const PLANTED = [
  'sequence-reused',
  'full-untold',
  'row-unproven',
  'sync-believed',
  'receipt-before-commit',
  'answered-before-written',
  'cursor-apart',
  'gap-not-shown',
  'order-by-clock',
  'puback-trusted',
  'packed-unproven',
  'restored-unproven',
  'exported-unproven',
  'fork-dropped',
  'newer-schema-taken',
];

interface Told {
  readonly faults: readonly Readonly<Record<string, unknown>>[];
  readonly planted: readonly Readonly<Record<string, unknown>>[];
}

/** What the runner prints last, whatever it exits with. */
async function strike(names: readonly string[]): Promise<Told> {
  const args = [runner, '--short', '--json', '--only', names.join(',')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  await new Promise((done) => child.once('close', done));
  return JSON.parse(out.trim().split('\n').at(-1) ?? '') as Told;
}

describe('the suite of faults', () => {
  it('finds nothing lost, doubled or wrong, and misses what was planted', async () => {
    const told = await strike([...FAULTS, ...PLANTED]);
    expect(told.faults.map(({ name }) => name).sort()).toEqual([...FAULTS].sort());
    for (const { count, name, ...seen } of told.faults) {
      expect(seen, `${String(name)}`).toMatchObject({ lost: 0, doubled: 0, wrong: 0, seed: 1 });
      expect(count, `${String(name)}`).toBeGreaterThan(0);
    }
    expect(told.planted.map(({ name }) => name).sort()).toEqual([...PLANTED].sort());
    expect(told.planted.filter(({ caught }) => caught !== true)).toEqual([]);
  }, 180_000);
});
