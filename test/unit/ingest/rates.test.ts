/** Who is read how fast, on a clock that only the test moves. */
import { beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { createRates, type Rates } from '../../../ingest/rates.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const MIB = 2 ** 20;
const settings = {
  gateway: { messagesPerSecond: 1_000, bytesPerSecond: 100 * MIB },
  papersPerSecond: 10,
  stranger: { messagesPerSecond: 5, bytesPerSecond: MIB },
  strangers: { messagesPerSecond: 20, bytesPerSecond: 4 * MIB },
} as const;
const burst = limits.rateBurstSeconds;

let clock: ManualClock;
let rates: Rates;

const spend = (gateway: string, count: number, bytes = 10, lane: 'batch' | 'paper' = 'batch') => {
  for (let at = 0; at < count; at += 1) rates.spend(gateway, bytes, lane);
};
const isOpen = async (wait: Promise<void> | undefined) => {
  let open = wait === undefined;
  void wait?.then(() => {
    open = true;
  });
  await Promise.resolve();
  await Promise.resolve();
  return open;
};

beforeEach(() => {
  clock = manualClock(0);
  rates = createRates(clock, settings);
});

describe('rates', () => {
  it('let some seconds come at once, and then one message after the other', async () => {
    spend('a', 5 * burst);
    expect(rates.wait('a')).toBeUndefined();
    spend('a', 1);
    const wait = rates.wait('a');
    expect(await isOpen(wait)).toBe(false);
    expect(rates.waiting()).toBe(1);
    clock.advance(150);
    expect(await isOpen(wait)).toBe(false);
    clock.advance(60);
    expect(await isOpen(wait)).toBe(true);
    expect(rates.waiting()).toBe(0);
    expect(rates.wait('a')).toBeUndefined();
  });

  it('count bytes as they count messages', async () => {
    spend('a', 1, burst * MIB + MIB / 2);
    const wait = rates.wait('a');
    clock.advance(400);
    expect(await isOpen(wait)).toBe(false);
    clock.advance(200);
    expect(await isOpen(wait)).toBe(true);
  });

  it('let a source that is known go on at once', async () => {
    spend('a', 100);
    const wait = rates.wait('a');
    expect(await isOpen(wait)).toBe(false);
    rates.know('a');
    expect(await isOpen(wait)).toBe(true);
    spend('a', 900 * burst);
    expect(rates.wait('a')).toBeUndefined();
    spend('a', 200 * burst);
    expect(rates.wait('a')).toBeDefined();
  });

  it('hold a drain at full speed back by nothing', () => {
    rates.know('a');
    for (let second = 0; second < 60; second += 1) {
      spend('a', 1_000, 60 * 1024);
      expect(rates.wait('a')).toBeUndefined();
      clock.advance(1_000);
    }
  });

  it('count all strangers together, and none of those who are known', async () => {
    rates.know('known');
    for (let name = 0; name < 4 * burst; name += 1) spend(`s${name}`, 5);
    spend('s', 1);
    expect(rates.wait('s')).toBeDefined();
    expect(rates.wait('known')).toBeUndefined();
  });

  it('count papers once more, so that nobody fills their lane', async () => {
    rates.know('a');
    spend('a', 10 * burst, 10, 'paper');
    expect(rates.wait('a')).toBeUndefined();
    spend('a', 1, 10, 'paper');
    const wait = rates.wait('a');
    expect(await isOpen(wait)).toBe(false);
    clock.advance(110);
    expect(await isOpen(wait)).toBe(true);
  });

  it('remember a bounded number of sources, the newest', () => {
    rates.know('first');
    for (let at = 0; at < limits.sitesMax; at += 1) rates.know(`g${at}`);
    spend('first', 5 * burst + 1);
    expect(rates.wait('first')).toBeDefined();
    spend('g1', 5 * burst + 1);
    expect(rates.wait('g1')).toBeUndefined();
  });
});
