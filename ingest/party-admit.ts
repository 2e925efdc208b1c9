/**
 * Judges a party credential, in either form: its family's schema, who has to sign, their documents,
 * their signatures, its dates and its status. Pure. What depends on other party credentials (a bond
 * at the time of its use, an authority's right) is judged in the recorder's lane: party-book.ts.
 */
import { checkKeyName, checkRegisteredClaims } from '../devices/credential/claims.ts';
import { verifyToken } from '../devices/credential/jws.ts';
import { checkSigners, documentDigest } from '../devices/credential/party/document.ts';
import { familyFor, familyOf, type PartyStatement } from '../devices/credential/party/families.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { openSecured, type Secured } from '../devices/credential/secured.ts';
import { credentialDigest } from '../devices/envelope.ts';
import { type ErrorCode, errorCatalogue } from '../devices/errors.ts';
import { assertionKeyOf } from '../devices/identity/did-document.ts';
import { isAlgorithmOf } from '../devices/identity/public-key.ts';
import { limits } from '../devices/limits.ts';
import type { NamedList } from './journal-index.ts';
import type { EntryHeader } from './store.ts';
import { isStale, listedIn, type TrustBook } from './trust.ts';

/** What came of a party credential. `subject` is its signer, as far as it says. */
export type PartyVerdict =
  | {
      readonly outcome: 'accepted';
      readonly header: Pick<EntryHeader, 'kind' | 'documents' | 'standing'>;
      readonly subject: string;
    }
  | {
      readonly outcome: 'refused' | 'held';
      readonly code: ErrorCode;
      readonly reason: string;
      readonly subject?: string;
      /** The list for want of which a credential is held that its signers have proven. */
      readonly missing?: NamedList;
    };

/** The digest that names bytes in either form: of a token its signing input. */
export function digestOfSecured(secured: Secured): string {
  return secured.form === 'token' ? secured.opened.digest : documentDigest(secured.document);
}

/** Opens JSON with proofs; `undefined` for bytes that do not begin like JSON. */
export function openPartyDocument(
  bytes: Uint8Array,
): { readonly digest: string; readonly secured: ReturnType<typeof openSecured> } | undefined {
  if (bytes[0] !== BRACE) return undefined;
  const secured = openSecured(bytes, limits.credentialBytesMax);
  const digest = isRefusal(secured) ? credentialDigest(bytes) : digestOfSecured(secured);
  return { digest, secured };
}

const BRACE = 0x7b;

/**
 * Judges by what is trusted now: dates and keys as of `receivedMs`, status as of `statusMs`, which
 * is later for a step that waited for its lists.
 */
export function judgeParty(
  secured: Secured,
  receivedMs: number,
  trust: TrustBook,
  statusMs = receivedMs,
): PartyVerdict {
  const family = familyOf(secured.payload);
  if (family === undefined) {
    const { type } = secured.payload as { type?: unknown };
    const shown = (JSON.stringify(type) ?? 'absent').slice(0, 100);
    return no('refused', 'IN_TYPE_UNSUPPORTED', `type is ${shown}`);
  }
  const statement = family.read(secured.payload);
  if (isRefusal(statement)) return no('refused', statement.code, statement.reason);
  const { issuer } = statement;
  const signers = familyFor(statement).signers(statement);
  const stranger = signers.find((did) => !trust.organisations.has(did));
  if (stranger !== undefined) {
    return no('held', 'IN_ORGANISATION_UNKNOWN', `${stranger} is not trusted`, stranger);
  }
  const unproven =
    checkProof(secured, signers, receivedMs, trust) ?? checkDates(statement, receivedMs);
  if (unproven) {
    const { retryable } = errorCatalogue[unproven.code];
    // A person submits it, and is told: nothing keeps it for a better time.
    const outcome = retryable && unproven.code !== 'IN_FUTURE' ? 'held' : 'refused';
    return no(outcome, unproven.code, unproven.reason, issuer.id);
  }
  return judgeStatus(statement, signers, statusMs, trust);
}

interface Unfit {
  readonly code: ErrorCode;
  readonly reason: string;
}

