/**
 * Reads the records of finished periods that a flow computer keeps in a ring (Enron archive, as in
 * Rockwell 1758-UM002D pages 324 and 337): date, time, then 32-bit floats. Which index is the
 * newest the map does not say, so it is found by the records' own stamps.
 */
import type { ArchiveDefinition } from '../../../devices/profile.ts';
import { utcOf } from '../../../devices/runtime.ts';

/** One record as it came. */
export interface ArchiveRecord {
  /** From 1 to the size of the ring. */
  readonly index: number;
  /** The period that it sums up, milliseconds since 1970 by the device's clock. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly data: Buffer;
}

/** Bytes of a record; `'empty'` where the device has none at that index. */
export type RecordAnswer = Buffer | 'empty';

/** Asks for one record. Resolves with `undefined` when nothing that can be relied on came. */
export type AskRecord = (index: number) => Promise<RecordAnswer | undefined>;

/** Nothing that can be relied on came: what is left is tried again later. */
export const BROKEN_OFF = 'broken-off';

const FLOAT_BYTES = 4;
/** Date and time stand before the columns. */
const STAMP_FLOATS = 2;
const MINUTE_MS = 60_000;

/**
 * The newest record of a ring, `undefined` where it holds none. From index 1 on the stamps rise up
 * to the newest and go on with the oldest (or with nothing), so halving finds it.
 */
export async function newestRecord(
  archive: ArchiveDefinition,
  zoneMinutes: number,
  ask: AskRecord,
): Promise<ArchiveRecord | undefined | typeof BROKEN_OFF> {
  const read = async (index: number) => recordOf(archive, zoneMinutes, index, await ask(index));
  const first = await read(1);
  if (first === BROKEN_OFF || first === undefined) return first;
  let newest = first;
  let end = archive.records + 1;
  while (end - newest.index > 1) {
    const middle = newest.index + Math.floor((end - newest.index) / 2);
    const record = await read(middle);
    if (record === BROKEN_OFF) return record;
    if (record !== undefined && record.toMs >= first.toMs) newest = record;
    else end = middle;
  }
  return newest;
}

/** The record before `record` in time, `undefined` where the ring holds no earlier one. */
export async function recordBefore(
  archive: ArchiveDefinition,
  zoneMinutes: number,
  record: ArchiveRecord,
  ask: AskRecord,
): Promise<ArchiveRecord | undefined | typeof BROKEN_OFF> {
  const index = record.index === 1 ? archive.records : record.index - 1;
  const before = recordOf(archive, zoneMinutes, index, await ask(index));
  if (before === BROKEN_OFF || before === undefined) return before;
  // The ring has come round to its newest, or a clock was set back: not an earlier period.
  return before.toMs < record.toMs ? before : undefined;
}

/** The raw words of one column, in hex; empty where the record is shorter than the map says. */
export function columnOf(record: ArchiveRecord, column: number): string {
  const from = (STAMP_FLOATS + column) * FLOAT_BYTES;
  const words = record.data.subarray(from, from + FLOAT_BYTES);
  return words.length === FLOAT_BYTES ? words.toString('hex') : '';
}

function recordOf(
  archive: ArchiveDefinition,
  zoneMinutes: number,
  index: number,
  answer: RecordAnswer | undefined,
): ArchiveRecord | undefined | typeof BROKEN_OFF {
  if (answer === undefined) return BROKEN_OFF;
  if (answer === 'empty') return undefined;
  const stampMs = stampOf(answer, zoneMinutes);
  if (stampMs === undefined) return undefined;
  const fromMs = archive.stamp === 'start' ? stampMs : stampMs - archive.periodMs;
  return { index, fromMs, toMs: fromMs + archive.periodMs, data: answer };
}

/** MMDDYY and HHMMSS as 32-bit floats, big-endian, in the device's zone; years are 2000 to 2099. */
function stampOf(data: Buffer, zoneMinutes: number): number | undefined {
  if (data.length < STAMP_FLOATS * FLOAT_BYTES) return undefined;
  const date = data.readFloatBE(0);
  const time = data.readFloatBE(FLOAT_BYTES);
  if (!Number.isInteger(date) || !Number.isInteger(time) || date <= 0 || time < 0) return undefined;
  const parts = {
    year: 2000 + (date % 100),
    month: Math.floor(date / 10_000),
    day: Math.floor(date / 100) % 100,
    hour: Math.floor(time / 10_000),
    minute: Math.floor(time / 100) % 100,
    second: time % 100,
  };
  const localMs = utcOf(parts);
  return localMs === undefined ? undefined : localMs - zoneMinutes * MINUTE_MS;
}
