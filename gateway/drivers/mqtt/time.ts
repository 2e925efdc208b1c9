/** Times as payloads write them, to milliseconds since 1970. */
import type { TimeFormat } from '../../../devices/profile.ts';
import { parseTime } from '../../../devices/runtime.ts';
import { isLeaf, type Leaf, type Tree } from './document.ts';

/** Powers of ten from each unit to a millisecond. */
const EXPONENT = { s: 3, ms: 0, us: -3, ns: -6 } as const;

/** Most digits of a count that is still a time; beyond them nothing sensible follows. */
const DIGITS_MAX = 40;

/**
 * Milliseconds since 1970, rounded down, or `undefined` where the leaf is no time of this format.
 * A count may be a number or a text of one; it is computed in decimals, because nanoseconds since
 * 1970 are more than a double can hold. `any` tells RFC 3339 by its being text, and counts by
 * their size: below 10^11 seconds, below 10^14 milliseconds, below 10^17 microseconds.
 */
export function timeOfLeaf(leaf: Tree, format: TimeFormat): number | undefined {
  if (!isLeaf(leaf)) return undefined;
  const { value } = leaf;
  if (typeof value === 'string' && (format === 'rfc3339' || format === 'any')) {
    const timeMs = parseTime(value);
    if (timeMs !== undefined || format === 'rfc3339') return timeMs;
  }
  if (format === 'rfc3339') return undefined;
  const text = decimalOf(leaf);
  if (text === undefined) return undefined;
  return countMs(text, format === 'any' ? unitBySize(text) : format);
}

/** The number as it was written, where that shows every digit. */
export function decimalOf({ raw, value }: Leaf): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  return typeof raw === 'string' && DECIMAL.test(raw) ? raw : String(value);
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

function unitBySize(text: string): keyof typeof EXPONENT {
  const size = Math.abs(Number(text));
  if (size < 1e11) return 's';
  if (size < 1e14) return 'ms';
  return size < 1e17 ? 'us' : 'ns';
}

/** The count of `unit` in whole milliseconds, rounded down. */
export function countMs(text: string, unit: keyof typeof EXPONENT): number | undefined {
  const [, sign = '', whole = '', fraction = ''] = DECIMAL.exec(text) ?? [];
  const digits = whole + fraction;
  if (digits === '' || digits.length > DIGITS_MAX) return undefined;
  const exponent = EXPONENT[unit] - fraction.length;
  const count = BigInt(`${sign}${digits}`);
  const power = 10n ** BigInt(Math.abs(exponent));
  const timeMs = Number(exponent >= 0 ? count * power : floorDivide(count, power));
  return Number.isSafeInteger(timeMs) ? timeMs : undefined;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}
