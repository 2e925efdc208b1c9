/**
 * The evidence behind one entry of the journal, as bytes that were signed or pinned: what a browser
 * verifies by itself, and what an officer hands on (docs/wire.md, evidence file).
 */
import { batchPayload, enrolmentPayload, payloadOf } from './apply-payload.ts';
import type { JournalReader } from './journal-reader.ts';
import type { JournalEntry } from './store.ts';

/**
 * JSON of the evidence for the batch or enrolment at `position`; `undefined` for anything else. A
 * batch comes with the enrolment at `enrolmentAt`, or else with the one that it names. Documents
 * are those that were pinned when the entry was stored, status lists the newest there are.
 */
export function evidenceOf(
  journal: JournalReader,
  { position, enrolmentAt }: { position: number; enrolmentAt?: number },
): string | undefined {
  const entry = entryAt(journal, position);
  if (entry === undefined) return undefined;
  const { kind } = entry.header;
  const isBatch = kind === 'batch' || kind === 'doubtful';
  if (!isBatch && kind !== 'enrolment') return undefined;
  const enrolled = isBatch ? enrolmentFor(journal, entry, enrolmentAt) : entry;
  const credentials = [...new Set([entry, enrolled])].filter((one) => one !== undefined);
  const documents = enrolled === undefined ? [] : documentsFor(journal, entry, enrolled);
  const lists = enrolled === undefined ? [] : listsFor(journal, enrolled);
  return JSON.stringify({
    bondlineEvidence: 1,
    credentials: [...credentials, ...lists].map(({ bytes }) => textOf(bytes)),
    documents: documents.map((bytes) => JSON.parse(textOf(bytes)) as unknown),
    documentTexts: documents.map(textOf),
  });
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

/** The document of the organisation as it was pinned last before the entry was stored. */
function documentsFor(
  journal: JournalReader,
  { position }: JournalEntry,
  enrolled: JournalEntry,
): readonly Uint8Array[] {
  const { organisation: did } = enrolmentPayload(enrolled);
  const pinned = journal.readKinds(['organisation']).filter((one) => {
    const { id } = JSON.parse(textOf(one.bytes)) as { id?: unknown };
    return id === did && one.position < position;
  });
  return pinned.slice(-1).map(({ bytes }) => bytes);
}

function listsFor(journal: JournalReader, enrolled: JournalEntry): readonly JournalEntry[] {
  const urls = enrolmentPayload(enrolled).status.map(({ list }) => list);
  return journal.statusLists().filter(({ bytes }) => urls.includes(String(payloadOf(bytes)['id'])));
}
