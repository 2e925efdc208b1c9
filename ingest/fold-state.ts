/**
 * What the fold keeps of one twin. A state is made of joins only (newest, oldest, sets, sums of
 * things that happen once), so that entries without conflicts give the same state in any order.
 */
import type { Enrolment, Party } from '../devices/credential/enrolment.ts';
import type { Calibration } from '../devices/credential/party/calibration.ts';
import type { PartyKind } from '../devices/credential/party/families.ts';
import type { Loss, Quality } from '../devices/reading.ts';
import type { CustodyState } from './fold-custody.ts';
import type { DeviceHistory } from './fold-history.ts';
import type { EntryHeader } from './store.ts';
import type { TwinKind } from './twin.ts';

/** The batch that a value came with. */
export interface Stamp {
  /** Journal position. */
  readonly position: number;
  readonly device: string;
  readonly counter: number;
  readonly nonce: string;
  readonly sequence: number;
  readonly receivedMs: number;
  /** Whether the gateway's clock was synchronised; an untrusted one never displaces it. */
  readonly trusted: boolean;
  /** Position of the act that accepted the batch, where it was doubtful. */
  readonly act?: number;
  /** The status lists were too old when it was taken: a revocation may have been missing. */
  readonly stale?: true;
  /** What stood against the calibration that its device's enrolment pins. */
  readonly calibration?: EntryHeader['calibration'];
}

export type CellValue = string | number | boolean | readonly number[];

/** What one device said of one path. */
export interface Cell {
  readonly stamp: Stamp;
  /** Index of the sensor element and of the report in it; -1 where there is none. */
  readonly element: number;
  readonly report: number;
  /** Corrected and never later than receipt. */
  readonly observedMs: number;
  /** Absent when the quality is `bad`. */
  readonly value?: CellValue;
  readonly unit: string;
  readonly quality: Quality;
  readonly status?: string;
  /** The newest value before a bad one. */
  readonly good?: Cell;
}

/** Path, then device DID. */
export type Cells = Map<string, Map<string, Cell>>;

/** Whether a condition held in a minute: no reading at all is neither. */
export interface MinuteState {
  readonly holds: boolean;
}

/** One minute of observations. */
export interface Minute {
  /** Minutes since 1970. */
  readonly minute: number;
  held: boolean;
  failed: boolean;
  /** Lowest journal position of a reading for which the condition held; -1 for none. */
  position: number;
}

/** An enrolment that a twin's batches name, or that a device has. */
export interface EnrolmentRecord {
  readonly digest: string;
  readonly position: number;
  readonly enrolment: Enrolment;
  /** Oldest observation under it; absent on the device's own list. */
  sinceMs?: number;
}

/** Entries that have no effect on values but must be seen. */
export interface Incident {
  count: number;
  firstMs: number;
  /** The lowest positions. */
  positions: number[];
  /** Reason code and sentence of the newest of them. */
  reason: string;
  reasonPosition: number;
}

/** What of a device came in doubt, and whether it is in quarantine. */
export interface DoubtState {
  /** Doubtful batches, and how many of them took effect later. */
  count: number;
  accepted: number;
  firstMs: number;
  /** The lowest positions of those that wait. */
  positions: number[];
  /** Code and sentence of the newest. */
  reason: string;
  reasonPosition: number;
  /** Its key signed two histories, and nobody has ended this yet. */
  quarantine?: {
    readonly position: number;
    readonly sinceMs: number;
    readonly reason: string;
    /** DID of the device that is enrolled in its place. */
    readonly supersededBy?: string;
  };
}

/** A device at a facility. */
export interface Member {
  readonly device: string;
  readonly label: string;
  readonly position: number;
}

/** What a party certified of a twin. */
export interface Paper {
  readonly digest: string;
  readonly kind: PartyKind;
  readonly issuer: Party;
  /** What it says, in one line. */
  readonly title: string;
  readonly position: number;
  readonly receivedMs: number;
  /** When it happened, or from when on it holds; and until when. */
  readonly atMs: number;
  readonly untilMs?: number;
  /** Who answers for the goods to customs; only in the request of a movement. */
  readonly liable?: Party;
  /** What a calibration certificate says, so that it can be held against readings. */
  readonly calibration?: Calibration;
}

