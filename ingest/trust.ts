/**
 * Whom we trust: a pure fold over the journal's organisation, enrolment and status entries. The
 * ingester trusts organisations that it was told of, devices that those enrolled, nothing else.
 * The fold believes the journal: what stands in it was verified before it was appended.
 */
import type { Enrolment } from '../devices/credential/enrolment.ts';
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { openToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { readStatusList, type StatusList, statusAt } from '../devices/credential/status-list.ts';
import type { ErrorCode } from '../devices/errors.ts';
import {
  assertionKeyOf,
  type DidDocument,
  readDidDocument,
} from '../devices/identity/did-document.ts';
import { jwkOfKey, type PublicKey } from '../devices/identity/public-key.ts';
import { limits } from '../devices/limits.ts';
import type { EntryKind, JournalEntry } from './store.ts';

/** An organisation that a person told us to trust, with its pinned document. */
export interface TrustedOrganisation {
  readonly did: string;
  readonly document: DidDocument;
  /** `digestMultibase` of the document's bytes, and where the journal has them. */
  readonly digest: string;
  readonly position: number;
}

/** An enrolment that verified when it was stored. */
export interface TrustedEnrolment {
  readonly enrolment: Enrolment;
  readonly digest: string;
  readonly position: number;
  /** The organisation's key that signed; it must still be in the document that is pinned now. */
  readonly keyId: string;
  readonly keyText: string;
}

/** A status list that verified when it was stored. */
export interface TrustedStatusList {
  readonly list: StatusList;
  readonly issuer: string;
  readonly digest: string;
  readonly position: number;
}

/** What the trust entries up to `position` (exclusive) say. */
export interface TrustBook {
  /** By DID. */
  readonly organisations: Map<string, TrustedOrganisation>;
  /** By device DID, newest first. */
  readonly enrolments: Map<string, TrustedEnrolment[]>;
  /** By the list's URL. */
  readonly statusLists: Map<string, TrustedStatusList>;
  /** One more than the position of the last entry that was folded. */
  position: number;
}

/** Whether an entry of the kind can take trust away, not only give it. */
export function isTightening(kind: EntryKind): boolean {
  return kind === 'organisation' || kind === 'status';
}

/** A book that trusts nobody. */
export function emptyTrust(): TrustBook {
  return {
    organisations: new Map(),
    enrolments: new Map(),
    statusLists: new Map(),
    position: 0,
  };
}

/** Folds one entry; entries of other kinds change nothing. Entries must come in journal order. */
export function foldTrust(book: TrustBook, entry: JournalEntry): void {
  const { kind } = entry.header;
  if (kind === 'organisation') foldOrganisation(book, entry);
  else if (kind === 'enrolment') foldEnrolment(book, entry);
  else if (kind === 'status') foldStatusList(book, entry);
  else return;
  book.position = entry.position + 1;
}

/** The text of an entry that ends the trust in an organisation. */
export function removalOf(did: string, atMs: number): string {
  return JSON.stringify({ removed: did, atMs });
}

/** Enrolments of a device, newest first. Whether one is in force says `standingOf`. */
export function enrolmentsOf(book: TrustBook, device: string): readonly TrustedEnrolment[] {
  return book.enrolments.get(device) ?? [];
}

/** Whether what a device signs counts now. */
export type Standing =
  /** It does; the digests of the documents that say so. */
  | { readonly state: 'active'; readonly documents: readonly string[] }
  | { readonly state: 'held' | 'refused'; readonly code: ErrorCode; readonly reason: string };

/** What organisation and status lists say of an enrolment at `atMs`. */
export function standingOf(book: TrustBook, one: TrustedEnrolment, atMs: number): Standing {
  const { organisation: did, status } = one.enrolment;
  const organisation = book.organisations.get(did);
  if (organisation === undefined) {
    return { state: 'held', code: 'IN_ORGANISATION_UNKNOWN', reason: `${did} is not trusted` };
  }
  const key = assertionKeyOf(organisation.document, one.keyId, atMs);
  if (isRefusal(key)) return { state: 'held', code: key.code, reason: key.reason };
  if (textOfKey(key) !== one.keyText) {
    const reason = `${one.keyId} is not the key any more that signed the enrolment`;
    return { state: 'held', code: 'VC_KEY_UNKNOWN', reason };
  }
  const documents = [one.digest, organisation.digest];
  for (const { purpose, list: url, index } of status) {
    const found = book.statusLists.get(url);
    const bit = found === undefined ? undefined : bitOf(found, { did, purpose, index, atMs });
    if (found === undefined || bit === undefined) {
      const reason = `the ${purpose} list ${url} is missing or not valid now`;
      return { state: 'held', code: 'IN_STATUS_UNKNOWN', reason };
    }
    if (bit && purpose === 'revocation') {
      return { state: 'refused', code: 'VC_REVOKED', reason: `revoked in ${url}` };
    }
    if (bit) return { state: 'held', code: 'VC_SUSPENDED', reason: `suspended in ${url}` };
    documents.push(found.digest);
  }
  return { state: 'active', documents };
}

function bitOf(
  { list, issuer }: TrustedStatusList,
  asked: { did: string; purpose: string; index: number; atMs: number },
): boolean | undefined {
  // A list speaks only for enrolments of its own issuer, and only while it is valid.
  if (issuer !== asked.did || ![list.purpose].flat().includes(asked.purpose)) return undefined;
  if (list.validUntilMs !== undefined && list.validUntilMs < asked.atMs) return undefined;
  return statusAt(list.encodedList, asked.index);
}

const keyTexts = new WeakMap<PublicKey['key'], string>();

/** A key as text that is the same exactly when the key is. Remembered: every batch asks. */
function textOfKey({ key }: PublicKey): string {
  let text = keyTexts.get(key);
  if (text === undefined) {
    text = JSON.stringify(jwkOfKey(key));
    keyTexts.set(key, text);
  }
  return text;
}

function foldOrganisation(book: TrustBook, { header, bytes, position }: JournalEntry): void {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  const removed = removedBy(value);
  if (removed !== undefined) {
    book.organisations.delete(removed);
    return;
  }
  const document = readDidDocument(value);
  if (isRefusal(document)) return;
  const { id: did } = document;
  book.organisations.set(did, { did, document, digest: header.digest, position });
}

function removedBy(value: unknown): string | undefined {
  const { removed } = (value ?? {}) as { removed?: unknown };
  return typeof removed === 'string' ? removed : undefined;
}

function foldEnrolment(book: TrustBook, { header, bytes, position }: JournalEntry): void {
  const opened = openToken(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) return;
  const enrolment = readEnrolment(opened.payload);
  if (isRefusal(enrolment)) return;
  const { kid: keyId } = opened.header;
  const organisation = book.organisations.get(enrolment.organisation);
  const key = organisation && assertionKeyOf(organisation.document, keyId, header.receivedMs);
  if (key === undefined || isRefusal(key)) return;
  const one = { enrolment, digest: header.digest, position, keyId, keyText: textOfKey(key) };
  const others = enrolmentsOf(book, enrolment.device);
  book.enrolments.set(enrolment.device, [one, ...others]);
}

function foldStatusList(book: TrustBook, { header, bytes, position }: JournalEntry): void {
  const opened = openToken(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) return;
  const list = readStatusList(opened.payload);
  if (isRefusal(list)) return;
  book.statusLists.set(list.id, { list, issuer: list.issuer, digest: header.digest, position });
}
