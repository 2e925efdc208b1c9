/**
 * What a person tells us to trust: DID documents of organisations, their status lists and their
 * enrolments. Each is checked, then appended; what was appended counts from there on.
 */

import { isRefusal } from '../devices/credential/refusal.ts';
import { openSecured } from '../devices/credential/secured.ts';
import { parseStrictJson } from '../devices/credential/strict-json.ts';
import { credentialKindOf } from '../devices/credential/vocabulary.ts';
import { checkOrganisationDocument, readDidDocument } from '../devices/identity/did-document.ts';
import { documentOfOwnDid } from '../devices/identity/own-document.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import { admit } from './admit.ts';
import type { Recorder } from './record.ts';
import { enrolmentsOf, removalOf, standingOf } from './trust.ts';
import {
  added,
  type Change,
  type Context,
  type GivenDocument,
  type Kind,
  known,
  refused,
  type TrustChange,
  trimmed,
} from './trust-given.ts';
import { type ListPage, listingOf, type TrustListing } from './trust-listing.ts';
import { addStatusList, missStatusLists, refreshStatusList } from './trust-status.ts';

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
  /**
   * Takes a status list that was fetched from `url`, under which enrolments name it. Where it is
   * the one in force, now or already, it counts as found.
   */
  refresh(url: string, bytes: Uint8Array): Promise<TrustChange>;
  /**
   * Takes note that lists in force are not found at their addresses, or not looked for: of those
   * that never were, the time from which they grow too old begins now.
   */
  miss(urls: readonly string[]): Promise<void>;
}

const ORDER: readonly Kind[] = ['organisation', 'status', 'enrolment', 'unknown'];

export function createTrustDesk(options: {
  readonly tenant: string;
  readonly recorder: Recorder;
  readonly nowMs: () => number;
}): TrustDesk {
  const { tenant, recorder } = options;
  const { trust } = recorder;
  const contextOf = (append: Recorder['append'], bytes: Uint8Array): Context => {
    return { append, trust, tenant, nowMs: Math.round(options.nowMs()), bytes };
  };
  const addOne = (kind: Kind, context: Context, confirm: boolean) => {
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
        for (const { name, bytes, called, kind } of sorted) {
          const context = { ...contextOf(append, bytes), ...(called !== undefined && { called }) };
          changes.push({ name, ...(await addOne(kind, context, confirm)) });
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
    refresh: (url, bytes) =>
      recorder.exclusively(async (append) => {
        const change = await refreshStatusList(contextOf(append, bytes), url);
        if (change.code === undefined) {
          recorder.learnChecks([{ list: url, atMs: Math.round(options.nowMs()) }]);
        }
        return { name: url, ...change };
      }),
    miss: (urls) =>
      recorder.exclusively(async (append) => {
        const nowMs = Math.round(options.nowMs());
        recorder.learnChecks(await missStatusLists({ append, trust, tenant, nowMs }, urls));
      }),
  };
}

function kindOf(bytes: Uint8Array): Kind {
  // A list with a proof inside has an id like a document's, so credentials are looked for first.
  const secured = openSecured(trimmed(bytes), limits.credentialBytesMax);
  const kind = isRefusal(secured) ? 'other' : credentialKindOf(secured.payload);
  if (kind === 'statusList') return 'status';
  if (kind === 'enrolment') return 'enrolment';
  return documentOf(bytes) === undefined ? 'unknown' : 'organisation';
}

function documentOf(bytes: Uint8Array) {
  if (bytes.length > limits.credentialBytesMax) return undefined;
  const parsed = parseStrictJson(Buffer.from(bytes).toString('utf8'));
  if (isRefusal(parsed)) return undefined;
  const document = readDidDocument(parsed.value);
  return isRefusal(document) ? undefined : document;
}

async function addOrganisation(context: Context, confirm: boolean): Promise<Change> {
  const { append, called, trust, tenant, nowMs: receivedMs, bytes } = context;
  const document = documentOf(bytes);
  const subject = document?.id ?? '';
  const own = documentOfOwnDid(subject);
  if (!document || (own === undefined && !subject.startsWith('did:web:'))) {
    const reason = `${subject} is not a did:web, did:key or did:jwk; organisations have one`;
    return refused('organisation', subject, 'VC_ISSUER_UNSUPPORTED', reason);
  }
  // The document of a DID that is a key follows from the DID; any other one of it is made up.
  if (own !== undefined && Buffer.from(bytes).toString('utf8') !== JSON.stringify(own)) {
    const reason = `${subject} is its own document; add the DID itself instead of a file`;
    return refused('organisation', subject, 'VC_DOCUMENT_INVALID', reason);
  }
  const unfit = checkOrganisationDocument(document);
  if (unfit) return refused('organisation', subject, unfit.code, unfit.reason);
  const digest = digestMultibase(bytes);
  const pinned = trust.organisations.get(subject);
  if (pinned?.digest === digest) return known('organisation', subject, pinned.position);
  if (pinned !== undefined && !confirm) {
    const reason = `the document of ${subject} is not the one that was pinned`;
    return { ...refused('organisation', subject, 'IN_CONFIRM', reason), result: 'confirm' };
  }
  const common = { version: 1, tenant, kind: 'organisation', receivedMs, digest } as const;
  const header = { ...common, ...(called !== undefined && { name: called }) };
  const change = added('organisation', subject, await append([{ header, bytes }]));
  return { ...change, ...(called !== undefined && { called }) };
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
  const change = added('enrolment', subject, await append([{ header, bytes }]));
  if (change.result !== 'added') return change;
  // What was appended, the book has learnt.
  const one = enrolmentsOf(trust, subject).find(({ digest }) => digest === header.digest);
  if (one === undefined) return change;
  const { organisation: did, organisationName: name } = one.enrolment;
  const standing = standingOf(trust, one, receivedMs);
  const waits = standing.state === 'active' ? undefined : standing.reason;
  return { ...change, organisation: { did, name }, ...(waits !== undefined && { waits }) };
}
