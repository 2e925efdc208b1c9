/** What looks wrong at a device, and what would make sense instead. Pure: no I/O. */
import type { ByteOrder, Encoding, Value } from '../../devices/reading.ts';
import { convertWire, isSentinel } from '../convert.ts';
import { bitsOf, decode } from '../decode.ts';
import { costOf, costOfAnyFraction, distinct, isWithin, offCentre, rangeOf } from './doubt.ts';
import { type Guess, type GuessKind, guessesOf } from './guesses.ts';
import type { PointSeries } from './series.ts';

export type Confidence = 'high' | 'medium' | 'low';

/** One thing that looks wrong. */
export interface Finding {
  readonly point: string;
  readonly kind: GuessKind | 'unexplained';
  /** How it is configured, e.g. `float32 at holding 100, ABCD`. */
  readonly configured: string;
  /** The newest raw words; empty where none came. */
  readonly rawHex: string;
  /** What the configuration makes of them, in words. */
  readonly reads: string;
  readonly looksLike: string;
  /** The value that would make sense, with its unit; absent where none was found. */
  readonly value?: string;
  readonly write: string;
  /** The order that would make sense, where the order is what looks wrong. */
  readonly order?: ByteOrder;
  readonly confidence: Confidence;
  /** Other explanations that fit nearly as well. */
  readonly others: readonly string[];
}

/** What a value outside its range, or none at all, costs: about one in sixteen million. */
const WRONG_BITS = 24;
/** A guess must be this much easier to believe than the configuration. */
const MARGIN_BITS = 12;
/** Guesses this close to the best are told too. */
const NEAR_BITS = 5;
/** For each other point of the device with the same explanation, up to the third. */
const COMPANY_BITS = 3;
const COMPANY_BITS_MAX = 9;
const OTHERS_MAX = 2;

interface Weighed {
  readonly guess: Guess;
  readonly values: readonly (number | bigint)[];
  bits: number;
}

interface Doubtful {
  readonly series: PointSeries;
  readonly ownBits: number;
  readonly reads: string;
  readonly weighed: Weighed[];
  readonly isWrong: boolean;
}

/** Findings of one device. `extra` are guesses from probes, by point. */
export function judge(
  all: readonly PointSeries[],
  extra: ReadonlyMap<string, readonly Guess[]> = new Map(),
): Finding[] {
  const doubtful = all.flatMap((series) => {
    const doubt = doubtAbout(series, extra.get(series.name) ?? []);
    return doubt === undefined ? [] : [doubt];
  });
  shareCompany(doubtful);
  return doubtful.flatMap((doubt) => findingOf(doubt) ?? []);
}

/** Whether the values of a point as configured cannot be right, whatever else is. */
export function isWrong(series: PointSeries): boolean {
  return ownDoubt(series)?.isWrong ?? false;
}

function doubtAbout(series: PointSeries, extra: readonly Guess[]): Doubtful | undefined {
  const own = ownDoubt(series);
  if (own === undefined) return undefined;
  const weighed = [...guessesOf(series), ...extra].flatMap((guess) => {
    // A configuration whose values are possible is not doubted for its scale or unit.
    if (!own.isWrong && (guess.kind === 'scale' || guess.kind === 'unit')) return [];
    return weigh(guess, series, own.wireBits) ?? [];
  });
  return { series, ownBits: own.bits, reads: own.reads, weighed, isWrong: own.isWrong };
}

interface OwnDoubt {
  readonly bits: number;
  readonly wireBits: number;
  readonly reads: string;
  readonly isWrong: boolean;
}

