import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { createHealth } from '../../../ingest/health.ts';
import { createHeldBook } from '../../../ingest/held.ts';
import type { Outcome } from '../../../ingest/record.ts';
import { createTeller } from '../../../ingest/tell.ts';

const held = (device: string, gateway = 'g'): Outcome => ({
  gateway,
  device,
  receivedMs: 0,
  result: { digest: 'd', outcome: 'held', code: 'IN_NOT_ENROLLED' },
  reason: 'not enrolled',
  readings: 0,
  known: false,
});

const refused: Outcome = {
  gateway: 'g',
  receivedMs: 0,
  kind: 'refusal',
  result: { digest: 'd', outcome: 'refused', code: 'VC_SIGNATURE', position: 1, leaf: '' },
  reason: 'forged',
  readings: 0,
  known: false,
};

function setUp() {
  const lines: { message: string; fields: Record<string, unknown> }[] = [];
  const warn = (message: string, fields = {}) => void lines.push({ message, fields });
  const health = createHealth(2);
  const book = createHeldBook(2);
  const tell = createTeller({ health, held: book, log: { ...silentLog, warn } });
  return { lines, health, book, tell };
}

describe('teller', () => {
  it('says a reason once in a while, with how often it came in between', () => {
    const { lines, health, tell } = setUp();
    for (let nowMs = 0; nowMs < limits.tellMs; nowMs += 1000) tell([refused], nowMs);
    expect(lines).toHaveLength(1);
    tell([refused], limits.tellMs);
    expect(lines).toHaveLength(2);
    expect(lines[1]?.fields).toMatchObject({ code: 'VC_SIGNATURE', more: 59 });
    expect(health.snapshot().refused).toBe(61);
  });

  it('counts what was known before neither as accepted nor as refused', () => {
    const { health, tell } = setUp();
    tell([{ ...refused, known: true }], 0);
    expect(health.snapshot()).toMatchObject({ refused: 0, accepted: 0, known: 1 });
  });
});

describe('held book', () => {
  it('counts, keeps the first time and the last reason, and forgets who was accepted', () => {
    const { book, tell } = setUp();
    tell([held('a')], 10);
    tell([held('a')], 20);
    expect(book.list()).toEqual([
      {
        device: 'a',
        gateway: 'g',
        code: 'IN_NOT_ENROLLED',
        reason: 'not enrolled',
        count: 2,
        firstMs: 10,
        lastMs: 20,
      },
    ]);
    const accepted = { digest: 'd', outcome: 'accepted', position: 1, leaf: '' } as const;
    tell([{ ...held('a'), kind: 'batch', result: accepted, readings: 5 }], 30);
    expect(book.list()).toEqual([]);
  });

  it('makes room at the expense of the one that was silent longest', () => {
    const { book, tell } = setUp();
    tell([held('a'), held('b')], 1);
    tell([held('a')], 2);
    tell([held('c')], 3);
    expect(book.list().map(({ device }) => device)).toEqual(['a', 'c']);
  });
});

describe('health', () => {
  it('counts what was too large to be taken', () => {
    const health = createHealth(2);
    health.tooLarge();
    health.tooLarge();
    expect(health.snapshot().tooLarge).toBe(2);
  });

  it('counts gateways beyond the bound in the sum only', () => {
    const health = createHealth(2);
    for (const gateway of ['a', 'b', 'c']) health.count(gateway, { accepted: 1 });
    const { accepted, sites } = health.snapshot();
    expect(accepted).toBe(3);
    expect(Object.keys(sites)).toEqual(['a', 'b']);
  });
});
