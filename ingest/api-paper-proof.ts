/**
 * The proof of what rests on a party credential (custody, a ticket, a certificate, a movement):
 * judged again now, from the bytes in the journal, with the documents and status lists that the
 * ingester had when it came.
 */
import type { PartyStatement } from '../devices/credential/party/families.ts';
import { familyFor } from '../devices/credential/party/families.ts';
import { readProofs } from '../devices/credential/proof/proof.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { openSecured, type Secured } from '../devices/credential/secured.ts';
import { limits } from '../devices/limits.ts';
import type { CredentialLink, OrganisationLink, Proof } from './api-proof.ts';
import { partyPayload } from './apply-payload.ts';
import type { JournalReader } from './journal-reader.ts';
import { digestOfSecured, judgeParty } from './party-admit.ts';
import { type PaperFact, paperFacts, paperName } from './party-title.ts';
import type { JournalEntry } from './store.ts';
import { emptyTrust, foldTrust, type TrustBook } from './trust.ts';

/** What a party credential says, and who signed it. */
export interface PaperLink {
  readonly name: string;
  readonly facts: readonly PaperFact[];
  /** `pending`: a custody step that came while its status lists were too old; `stale`: others. */
  readonly standing?: 'pending' | 'stale';
  readonly signers: readonly OrganisationLink[];
}

/** The chain behind an entry of kind `party`. */
export function paperProofOf(journal: JournalReader, entry: JournalEntry): Proof {
  const { position, header, bytes } = entry;
  const statement = partyPayload(entry);
  const secured = openSecured(bytes, limits.credentialBytesMax);
  const book = bookAt(journal, position);
  const signers = familyFor(statement)
    .signers(statement)
    .map((did) => signerLink(book, did, statement));
  const { standing } = header;
  const credential = linkOf(journal, entry, secured, book);
  const paper: PaperLink = {
    name: paperName(statement),
    facts: paperFacts(statement),
    ...(standing && { standing }),
    signers,
  };
  const checks = [credential, ...signers].flatMap((link) => link.checks);
  return { paper, credential, ok: checks.every(({ ok }) => ok) };
}

/** Everybody and every list that was trusted when the entry was stored. */
function bookAt(journal: JournalReader, position: number): TrustBook {
  const book = emptyTrust();
  for (const entry of journal.readKinds(['organisation', 'status'])) {
    if (entry.position > position) break;
    foldTrust(book, entry);
  }
  return book;
}

function linkOf(
  journal: JournalReader,
  { position, header, bytes }: JournalEntry,
  secured: ReturnType<typeof openSecured>,
  book: TrustBook,
): CredentialLink {
  const readable = !isRefusal(secured);
  const payload: { id?: unknown } = readable ? secured.payload : {};
  const verdict = readable ? judgeParty(secured, header.receivedMs, book) : undefined;
  const isGood = verdict?.outcome === 'accepted';
  const why = verdict === undefined || isGood ? '' : `: ${verdict.code}, ${verdict.reason}`;
  return {
    id: String(payload.id ?? ''),
    digest: header.digest,
    position,
    leaf: journal.leaf(position) ?? '',
    receivedMs: header.receivedMs,
    issuer: verdict?.subject ?? '',
    keyId: readable ? keysOf(secured).join(', then ') : '',
    token: Buffer.from(bytes).toString('utf8'),
    checks: [
      // The reader has recomputed the leaf; it throws where it does not match.
      { text: `the stored bytes match the log leaf at position ${position}`, ok: true },
      {
        text: 'the digest names these bytes',
        ok: readable && digestOfSecured(secured) === header.digest,
      },
      {
        text: `all who have to sign did, in their order, with keys and status as of its receipt${why}`,
        ok: isGood,
      },
    ],
  };
}

/** The keys that signed, as the credential names them. */
function keysOf(secured: Secured): readonly string[] {
  if (secured.form === 'token') return [secured.opened.header.kid];
  const proofs = readProofs(secured.document);
  return isRefusal(proofs) ? [] : proofs.map(({ verificationMethod }) => verificationMethod);
}

function signerLink(book: TrustBook, did: string, statement: PartyStatement): OrganisationLink {
  const pinned = book.organisations.get(did);
  return {
    did,
    name: nameIn(statement, did),
    ...(pinned && { documentDigest: pinned.digest, position: pinned.position }),
    checks: [{ text: 'a person pinned its DID document before', ok: pinned !== undefined }],
  };
}

/** What the credential calls a party that signs it. */
function nameIn(statement: PartyStatement, did: string): string {
  const { issuer } = statement;
  const named = statement.kind === 'custody' ? [issuer, statement.from, statement.to] : [issuer];
  return named.find(({ id }) => id === did)?.name ?? did;
}
