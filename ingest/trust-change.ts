/**
 * What a person tells us to trust: DID documents of organisations, their status lists and their
 * enrolments. Each is checked, then appended; what was appended counts from there on.
 */

import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { openToken, verifyToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { readStatusList } from '../devices/credential/status-list.ts';
import { parseStrictJson } from '../devices/credential/strict-json.ts';
import { credentialKindOf } from '../devices/credential/vocabulary.ts';
import type { ErrorCode } from '../devices/errors.ts';
import { assertionKeyOf, readDidDocument } from '../devices/identity/did-document.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import { admit } from './admit.ts';
import type { Recorder } from './record.ts';
import type { Appended } from './store.ts';
import { removalOf, type TrustBook } from './trust.ts';

/** A document as a person gave it. */
export interface GivenDocument {
  /** File name, for the answer. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What became of one document. */
export interface TrustChange {
  readonly name: string;
  readonly kind: 'organisation' | 'status' | 'enrolment' | 'unknown';
  /** DID of the organisation or of the device, or URL of the list. */
  readonly subject: string;
  /** `confirm`: an organisation's document differs from the pinned one; repeat to confirm. */
  readonly result: 'added' | 'known' | 'removed' | 'confirm' | 'refused';
  readonly code?: ErrorCode;
  readonly reason?: string;
  readonly position?: number;
}

export interface TrustDesk {
  /**
   * Takes documents in whatever order they are given: organisations first, then their status
   * lists, then enrolments. A changed document of an organisation is taken only when confirmed.
   */
  add(documents: readonly GivenDocument[], confirm: boolean): Promise<readonly TrustChange[]>;
  /** Ends the trust in an organisation; its devices are held from now on. */
  remove(did: string): Promise<TrustChange>;
  /** Whom we trust, one page of enrolments at a time. */
  list(page?: ListPage): TrustListing;
}

/** Which enrolments of a listing: there may be a million. */
export interface ListPage {
  /** Journal position from which on; default: the first. */
  readonly from?: number;
  /** At most this many. */
  readonly count?: number;
}

/** Whom we trust, for people. */
export interface TrustListing {
  readonly organisations: readonly { readonly did: string; readonly digest: string }[];
  readonly enrolments: readonly {
    readonly device: string;
    readonly label: string;
    readonly organisation: string;
    readonly gateway: string;
    readonly id: string;
  }[];
  readonly statusLists: readonly { readonly id: string; readonly issuer: string }[];
  /** How many enrolments there are on all pages. */
  readonly enrolmentCount: number;
  /** `from` of the next page, where there is one. */
  readonly next?: number;
}

type Append = Recorder['append'];
/** A change without its name, as the functions below give it. */
type Change = Omit<TrustChange, 'name'>;
type Kind = TrustChange['kind'];

const ORDER: readonly Kind[] = ['organisation', 'status', 'enrolment', 'unknown'];

export function createTrustDesk(options: {
  readonly tenant: string;
  readonly recorder: Recorder;
  readonly nowMs: () => number;
}): TrustDesk {
  const { tenant, recorder } = options;
  const { trust } = recorder;
  const addOne = (append: Append, kind: Kind, bytes: Uint8Array, confirm: boolean) => {
    const context = { append, trust, tenant, nowMs: Math.round(options.nowMs()), bytes };
    if (kind === 'organisation') return addOrganisation(context, confirm);
    if (kind === 'status') return addStatusList(context);
    if (kind === 'enrolment') return addEnrolment(context);
    const reason = 'neither a DID document, nor a status list, nor an enrolment';
    return Promise.resolve(refused('unknown', '', 'DOC_INVALID', reason));
  };
  return {
    add: (documents, confirm) =>
      recorder.exclusively(async (append) => {
        const sorted = documents
          .map((document) => ({ ...document, kind: kindOf(document.bytes) }))
          .sort((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
        const changes: TrustChange[] = [];
        for (const { name, bytes, kind } of sorted) {
          changes.push({ name, ...(await addOne(append, kind, bytes, confirm)) });
        }
        return changes;
      }),
    remove: (did) =>
      recorder.exclusively(async (append) => {
        const about = { name: did, kind: 'organisation', subject: did } as const;
        if (!trust.organisations.has(did)) {
          const reason = `${did} is not trusted, so there is nothing to remove`;
          return { ...about, result: 'refused', code: 'IN_ORGANISATION_UNKNOWN', reason };
        }
        const receivedMs = Math.round(options.nowMs());
        const bytes = Buffer.from(removalOf(did, receivedMs), 'utf8');
        const digest = digestMultibase(bytes);
        const header = { version: 1, tenant, kind: 'organisation', receivedMs, digest } as const;
        const [appended] = await append([{ header, bytes }]);
        return { ...about, result: 'removed', position: appended?.position ?? 0 };
      }),
    list: (page = {}) => listingOf(trust, page),
  };
}

interface Context {
  readonly append: Append;
  readonly trust: TrustBook;
  readonly tenant: string;
  readonly nowMs: number;
  readonly bytes: Uint8Array;
}

function kindOf(bytes: Uint8Array): Kind {
  if (documentOf(bytes) !== undefined) return 'organisation';
  const opened = openToken(trimmed(bytes), limits.credentialBytesMax);
  if (isRefusal(opened)) return 'unknown';
  const kind = credentialKindOf(opened.payload);
  if (kind === 'statusList') return 'status';
  return kind === 'enrolment' ? 'enrolment' : 'unknown';
}

function documentOf(bytes: Uint8Array) {
  if (bytes.length > limits.credentialBytesMax) return undefined;
  const parsed = parseStrictJson(Buffer.from(bytes).toString('utf8'));
  if (isRefusal(parsed)) return undefined;
  const document = readDidDocument(parsed.value);
  return isRefusal(document) ? undefined : document;
}

/** Editors and shells end a file with a line feed; a token has none. */
function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] ?? 0) <= 0x20) end -= 1;
  return bytes.subarray(0, end);
}

