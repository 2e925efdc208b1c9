import { describe, expect, it } from 'vitest';
import type { Quality, ReadingGroup } from '../../../devices/reading.ts';
import { createLog } from '../../../devices/runtime.ts';
import { createDeviceClockWatch } from '../../../gateway/device-clock.ts';
import { manualClock } from '../../support/manual-clock.ts';

const hourMs = 3_600_000;

function start(isPolled: boolean) {
  const clock = manualClock();
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line.slice(25));
  const log = createLog({ component: 't', level: 'info', clock, write });
  const watch = createDeviceClockWatch({ device: 'fc-1', isPolled, clock, log });
  let raw = 0;
  /** One group with a time `offsetMs` from the gateway's, a new value each time; what is found. */
  const said = (
    offsetMs: number,
    more: { raw?: string; quality?: Quality; afterMs?: number; sourceMs?: number } = {},
  ) => {
    clock.advance(more.afterMs ?? 1_000);
    raw += 1;
    const rawHex = more.raw ?? raw.toString(16).padStart(8, '0');
    const group: ReadingGroup = {
      timeMs: more.sourceMs ?? clock.nowMs() + offsetMs,
      gatewayTimeMs: clock.nowMs(),
      readings: [
        {
          ...{ point: 't', type: 'Temperature', unit: 'CEL', value: 1, rawHex },
          quality: more.quality ?? 'good',
        },
      ],
    };
    const [judged] = watch.judge([group]);
    // Both times are kept as they came, whatever is thought of them.
    expect(judged).toMatchObject({ timeMs: group.timeMs, gatewayTimeMs: group.gatewayTimeMs });
    return judged?.deviceClock;
  };
  return { clock, lines, said, watch };
}

describe.each([true, false])('a device’s clock, polled: %s', (isPolled) => {
  it('edge 33 (thingsboard-gateway #879): 2000-01-01 after a power cut is flagged from its first reading', () => {
    const { clock, lines, said, watch } = start(isPolled);
    expect([said(-20), said(-20)]).toEqual([undefined, undefined]);
    const reset = Date.UTC(2000, 0, 1) - clock.nowMs();
    expect([said(reset), said(reset), said(reset)]).toEqual(['jumped', 'wrong', 'wrong']);
    expect(watch.fault()).toBe('wrong');
    // Somebody sets it: from there on it is believed again.
    expect([said(-20), said(-20)]).toEqual([undefined, undefined]);
    expect(lines).toEqual([
      expect.stringMatching(/^warn t: the device's clock jumped; .* device=fc-1 says=2000-01-01T/),
      "info t: the device's clock can be believed again device=fc-1\n",
    ]);
  });

  it('is wrong ahead of the gateway beyond the bound, not at it', () => {
    const { said } = start(isPolled);
    expect([said(5_000), said(5_001), said(5_001), said(4_000)]).toEqual([
      undefined,
      'jumped',
      'wrong',
      undefined,
    ]);
  });

  it('stands still when values change under one time for longer than a clock of minutes', () => {
    const { clock, said } = start(isPolled);
    const sourceMs = clock.nowMs() + 1_000;
    const found = Array.from({ length: 12 }, () => said(0, { sourceMs, afterMs: 10_000 }));
    expect(found.slice(0, 9)).toEqual(Array(9).fill(undefined));
    expect(found.slice(9)).toEqual(['stuck', 'stuck', 'stuck']);
    expect(said(-20)).toBeUndefined();
  });

  it('is not at fault where a value does not change, or comes from an archive', () => {
    const { clock, said } = start(isPolled);
    const sourceMs = clock.nowMs() - 30 * hourMs;
    for (let at = 0; at < 30; at += 1) {
      expect(said(0, { sourceMs, raw: '0000', afterMs: 10_000 })).toBeUndefined();
    }
    expect(said(-20)).toBeUndefined();
    const record = { quality: 'archived' as const, sourceMs: Date.UTC(2000, 0, 1) };
    expect(said(0, record)).toBeUndefined();
    expect(said(-20)).toBeUndefined();
  });
});

describe('a clock that goes back to where it could be', () => {
  it('is flagged at once where values are asked for, and until it is right', () => {
    const { said } = start(true);
    expect([said(-20), said(-hourMs), said(-hourMs), said(-hourMs - 300)]).toEqual([
      undefined,
      'jumped',
      'wrong',
      'wrong',
    ]);
    expect([said(-20), said(-20)]).toEqual([undefined, undefined]);
  });

  it('is flagged where values come by themselves, when they go on as a clock does', () => {
    const { said } = start(false);
    for (let at = 0; at < 3; at += 1) expect(said(-20)).toBeUndefined();
    const found = Array.from({ length: 8 }, () => said(-hourMs));
    expect(found.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
    expect(found.slice(4)).toEqual(['jumped', 'wrong', 'wrong', 'wrong']);
    expect(said(-20)).toBeUndefined();
  });

  it('is flagged where it was an hour behind from the first (a clock in local time)', () => {
    const { said } = start(false);
    const found = Array.from({ length: 8 }, () => said(-hourMs));
    expect(found).toContain('wrong');
    expect(found).not.toContain('jumped');
    expect(found.at(-1)).toBe('wrong');
  });

  it('is not what a backlog is, which comes in a burst between what is new', () => {
    const { clock, said } = start(false);
    expect(said(-20)).toBeUndefined();
    clock.advance(2 * hourMs);
    for (let at = 120; at > 0; at -= 1) {
      expect(said(-at * 60_000, { afterMs: 50 })).toBeUndefined();
      if (at % 10 === 0) expect(said(-20, { afterMs: 50 })).toBeUndefined();
    }
    for (let at = 0; at < 10; at += 1) expect(said(-20)).toBeUndefined();
  });

  it('is not what a single late message is', () => {
    const { said } = start(false);
    for (let at = 0; at < 20; at += 1) {
      expect(said(at % 5 === 0 ? -30_000 : -20)).toBeUndefined();
    }
  });
});

it('leaves what has no time of its own as it is', () => {
  const { clock, watch } = start(true);
  const groups = [{ timeMs: clock.nowMs(), readings: [] }];
  expect(watch.judge(groups)).toBe(groups);
  expect(watch.fault()).toBeUndefined();
});
