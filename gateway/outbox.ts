/**
 * The contract of the outbox: batches are signed and durable before anything is sent, and leave
 * only when the ingester's signed receipt says so. The worker's client (outbox-client.ts) and the
 * one that works in this process (outbox-local.ts) both implement it.
 */
import type { BatchDraft } from '../devices/credential/batch.ts';
import type { Paper } from './paper.ts';

/** What the issue stage hands over: a draft, and the messages that its readings came in. */
export interface Draft extends BatchDraft {
  /** Remembered in the same transaction (`SampleSet.message`), also where the readings are not. */
  readonly messages?: readonly string[];
  /** Secured as `vc+sd-jwt`, so that readings can be shown alone; `vc+jwt` where absent. */
  readonly selective?: { readonly decoys: boolean };
  /** It says something that cannot wait (an alarm, a seal): sent before all others. */
  readonly priority?: 'urgent';
}

/** A batch that a device signed itself, as it came and already verified. */
export interface DeviceSigned {
  readonly token: Uint8Array;
  /** DID of a key of ours: it signs the loss where the batch cannot be kept. */
  readonly witness: string;
  readonly message?: string;
  /** As of a draft. */
  readonly priority?: 'urgent';
}

/**
 * What gives way when the outbox is full. `keep-oldest`: what comes; `keep-newest`: the oldest
 * batches; `thin-out`: batches become aggregates, the oldest and finest first. Signed losses say
 * so, and urgent batches never give way.
 */
export const whenFullPolicies = ['keep-oldest', 'keep-newest', 'thin-out'] as const;
export type WhenFull = (typeof whenFullPolicies)[number];

/** `known`: it waits there already. `full`: there is no room for it, and it is not kept. */
export type Carried = 'kept' | 'known' | 'full';

/** What became of a draft. */
export interface Appended {
  /** Batches that it was signed as: more than one where it was too large for one, or none. */
  readonly batches: number;
  /** Readings signed and durable. */
  readonly readings: number;
  /** Point values that the draft's losses and those remembered by the outbox account for. */
  readonly lossesSigned: number;
  /** Readings that were not kept because the outbox is full; a signed loss will say so. */
  readonly dropped: number;
}

/** A signed batch that waits for its receipt. */
export interface OutboxRow {
  /** Position in the outbox: a later commit has a higher one. Never used twice. */
  readonly id: number;
  readonly digest: string;
  readonly device: string;
  readonly readings: number;
  /** Wall time of the gateway at which the batch was closed. */
  readonly closedMs: number;
  readonly token: Uint8Array;
  /** Sent before rows that are not. */
  readonly urgent: boolean;
  /** Family of a party's paper that is only carried; absent for a batch. */
  readonly paper?: string;
}

/** Batches of a device that wait until the ingester takes one of them. */
export interface Held {
  readonly device: string;
  /** Those closed at or after this wall time; absent where all wait. */
  readonly closedFromMs?: number;
}

/** Which rows to look at: those with `after` < id ≤ `upTo`, lowest first. */
export interface PeekRequest {
  readonly after: number;
  /** Absent: to the end. */
  readonly upTo?: number;
  /** Rows of this device only. */
  readonly device?: string;
  /** Batches closed at or after this wall time only; goes with `device`. */
  readonly closedFromMs?: number;
  /** Without these. */
  readonly except?: readonly Held[];
  /** Urgent rows only. */
  readonly urgent?: true;
  readonly count: number;
  /** Bytes of tokens; the last row may go over it. Default: no bound but `count`. */
  readonly bytesMax?: number;
}

/** What a receipt says for good about one batch. */
export interface Settlement {
  readonly digest: string;
  readonly outcome: 'accepted' | 'refused';
  readonly code?: string;
  /** `digestMultibase` of the bytes that it is about; a row of other bytes stays. */
  readonly bytes?: string;
}

export interface Settled {
  /** Readings in rows that went because they were accepted, and because they were refused. */
  readonly accepted: number;
  readonly refused: number;
  /** The disk had no room even for that: every row is still there. */
  readonly undone?: true;
}

export interface OutboxStats {
  /** Highest id that was ever given out. */
  readonly lastId: number;
  readonly rows: number;
  readonly readings: number;
  readonly bytes: number;
  /** Rows found damaged since the start; each is a signed loss. */
  readonly damaged: number;
  /** Readings since the start whose rows gave way to newer ones; each is a signed loss. */
  readonly gaveWay: number;
  /** Per device DID. */
  readonly devices: Readonly<Record<string, { readonly rows: number; readonly readings: number }>>;
}

/** Where a device's history ended before this start. */
export interface DeviceMark {
  readonly device: string;
  /** Newest sample time, or closing time where the batch was a heartbeat, of the last batch. */
  readonly lastMs: number;
  /** Messages of the device that are durable, oldest first, `limits.mqttRememberedMax` at most. */
  readonly messages: readonly string[];
}

/** Messages that no copy can come of any more. */
export interface ForgetRequest {
  readonly device: string;
  readonly messages: readonly string[] | 'all';
}

export interface Outbox {
  /**
   * Signs the draft under its device's key, gives it the next place in the device's history and
   * resolves when all of it is on disk. Drafts of one device keep the order of the calls.
   * Rejects only when the store fails, and then nothing of the draft is kept: the gateway stops.
   */
  append(draft: Draft): Promise<Appended>;
  /**
   * Takes a batch that its device signed, byte for byte, and resolves when it is on disk. It has
   * a place in its device's history already. One that is there is no mistake.
   */
  keep(signed: DeviceSigned): Promise<Appended>;
  /** Keeps a party's paper byte for byte, urgent; resolves when it is on disk, or cannot be. */
  carry(paper: Paper): Promise<Carried>;
  /** Resolves when it is on disk that these messages are not remembered. */
  forget(request: ForgetRequest): Promise<void>;
  /** Committed rows whose hash and signature are right; a damaged row is never among them. */
  peek(request: PeekRequest): Promise<readonly OutboxRow[]>;
  /** Deletes rows in one transaction. Digests that are not there are no mistake. */
  settle(settlements: readonly Settlement[]): Promise<Settled>;
  stats(): Promise<OutboxStats>;
  /** The devices that have a history, as it is now on disk. */
  marks(): Promise<readonly DeviceMark[]>;
  /** Finishes what was asked and closes the database. */
  close(): Promise<void>;
}
