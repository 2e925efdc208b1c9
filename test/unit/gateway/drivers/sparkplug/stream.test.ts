import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import type { SampleSet } from '../../../../../gateway/driver.ts';
import { PointStream } from '../../../../../gateway/drivers/sparkplug/stream.ts';
import { manualClock } from '../../../../support/manual-clock.ts';

const metric = { isHistorical: false, isTransient: false, isNull: false };

function named(name: string, value: boolean) {
  return { name, datatype: 11, metric: { ...metric, value: { kind: 'boolean' as const, value } } };
}

function streaming(deliver?: (set: SampleSet) => Promise<void>) {
  const clock = manualClock();
  const sets: SampleSet[] = [];
  const told: string[] = [];
  const stream = new PointStream({
    points: new Map([
      ['A', ['a']],
      ['B', ['b']],
    ]),
    clock,
    deliver: deliver ?? (async (set) => void sets.push(set)),
    onBorn: (lacking) => told.push(`born without ${lacking.join(',')}`),
    onStale: (reason) => told.push(reason),
    onLost: () => told.push('lost'),
  });
  const born = (...names: string[]) =>
    stream.born({ metrics: names.map((name) => named(name, true)), gatewayTimeMs: clock.nowMs() });
  return { clock, sets, told, stream, born };
}

describe('a stream of points', () => {
  it('gives the points of a birth, and says which of them it lacks', async () => {
    const { born, sets, stream, told } = streaming();
    expect(stream.state()).toMatchObject({ up: false });
    await born('A', 'B', 'C');
    expect(stream.state()).toEqual({ up: true });
    expect(sets.at(-1)?.samples.map(({ point }) => point)).toEqual(['a', 'b']);
    await born('A');
    expect(sets.at(-1)).toMatchObject({
      samples: [{ point: 'a' }, { point: 'b', quality: 'bad', status: 'sparkplug:not-in-birth' }],
      missing: { points: ['b'], cause: 'absent' },
    });
    expect(told).toEqual(['born without ', 'born without b']);
  });

  it('makes every point bad at a death, and says the loss from then to the next birth', async () => {
    const { born, clock, sets, stream } = streaming();
    await born('A', 'B');
    clock.advance(5_000);
    const diedMs = clock.nowMs();
    await stream.lapses({ cause: 'absent', reason: 'dead', fromMs: diedMs, sourceTimeMs: 42 });
    expect(stream.state()).toEqual({ up: false, reason: 'dead' });
    const stale = { quality: 'bad', status: 'sparkplug:stale', rawHex: '', sourceTimeMs: 42 };
    expect(sets.at(-1)).toMatchObject({
      samples: [
        { point: 'a', ...stale },
        { point: 'b', ...stale },
      ],
      missing: { points: ['a', 'b'], cause: 'absent', fromMs: diedMs, toMs: diedMs },
    });
    // What it says while it is stale is said by nobody.
    await stream.says({ metrics: [named('A', true)], gatewayTimeMs: 0 });
    clock.advance(limits.sparkplugLossMs + 1_000);
    await born('A', 'B');
    const losses = sets.slice(2, -1).map(({ missing }) => missing);
    expect(losses).toMatchObject([
      { fromMs: diedMs, toMs: diedMs + limits.sparkplugLossMs },
      { fromMs: diedMs + limits.sparkplugLossMs, toMs: clock.nowMs() },
    ]);
    expect(sets.at(-1)?.missing).toBeUndefined();
    expect(stream.state()).toEqual({ up: true });
    clock.advance(10 * limits.sparkplugLossMs);
    expect(sets).toHaveLength(5);
  });

  it('is stale when no birth comes, from when on one was due', async () => {
    const { born, clock, sets, stream } = streaming();
    const fromMs = clock.nowMs();
    clock.advance(limits.sparkplugBirthMs - 1);
    expect(sets).toEqual([]);
    clock.advance(1);
    expect(sets.at(-1)?.missing).toMatchObject({ cause: 'absent', fromMs });
    await born('A', 'B');
    // A device whose edge node was born again is due, too; a birth in time loses nothing.
    stream.awaits(clock.nowMs());
    clock.advance(limits.sparkplugBirthMs - 1);
    await born('A', 'B');
    expect(sets.filter(({ missing }) => missing !== undefined)).toHaveLength(2);
  });

  it('says a loss once, however many reasons come for it', async () => {
    const { born, sets, stream } = streaming();
    await born('A', 'B');
    for (const reason of ['dead', 'broker', 'dead']) {
      await stream.lapses({ cause: 'absent', reason, fromMs: 0 });
    }
    expect(sets).toHaveLength(2);
  });

  it('says what could not be stored as missing, and wants another birth', async () => {
    const sets: SampleSet[] = [];
    let isFull = false;
    const { born, stream, told } = streaming(async (set) => {
      if (isFull && set.missing === undefined) throw new Error('full');
      sets.push(set);
    });
    await born('A', 'B');
    isFull = true;
    await stream.says({ metrics: [named('A', true)], gatewayTimeMs: 1_000 });
    expect(sets.at(-1)?.missing).toMatchObject({ cause: 'storage-full', fromMs: 1_000 });
    expect(told).toContain('lost');
  });

  it('closes with the rest of a loss, and hands nothing after', async () => {
    const { born, clock, sets, stream } = streaming();
    await born('A', 'B');
    await stream.lapses({ cause: 'absent', reason: 'dead', fromMs: clock.nowMs() });
    clock.advance(1_234);
    await stream.close();
    expect(sets.at(-1)?.missing).toMatchObject({ toMs: clock.nowMs() });
    const many = sets.length;
    await born('A', 'B');
    await stream.close();
    clock.advance(10 * limits.sparkplugLossMs);
    expect(sets).toHaveLength(many);
    expect(clock.pending()).toBe(0);
  });
});
