/**
 * The batch credential's shape: what a gateway signs and an ingester reads. The wire form stands
 * in docs/wire.md; the schema here is the closed one that received payloads must satisfy.
 */
import type { AggregateGroup, Loss, ReadingGroup } from '../reading.ts';

/**
 * One run of a gateway for one device. Every start opens a new one, so that a restored disk shows
 * as two epochs behind one digest and never as a reused sequence.
 */
export interface Epoch {
  /** Counts the epochs of the device from 1. */
  readonly counter: number;
  /** 128 random bits, 32 lower-case hex digits. */
  readonly nonce: string;
  /** Digest of the last batch before this epoch; absent in the first. */
  readonly follows?: string;
  /** Place of that batch: one that is not the last of its epoch shows a restored disk. */
  readonly after?: {
    readonly counter: number;
    readonly nonce: string;
    readonly sequence: number;
  };
}

/** The services that set a machine's clock and can be asked, and what an operator wrote down. */
export const clockTellers = ['configuration', 'chrony', 'timesyncd', 'ntpd'] as const;
export type ClockTeller = (typeof clockTellers)[number];

/** How far the gateway's clock can be believed; unknown things are absent, never zero. */
export interface ClockQuality {
  readonly source: 'unknown' | 'unsynchronised' | 'ntp' | 'ptp' | 'gnss';
  /** Who told source and offset: the service that was asked, or the operator. */
  readonly toldBy?: ClockTeller;
  /** Estimated offset of the gateway's clock from UTC, milliseconds (gateway minus UTC). */
  readonly offsetMs?: number;
  readonly uncertaintyMs?: number;
  /** The gateway's monotonic clock when the batch was closed, milliseconds. */
  readonly monotonicMs: number;
  /** Steps of the wall clock against the monotonic one since the batch before. */
  readonly steps: number;
}

/** A credential named by id and digest. */
export interface CredentialReference {
  readonly id: string;
  /** SHA-256 of its signing input as multihash in multibase base64url. */
  readonly digest: string;
}

/** What the issue stage knows when a batch closes; the outbox adds its place. */
export interface BatchDraft {
  /** DID of the device; its key signs. */
  readonly device: string;
  /** DID of the gateway. */
  readonly gateway: string;
  /** Absent until the device is enrolled. */
  readonly enrolment?: CredentialReference;
  readonly profile: { readonly name: string; readonly digest: string };
  /** Digest of the configuration in force. */
  readonly configuration: string;
  /** URI of the place where the readings were taken. */
  readonly readPoint: string;
  readonly clock: ClockQuality;
  /** Wall time when the batch was closed. */
  readonly closedMs: number;
  /** Empty in a heartbeat. */
  readonly groups: readonly ReadingGroup[];
  readonly losses: readonly Loss[];
  /** What stands for readings of earlier batches that gave way; absent where there is none. */
  readonly aggregates?: readonly AggregateGroup[];
  /**
   * Values that were read since the batch before and are not signed, because the point reports by
   * exception and they said nothing new; absent where there are none.
   */
  readonly suppressed?: number;
}

/** A batch's place in the device's history; assigned in the outbox's transaction. */
export interface BatchPlace {
  readonly epoch: Epoch;
  /** Counts the batches of the epoch from 1. */
  readonly sequence: number;
  /** The batch before this one in the same epoch, or the last of the epoch before. */
  readonly previous?: CredentialReference;
}

/** What a batch says of itself: all but its readings, aggregates and losses. */
export interface BatchHead
  extends Omit<BatchDraft, 'groups' | 'losses' | 'aggregates'>,
    BatchPlace {
  /** `urn:uuid:` of the credential. */
  readonly id: string;
  /** Distinct goods that the readings are about, in the order in which they first appear. */
  readonly goods: readonly string[];
  /** Number of readings. */
  readonly readings: number;
}

/** A batch as read from a verified payload. */
export interface Batch extends BatchDraft, BatchPlace {
  /** `urn:uuid:` of the credential. */
  readonly id: string;
}
