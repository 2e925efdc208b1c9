/**
 * The evidence behind one entry of the journal, as bytes that were signed or pinned: what a browser
 * verifies by itself, and what an officer hands on (docs/wire.md, evidence file).
 */
import { familyFor } from '../devices/credential/party/families.ts';
import { batchPayload, enrolmentPayload, partyPayload, payloadOf } from './apply-payload.ts';
import type { JournalReader } from './journal-reader.ts';
import type { JournalEntry } from './store.ts';

/**
 * JSON of the evidence for the batch, enrolment or party credential at `position`; `undefined` for
 * anything else. A batch comes with the enrolment at `enrolmentAt`, or else with the one that it
 * names. Documents are those that were pinned when the entry was stored, status lists the newest
 * there are.
 */
export function evidenceOf(
  journal: JournalReader,
  { position, enrolmentAt }: { position: number; enrolmentAt?: number },
): string | undefined {
  const entry = entryAt(journal, position);
  const rests = entry && restsOn(journal, entry, enrolmentAt);
  if (entry === undefined || rests === undefined) return undefined;
  const { enrolled, dids, lists } = rests;
  const credentials = [...new Set([entry, enrolled])].filter((one) => one !== undefined);
  const documents = documentsFor(journal, entry, dids);
  return JSON.stringify({
    bondlineEvidence: 1,
    credentials: [...credentials, ...listsNamed(journal, lists)].map(({ bytes }) => textOf(bytes)),
    documents: documents.map((bytes) => JSON.parse(textOf(bytes)) as unknown),
    documentTexts: documents.map(textOf),
  });
}

/** What a verdict on an entry rests on: an enrolment, organisations by DID, lists by address. */
interface Rests {
  readonly enrolled?: JournalEntry;
  readonly dids: readonly string[];
  readonly lists: readonly string[];
}

function restsOn(
  journal: JournalReader,
  entry: JournalEntry,
  enrolmentAt: number | undefined,
): Rests | undefined {
  switch (entry.header.kind) {
    case 'party': {
      const statement = partyPayload(entry);
      const dids = familyFor(statement).signers(statement);
      return { dids, lists: statement.status.map(({ list }) => list) };
    }
    case 'batch':
    case 'doubtful': {
      const enrolled = enrolmentFor(journal, entry, enrolmentAt);
      return enrolled === undefined ? { dids: [], lists: [] } : restsOnEnrolment(enrolled);
    }
    case 'enrolment':
      return restsOnEnrolment(entry);
    default:
      return undefined;
  }
}

function restsOnEnrolment(enrolled: JournalEntry): Rests {
  const { organisation, status } = enrolmentPayload(enrolled);
  return { enrolled, dids: [organisation], lists: status.map(({ list }) => list) };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function entryAt(journal: JournalReader, position: number): JournalEntry | undefined {
  return journal.read(position, 1).find((entry) => entry.position === position);
}

function enrolmentFor(
  journal: JournalReader,
  entry: JournalEntry,
  enrolmentAt: number | undefined,
): JournalEntry | undefined {
  const given = enrolmentAt === undefined ? undefined : entryAt(journal, enrolmentAt);
  if (given?.header.kind === 'enrolment') return given;
  const { issuer, credentialSubject: subject } = batchPayload(entry);
  const named = subject['bl:enrolment']?.digestMultibase;
  const known = journal.enrolmentsOf(issuer, entry.position);
  return known.find(({ header }) => header.digest === named) ?? known[0];
}

/** The documents of the organisations as they were pinned last before the entry was stored. */
function documentsFor(
  journal: JournalReader,
  { position }: JournalEntry,
  dids: readonly string[],
): readonly Uint8Array[] {
  const pinned = new Map<string, Uint8Array>();
  for (const one of journal.readKinds(['organisation'])) {
    if (one.position >= position) break;
    const { id } = JSON.parse(textOf(one.bytes)) as { id?: unknown };
    if (typeof id === 'string' && dids.includes(id)) pinned.set(id, one.bytes);
  }
  return dids.flatMap((did) => pinned.get(did) ?? []);
}

function listsNamed(journal: JournalReader, urls: readonly string[]): readonly JournalEntry[] {
  if (urls.length === 0) return [];
  return journal.statusLists().filter(({ bytes }) => urls.includes(addressOf(bytes)));
}

const BRACE = 0x7b;

/** The address that a list calls itself by, in either form. */
function addressOf(bytes: Uint8Array): string {
  const list: { id?: unknown } = bytes[0] === BRACE ? JSON.parse(textOf(bytes)) : payloadOf(bytes);
  return String(list.id);
}
