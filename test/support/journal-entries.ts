/** Journal entries for tests of the fold: real payloads, unsigned unless a signer is given. */
import { strict as assert } from 'node:assert';
import type { BatchDraft, BatchPlace, ClockQuality } from '../../devices/credential/batch.ts';
import { composeBatch } from '../../devices/credential/batch-wire.ts';
import type { Enrolment, Facility } from '../../devices/credential/enrolment.ts';
import { composeEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { familyFor, type PartyStatement } from '../../devices/credential/party/families.ts';
import { credentialDigest } from '../../devices/envelope.ts';
import { digestMultibase } from '../../devices/profile.ts';
import type { Loss, Quality, Reading, ReadingGroup, Value } from '../../devices/reading.ts';
import type { EntryHeader, EntryKind, JournalEntry } from '../../ingest/store.ts';

export const tenant = 'cbp';
/** 2026-01-01T00:00:00Z */
export const startMs = 1_767_225_600_000;

/** DIDs that have the right form; no key is behind them. */
export const deviceDid = (name: string): string =>
  `did:key:zDnae${Buffer.from(name).toString('hex').replaceAll('0', 'A').padEnd(44, 'B')}`;
export const gatewayDid = deviceDid('67617465');

const uuid = (seed: string): string => {
  const hex = Buffer.from(digestMultibase(Buffer.from(seed))).toString('hex');
  return `urn:uuid:${hex.slice(6, 14)}-${hex.slice(14, 18)}-4${hex.slice(19, 22)}-8${hex.slice(23, 26)}-${hex.slice(26, 38)}`;
};

/** A token that nobody signed: the fold reads what the journal keeps as verified. */
function unsigned(payload: string): Uint8Array {
  return Buffer.from(`eyJ9.${Buffer.from(payload).toString('base64url')}.c2ln`);
}

function entryOf(
  position: number,
  kind: EntryKind,
  bytes: Uint8Array,
  header: Partial<EntryHeader> & { receivedMs: number },
): JournalEntry {
  const digest = credentialDigest(bytes);
  return { position, header: { version: 1, tenant, kind, digest, ...header }, bytes };
}

export const facility: Facility = {
  id: 'did:web:northline.example/facility/neche',
  name: 'Neche meter station',
  unlocode: 'USNCE',
  latitude: 48.99929,
  longitude: -97.53103,
  accuracyM: 50,
};

export interface EnrolmentOptions {
  readonly position: number;
  readonly device: string;
  readonly label?: string;
  readonly organisation?: string;
  readonly goods?: readonly string[];
  readonly facility?: Facility;
  readonly cadenceMs?: number;
  readonly heartbeatMs?: number;
  readonly supersedes?: string;
  readonly receivedMs?: number;
  readonly scope?: Partial<Enrolment['scope']>;
  readonly profileDigest?: string;
  /** Digest of the calibration certificate that it pins. */
  readonly calibration?: string;
}

export function enrolmentEntry(options: EnrolmentOptions): JournalEntry {
  const enrolment: Enrolment = {
    id: uuid(`enrolment ${options.device} ${options.position}`),
    organisation: options.organisation ?? 'did:web:northline.example',
    organisationName: 'Northline Pipeline',
    device: options.device,
    gateway: gatewayDid,
    label: options.label ?? 'fc-1',
    profile: {
      name: 'test-profile',
      digest: options.profileDigest ?? digestMultibase(Buffer.from('profile')),
    },
    facility: options.facility ?? facility,
    cadenceMs: options.cadenceMs ?? 1_000,
    heartbeatMs: options.heartbeatMs ?? 60_000,
    ...(options.supersedes !== undefined && { supersedes: options.supersedes }),
    keyLocation: 'gateway-file',
    scope: { goods: options.goods ?? ['did:web:northline.example/'], ...options.scope },
    validFromMs: startMs - 3_600_000,
    status: [],
    ...(options.calibration !== undefined && { calibration: options.calibration }),
  };
  const bytes = unsigned(composeEnrolment(enrolment));
  const receivedMs = options.receivedMs ?? startMs;
  return entryOf(options.position, 'enrolment', bytes, { receivedMs });
}

export function reading(
  point: string,
  value: Value | undefined,
  options: { unit?: string; quality?: Quality; status?: string; type?: string } = {},
): Reading {
  const quality = options.quality ?? (value === undefined ? 'bad' : 'good');
  return {
    point,
    type: options.type ?? 'Dimensionless',
    unit: options.unit ?? '',
    rawHex: Buffer.from(String(value ?? '')).toString('hex'),
    quality,
    ...(value === undefined ? {} : { value }),
    ...(options.status === undefined ? {} : { status: options.status }),
  };
}

export interface BatchOptions {
  readonly position: number;
  readonly device: string;
  readonly sequence: number;
  readonly counter?: number;
  readonly nonce?: string;
  readonly follows?: string;
  readonly groups?: readonly ReadingGroup[];
  readonly losses?: readonly Loss[];
  readonly clock?: Partial<ClockQuality>;
  /** Closing time; received 50 ms later unless said otherwise. */
  readonly closedMs?: number;
  readonly receivedMs?: number;
  readonly profileDigest?: string;
  readonly gateway?: string;
}

export function batchEntry(options: BatchOptions): JournalEntry {
  const { device, sequence, position } = options;
  const counter = options.counter ?? 1;
  const nonce = options.nonce ?? String(counter).padStart(32, '0');
  const closedMs = options.closedMs ?? options.groups?.at(-1)?.timeMs ?? startMs;
  const draft: BatchDraft = {
    device,
    gateway: gatewayDid,
    profile: {
      name: 'test-profile',
      digest: options.profileDigest ?? digestMultibase(Buffer.from('profile')),
    },
    configuration: digestMultibase(Buffer.from('configuration')),
    readPoint: facility.id,
    clock: { source: 'unknown', monotonicMs: closedMs - startMs, steps: 0, ...options.clock },
    closedMs,
    groups: options.groups ?? [],
    losses: options.losses ?? [],
  };
  const place: BatchPlace = {
    epoch: {
      counter,
      nonce,
      ...(options.follows === undefined ? {} : { follows: options.follows }),
    },
    sequence,
  };
  const seed = `${device} ${counter} ${nonce} ${sequence}`;
  const bytes = unsigned(
    composeBatch(draft, place, { credential: uuid(seed), event: uuid(`event ${seed}`) }),
  );
  return entryOf(position, 'batch', bytes, {
    receivedMs: options.receivedMs ?? closedMs + 50,
    gateway: options.gateway ?? 'gateway-1',
    batch: { device, epochCounter: counter, epochNonce: nonce, sequence },
  });
}

export function tickEntry(position: number, receivedMs: number): JournalEntry {
  return entryOf(position, 'tick', Buffer.from(JSON.stringify({ atMs: receivedMs })), {
    receivedMs,
  });
}

export function rulesEntry(position: number, routes: unknown): JournalEntry {
  return entryOf(position, 'rules', Buffer.from(JSON.stringify(routes)), { receivedMs: startMs });
}

/** A credential of a party, as a token that nobody signed. */
export function partyEntry(
  position: number,
  statement: PartyStatement,
  header: Partial<EntryHeader> = {},
): JournalEntry {
  const bytes = unsigned(familyFor(statement).compose(statement));
  return entryOf(position, 'party', bytes, { receivedMs: startMs + position, ...header });
}

/** What resolves a pending custody step. */
export function custodyActEntry(
  position: number,
  act: { readonly goods: string; readonly step: string; readonly effect: 'take' | 'void' },
): JournalEntry {
  const bytes = Buffer.from(
    JSON.stringify({ act: 'custody', ...act, reason: 'a test says so', atMs: startMs }),
  );
  return entryOf(position, 'act', bytes, { receivedMs: startMs + position });
}

/** A batch that was proven and came in doubt. */
export function doubtfulEntry(of: JournalEntry, code = 'VC_REVOKED'): JournalEntry {
  const { header, bytes, position } = of;
  return { position, bytes, header: { ...header, kind: 'doubtful', code, reason: 'a test' } };
}

export function actEntry(position: number, act: object, receivedMs = startMs): JournalEntry {
  return entryOf(position, 'act', Buffer.from(JSON.stringify(act)), { receivedMs });
}

/** A refusal or an equivocation in the name of a device. */
export function incidentEntry(
  kind: 'refusal' | 'equivocation',
  position: number,
  of: JournalEntry,
): JournalEntry {
  const { batch, receivedMs, gateway } = of.header;
  assert(batch && gateway);
  return entryOf(position, kind, of.bytes, {
    receivedMs,
    gateway,
    batch,
    code: kind === 'refusal' ? 'VC_SIGNATURE' : 'IN_FORK',
    reason: 'a test made it so',
  });
}