/** The case against the configuration; `undefined` where nothing can be said for or against. */
function ownDoubt(series: PointSeries): OwnDoubt | undefined {
  const { encoding, failure, point, raws } = series;
  if (failure !== undefined) {
    return { bits: WRONG_BITS + 40, wireBits: 0, reads: failure, isWrong: true };
  }
  if (encoding === undefined || raws.length === 0) return undefined;
  if (['bool', 'string', 'json'].includes(encoding.type) && !isNumeric(raws, encoding)) {
    return undefined;
  }
  // How a device in this order says that it has no value (IEEE 754-2019 §6.2.1).
  if (raws.some((raw) => /^7(?:e00|fc00000|ff8000000000000)$/.test(bitsOf(raw, encoding) ?? ''))) {
    return undefined;
  }
  const range = rangeOf(point);
  const wires = raws.map((raw) => decode(raw, encoding));
  const told = raws.map((raw) => convertedValue(raw, encoding, point));
  if (told.some((value) => value === 'sentinel')) return undefined;
  const last = told.at(-1);
  const bad = told.every((value) => !isWithin(value, range));
  const numbers = wires.filter((w) => typeof w === 'number' || typeof w === 'bigint');
  const finite = numbers.filter((w) => Number.isFinite(Number(w)));
  const wireBits =
    finite.length === 0 ? 8 * ((raws[0]?.length ?? 0) / 2) : costOf(finite, encoding.type);
  if (!bad && isFlag(distinct(finite))) return undefined;
  const reads = bad
    ? `${shown(last)} ${point.unit}, ${whyNot(last, range)}`
    : `${shown(last)} ${point.unit}`;
  return { bits: wireBits + (bad ? WRONG_BITS : 0), wireBits, reads, isWrong: bad };
}

function isNumeric(raws: readonly string[], encoding: Encoding): boolean {
  return raws.every((raw) => {
    const wire = decode(raw, encoding);
    return typeof wire === 'number' || typeof wire === 'bigint';
  });
}

/** A single bit that stands still is a flag, or a round number; nothing follows from it. */
function isFlag(wires: readonly (number | bigint)[]): boolean {
  const [only] = wires;
  if (wires.length !== 1 || only === undefined || !Number.isInteger(Number(only))) return false;
  const bits = BigInt(only);
  return bits > 0n && (bits & (bits - 1n)) === 0n;
}

function whyNot(value: Value | undefined, range: readonly [number, number] | undefined): string {
  if (value === undefined) return 'which this type cannot be';
  if (typeof value === 'number' && !Number.isFinite(value)) return 'which is no number';
  return range ? `outside ${range.map((bound) => shown(bound)).join(' to ')}` : 'which cannot be';
}

function convertedValue(raw: string, encoding: Encoding, point: Guess['point']): Value | undefined {
  const wire = decode(raw, encoding);
  if (typeof wire !== 'number' && typeof wire !== 'bigint') return wire;
  if (!Number.isFinite(Number(wire))) return wire;
  const sample = { point: '', rawHex: raw, encoding, quality: 'good', gatewayTimeMs: 0 } as const;
  if (isSentinel(wire, sample, point)) return 'sentinel';
  return convertWire(wire, point, encoding.type).value;
}

function weigh(guess: Guess, series: PointSeries, wireBits: number): Weighed | undefined {
  const { encoding, kind, point, raws } = guess;
  const range = rangeOf(series.point);
  const values: (number | bigint)[] = [];
  const wires: (number | bigint)[] = [];
  for (const raw of raws) {
    const wire = decode(raw, encoding);
    const value = convertedValue(raw, encoding, point);
    if (!isWithin(value, range) || typeof wire === 'string' || typeof wire === 'boolean')
      return undefined;
    values.push(value);
    if (wire !== undefined) wires.push(wire);
  }
  const [first] = values;
  // A zero is found everywhere and explains nothing.
  if (first === undefined || values.every((value) => Number(value) === 0)) return undefined;
  return {
    guess,
    values,
    bits:
      guess.priceBits + bitsFor(kind, wires, encoding, wireBits) + offCentre(Number(first), range),
  };
}