/** That a paper was wrong; its key is the paper's digest and the corrector's DID. */
export interface PaperCorrection {
  readonly key: string;
  readonly position: number;
  readonly reason: string;
}

/** The newest act of an authority about goods of one movement: a hold, or the end of it. */
export interface HoldRecord {
  readonly key: string;
  readonly authority: Party;
  readonly isHeld: boolean;
  readonly atMs: number;
  readonly digest: string;
  readonly position: number;
}

/** A signed loss and where it stands. */
export interface LossRecord extends Loss {
  readonly counter: number;
  readonly nonce: string;
  readonly sequence: number;
  readonly index: number;
  readonly position: number;
}

export interface TwinState {
  readonly id: string;
  readonly tenant: string;
  readonly kind: TwinKind;
  readonly uri: string;
  /** Highest position of an entry that touched it. */
  position: number;
  /** Newest observation about it; 0 before the first. */
  observedMs: number;
  receivedMs: number;
  readonly newest: Cells;
  readonly oldest: Cells;
  /** Newest minutes by path, ascending. */
  readonly minutes: Map<string, Minute[]>;
  /** By digest. */
  readonly enrolments: Map<string, EnrolmentRecord>;
  readonly incidents: Map<string, Incident>;
  /** Devices of a facility, by DID. */
  readonly members: Map<string, Member>;
  /** What parties certified, by digest; and what of it was wrong. */
  readonly papers: Map<string, Paper>;
  readonly corrections: Map<string, PaperCorrection>;
  /** Absent before the first step of custody. */
  custody?: CustodyState;
  /** Likewise of ownership. */
  ownership?: CustodyState;
  /** What customs held, by number of the movement and DID of the authority. */
  readonly holds: Map<string, HoldRecord>;
  /** A device's history; absent on other twins. */
  history?: DeviceHistory;
  /** Absent where nothing of the device is in doubt. */
  doubt?: DoubtState;
}

export function emptyState(id: string, tenant: string, kind: TwinKind, uri: string): TwinState {
  return {
    id,
    tenant,
    kind,
    uri,
    position: -1,
    observedMs: 0,
    receivedMs: 0,
    newest: new Map(),
    oldest: new Map(),
    minutes: new Map(),
    enrolments: new Map(),
    incidents: new Map(),
    members: new Map(),
    papers: new Map(),
    corrections: new Map(),
    holds: new Map(),
  };
}

/** The order of one device's batches: epoch, then sequence; never the wall clock. */
export function compareStamps(
  a: Pick<Stamp, 'counter' | 'nonce' | 'sequence'>,
  b: Pick<Stamp, 'counter' | 'nonce' | 'sequence'>,
): number {
  if (a.counter !== b.counter) return a.counter - b.counter;
  if (a.nonce !== b.nonce) return a.nonce < b.nonce ? -1 : 1;
  return a.sequence - b.sequence;
}

/** The order of one device's statements: (epoch, sequence, index). */
export function compareCells(a: Cell, b: Cell): number {
  return compareStamps(a.stamp, b.stamp) || a.element - b.element || a.report - b.report;
}

/**
 * Which of two devices is believed about the same thing: a synchronised clock before one that is
 * not, then the later observation, then the higher DID, so that it never depends on arrival.
 */
export function rankCells(a: Cell, b: Cell): number {
  if (a.stamp.trusted !== b.stamp.trusted) return a.stamp.trusted ? 1 : -1;
  if (a.observedMs !== b.observedMs) return a.observedMs - b.observedMs;
  if (a.stamp.device === b.stamp.device) return 0;
  return a.stamp.device < b.stamp.device ? -1 : 1;
}

/** The statement that counts among those of several devices. */
export function chosen(cells: ReadonlyMap<string, Cell> | undefined): Cell | undefined {
  let best: Cell | undefined;
  for (const cell of cells?.values() ?? []) {
    if (best === undefined || rankCells(cell, best) > 0) best = cell;
  }
  return best;
}

/** Marks that an entry touched a twin. */
export function touch(
  state: TwinState,
  entry: { position: number; receivedMs: number; observedMs?: number },
): void {
  state.position = Math.max(state.position, entry.position);
  state.receivedMs = Math.max(state.receivedMs, entry.receivedMs);
  state.observedMs = Math.max(state.observedMs, entry.observedMs ?? 0);
}
