/**
 * SenML packs (RFC 8428), in JSON or CBOR: records whose names, times and units are completed by
 * base values of the records before them.
 */
import { limits } from '../../../devices/limits.ts';
import { units } from '../../../devices/units.ts';
import { isLeaf, type Leaf, type Tree } from './document.ts';
import { countMs, decimalOf } from './time.ts';

/** One record with everything that base values say of it. */
export interface SenmlRecord {
  readonly name: string;
  /** The value as it stands in the pack; absent where it is no single value. */
  readonly value?: Leaf;
  readonly timeMs?: number;
  readonly timeInvalid: boolean;
  readonly unit?: string;
}

/** Records of a pack, as many as are read, and how many more there are. */
export interface SenmlPack {
  readonly records: readonly SenmlRecord[];
  readonly beyond: number;
}

/** Labels of the CBOR form (RFC 8428 §6, table 4); JSON uses the names themselves. */
const LABELS: Readonly<Record<string, string>> = {
  '-1': 'bver',
  '-2': 'bn',
  '-3': 'bt',
  '-4': 'bu',
  '-5': 'bv',
  '-6': 'bs',
  '0': 'n',
  '1': 'u',
  '2': 'v',
  '3': 'vs',
  '4': 'vb',
  '5': 's',
  '6': 't',
  '7': 'ut',
  '8': 'vd',
};

/** The version that this reads; a pack of a later one must not be processed (§4.4). */
const VERSION = 10;

/** Times below 2^28 seconds are relative to now, others count from 1970 (§4.5.3). */
const RELATIVE_S = 2 ** 28;

/**
 * The records of a pack, resolved (§4.6), in their order; `undefined` where this is no pack, or
 * one that must not be processed. `nowMs`: what relative times count from; absent where nobody
 * knows when the pack was made, and then they are no times.
 */
export function readSenml(pack: Tree, nowMs: number | undefined): SenmlPack | undefined {
  if (!Array.isArray(pack)) return undefined;
  const records: SenmlRecord[] = [];
  let base: Record<string, Tree> = {};
  let beyond = 0;
  for (const tree of pack as readonly Tree[]) {
    const record = membersOf(tree);
    if (record === undefined) return undefined;
    base = { ...base, ...pick(record, ['bn', 'bt', 'bu', 'bv', 'bs', 'bver']) };
    if (numberOf(base['bver'], VERSION) > VERSION) return undefined;
    const values = ['v', 'vs', 'vb', 'vd'].flatMap((key) => record[key] ?? []);
    if (values.length > 1) return undefined;
    if (values.length === 0) continue;
    if (records.length >= limits.mqttSamplesMax) beyond += 1;
    else records.push(resolve(record, base, values[0], nowMs));
  }
  return { records, beyond };
}

/** Members by their names; `undefined` where one must be understood (§4.4) and is not. */
function membersOf(tree: Tree): Record<string, Tree> | undefined {
  if (isLeaf(tree) || Array.isArray(tree)) return undefined;
  const members: Record<string, Tree> = Object.create(null);
  for (const [key, member] of Object.entries(tree)) {
    if (key.endsWith('_')) return undefined;
    members[LABELS[key] ?? key] = member;
  }
  return members;
}

function pick(record: Record<string, Tree>, keys: readonly string[]): Record<string, Tree> {
  const found: Record<string, Tree> = {};
  for (const key of keys) {
    const member = record[key];
    if (member !== undefined) found[key] = member;
  }
  return found;
}

function resolve(
  record: Record<string, Tree>,
  base: Readonly<Record<string, Tree>>,
  value: Tree | undefined,
  nowMs: number | undefined,
): SenmlRecord {
  // A base value would be added to the value, and the sum has no raw words.
  const isSum = record['v'] !== undefined && numberOf(base['bv'], 0) !== 0;
  const unit = textOf(record['u']) ?? textOf(base['bu']);
  const timeMs = timeOf(base['bt'], record['t'], nowMs);
  return {
    name: `${textOf(base['bn']) ?? ''}${textOf(record['n']) ?? ''}`,
    ...(isLeaf(value) && !isSum && { value }),
    ...(typeof timeMs === 'number' && { timeMs }),
    timeInvalid: timeMs === 'invalid',
    ...(unit !== undefined && { unit }),
  };
}

/** Base time and time, in whole microseconds; without either it is now, which says nothing. */
function timeOf(
  base: Tree | undefined,
  own: Tree | undefined,
  nowMs: number | undefined,
): number | 'invalid' | undefined {
  const parts = [base, own].flatMap((tree) => (tree === undefined ? [] : [microsecondsOf(tree)]));
  if (parts.some((part) => part === undefined)) return 'invalid';
  const sum = parts.reduce<number>((total, part) => total + (part ?? 0), 0);
  if (sum === 0) return undefined;
  if (Math.abs(sum) >= RELATIVE_S * 1e6) return Math.floor(sum / 1_000);
  return nowMs === undefined ? undefined : Math.floor(nowMs + sum / 1_000);
}

/** Seconds in whole microseconds. */
function microsecondsOf(tree: Tree): number | undefined {
  const text = isLeaf(tree) && typeof tree.value !== 'string' ? decimalOf(tree) : undefined;
  // What is a millisecond to the count is a microsecond here: seconds times 10^3, twice.
  return text === undefined ? undefined : countMs(shift(text), 's');
}

/** A decimal times a thousand. */
function shift(text: string): string {
  const [whole = '', fraction = ''] = text.split('.');
  const rest = fraction.slice(3);
  return `${whole}${fraction.slice(0, 3).padEnd(3, '0')}${rest === '' ? '' : `.${rest}`}`;
}

function numberOf(tree: Tree | undefined, otherwise: number): number {
  if (tree === undefined) return otherwise;
  return isLeaf(tree) && typeof tree.value === 'number' ? tree.value : Number.POSITIVE_INFINITY;
}

function textOf(tree: Tree | undefined): string | undefined {
  return isLeaf(tree) && typeof tree.value === 'string' ? tree.value : undefined;
}

/** SenML units (§12.1) that are not the UCUM expression of the same unit. */
const SENML_UNITS: Readonly<Record<string, string>> = {
  '%RH': 'P1',
  lat: 'DD',
  lon: 'DD',
  count: 'C62',
};

/** Whether a unit as a payload says it (Rec 20, UCUM or SenML) is the unit of this Rec 20 code. */
export function isUnit(said: string, code: string): boolean {
  return said === code || SENML_UNITS[said] === code || units.get(code)?.ucum === said;
}
