/**
 * An error that nobody caught: the program is then in a state that nobody knows, so it says so,
 * ends with 1 and is started again. Nothing that was signed is lost, nothing applied twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeJournal } from '../faults/judge-journal.ts';
import type { RunningCommand } from '../support/commands.ts';
import { type Rig, startRig } from '../support/rig.ts';

/** Loaded before the program: an error from nowhere when the signal comes. */
const stray = (action: string) =>
  `--import=data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2',()=>{${action}})`)}`;
const kinds = {
  thrown: stray("setImmediate(()=>{throw new Error('from nowhere')})"),
  rejected: stray("Promise.reject(new Error('from nowhere'))"),
} as const;

const directory = mkdtempSync(join(tmpdir(), 'bondline-stray-'));

describe('an error that nobody caught', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig(directory);
    await rig.ingester.stop();
  });
  afterAll(async () => {
    delete process.env['NODE_OPTIONS'];
    await rig?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Starts with the preloaded trap, which this process itself does not have. */
  async function trapped(kind: keyof typeof kinds, start: () => Promise<RunningCommand>) {
    process.env['NODE_OPTIONS'] = kinds[kind];
    try {
      return await start();
    } finally {
      delete process.env['NODE_OPTIONS'];
    }
  }

  it.each(['thrown', 'rejected'] as const)(
    'ends either side with a clear line: %s',
    async (kind) => {
      const { site } = rig;
      let ingester = await trapped(kind, () => site.startIngester());
      let gateway = await trapped(kind, () => site.startGateway('--drain', '20'));
      for (const side of [ingester, gateway]) {
        side.child.kill('SIGUSR2');
        expect(await side.exited).toBe(1);
        expect(side.said).toMatch(/(GW|IN)_FAULT/);
        expect(side.said).toContain('from nowhere');
      }
      ingester = await site.startIngester();
      gateway = await site.startGateway('--drain', '20');
      expect(await gateway.stop()).toBe(0);
      expect(gateway.lines.at(-1)?.['waiting']).toBe(0);
      expect(await ingester.stop()).toBe(0);
      const found = await judgeJournal(site);
      expect(found).toEqual({ count: 0, lost: 0, doubled: 0, wrong: 0, notes: [] });
    },
  );
});
