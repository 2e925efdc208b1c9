/**
 * How hard a series of values is to believe, in bits (minimum description length, J. Rissanen,
 * Automatica 14 (1978) 465): the right way to read registers is nearly always the short one.
 */
import type { PointDefinition } from '../../devices/profile.ts';
import type { RawType, Value } from '../../devices/reading.ts';
import { units } from '../../devices/units.ts';

/** A float of any sign whose logarithm to base 2 is within this costs nothing for its size. */
const ORDINARY_BITS = 20;
/** Significant bits behind the first, by type. */
const FRACTION_BITS: Readonly<Partial<Record<RawType, number>>> = {
  float16: 10,
  float32: 23,
  float64: 52,
};

/** Closed range of what a quantity of the physical world can be, in the quantity's SI unit. */
const POSSIBLE: Readonly<Record<string, readonly [number, number]>> = {
  temperature: [0, 5_000],
  fraction: [-10, 10],
  'mass fraction': [-0.1, 1.1],
  'volume fraction': [-0.1, 1.1],
  angle: [-7, 7],
  density: [0, 25_000],
  speed: [-1_000, 1_000],
  voltage: [-1e6, 1e6],
  frequency: [0, 1e9],
  pressure: [-1e6, 1e9],
};

/** Bits to tell the wire's numbers, one after the other; repeated ones are told once. */
export function costOf(wires: readonly (number | bigint)[], type: RawType): number {
  const fraction = FRACTION_BITS[type];
  if (fraction === undefined) return costOfIntegers(wires);
  const [first] = wires;
  if (first === undefined) return 0;
  const sizes = wires.map((wire) => costOfSize(Number(wire)));
  return (
    significantBits(Number(first), fraction) + Math.max(...sizes) + costOfSteps(wires, fraction)
  );
}

/** The same for floats of which every fraction is as likely. */
export function costOfAnyFraction(wires: readonly (number | bigint)[], type: RawType): number {
  return (FRACTION_BITS[type] ?? 0) + Math.max(...wires.map((wire) => costOfSize(Number(wire))));
}

/** Bits of the fraction that each step changes: a value that moves a little changes few. */
function costOfSteps(wires: readonly (number | bigint)[], fraction: number): number {
  let total = 0;
  let last: number | undefined;
  for (const wire of distinct(wires)) {
    const value = Number(wire);
    if (last !== undefined && last !== 0) {
      const changed = Math.log2(Math.abs(value - last) / Math.abs(last)) + fraction;
      total += Math.min(fraction + 9, Math.max(1, changed));
    }
    last = value;
  }
  return total;
}

/** A counter's first value and its steps: with swapped words every step is a large number. */
function costOfIntegers(wires: readonly (number | bigint)[]): number {
  let total = 0;
  let last: bigint | undefined;
  for (const wire of distinct(wires)) {
    const value = typeof wire === 'number' ? BigInt(Math.trunc(wire)) : wire;
    total += bitLength(last === undefined ? value : value - last);
    last = value;
  }
  return total;
}

/** The same value twice says nothing new. */
export function distinct(wires: readonly (number | bigint)[]): (number | bigint)[] {
  return [...new Set(wires)];
}

function bitLength(value: bigint): number {
  return (value < 0n ? -value : value).toString(2).length;
}

function costOfSize(value: number): number {
  if (value === 0) return 1;
  const beyond = Math.max(0, Math.abs(Math.log2(Math.abs(value))) - ORDINARY_BITS);
  return 5 + (value < 0 ? 2 : 0) + Math.min(60, beyond);
}

/** Bits of the fraction up to the last that is set: measured values use all, round ones few. */
function significantBits(value: number, fraction: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  let rest = Math.abs(value) / 2 ** exponent;
  for (let bits = 0; bits < fraction; bits += 1) {
    if (Number.isInteger(rest)) return bits;
    rest = (rest % 1) * 2;
  }
  return fraction;
}

/** The point's own range; else what its unit can be in this world. */
export function rangeOf(point: PointDefinition): readonly [number, number] | undefined {
  if (point.range) return point.range;
  const unit = units.get(point.unit);
  const possible = unit && POSSIBLE[unit.quantity];
  if (unit?.scale === undefined || possible === undefined) return undefined;
  const { offset = 0, scale } = unit;
  return [(possible[0] - offset) / scale, (possible[1] - offset) / scale];
}

/** Whether a value is a number inside the range, where there is one. */
export function isWithin(
  value: Value | undefined,
  range: readonly [number, number] | undefined,
): value is number | bigint {
  if (typeof value === 'bigint') return !range || (value >= range[0] && value <= range[1]);
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  return !range || (value >= range[0] && value <= range[1]);
}

/** Up to two bits for a value at the edge of its range, none in its middle. */
export function offCentre(value: number, range: readonly [number, number] | undefined): number {
  if (!range || !Number.isFinite(range[1] - range[0]) || range[0] === range[1]) return 0;
  const [low, high] = range;
  return (4 * Math.abs(value - (low + high) / 2)) / (high - low);
}
