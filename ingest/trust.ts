/**
 * Whom we trust: a pure fold over the journal's organisation, enrolment and status entries. The
 * ingester trusts organisations that it was told of, devices that those enrolled, nothing else.
 * The fold believes the journal: what stands in it was verified before it was appended.
 *
 * Organisations and status lists are few and stay in memory. Enrolments are many: a book over a
 * journal looks one up when its device speaks, and remembers those of the devices that spoke
 * lately. A book without a journal behind it keeps all that it was told.
 */
import type { Enrolment, StatusEntry } from '../devices/credential/enrolment.ts';
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { openToken } from '../devices/credential/jws.ts';
import type { Calibration } from '../devices/credential/party/calibration.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { openSecured } from '../devices/credential/secured.ts';
import {
  decodeStatusList,
  readStatusList,
  type StatusList,
  statusBit,
} from '../devices/credential/status-list.ts';
import type { ErrorCode } from '../devices/errors.ts';
import {
  assertionKeyOf,
  type DidDocument,
  readDidDocument,
} from '../devices/identity/did-document.ts';
import { jwkOfKey, type PublicKey } from '../devices/identity/public-key.ts';
import { limits } from '../devices/limits.ts';
import type { EnrolmentIndex, ListCheck, NamedList } from './journal-index.ts';
import type { EntryKind, JournalEntry } from './store.ts';

/** An organisation that a person told us to trust, with its pinned document. */
export interface TrustedOrganisation {
  readonly did: string;
  /** What the person who told us calls it, where that was said. */
  readonly name?: string;
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
  readonly list: Omit<StatusList, 'encodedList'>;
  /** Unpacked once; 16 KiB where a list has the usual number of entries. */
  readonly bits: Uint8Array;
  readonly issuer: string;
  readonly digest: string;
  readonly position: number;
}

/** What the trust entries up to `position` (exclusive) say. */
export interface TrustBook {
  /** By DID. */
  readonly organisations: Map<string, TrustedOrganisation>;
  /** Each document that was pinned, newest first; `document` is absent where trust ended. */
  readonly pinned: Map<string, readonly PinnedDocument[]>;
  /** Enrolments by device DID, newest first; with `index` only those asked for lately. */
  readonly enrolments: Map<string, readonly TrustedEnrolment[]>;
  /** Where the other enrolments are found. */
  readonly index?: EnrolmentIndex;
  /** Calibration certificates that were asked for lately, by digest. Not folded. */
  readonly calibrations: Map<string, Calibration>;
  /** By the list's URL. */
  readonly statusLists: Map<string, TrustedStatusList>;
  /**
   * When lists that are looked for at their address were last found there, by URL; of one that
   * never was, since when that is known. Not folded: what follows of it stands in the header of
   * each entry (`standing`), so a rebuild needs none of it.
   */
  readonly checks: Map<string, number>;
  /**
   * Lists that are to be looked for although nothing that is stored names them, by organisation,
   * oldest first: what it signed and proved is held for want of them. Not folded.
   */
  readonly wanted: Map<string, ReadonlySet<string>>;
  /** DIDs of the keys that the ingester itself signs with: nobody else may. Not folded. */
  readonly own: Set<string>;
  /** The book knows the trust entries below this position and none above. */
  position: number;
}

/** A document of an organisation, and from where in the journal on it counted. */
interface PinnedDocument {
  readonly position: number;
  readonly document?: DidDocument;
}

/** Entries of trust that a book is to learn, in journal order. */
export interface TrustNews {
  readonly entries: readonly JournalEntry[];
  /** What the book knows then: all trust entries below this position. */
  readonly position: number;
  readonly checks?: readonly ListCheck[];
  /** DIDs of keys of the ingester itself, beside those told before. */
  readonly own?: readonly string[];
}

/** Whether an entry of the kind can take trust away, not only give it. */
export function isTightening(kind: EntryKind): boolean {
  return kind === 'organisation' || kind === 'status';
}

