import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openLedger, readLedger } from '../../../simulators/ledger.ts';
import { manualClock } from '../../support/manual-clock.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-ledger-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const entry = (point: string) => ({ timeMs: 1, device: 'fc "1"', point, rawHex: '0a' });

describe('a ledger', () => {
  it('writes within 200 ms, keeps the order, and writes the rest on close', () => {
    const file = join(directory, 'deep', 'ledger.jsonl');
    const clock = manualClock();
    const ledger = openLedger(file, clock);
    ledger.serve(entry('a'));
    ledger.serve(entry('b'));
    clock.advance(199);
    expect(readLedger(file)).toEqual([]);
    clock.advance(1);
    expect(readLedger(file)).toEqual([entry('a'), entry('b')]);
    ledger.serve(entry('c'));
    ledger.close();
    ledger.serve(entry('d'));
    ledger.close();
    expect(readLedger(file)).toEqual([entry('a'), entry('b'), entry('c')]);
    expect(clock.pending()).toBe(0);
  });

  it('appends to what is there', () => {
    const file = join(directory, 'again.jsonl');
    for (const point of ['a', 'b']) {
      const ledger = openLedger(file, manualClock());
      ledger.serve(entry(point));
      ledger.close();
    }
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(3);
  });

  it('does not wait for the clock when much is served', () => {
    const file = join(directory, 'much.jsonl');
    const ledger = openLedger(file, manualClock());
    for (let index = 0; index < 5_001; index += 1) ledger.serve(entry(`p${index}`));
    expect(readLedger(file)).toHaveLength(5_000);
    ledger.close();
    expect(readLedger(file)).toHaveLength(5_001);
  });

  it('says so when it cannot be written', () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    expect(() => openLedger(join(file, 'ledger.jsonl'), manualClock())).toThrowError(
      expect.objectContaining({ code: 'SIM_LEDGER_UNWRITABLE' }),
    );
  });
});