async function addOrganisation(context: Context, confirm: boolean): Promise<Change> {
  const { append, trust, tenant, nowMs: receivedMs, bytes } = context;
  const subject = documentOf(bytes)?.id ?? '';
  if (!subject.startsWith('did:web:')) {
    const reason = `${subject} is not a did:web; organisations have one`;
    return refused('organisation', subject, 'VC_ISSUER_UNSUPPORTED', reason);
  }
  const digest = digestMultibase(bytes);
  const pinned = trust.organisations.get(subject);
  if (pinned?.digest === digest) return known('organisation', subject, pinned.position);
  if (pinned !== undefined && !confirm) {
    const reason = `the document of ${subject} is not the one that was pinned`;
    return { ...refused('organisation', subject, 'IN_CONFIRM', reason), result: 'confirm' };
  }
  const header = { version: 1, tenant, kind: 'organisation', receivedMs, digest } as const;
  return added('organisation', subject, await append([{ header, bytes }]));
}

async function addStatusList(context: Context): Promise<Change> {
  const { append, trust, tenant, nowMs: receivedMs } = context;
  const bytes = trimmed(context.bytes);
  const opened = openToken(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) return refused('status', '', opened.code, opened.reason);
  const list = readStatusList(opened.payload);
  if (isRefusal(list)) return refused('status', '', list.code, list.reason);
  const subject = list.id;
  const organisation = trust.organisations.get(list.issuer);
  if (organisation === undefined) {
    const reason = `${list.issuer} is not trusted`;
    return refused('status', subject, 'IN_ORGANISATION_UNKNOWN', reason);
  }
  const key = assertionKeyOf(organisation.document, opened.header.kid, receivedMs);
  if (isRefusal(key)) return refused('status', subject, key.code, key.reason);
  if (!verifyToken(opened, key)) {
    return refused('status', subject, 'VC_SIGNATURE', 'the signature does not verify');
  }
  const before = trust.statusLists.get(subject);
  if (before?.digest === opened.digest) return known('status', subject, before.position);
  const foreign = before !== undefined && before.issuer !== list.issuer;
  const { validFromMs = 0 } = list;
  if (foreign || validFromMs < (before?.list.validFromMs ?? 0)) {
    const reason = foreign ? `the list is ${before.issuer}'s` : 'a newer one is in force';
    return refused('status', subject, foreign ? 'VC_ISSUER' : 'IN_LIST_OLDER', reason);
  }
  const { digest } = opened;
  const documents = [organisation.digest];
  const header = { version: 1, tenant, kind: 'status', receivedMs, digest, documents } as const;
  return added('status', subject, await append([{ header, bytes }]));
}

async function addEnrolment(context: Context): Promise<Change> {
  const { append, trust, tenant, nowMs: receivedMs } = context;
  const bytes = trimmed(context.bytes);
  // The same judgement as over the uplink; no gateway brought it.
  const admission = admit({ gateway: '', bytes, receivedMs }, trust, tenant);
  const subject = admission.device ?? '';
  if (admission.outcome !== 'accepted' || admission.header === undefined) {
    const { code = 'DOC_INVALID', reason = '' } = admission;
    return refused('enrolment', subject, code, reason);
  }
  const { gateway: _nobody, ...header } = admission.header;
  return added('enrolment', subject, await append([{ header, bytes }]));
}

function added(kind: Kind, subject: string, [appended]: readonly Appended[]): Change {
  if (appended === undefined) throw new Error('the journal answers every entry');
  const { position, result, code } = appended;
  if (appended.kind === 'refusal') {
    const reason = `the same bytes were refused before, at position ${position}`;
    return refused(kind, subject, (code ?? 'DOC_INVALID') as ErrorCode, reason);
  }
  if (result === 'known') return known(kind, subject, position);
  return { kind, subject, result: 'added', position };
}

function known(kind: Kind, subject: string, position: number): Change {
  return { kind, subject, result: 'known', position };
}

function refused(kind: Kind, subject: string, code: ErrorCode, reason: string): Change {
  return { kind, subject, result: 'refused', code, reason };
}

function listingOf(
  { organisations, statusLists, index }: TrustBook,
  { from = 0, count = limits.trustPageDefault }: ListPage,
): TrustListing {
  const size = Math.min(count, limits.trustPageMax);
  // One more than is shown says whether there is another page, and where it begins.
  const page = index?.enrolmentPage(from, size + 1) ?? [];
  const next = page.length > size ? page.at(-1)?.position : undefined;
  return {
    organisations: [...organisations.values()].map(({ did, digest }) => ({ did, digest })),
    enrolments: page.slice(0, size).flatMap(({ bytes }) => {
      const opened = openToken(bytes, limits.credentialBytesMax);
      const enrolment = isRefusal(opened) ? opened : readEnrolment(opened.payload);
      if (isRefusal(enrolment)) return [];
      const { device, label, organisation, gateway, id } = enrolment;
      return [{ device, label, organisation, gateway, id }];
    }),
    statusLists: [...statusLists.values()].map(({ list, issuer }) => ({ id: list.id, issuer })),
    enrolmentCount: index?.enrolmentCount() ?? 0,
    ...(next !== undefined && { next }),
  };
}