/** A book that trusts nobody yet; with `index`, one over the journal that the index is of. */
export function emptyTrust(index?: EnrolmentIndex): TrustBook {
  return {
    organisations: new Map(),
    pinned: new Map(),
    enrolments: new Map(),
    ...(index && { index }),
    calibrations: new Map(),
    statusLists: new Map(),
    checks: new Map(),
    wanted: new Map(),
    own: new Set(),
    position: 0,
  };
}

/** Folds news, which the journal has on disk. */
export function learnTrust(book: TrustBook, news: TrustNews): void {
  const { entries, position, checks, own } = news;
  for (const entry of entries) foldTrust(book, entry);
  for (const { list, atMs } of checks ?? []) book.checks.set(list, atMs);
  for (const did of own ?? []) book.own.add(did);
  book.position = Math.max(book.position, position);
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

/**
 * Notes a list that a proven credential of a trusted organisation waits for. Of each organisation
 * the newest few are remembered, so that none makes us ask for ever more addresses.
 */
export function wantList({ wanted }: TrustBook, { list, organisation }: NamedList): void {
  const others = [...(wanted.get(organisation) ?? [])].filter((one) => one !== list);
  wanted.set(organisation, new Set([...others, list].slice(-limits.statusListsWantedMax)));
}

/** The text of an entry that ends the trust in an organisation. */
export function removalOf(did: string, atMs: number): string {
  return JSON.stringify({ removed: did, atMs });
}

/** Enrolments of a device, newest first. Whether one is in force says `standingOf`. */
export function enrolmentsOf(book: TrustBook, device: string): readonly TrustedEnrolment[] {
  const { enrolments, index } = book;
  const known = enrolments.get(device);
  if (known !== undefined) return known;
  if (index === undefined) return [];
  // The journal may be ahead of the book: what the book was not told of does not count yet.
  const found = index
    .enrolmentsOf(device, book.position)
    .map((entry) => trustedEnrolment(book, entry))
    .filter((one) => one !== undefined);
  if (enrolments.size >= limits.enrolmentsCached) {
    enrolments.delete(enrolments.keys().next().value ?? '');
  }
  enrolments.set(device, found);
  return found;
}

/** Whether any device was enrolled. */
export function hasEnrolments({ enrolments, index }: TrustBook): boolean {
  return index === undefined ? enrolments.size > 0 : index.hasEnrolments();
}

/** Whether what a device signs counts now. */
export type Standing =
  /**
   * It does; the digests of the documents that say so. `stale`: a status list among them was not
   * found at its address for longer than `limits.statusStaleMs`, so a revocation may be missing.
   */
  | { readonly state: 'active'; readonly documents: readonly string[]; readonly stale: boolean }
  | { readonly state: 'held'; readonly code: ErrorCode; readonly reason: string }
  /** It was revoked, by the list that stands in the journal at `since`. */
  | {
      readonly state: 'revoked';
      readonly reason: string;
      readonly since: number;
      readonly documents: readonly string[];
    };

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
  let stale = false;
  for (const entry of status) {
    const { purpose, list: url } = entry;
    const listed = listedIn(book, entry, { did, atMs });
    if (listed === undefined) {
      const reason = `the ${purpose} list ${url} is missing or not valid now`;
      return { state: 'held', code: 'IN_STATUS_UNKNOWN', reason };
    }
    const { digest, position: since } = listed.list;
    if (listed.isSet && purpose === 'revocation') {
      return {
        state: 'revoked',
        reason: `revoked in ${url}`,
        since,
        documents: [...documents, digest],
      };
    }
    if (listed.isSet) return { state: 'held', code: 'VC_SUSPENDED', reason: `suspended in ${url}` };
    documents.push(digest);
    stale ||= listed.isStale;
  }
  return { state: 'active', documents, stale };
}

/** What the list that is in force says of one entry. */
export interface Listed {
  readonly list: TrustedStatusList;
  readonly isSet: boolean;
  /** Not found at its address for too long, or over: a revocation may be missing. */
  readonly isStale: boolean;
}

/**
 * What is said at `atMs` of an entry in a list of `did`; `undefined` where no list says anything.
 * That a web server is out of order must not stop a border: a list that is looked for counts on
 * after its end, marked.
 */