function checkProof(
  secured: Secured,
  signers: readonly string[],
  atMs: number,
  trust: TrustBook,
): Unfit | undefined {
  if (secured.form === 'document') {
    const documents = { didDocument: (did: string) => trust.organisations.get(did)?.document };
    return checkSigners(secured.document, signers, { documents, atMs });
  }
  const [signer = '', ...others] = signers;
  if (others.length > 0) {
    const reason = 'what two parties sign is one document with both of their proofs';
    return { code: 'VC_PROOF_CHAIN', reason };
  }
  const { opened } = secured;
  const { kid, alg, typ } = opened.header;
  if (typ !== 'vc+jwt') return { code: 'VC_TYPE', reason: 'typ is not vc+jwt' };
  const unnamed =
    checkRegisteredClaims(secured.payload, opened.header) ??
    checkKeyName(opened.header, secured.payload);
  if (unnamed) return unnamed;
  const hash = kid.indexOf('#');
  if (hash > 0 && kid.slice(0, hash) !== signer) {
    return { code: 'VC_ISSUER', reason: `kid ${kid.slice(0, 200)} is not a key of ${signer}` };
  }
  const document = trust.organisations.get(signer)?.document;
  if (document === undefined) return { code: 'IN_ORGANISATION_UNKNOWN', reason: signer };
  const key = assertionKeyOf(document, kid, atMs);
  if (isRefusal(key)) return key;
  if (kid !== key.keyId) return { code: 'VC_ISSUER', reason: `kid is not ${key.keyId}` };
  if (!isAlgorithmOf(alg, key.algorithm)) {
    return { code: 'VC_ALGORITHM', reason: `alg is ${alg}, the key is for ${key.algorithm}` };
  }
  if (verifyToken(opened, key)) return undefined;
  return { code: 'VC_SIGNATURE', reason: `the signature does not verify with ${key.keyId}` };
}

/** What is said to have happened cannot lie ahead, however the signer's clock goes. */
function checkDates(statement: PartyStatement, receivedMs: number): Unfit | undefined {
  const { validFromMs, validUntilMs } = statement;
  if (validUntilMs !== undefined && validUntilMs < receivedMs) {
    return { code: 'VC_EXPIRED', reason: `${statement.id} has ended` };
  }
  const aheadMs = Math.max(happenedMs(statement) ?? validFromMs, 0) - receivedMs;
  if (aheadMs > limits.clockSkewMs) {
    return { code: 'IN_FUTURE', reason: `dated ${Math.round(aheadMs / 1000)} s after its receipt` };
  }
  if (validFromMs > receivedMs + limits.clockSkewMs) {
    return { code: 'IN_NOT_IN_FORCE', reason: `${statement.id} begins later` };
  }
  return undefined;
}

/** When something happened of which a statement tells; `undefined` for what only holds. */
export function happenedMs(statement: PartyStatement): number | undefined {
  switch (statement.kind) {
    case 'custody':
    case 'event':
    case 'movement':
      return statement.atMs;
    case 'ticket':
      return statement.closedMs;
    case 'inspection':
      return statement.endedMs;
    case 'correction':
      return statement.declaredMs;
    case 'calibration':
      return statement.calibratedMs;
    default:
      return undefined;
  }
}

/**
 * The status of the credential itself, and whether lists are too old to be believed. A step of
 * custody then waits at its place in the journal; a list of its signers is enough, since it could
 * say by now that one of them may sign no more. Other credentials are taken and marked.
 */
function judgeStatus(
  statement: PartyStatement,
  signers: readonly string[],
  atMs: number,
  trust: TrustBook,
): PartyVerdict {
  const { issuer, status, kind } = statement;
  const documents = signers.map((did) => trust.organisations.get(did)?.digest ?? '');
  let stale = false;
  for (const entry of status) {
    const { purpose, list: url } = entry;
    const listed = listedIn(trust, entry, { did: issuer.id, atMs });
    if (listed === undefined) {
      const reason = `the ${purpose} list ${url} is missing or not valid now`;
      const missing = { list: url, organisation: issuer.id };
      return { ...no('held', 'IN_STATUS_UNKNOWN', reason, issuer.id), missing };
    }
    if (listed.isSet && purpose === 'revocation') {
      return no('refused', 'VC_REVOKED', `revoked in ${url}`, issuer.id);
    }
    if (listed.isSet) return no('held', 'VC_SUSPENDED', `suspended in ${url}`, issuer.id);
    documents.push(listed.list.digest);
    stale ||= listed.isStale;
  }
  if (kind === 'custody') {
    for (const [url, { issuer: by }] of trust.statusLists) {
      stale ||= signers.includes(by) && isStale(trust, url, atMs);
    }
  }
  const header = { kind: 'party', documents, ...(stale && { standing: staleAs(kind) }) } as const;
  return { outcome: 'accepted', header, subject: issuer.id };
}

/** What becomes of a credential whose lists are too old to be believed. */
export function staleAs(kind: PartyStatement['kind']): 'pending' | 'stale' {
  return kind === 'custody' ? 'pending' : 'stale';
}

function no(
  outcome: 'refused' | 'held',
  code: ErrorCode,
  reason: string,
  subject?: string,
): Exclude<PartyVerdict, { outcome: 'accepted' }> {
  return { outcome, code, reason, ...(subject !== undefined && { subject }) };
}