/** Only another reading of the same words can be shorter than the configured one. */
function bitsFor(
  kind: GuessKind,
  wires: readonly (number | bigint)[],
  { type }: Encoding,
  wireBits: number,
): number {
  if (kind === 'order' || kind === 'type') return costOf(wires, type);
  // Words swapped look like the register beside, but for the low word, whose roundness is chance.
  return kind === 'address' && type.startsWith('float') ? costOfAnyFraction(wires, type) : wireBits;
}

/** What explains several points of a device at once is likelier than what explains one. */
function shareCompany(doubtful: readonly Doubtful[]): void {
  const company = new Map<string, number>();
  for (const { ownBits, weighed } of doubtful) {
    for (const { bits, guess } of weighed) {
      if (ownBits - bits < MARGIN_BITS) continue;
      company.set(guess.key, (company.get(guess.key) ?? 0) + 1);
    }
  }
  for (const { ownBits, weighed } of doubtful) {
    for (const entry of weighed) {
      const isCounted = ownBits - entry.bits >= MARGIN_BITS ? 1 : 0;
      const others = (company.get(entry.guess.key) ?? 0) - isCounted;
      entry.bits -= Math.min(COMPANY_BITS_MAX, COMPANY_BITS * others);
    }
  }
}

function findingOf({
  isWrong: wrong,
  ownBits,
  reads,
  series,
  weighed,
}: Doubtful): Finding | undefined {
  const { encoding, failure, name, raws } = series;
  const rawHex = raws.at(-1) ?? '';
  const common = { point: name, configured: describe(series), rawHex, reads };
  const ranked = weighed
    .filter(({ bits }) => ownBits - bits >= MARGIN_BITS)
    .sort((a, b) => a.bits - b.bits);
  const [best] = ranked;
  if (best === undefined) {
    // Not-a-number is how many devices say "no value"; a refusal is told by `read`.
    const isSilent = failure !== undefined || encoding === undefined || !/outside/.test(reads);
    if (!wrong || isSilent) return undefined;
    return {
      ...common,
      kind: 'unexplained',
      looksLike: 'no order, type, scale, unit or address explains it',
      write: 'check the range and the device',
      confidence: 'low',
      others: [],
    };
  }
  const near = ranked
    .slice(1)
    .filter((other) => other.bits - best.bits < NEAR_BITS && !isSameValue(other, best));
  const { guess } = best;
  return {
    ...common,
    kind: guess.kind,
    looksLike: guess.says,
    value: `${shown(best.values.at(-1))} ${series.point.unit}`.trim(),
    write: guess.write,
    ...(guess.kind === 'order' && { order: guess.encoding.order }),
    confidence: confidenceOf(ownBits - best.bits, near.length),
    others: near.slice(0, OTHERS_MAX).map((other) => {
      const value = `${shown(other.values.at(-1))} ${series.point.unit}`.trim();
      return `${other.guess.says}: ${value} (${other.guess.write})`;
    }),
  };
}

/** Signed and unsigned, or two orders of a number with equal words: the same in other words. */
function isSameValue(a: Weighed, b: Weighed): boolean {
  return a.values.length === b.values.length && a.values.every((value, i) => value === b.values[i]);
}

function confidenceOf(margin: number, rivals: number): Confidence {
  if (rivals > 1) return 'low';
  if (rivals === 1 || margin < MARGIN_BITS + 4) return 'medium';
  return 'high';
}

/** How a point is configured, in a few words. */
export function describe({ encoding, place, point }: PointSeries): string {
  if (place === undefined)
    return `${encoding?.type ?? 'value'}${point.unit === '' ? '' : `, ${point.unit}`}`;
  const { address, table, width } = place;
  const order = encoding?.order ?? place.encoding.order;
  const wide = width === 'enron' ? ', width enron' : '';
  return `${place.encoding.type} at ${table} ${address}, order ${order}${wide}`;
}

function shown(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return String(value);
  return String(Number(value.toPrecision(7)));
}
