/**
 * Batches that give way become aggregates: for each point how many readings there were, the least,
 * the greatest and the mean of numbers, and the last value. All pure.
 */
import type { Batch } from '../devices/credential/batch.ts';
import type { Aggregate, AggregateGroup, Quality, Reading, Value } from '../devices/reading.ts';

/** From good to worse; an aggregate is as good as the worst value in it. */
const QUALITIES: readonly Quality[] = ['good', 'archived', 'estimated', 'forced', 'uncertain'];

/** An aggregate under construction, with the time of its last value. */
interface Sum {
  readonly aggregate: Aggregate;
  readonly lastMs: number;
}

interface Group {
  readonly about: string | undefined;
  fromMs: number;
  toMs: number;
  /** By point and unit, in the order of appearance. */
  readonly sums: Map<string, Sum>;
}

/** One group for each thing that the batches are about; aggregates in them are added up. */
export function aggregateBatches(
  batches: readonly Pick<Batch, 'groups' | 'aggregates'>[],
): AggregateGroup[] {
  const groups = new Map<string, Group>();
  for (const { aggregates = [], groups: read } of batches) {
    for (const { about, aggregates: inner, fromMs, toMs } of aggregates) {
      const group = groupOf(groups, about, fromMs, toMs);
      for (const aggregate of inner) add(group, { aggregate, lastMs: toMs });
    }
    for (const { about, deviceClock, gatewayTimeMs, readings, timeMs } of read) {
      // A time of the device that cannot be believed says nothing of when it was.
      const atMs = deviceClock === undefined ? timeMs : (gatewayTimeMs ?? timeMs);
      const group = groupOf(groups, about, atMs, atMs);
      for (const reading of readings) {
        add(group, { aggregate: aggregateOf(reading), lastMs: atMs });
      }
    }
  }
  return [...groups.values()].map(({ about, fromMs, toMs, sums }) => ({
    fromMs,
    toMs,
    ...(about !== undefined && { about }),
    aggregates: withoutBare([...sums.values()]).map(({ aggregate }) => aggregate),
  }));
}

/** Readings without a value go to those of the same point that have one. */
function withoutBare(sums: readonly Sum[]): Sum[] {
  const whole = sums.filter(({ aggregate }) => aggregate.last !== undefined);
  for (const bare of sums.filter(({ aggregate }) => aggregate.last === undefined)) {
    const at = whole.findIndex(({ aggregate }) => nameOf(aggregate) === nameOf(bare.aggregate));
    const same = whole[at];
    if (same) whole[at] = joined(same, bare);
    else whole.push(bare);
  }
  return whole;
}

function nameOf({ point, type, unit }: Aggregate): string {
  return `${point} ${type} ${unit}`;
}

/** Readings that aggregates stand for. */
export function countAggregated(groups: readonly AggregateGroup[] = []): number {
  let count = 0;
  for (const { aggregates } of groups) for (const one of aggregates) count += one.count;
  return count;
}

function groupOf(
  groups: Map<string, Group>,
  about: string | undefined,
  fromMs: number,
  toMs: number,
): Group {
  const key = about ?? '';
  const group = groups.get(key) ?? { about, fromMs, toMs, sums: new Map() };
  group.fromMs = Math.min(group.fromMs, fromMs);
  group.toMs = Math.max(group.toMs, toMs);
  groups.set(key, group);
  return group;
}

/** A single reading as what stands for it. */
function aggregateOf({ point, quality, type, unit, value }: Reading): Aggregate {
  const head = { point, type, unit, count: 1 };
  if (value === undefined) return { ...head, bad: 1, quality: 'bad' };
  const number = asNumber(value);
  return {
    ...head,
    bad: 0,
    quality,
    ...(number !== undefined && { minimum: number, maximum: number, mean: number }),
    last: value,
  };
}

/** The nearest double of a number; nothing of text and truth. */
function asNumber(value: Value): number | undefined {
  return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : undefined;
}

function add({ sums }: Group, one: Sum): void {
  const { last, mean } = one.aggregate;
  // Numbers, text and truth of one point cannot be summed up together.
  const kind = mean === undefined ? typeof last : 'number';
  const key = `${nameOf(one.aggregate)} ${kind}`;
  const before = sums.get(key);
  sums.set(key, before === undefined ? one : joined(before, one));
}

function joined(a: Sum, b: Sum): Sum {
  const [x, y] = [a.aggregate, b.aggregate];
  const count = x.count + y.count;
  const bad = x.bad + y.bad;
  const { point, type, unit } = x;
  const head = { point, type, unit, count, bad };
  const withValue = [a, b].filter(({ aggregate }) => aggregate.last !== undefined);
  const [one, other] = withValue;
  if (one === undefined) return { aggregate: { ...head, quality: 'bad' }, lastMs: b.lastMs };
  if (other === undefined) {
    return { aggregate: { ...one.aggregate, count, bad }, lastMs: one.lastMs };
  }
  // Of two at one time the one that was signed later is the last.
  const newest = b.lastMs >= a.lastMs ? b : a;
  const { last } = newest.aggregate;
  const quality = QUALITIES.indexOf(x.quality) >= QUALITIES.indexOf(y.quality) ? x : y;
  const aggregate = {
    ...head,
    quality: quality.quality,
    ...numbersOf(x, y),
    ...(last !== undefined && { last }),
  };
  return { aggregate, lastMs: newest.lastMs };
}

function numbersOf(x: Aggregate, y: Aggregate): Pick<Aggregate, 'minimum' | 'maximum' | 'mean'> {
  if (x.minimum === undefined || y.minimum === undefined) return {};
  const [many, more] = [x.count - x.bad, y.count - y.bad];
  const [a = 0, b = 0] = [x.mean, y.mean];
  const minimum = Math.min(x.minimum, y.minimum);
  const maximum = Math.max(x.maximum ?? 0, y.maximum ?? 0);
  const sum = a * many + b * more;
  // Each part is weighed first where the sum is more than a double holds; and rounding must not
  // lead out of the interval.
  const mean = Number.isFinite(sum)
    ? sum / (many + more)
    : a * (many / (many + more)) + b * (more / (many + more));
  return { minimum, maximum, mean: Math.min(maximum, Math.max(minimum, mean)) };
}
