/** What a batch draft holds: counts, span, size, and how it is cut in two. All pure. */
import { strict as assert } from 'node:assert';
import type { Batch, BatchDraft } from '../devices/credential/batch.ts';
import { readBatch } from '../devices/credential/batch-wire.ts';
import { openToken } from '../devices/credential/jws.ts';
import { SERVER_TIME_BYTES } from '../devices/credential/reading-wire.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { limits } from '../devices/limits.ts';
import type { AggregateGroup, Loss, Reading, ReadingGroup } from '../devices/reading.ts';
import { countAggregated } from './aggregate.ts';

export function countReadings(draft: { readonly groups: readonly ReadingGroup[] }): number {
  return draft.groups.reduce((sum, group) => sum + group.readings.length, 0);
}

/** Readings that a batch holds or stands for. */
export function readingsOf(draft: Pick<BatchDraft, 'groups' | 'aggregates'>): number {
  return countReadings(draft) + countAggregated(draft.aggregates);
}

/** Earliest and latest time of the readings, the source's (where believed) and the gateway's. */
export function spanOf(draft: Pick<BatchDraft, 'groups' | 'aggregates' | 'closedMs'>): {
  fromMs: number;
  toMs: number;
} {
  const times = draft.groups.flatMap(({ deviceClock, gatewayTimeMs, timeMs }) => {
    const heardMs = gatewayTimeMs ?? timeMs;
    return deviceClock === undefined ? [timeMs, heardMs] : [heardMs];
  });
  for (const { fromMs, toMs } of draft.aggregates ?? []) times.push(fromMs, toMs);
  if (times.length === 0) return { fromMs: draft.closedMs, toMs: draft.closedMs };
  return { fromMs: Math.min(...times), toMs: Math.max(...times) };
}

/** Two drafts that say together what this one says, in order; the second has the losses. */
export function splitDraft(whole: BatchDraft): [BatchDraft, BatchDraft] {
  // What was left out belongs to the second as well: both together say it once.
  const { suppressed, ...draft } = whole;
  const [first, second] = halvesOf(draft);
  return [first, suppressed === undefined ? second : { ...second, suppressed }];
}

function halvesOf(draft: BatchDraft): [BatchDraft, BatchDraft] {
  const readings = countReadings(draft);
  const { aggregates, losses } = draft;
  if (readings > 1) {
    const [first, second] = splitGroups(draft.groups, Math.ceil(readings / 2));
    return [
      { ...draft, groups: first, losses: [] },
      { ...draft, groups: second },
    ];
  }
  if (aggregates !== undefined) return halvesOfAggregates(draft, aggregates);
  assert(readings + losses.length > 1, 'one reading or loss is always small enough for a batch');
  const half = readings === 1 ? 0 : Math.ceil(losses.length / 2);
  return [
    { ...draft, losses: losses.slice(0, half) },
    { ...draft, groups: [], losses: losses.slice(half) },
  ];
}

function halvesOfAggregates(
  draft: BatchDraft,
  groups: readonly AggregateGroup[],
): [BatchDraft, BatchDraft] {
  const { aggregates: _, ...rest } = draft;
  const singles = groups.flatMap((group) =>
    group.aggregates.map((one) => ({ ...group, aggregates: [one] })),
  );
  assert(singles.length + draft.losses.length > 1, 'one aggregate is small enough for a batch');
  const half = singles.length === 1 ? 0 : Math.ceil(singles.length / 2);
  const [first, second] = [singles.slice(0, half), singles.slice(half)];
  return [
    // One aggregate beside losses: those go first, alone.
    half === 0 ? rest : { ...rest, losses: [], aggregates: first },
    { ...rest, aggregates: second, ...(half === 0 ? { losses: [] } : {}) },
  ];
}

/** The first `count` readings, and the others. */
export function splitGroups(
  groups: readonly ReadingGroup[],
  count: number,
): [ReadingGroup[], ReadingGroup[]] {
  const first: ReadingGroup[] = [];
  const second: ReadingGroup[] = [];
  let room = count;
  for (const group of groups) {
    const { readings } = group;
    if (readings.length <= room) first.push(group);
    else if (room <= 0) second.push(group);
    else {
      first.push({ ...group, readings: readings.slice(0, room) });
      second.push({ ...group, readings: readings.slice(room) });
    }
    room -= readings.length;
  }
  return [first, second];
}

/** Bytes that base64url makes of a JSON text: four for three. */
const BASE64 = 4 / 3;
/** Names, brackets and commas of one report, of one element and of one loss, rounded up. */
const REPORT_BYTES = 75;
const ELEMENT_BYTES = 320;
const LOSS_BYTES = 140;
/** What a report says of a value that is not good: quality, status and exception. */
const DOUBT_BYTES = 90;
/** Everything else of a batch credential: header, contexts, ids, digests, signature. */
const ENVELOPE_BYTES = 3_000;

/**
 * An upper estimate of what a group adds to the credential as sent. The exact size is checked
 * where the batch is signed; this is to close it before, so that it need not be cut.
 */
export function groupBytes(group: ReadingGroup): number {
  let bytes = ELEMENT_BYTES + 2 * (group.about?.length ?? 0);
  for (const reading of group.readings) bytes += readingBytes(reading);
  return bytes * BASE64;
}

export function lossBytes(loss: Loss): number {
  const points = loss.points?.reduce((sum, point) => sum + point.length + 3, 14) ?? 0;
  return (LOSS_BYTES + points) * BASE64;
}

export const emptyBatchBytes = ENVELOPE_BYTES * BASE64;

function readingBytes(reading: Reading): number {
  const { point, type, unit, rawHex, serverTimeMs, status } = reading;
  const words = point.length + type.length + unit.length + rawHex.length;
  const doubt = reading.quality === 'good' ? 0 : DOUBT_BYTES + escapedLength(status ?? '');
  const time = serverTimeMs === undefined ? 0 : SERVER_TIME_BYTES;
  return REPORT_BYTES + words + valueBytes(reading.value) + doubt + time;
}

function valueBytes(value: Reading['value']): number {
  switch (typeof value) {
    case 'undefined':
      return 0;
    case 'string':
      return 8 + escapedLength(value);
    case 'bigint':
      // Written as text, with a type beside it.
      return 75;
    default:
      return 24;
  }
}

/** A character is up to six bytes in JSON (`\u0001`), and up to three in UTF-8. */
function escapedLength(text: string): number {
  return 6 * text.length;
}

/** What is lost when the draft is not kept: its readings, and what it would have said was lost. */
export function lossesOf(draft: BatchDraft): Loss[] {
  const count = countReadings(draft);
  if (count === 0) return [...draft.losses];
  return [{ ...spanOf(draft), count, cause: 'storage-full' }, ...draft.losses];
}

/** A driver has judged it; what is not a batch here is a mistake of ours. */
export function readSigned(token: Uint8Array): Batch & { readonly digest: string } {
  const opened = openToken(token, limits.batchBytesMax);
  assert(!isRefusal(opened), 'a device-signed batch is judged before it is kept');
  const batch = readBatch(opened.payload);
  assert(!isRefusal(batch), 'a device-signed batch is judged before it is kept');
  return { ...batch, digest: opened.digest };
}
