/** The wire's number to the value in the point's unit, and whether it means "no value". */
import type { PointDefinition } from '../devices/profile.ts';
import type { RawType, Sample, Value } from '../devices/reading.ts';
import { bitsOf, exactInteger } from './decode.ts';

/** A value in the point's unit. */
export interface Converted {
  readonly value: number | bigint;
  /** The wire's integer had more digits than a double holds, and the conversion is not exact. */
  readonly isRounded: boolean;
}

/**
 * value = wire × scale + offset, or the straight line of `linear`, or the polyline of `table`.
 *
 * An integer that needs none keeps every digit. With a whole scale and offset, an integer of any
 * length is converted exactly. Otherwise the wire's number is rounded to a double first (53 bits,
 * IEEE 754-2019 §3.4), which is said in `isRounded`; the raw words keep every bit. May come out
 * infinite, which the caller judges. Beyond its ends a table gives NaN: nobody stated what the
 * device means there.
 */
export function convertWire(
  wire: number | bigint,
  point: PointDefinition,
  type: RawType,
): Converted {
  const { scale = 1, offset = 0, linear, table } = point;
  const isRounded = typeof wire === 'bigint';
  if (table) return { value: onTable(Number(wire), table), isRounded };
  if (linear) return { value: onLine(Number(wire), linear), isRounded };
  if (scale === 1 && offset === 0) return { value: wire, isRounded: false };
  const value = Number(wire) * scale + offset;
  if (Number.isSafeInteger(value) && !isRounded) return { value, isRounded };
  const isWhole = Number.isSafeInteger(scale) && Number.isSafeInteger(offset);
  // Floats and JSON numbers are doubles already: their digits beyond 53 bits would be invented.
  if (isWhole && (isRounded || type === 'bcd' || type.includes('int'))) {
    return { value: exactInteger(BigInt(wire) * BigInt(scale) + BigInt(offset)), isRounded: false };
  }
  return { value, isRounded };
}

/** Whether the wire's number, or its bits, are among those that mean "no value". */
export function isSentinel(wire: Value, sample: Sample, point: PointDefinition): boolean {
  const { sentinels, sentinelBits } = point;
  if (sentinels && typeof wire === 'number' && sentinels.includes(wire)) return true;
  // A bigint is compared exactly: its neighbours, which a double takes for it, are good values.
  if (sentinels && typeof wire === 'bigint' && sentinels.some((s) => isSame(s, wire))) return true;
  if (!sentinelBits) return false;
  const bits = bitsOf(sample.rawHex, sample.encoding);
  return bits !== undefined && sentinelBits.some((text) => digitsOf(text, bits.length) === bits);
}

function isSame(sentinel: number, wire: bigint): boolean {
  return Number.isInteger(sentinel) && BigInt(sentinel) === wire;
}

/** A pattern `0x…` with as many digits as the value has. */
function digitsOf(pattern: string, digits: number): string {
  return pattern.slice(2).toLowerCase().padStart(digits, '0');
}

/** The straight line through (wire low, value low) and (wire high, value high). */
function onLine(wire: number, line: readonly [number, number, number, number]): number {
  const [wireLow, wireHigh, low, high] = line;
  return between(wire, [wireLow, low], [wireHigh, high]);
}

function onTable(wire: number, table: readonly (readonly [number, number])[]): number {
  const above = table.findIndex(([at]) => wire <= at);
  const right = table[above];
  if (right === undefined) return Number.NaN;
  if (right[0] === wire) return right[1];
  const left = table[above - 1];
  return left === undefined ? Number.NaN : between(wire, left, right);
}

/** Measured from the nearer end, so that both ends, and a level line, come out exactly. */
function between(
  wire: number,
  [leftWire, left]: readonly [number, number],
  [rightWire, right]: readonly [number, number],
): number {
  const part = (wire - leftWire) / (rightWire - leftWire);
  return part < 0.5 ? left + part * (right - left) : right - (1 - part) * (right - left);
}
