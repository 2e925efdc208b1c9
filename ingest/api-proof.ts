/**
 * The proof of one statement: the chain from the value on the screen back to the raw words, the
 * credential, the device and the organisation. Every link is checked again now, from the bytes in
 * the journal, and says what was checked.
 */
import { readBatchHead } from '../devices/credential/batch-wire.ts';
import type { Enrolment } from '../devices/credential/enrolment.ts';
import { type OpenedToken, openToken, verifyToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { checkEnrolled } from '../devices/credential/verify-kind.ts';
import { assertionKeyOf } from '../devices/identity/did-document.ts';
import { publicKeyOfDid } from '../devices/identity/did-key.ts';
import type { PublicKey } from '../devices/identity/public-key.ts';
import { limits } from '../devices/limits.ts';
import { type Decision, decisionOf } from './api-doubts.ts';
import { type PaperLink, paperProofOf } from './api-paper-proof.ts';
import { readingOf } from './api-readings.ts';
import { batchPayload, enrolmentPayload } from './apply-payload.ts';
import type { JournalReader } from './journal-reader.ts';
import type { JournalEntry } from './store.ts';
import { emptyTrust, foldTrust, type TrustedOrganisation } from './trust.ts';
import type { Statement, StatementSource } from './twin.ts';

/** One thing that was checked, in words for a person. */
export interface Check {
  readonly text: string;
  readonly ok: boolean;
}

/** A stored credential as a link of the chain. */
export interface CredentialLink {
  readonly id: string;
  readonly digest: string;
  readonly position: number;
  readonly leaf: string;
  readonly receivedMs: number;
  readonly issuer: string;
  readonly keyId: string;
  /** The token exactly as received. */
  readonly token: string;
  readonly checks: readonly Check[];
}

/** An organisation whose key signed, as it was pinned then. */
export interface OrganisationLink {
  readonly did: string;
  readonly name: string;
  readonly documentDigest?: string;
  readonly position?: number;
  readonly checks: readonly Check[];
}

export interface Proof {
  /** What parties signed, where the value rests on that and not on a device. */
  readonly paper?: PaperLink;
  /** The sample that the value was read from; absent for what is declared or derived. */
  readonly reading?: ReturnType<typeof readingOf> & {
    readonly element: number;
    readonly report: number;
    readonly checks: readonly Check[];
  };
  /** All readings of the sample where the statement rests on several of them (a position). */
  readonly sample?: {
    readonly element: number;
    readonly readings: readonly ReturnType<typeof readingOf>[];
  };
  readonly credential: CredentialLink & {
    readonly gateway?: string;
    readonly epoch?: number;
    readonly sequence?: number;
    readonly previous?: string;
    /** The status lists were too old when it was taken: a revocation may have been missing. */
    readonly status?: 'unknown';
    /** Why it was in doubt, and who accepted it. */
    readonly doubt?: {
      readonly code: string;
      readonly reason: string;
      readonly accepted?: Decision;
    };
  };
  readonly device?: {
    readonly did: string;
    readonly label: string;
    readonly keyLocation?: string;
  };
  readonly enrolment?: CredentialLink & {
    readonly facility: string;
    readonly scope: readonly string[];
  };
  readonly organisation?: OrganisationLink;
  /** Whether every check holds. */
  readonly ok: boolean;
}

/**
 * The chain behind a statement with this source; `undefined` when the journal has no such entry.
 * `value` is held against the reading where the source names one. `enrolmentAt` is the position of
 * the enrolment that the fold took the batch under.
 */
export function proofOf(
  journal: JournalReader,
  {
    source,
    statement,
    enrolmentAt,
  }: {
    source: StatementSource;
    statement?: Statement;
    enrolmentAt?: number;
  },
): Proof | undefined {
  const entry = entryAt(journal, source.position);
  if (entry === undefined) return undefined;
  if (entry.header.kind === 'party') return paperProofOf(journal, entry);
  const enrolmentEntry =
    entry.header.kind === 'enrolment' ? entry : entryAt(journal, enrolmentAt ?? -1);
  const enrolment = enrolmentEntry && enrolmentPayload(enrolmentEntry);
  const organisation =
    enrolmentEntry && enrolment ? organisationLink(journal, enrolmentEntry, enrolment) : undefined;
  const enrolmentLink =
    enrolmentEntry && enrolment ? linkOf(journal, enrolmentEntry, organisation?.key) : undefined;
  const isBatch = entry.header.batch !== undefined;
  const credential = isBatch ? batchLink(journal, entry, enrolment) : enrolmentLink;
  if (credential === undefined) return undefined;
  const reading = isBatch ? readingLink(entry, source, statement) : undefined;
  const sample = isBatch && reading === undefined ? sampleLink(entry, source) : undefined;
  const links = [reading, credential, enrolmentLink, organisation?.link];
  return {
    ...(reading === undefined ? {} : { reading }),
    ...(sample === undefined ? {} : { sample }),
    credential,
    ...(enrolment === undefined
      ? {}
      : {
          device: {
            did: enrolment.device,
            label: enrolment.label,
            keyLocation: enrolment.keyLocation,
          },
        }),
    ...(enrolmentLink === undefined || enrolment === undefined
      ? {}
      : {
          enrolment: {
            ...enrolmentLink,
            facility: enrolment.facility.name,
            scope: enrolment.scope.goods,
          },
        }),
    ...(organisation === undefined ? {} : { organisation: organisation.link }),
    ok:
      enrolment !== undefined &&
      links.every((link) => link === undefined || link.checks.every(({ ok }) => ok)),
  };
}

function entryAt(journal: JournalReader, position: number): JournalEntry | undefined {
  return position < 0 ? undefined : journal.read(position, 1).find((e) => e.position === position);
}

/** A credential with the checks that hold for every kind: bytes, digest, signature. */
function linkOf(
  journal: JournalReader,
  entry: JournalEntry,
  key: PublicKey | undefined,
): CredentialLink {
  const opened = openToken(entry.bytes, limits.credentialBytesMax);
  const readable = !isRefusal(opened);
  const payload: { id?: unknown; issuer?: unknown } = readable ? opened.payload : {};
  const { position, header } = entry;
  return {
    id: String(payload.id ?? ''),
    digest: header.digest,
    position,
    leaf: journal.leaf(position) ?? '',
    receivedMs: header.receivedMs,
    issuer: String(payload.issuer ?? ''),
    keyId: readable ? opened.header.kid : '',
    token: Buffer.from(entry.bytes).toString('latin1'),
    checks: [
      // The reader has recomputed the leaf; it throws where it does not match.
      { text: `the stored bytes match the log leaf at position ${position}`, ok: true },
      {
        text: 'the digest names these bytes',
        ok: readable && opened.digest === header.digest,
      },
      {
        text: `the signature verifies with the key of ${readable ? opened.header.kid : 'the issuer'}`,
        ok: readable && key !== undefined && verifyToken(opened, key),
      },
    ],
  };
}

function batchLink(
  journal: JournalReader,
  entry: JournalEntry,
  enrolment: Enrolment | undefined,
): Proof['credential'] {
  const { batch, code = '', gateway, kind, reason = '', standing } = entry.header;
  const act = kind === 'doubtful' ? journal.doubtfulAt(entry.position)?.act : undefined;
  const accepted = typeof act === 'number' && { accepted: decisionOf(journal, act) };
  const link = linkOf(journal, entry, batch === undefined ? undefined : keyOf(batch.device));
  const opened = openToken(entry.bytes, limits.credentialBytesMax);
  const read = isRefusal(opened) ? opened : readBatchHead((opened as OpenedToken).payload);
  const covered =
    enrolment !== undefined && !isRefusal(read) && checkEnrolled(read, enrolment) === undefined;
  return {
    ...link,
    ...(gateway === undefined ? {} : { gateway }),
    ...(batch === undefined ? {} : { epoch: batch.epochCounter, sequence: batch.sequence }),
    ...(batch?.previous === undefined ? {} : { previous: batch.previous }),
    ...(standing === 'stale' && { status: 'unknown' as const }),
    ...(kind === 'doubtful' && { doubt: { code, reason, ...accepted } }),
    checks: [
      ...link.checks,
      { text: 'the payload satisfies the batch schema', ok: !isRefusal(read) },
      { text: 'the enrolment covers device, gateway, profile and goods', ok: covered },
    ],
  };
}

function keyOf(did: string): PublicKey | undefined {
  try {
    return publicKeyOfDid(did);
  } catch {
    return undefined;
  }
}

/** The sample in the payload, held against what the twin says. */
function readingLink(
  entry: JournalEntry,
  source: StatementSource,
  statement: Statement | undefined,
): Proof['reading'] {
  const { element: elementIndex, report: reportIndex } = source;
  if (elementIndex === undefined || reportIndex === undefined) return undefined;
  const element = batchPayload(entry).credentialSubject.sensorElementList?.[elementIndex];
  const report = element?.sensorReport[reportIndex];
  if (element === undefined || report === undefined) return undefined;
  const reading = readingOf(element, report);
  const derived = statement !== undefined && statement.basis !== 'observed';
  const same =
    statement === undefined ||
    (reading.value === statement.value &&
      reading.unit === statement.unit &&
      reading.quality === statement.quality);
  return {
    element: elementIndex,
    report: reportIndex,
    ...reading,
    checks: derived
      ? []
      : [{ text: 'the twin says exactly what the signed reading says', ok: same }],
  };
}

function sampleLink(entry: JournalEntry, { element: index }: StatementSource): Proof['sample'] {
  if (index === undefined) return undefined;
  const element = batchPayload(entry).credentialSubject.sensorElementList?.[index];
  if (element === undefined) return undefined;
  const readings = element.sensorReport.map((report) => readingOf(element, report));
  return { element: index, readings };
}

/** The organisation as it was pinned when the enrolment was stored, and the key that it named. */
function organisationLink(
  journal: JournalReader,
  entry: JournalEntry,
  enrolment: Enrolment,
): { link: OrganisationLink; key?: PublicKey } {
  const book = emptyTrust();
  for (const document of journal.readKinds(['organisation'])) {
    if (document.position > entry.position) break;
    foldTrust(book, document);
  }
  const { organisation: did, organisationName: name } = enrolment;
  const pinned: TrustedOrganisation | undefined = book.organisations.get(did);
  const opened = openToken(entry.bytes, limits.credentialBytesMax);
  const found =
    pinned === undefined || isRefusal(opened)
      ? undefined
      : assertionKeyOf(pinned.document, opened.header.kid, entry.header.receivedMs);
  const key = found === undefined || isRefusal(found) ? undefined : found;
  return {
    link: {
      did,
      name,
      ...(pinned === undefined ? {} : { documentDigest: pinned.digest, position: pinned.position }),
      checks: [
        { text: 'a person pinned its DID document before the enrolment', ok: pinned !== undefined },
        { text: 'the document lets this key sign for it', ok: key !== undefined },
      ],
    },
    ...(key === undefined ? {} : { key }),
  };
}
