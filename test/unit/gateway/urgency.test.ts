import { describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../../devices/profile.ts';
import { doorSealSensor } from '../../../devices/profiles/door-seal-sensor.ts';
import type { Quality, ReadingGroup, Value } from '../../../devices/reading.ts';
import { createUrgency } from '../../../gateway/urgency.ts';

function point(urgent?: PointDefinition['urgent']): PointDefinition {
  return { summary: 's', type: 'bl:State', unit: '', ...(urgent && { urgent }) };
}

function groupOf(value: Value | undefined, quality: Quality = 'good'): ReadingGroup[] {
  const reading = { point: 'p', type: 'bl:State', unit: '', rawHex: '', quality };
  return [{ timeMs: 1, readings: [{ ...reading, ...(value !== undefined && { value }) }] }];
}

/** What `values`, read one after the other, each say of urgency. */
function judged(urgent: PointDefinition['urgent'], values: readonly Value[]): boolean[] {
  const urgency = createUrgency({ points: { p: point(urgent) } });
  return values.map((value) => urgency.judge(groupOf(value)));
}

describe('a point that is urgent', () => {
  it('is so when its value changes, and not at each read', () => {
    expect(judged('change', [false, false, true, true, false])).toEqual([
      ...[true, false, true, false, true],
    ]);
    expect(judged('change', ['a', 'a', 'b'])).toEqual([true, false, true]);
  });

  it('may be so only when it rises, or falls; what stands at the start counts', () => {
    expect(judged('rising', [false, true, true, false])).toEqual([false, true, false, false]);
    expect(judged('rising', [true, true])).toEqual([true, false]);
    expect(judged('rising', [0, 2, 1, 3])).toEqual([false, true, false, true]);
    expect(judged('falling', [true, false, false, true])).toEqual([false, true, false, false]);
    expect(judged('falling', [3, 3, 2])).toEqual([false, false, true]);
  });

  it('may be so whenever one comes', () => {
    expect(judged('event', ['DRO', 'DRO'])).toEqual([true, true]);
  });

  it('is not so by a bad reading, nor by what an archive gives later', () => {
    const urgency = createUrgency({ points: { p: point('change') } });
    expect(urgency.judge(groupOf(true))).toBe(true);
    expect(urgency.judge(groupOf(undefined, 'bad'))).toBe(false);
    expect(urgency.judge(groupOf(false, 'archived'))).toBe(false);
    expect(urgency.judge(groupOf(true))).toBe(false);
    expect(urgency.judge(groupOf(false, 'uncertain'))).toBe(true);
  });
});

it('any other point never is', () => {
  expect(judged(undefined, [1, 2, 3])).toEqual([false, false, false]);
  expect(createUrgency({ points: { p: point() } }).isPossible).toBe(false);
});

it('the door and the seal of a container are', () => {
  const urgent = Object.entries(doorSealSensor.points).filter(([, { urgent }]) => urgent);
  expect(urgent.map(([name]) => name)).toEqual(['doorOpen', 'sealIntact', 'tamper', 'sealNumber']);
});