export function listedIn(
  book: TrustBook,
  { purpose, list: url, index }: StatusEntry,
  { did, atMs }: { readonly did: string; readonly atMs: number },
): Listed | undefined {
  const list = book.statusLists.get(url);
  const isSet = list && bitOf(list, { did, purpose, index });
  if (list === undefined || isSet === undefined) return undefined;
  const isOver = (list.list.validUntilMs ?? Number.POSITIVE_INFINITY) < atMs;
  if (isOver && !book.checks.has(url)) return undefined;
  return { list, isSet, isStale: isOver || isStale(book, url, atMs) };
}

/**
 * Whether a list that is looked for at its address was not found there for too long. A list that
 * has no address on the web is as old as the person who gave it wants it to be.
 */
export function isStale({ checks }: TrustBook, list: string, atMs: number): boolean {
  const foundMs = checks.get(list);
  return foundMs !== undefined && atMs - foundMs > limits.statusStaleMs;
}

/** The bit at an index of a list, or `undefined` where the list does not speak of that. */
function bitOf(
  { list, bits, issuer }: TrustedStatusList,
  asked: { did: string; purpose: string; index: number },
): boolean | undefined {
  // A list speaks only for enrolments of its own issuer.
  if (issuer !== asked.did || ![list.purpose].flat().includes(asked.purpose)) return undefined;
  const bit = statusBit(bits, asked.index);
  return typeof bit === 'number' ? bit === 1 : undefined;
}

const keyTexts = new WeakMap<PublicKey['key'], string>();

/** A key as text that is the same exactly when the key is. Remembered: every batch asks. */
export function textOfKey({ key }: Pick<PublicKey, 'key'>): string {
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
    book.wanted.delete(removed);
    pin(book, removed, { position });
    return;
  }
  const document = readDidDocument(value);
  if (isRefusal(document)) return;
  const { id: did } = document;
  const { digest, name } = header;
  book.organisations.set(did, { did, document, digest, position, ...(name && { name }) });
  pin(book, did, { position, document });
}

function pin(book: TrustBook, did: string, pinned: PinnedDocument): void {
  book.pinned.set(did, [pinned, ...(book.pinned.get(did) ?? [])]);
}

function removedBy(value: unknown): string | undefined {
  const { removed } = (value ?? {}) as { removed?: unknown };
  return typeof removed === 'string' ? removed : undefined;
}

function foldEnrolment(book: TrustBook, entry: JournalEntry): void {
  const one = trustedEnrolment(book, entry);
  if (one === undefined) return;
  const { device } = one.enrolment;
  // Where there is a journal behind the book, the next look finds the enrolment with the others.
  if (book.index !== undefined) book.enrolments.delete(device);
  else book.enrolments.set(device, [one, ...enrolmentsOf(book, device)]);
}

/** The enrolment of an entry, as its organisation's document said when it was stored. */
function trustedEnrolment(
  book: TrustBook,
  { header, bytes, position }: JournalEntry,
): TrustedEnrolment | undefined {
  const opened = openToken(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) return undefined;
  const enrolment = readEnrolment(opened.payload);
  if (isRefusal(enrolment)) return undefined;
  const { kid: keyId } = opened.header;
  const pinned = book.pinned.get(enrolment.organisation) ?? [];
  const then = pinned.find((one) => one.position < position)?.document;
  const key = then && assertionKeyOf(then, keyId, header.receivedMs);
  if (key === undefined || isRefusal(key)) return undefined;
  return { enrolment, digest: header.digest, position, keyId, keyText: textOfKey(key) };
}

function foldStatusList(book: TrustBook, { header, bytes, position }: JournalEntry): void {
  const opened = openSecured(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) return;
  const list = readStatusList(opened.payload);
  if (isRefusal(list)) return;
  const { encodedList, ...rest } = list;
  const bits = decodeStatusList(encodedList);
  if (isRefusal(bits)) return;
  const { digest } = header;
  book.statusLists.set(list.id, { list: rest, bits, issuer: list.issuer, digest, position });
}
