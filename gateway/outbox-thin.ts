/**
 * Thins the outbox out: batches of one device that stand one after the other become one batch of
 * signed aggregates. The finest and oldest go first, so that all of the backlog grows coarser
 * evenly.
 */
import type { Batch, BatchDraft } from '../devices/credential/batch.ts';
import { limits } from '../devices/limits.ts';
import type { Loss } from '../devices/reading.ts';
import { aggregateBatches } from './aggregate.ts';
import { lossesOfBatch } from './outbox-row.ts';
import type { Statements } from './outbox-statements.ts';
import type { BatchRow } from './outbox-tables.ts';

/** A sound row that may give way. */
export interface SoundRow {
  readonly row: BatchRow;
  readonly batch: Batch;
}

/** Rows that can become aggregates together. */
export interface ThinRun {
  readonly level: number;
  readonly device: string;
  readonly rows: readonly SoundRow[];
}

/** What `findRun` may use. */
export interface ThinSource {
  readonly sql: Statements;
  readonly canSign: (did: string) => boolean;
  /** Rows that go already. */
  readonly isTaken: (id: number) => boolean;
  /** Those of the rows that are sound; damaged ones leave the outbox. */
  readonly sound: (rows: readonly BatchRow[]) => readonly SoundRow[];
}

/** The next rows to thin; `undefined` where nothing can become coarser. */
export function findRun(source: ThinSource): ThinRun | undefined {
  const { canSign, isTaken, sound, sql } = source;
  for (const { device, level } of sql.thinnable.all()) {
    if (!canSign(device)) continue;
    const count = 2 * limits.outboxThinBatches;
    const oldest = sql.ofLevel.all(level, device, count).filter(({ id }) => !isTaken(id));
    const rows = firstAlike(sound(oldest));
    if (rows.length > 1) return { level, device, rows };
  }
  return undefined;
}

/** The first of the rows that are alike, where there are several. */
function firstAlike(rows: readonly SoundRow[]): SoundRow[] {
  const found: SoundRow[] = [];
  for (const one of rows) {
    const [first] = found;
    // What was read under another configuration is not the same quantity.
    if (first && !isAlike(first.batch, one.batch)) {
      if (found.length > 1) break;
      found.length = 0;
    }
    found.push(one);
    if (found.length === limits.outboxThinBatches) break;
  }
  return found;
}

function isAlike(a: Batch, b: Batch): boolean {
  return (
    a.gateway === b.gateway &&
    a.enrolment?.digest === b.enrolment?.digest &&
    a.profile.digest === b.profile.digest &&
    a.configuration === b.configuration &&
    a.readPoint === b.readPoint
  );
}

/** The draft that stands for the rows, and what else must be remembered of them. */
export function draftOfRun(
  { device, rows }: ThinRun,
  now: Pick<BatchDraft, 'clock' | 'closedMs'>,
): { readonly draft: BatchDraft; readonly lost: readonly Loss[] } {
  const batches = rows.map(({ batch }) => batch);
  const [head] = batches as [Batch];
  const aggregates = aggregateBatches(batches);
  const told = rows.map(({ batch, row }) => lossesOfBatch(batch, row.digest, 'thinned', device));
  const places = joinPlaces(told.flatMap(([own]) => own ?? []));
  const suppressed = batches.reduce((sum, batch) => sum + (batch.suppressed ?? 0), 0);
  const { configuration, enrolment, gateway, profile, readPoint } = head;
  const draft: BatchDraft = {
    ...{ device, gateway, profile, configuration, readPoint, closedMs: now.closedMs },
    ...(enrolment && { enrolment }),
    // Steps are counted from one batch of readings to the next.
    clock: { ...now.clock, steps: 0 },
    groups: [],
    losses: places,
    ...(aggregates.length > 0 && { aggregates }),
    ...(suppressed > 0 && { suppressed }),
  };
  return { draft, lost: told.flatMap(([, ...carried]) => carried) };
}

/** One loss for places of one epoch that stand one after the other. */
function joinPlaces(losses: readonly Loss[]): Loss[] {
  const joined: Loss[] = [];
  for (const loss of losses) {
    const before = joined.at(-1);
    const [a, b] = [before?.batches, loss.batches];
    const isNext =
      a && b && a.nonce === b.nonce && a.counter === b.counter && a.last + 1 === b.first;
    if (!before || !isNext) {
      joined.push(loss);
      continue;
    }
    joined[joined.length - 1] = {
      fromMs: Math.min(before.fromMs, loss.fromMs),
      toMs: Math.max(before.toMs, loss.toMs),
      count: before.count + loss.count,
      cause: loss.cause,
      batches: { ...b, first: a.first },
    };
  }
  return joined;
}
