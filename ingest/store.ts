/**
 * The contract of the record. The journal is the only record: append-only, one transaction for
 * verdict, bytes, replay key, high-water mark and log leaf. Whatever answers queries faster can be
 * deleted and rebuilt from it.
 */

/** What an entry is about. */
export type EntryKind =
  /** A batch credential that was accepted. */
  | 'batch'
  /** A batch that contradicts a stored one: same device, epoch and sequence, other content. */
  | 'equivocation'
  /** A credential that was refused for good, with its bytes. */
  | 'refusal'
  /** How many more were refused than the journal keeps, of whom and why. JSON of our own. */
  | 'refusals'
  /** An enrolment credential. */
  | 'enrolment'
  /** A DID document of an organisation that a person told us to trust, or its removal. */
  | 'organisation'
  /** A status list credential. */
  | 'status'
  /** A credential about custody, goods or standing, signed by a party (credential/party). */
  | 'party'
  /**
   * A proven batch that came too late to count: after its key was revoked and not chained under a
   * receipt before, or from a device in quarantine. Shown and kept, without effect until an officer
   * accepts it.
   */
  | 'doubtful'
  /** What an officer decided: accepts doubtful batches, ends a quarantine. JSON of our own. */
  | 'act'
  /** The set of routes and rules in force. */
  | 'rules'
  /** A clock tick that lets deadlines fire. */
  | 'tick';

/** The kinds that the book of trust is folded from. */
export const trustKinds = ['organisation', 'enrolment', 'status'] as const satisfies EntryKind[];

export function isTrustKind(kind: EntryKind): boolean {
  return (trustKinds as readonly EntryKind[]).includes(kind);
}

/** What the ingester says about an entry; part of the log leaf. */
export interface EntryHeader {
  readonly version: 1;
  readonly tenant: string;
  readonly kind: EntryKind;
  /** Wall time of receipt, milliseconds since 1970. */
  readonly receivedMs: number;
  /** `credentialDigest` of a credential; `digestMultibase` of all bytes of anything else. */
  readonly digest: string;
  /** Of an organisation: what the person who told us to trust it calls it, if that was said. */
  readonly name?: string;
  /** Gateway that delivered it, where one did. */
  readonly gateway?: string;
  /** Reason code and sentence of a refusal or equivocation. */
  readonly code?: string;
  readonly reason?: string;
  /** The place of a batch: one history per device. */
  readonly batch?: BatchKey;
  /**
   * `pending`: a custody step whose status lists were too old to believe; it waits in its place.
   * `stale`: telemetry that was taken although its status lists were too old.
   */
  readonly standing?: 'pending' | 'stale';
  /**
   * Of a batch: what its status lists said, when it came, of the calibration certificate that its
   * enrolment pins; absent where nothing stood against that. `unknown`: no list, or one too old.
   */
  readonly calibration?: {
    readonly digest: string;
    readonly status: 'revoked' | 'suspended' | 'unknown';
  };
  /** Of a doubtful batch: the entry that put its key in doubt; only older ones vouch for it. */
  readonly since?: number;
  /**
   * Of a batch that came in doubt and is good all the same: the batch, received before the doubt
   * began, under which it is chained.
   */
  readonly under?: number;
  /** Digests of the documents that the verdict rests on: enrolment, DID document, status list. */
  readonly documents?: readonly string[];
}

/** Where a batch stands in its device's history. */
export interface BatchKey {
  readonly device: string;
  readonly epochCounter: number;
  readonly epochNonce: string;
  readonly sequence: number;
  /** Digest of the batch before it; absent in the very first. */
  readonly previous?: string;
}

/** An entry as stored. Its leaf is SHA-256(0x00 ‖ header JSON ‖ 0x0A ‖ bytes), RFC 9162 §2.1.1. */
export interface JournalEntry {
  /** Counts from 0 without holes. */
  readonly position: number;
  readonly header: EntryHeader;
  /** The bytes as received: a token, a document, or JSON of our own. */
  readonly bytes: Uint8Array;
}

/** What came of appending one entry. */
export interface Appended {
  readonly position: number;
  /** Lower-case hex. */
  readonly leaf: string;
  /**
   * `stored`: a new entry. `known`: identical bytes were stored before, nothing changed.
   * `equivocation`: stored as evidence, without effect. `counted`: a refusal beyond what is kept;
   * an entry of kind `refusals` will tell of it, and position and leaf say nothing.
   */
  readonly result: 'stored' | 'known' | 'equivocation' | 'counted';
  /** The kind under which it stands in the journal. */
  readonly kind: EntryKind;
  readonly code?: string;
  /** Position of what the journal put behind it: an act, where this batch vouches for others. */
  readonly act?: number;
}

/** An entry that is to be appended. */
export interface NewEntry {
  readonly header: EntryHeader;
  readonly bytes: Uint8Array;
}

/** Size and root, in lower-case hex, of the tree of RFC 9162 over the leaves of all entries. */
export interface LogHead {
  readonly size: number;
  readonly root: string;
}

/** A signed checkpoint and what it says. */
export interface KeptCheckpoint extends LogHead {
  readonly issuedMs: number;
  readonly token: Uint8Array;
}

/** The signed statement of a gateway, by its DID, on a checkpoint that it kept. */
export interface WitnessToken {
  readonly gateway: string;
  readonly token: Uint8Array;
}

/** The journal as a log of which checkpoints are signed. */
export interface JournalLog {
  head(): Promise<LogHead>;
  /** The root of the first `size` entries. */
  rootOf(size: number): Promise<string>;
  /** Why the tree of `size` entries continues that of `from`, RFC 9162 §2.1.4.1. */
  prove(from: number, size: number): Promise<readonly Uint8Array[]>;
  /** Makes anew what is stored of the tree. Rejects with IN_JOURNAL_DAMAGED where that fails. */
  mend(): Promise<void>;
  /** Keeps a checkpoint, where there is a new one, and what gateways said, durably. */
  keep(checkpoint: KeptCheckpoint | undefined, statements: readonly WitnessToken[]): Promise<void>;
}

export interface Journal {
  /**
   * Appends in order, in ONE durable transaction; resolves when it is on disk. A digest that is
   * stored already yields the old position. Rejects, and stores nothing, when the disk fails.
   * The journal may take over the buffers in `give`, which the caller must not touch any more.
   */
  append(entries: readonly NewEntry[], give?: readonly ArrayBuffer[]): Promise<readonly Appended[]>;
  /** Entries from `from` on, at most `count`. */
  read(from: number, count: number): Promise<readonly JournalEntry[]>;
  /** Number of entries, which is the next position. */
  size(): Promise<number>;
  close(): Promise<void>;
}
