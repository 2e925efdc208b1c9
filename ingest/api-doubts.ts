/** What is in doubt, for people: doubtful batches, quarantines, and what was decided of them. */
import { limits } from '../devices/limits.ts';
import { readAct } from './act.ts';
import { decodeState } from './fold-codec.ts';
import type { TwinState } from './fold-state.ts';
import type { DoubtfulRow, QuarantineRow } from './journal-doubt-reader.ts';
import type { JournalReader } from './journal-reader.ts';
import { twinId } from './twin.ts';
import { newestEnrolment } from './twin-statement.ts';
import type { TwinsStore } from './twins-store.ts';

export interface DoubtsQuery {
  /** Of this device alone. */
  readonly device?: string;
  /** Journal position from which on, and how many batches at most. */
  readonly from: number;
  readonly count: number;
  /** Only what waits for a decision. */
  readonly isOpen: boolean;
}

/** Who decided, and when: an officer, or a batch that came later and vouches for what it names. */
export interface Decision {
  readonly position: number;
  readonly atMs: number;
  readonly officer?: string;
  readonly reason?: string;
  /** Position of the batch, received before the doubt, under which it is chained. */
  readonly under?: number;
}

export interface DoubtfulBatch {
  readonly position: number;
  readonly device: string;
  /** Name of the device at its site; empty where it is not known. */
  readonly label: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly digest: string;
  readonly gateway?: string;
  readonly receivedMs: number;
  readonly code: string;
  readonly reason: string;
  /** Absent while it waits. */
  readonly accepted?: Decision;
}

export interface Quarantine {
  readonly device: string;
  readonly label: string;
  /** The entry that showed that the key is in two hands. */
  readonly position: number;
  readonly sinceMs: number;
  readonly reason: string;
  /** DID of the device that was enrolled in its place. */
  readonly supersededBy?: string;
  /** Absent while it lasts. */
  readonly ended?: Decision;
}

export interface Doubts {
  /** Batches that wait, on all pages. */
  readonly waiting: number;
  readonly doubtful: readonly DoubtfulBatch[];
  readonly quarantined: readonly Quarantine[];
  /** `from` of the next page, where there is one. */
  readonly next?: number;
}

interface Kept {
  readonly journal: JournalReader;
  readonly store: TwinsStore;
}

/** One page; quarantines are on each, the newest first. */
export function doubtsOf(kept: Kept, query: DoubtsQuery): Doubts {
  const { journal } = kept;
  const { device, from, isOpen: open } = query;
  const count = Math.min(query.count, limits.doubtsPageMax);
  // One more than is shown says whether there is another page, and where it begins.
  const rows = journal.doubtful({ from, count: count + 1, open, ...(device && { device }) });
  const next = rows[count]?.position;
  const quarantines = journal
    .quarantines({ count: limits.doubtsPageMax, open })
    .filter((one) => device === undefined || one.device === device);
  return {
    waiting: journal.waitingCount(),
    doubtful: rows.slice(0, count).map((row) => batchOf(kept, row)),
    quarantined: quarantines.map((row) => quarantineOf(kept, row)),
    ...(next !== undefined && { next }),
  };
}

function batchOf(kept: Kept, { position, device, epochCounter, sequence, act }: DoubtfulRow) {
  const { digest, gateway, receivedMs, code, reason, tenant } = headerOf(kept, position);
  return {
    position,
    device,
    label: labelOf(stateOf(kept, tenant, device)),
    epoch: epochCounter,
    sequence,
    digest,
    ...(gateway !== undefined && { gateway }),
    receivedMs,
    code: code ?? '',
    reason: reason ?? '',
    ...(act !== null && { accepted: decisionOf(kept.journal, act) }),
  };
}

function quarantineOf(kept: Kept, { device, since, act }: QuarantineRow): Quarantine {
  const { receivedMs: sinceMs, reason = '', tenant } = headerOf(kept, since);
  const state = stateOf(kept, tenant, device);
  const { supersededBy } = state?.doubt?.quarantine ?? {};
  return {
    device,
    label: labelOf(state),
    position: since,
    sinceMs,
    reason,
    ...(supersededBy !== undefined && { supersededBy }),
    ...(act !== null && { ended: decisionOf(kept.journal, act) }),
  };
}

/** What an act says of who decided. */
export function decisionOf(journal: JournalReader, position: number): Decision {
  const [entry] = journal.read(position, 1);
  const act = entry && readAct(entry.bytes);
  if (act === undefined) return { position, atMs: entry?.header.receivedMs ?? 0 };
  const { atMs } = act;
  if (act.act === 'chained') return { position, atMs, under: act.under };
  return { position, atMs, officer: act.officer, reason: act.reason };
}

function headerOf({ journal }: Kept, position: number) {
  const header = journal.headerAt(position);
  if (header === undefined) throw new Error(`no journal entry ${position} although it is indexed`);
  return header;
}

function stateOf({ store }: Kept, tenant: string, device: string): TwinState | undefined {
  const text = store.load(twinId(tenant, 'device', device));
  return text === undefined ? undefined : decodeState(text);
}

function labelOf(state: TwinState | undefined): string {
  return (state && newestEnrolment(state)?.enrolment.label) ?? '';
}
