/**
 * What was seen of a simulated world: each batch that a disk ever held, each entry of the journal,
 * each row that went. Read from the bytes by a few lines of its own, since a decoder that checks
 * itself proves nothing.
 */
import { createHash } from 'node:crypto';
import type { JournalEntry } from '../../ingest/store.ts';
import type { OutboxChange } from './outbox-changes.ts';

/** The place of a batch in its device's history. */
export interface Place {
  readonly device: string;
  readonly counter: number;
  readonly nonce: string;
  readonly sequence: number;
}

/** A batch as it was signed. */
export interface SignedBatch extends Place {
  readonly digest: string;
  readonly station: string;
  readonly bytes: number;
  readonly hash: string;
  readonly closedMs: number;
  readonly previous: string | undefined;
  readonly follows: string | undefined;
  /** What it says, in order: point and number of the sensor's count. */
  readonly values: readonly { readonly point: string; readonly value: number }[];
  /** Steps of the gateway's clock that it says. */
  readonly steps: number;
  /** Places that its losses name. */
  readonly losses: readonly string[];
  /** How many values it says are lost that were in no batch. */
  readonly lost: number;
}

/** An entry, as far as promises ask. */
export interface Stored {
  readonly position: number;
  readonly kind: JournalEntry['header']['kind'];
  readonly digest: string;
  readonly code: string | undefined;
  readonly receivedMs: number;
  /** Positions that an act accepts. */
  readonly accepts: readonly number[];
}

export interface Facts {
  /** By digest: every batch that was ever on a disk. */
  readonly signed: Map<string, SignedBatch>;
  /** By `nameOf` its place. */
  readonly places: Map<string, string>;
  /** Digests on the disk of each station. */
  readonly waiting: Map<string, Set<string>>;
  readonly waitingBytes: Map<string, number>;
  /** Places that signed losses name: those batches will not come. */
  readonly given: Set<string>;
  /** Digests that went with a disk that was put back to an older state. */
  readonly rolledBack: Set<string>;
  /** By position. */
  readonly journal: Stored[];
  /** Positions at which a digest stands, as whatever kind. */
  readonly stands: Map<string, number>;
  /** Devices that were revoked. */
  readonly revoked: Set<string>;
}

export function noFacts(): Facts {
  return {
    signed: new Map(),
    places: new Map(),
    waiting: new Map(),
    waitingBytes: new Map(),
    given: new Set(),
    rolledBack: new Set(),
    journal: [],
    stands: new Map(),
    revoked: new Set(),
  };
}

export function nameOf({ counter, device, nonce, sequence }: Place): string {
  return `${device.slice(-8)} epoch ${counter} ${nonce.slice(0, 8)} sequence ${sequence}`;
}

/** Rows that one commit of an outbox added, and digests of those that it took away. */
export interface Moved {
  readonly added: readonly SignedBatch[];
  readonly gone: readonly string[];
}

/** Notes a commit of an outbox. */
export function noteCommit(facts: Facts, station: string, change: OutboxChange): Moved {
  const before = facts.waiting.get(station) ?? new Set<string>();
  const now = change.isAll ? new Set<string>() : before;
  const added: SignedBatch[] = [];
  for (const { digest, token } of change.added) {
    now.add(digest);
    if (before.has(digest) && change.isAll) continue;
    const batch = facts.signed.get(digest) ?? readToken(token, { digest, station });
    added.push(batch);
    facts.signed.set(digest, batch);
    for (const place of batch.losses) facts.given.add(place);
  }
  for (const range of change.given) for (const place of placesOf(range)) facts.given.add(place);
  const gone = change.isAll ? [...before].filter((digest) => !now.has(digest)) : change.gone;
  if (!change.isAll) for (const digest of gone) now.delete(digest);
  facts.waiting.set(station, now);
  let bytes = 0;
  if (change.isAll) for (const digest of now) bytes += facts.signed.get(digest)?.bytes ?? 0;
  else {
    bytes = facts.waitingBytes.get(station) ?? 0;
    for (const batch of added) bytes += batch.bytes;
    for (const digest of gone) bytes -= facts.signed.get(digest)?.bytes ?? 0;
  }
  facts.waitingBytes.set(station, bytes);
  return { added, gone };
}

/** Notes entries that are on the ingester's disk. */
export function noteStored(facts: Facts, entries: readonly JournalEntry[]): Stored[] {
  return entries.map(({ bytes, header, position }) => {
    const { code, digest, kind, receivedMs } = header;
    const accepts = kind === 'act' ? acceptedBy(bytes) : [];
    const stored = { position, kind, digest, code, receivedMs, accepts };
    facts.journal[position] = stored;
    if (!facts.stands.has(digest)) facts.stands.set(digest, position);
    return stored;
  });
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function acceptedBy(bytes: Uint8Array): readonly number[] {
  const act = JSON.parse(Buffer.from(bytes).toString()) as { accept?: readonly number[] };
  return act.accept ?? [];
}

interface Payload {
  readonly issuer: string;
  readonly validFrom: string;
  readonly relatedResource?: readonly { readonly digestMultibase: string }[];
  readonly credentialSubject: {
    readonly 'bl:epoch': {
      readonly 'bl:counter': number;
      readonly 'bl:nonce': string;
      readonly 'bl:follows'?: string;
    };
    readonly 'bl:sequence': number;
    readonly 'bl:clock': { readonly 'bl:steps': number };
    readonly 'bl:losses'?: readonly {
      readonly 'bl:batches'?: Range;
      readonly 'bl:count': number;
    }[];
    readonly sensorElementList?: readonly {
      readonly sensorReport: readonly {
        readonly 'bl:point': string;
        readonly hexBinaryValue?: string;
      }[];
    }[];
  };
}

interface Range {
  readonly 'bl:counter': number;
  readonly 'bl:nonce': string;
  readonly 'bl:firstSequence': number;
  readonly 'bl:lastSequence': number;
}

/** Batches of one epoch of a device, the last one included. */
export interface Batches extends Omit<Place, 'sequence'> {
  readonly first: number;
  readonly last: number;
}

/** The JSON in the middle of a compact JWS. */
export function payloadOf(token: Uint8Array): unknown {
  const [, payload = ''] = Buffer.from(token).toString('latin1').split('.');
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
}

function readToken(
  token: Uint8Array,
  about: { readonly digest: string; readonly station: string },
): SignedBatch {
  const { credentialSubject: subject, issuer: device, ...head } = payloadOf(token) as Payload;
  const { 'bl:counter': counter, 'bl:nonce': nonce, 'bl:follows': follows } = subject['bl:epoch'];
  const losses = (subject['bl:losses'] ?? []).flatMap(({ 'bl:batches': range }) =>
    range === undefined
      ? []
      : placesOf({
          ...{ device, counter: range['bl:counter'], nonce: range['bl:nonce'] },
          ...{ first: range['bl:firstSequence'], last: range['bl:lastSequence'] },
        }),
  );
  return {
    ...about,
    ...{ device, counter, nonce, follows },
    sequence: subject['bl:sequence'],
    bytes: token.length,
    hash: hashOf(token),
    steps: subject['bl:clock']['bl:steps'],
    closedMs: Date.parse(head.validFrom),
    previous: head.relatedResource?.[0]?.digestMultibase,
    values: (subject.sensorElementList ?? []).flatMap(({ sensorReport }) =>
      sensorReport.map((report) => ({
        point: report['bl:point'],
        value: Number.parseInt(report.hexBinaryValue ?? '', 16),
      })),
    ),
    losses,
    lost: (subject['bl:losses'] ?? [])
      .filter((loss) => loss['bl:batches'] === undefined)
      .reduce((sum, loss) => sum + loss['bl:count'], 0),
  };
}

function placesOf({ first, last, ...epoch }: Batches): string[] {
  const places: string[] = [];
  for (let sequence = first; sequence <= last; sequence += 1) {
    places.push(nameOf({ ...epoch, sequence }));
  }
  return places;
}
