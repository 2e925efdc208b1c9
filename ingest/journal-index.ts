/**
 * What the journal's database knows about entries of trust besides their place: which device an
 * enrolment is about, which status list an entry is. Derived from the entries, in the transaction
 * that stores them, so that a lookup costs the same whatever the number of devices.
 */
import type { Database } from '../devices/io/sqlite.ts';
import type { EntryKind, JournalEntry } from './store.ts';

/** Enrolments as they are looked up, on the connection of whoever asks. */
export interface EnrolmentIndex {
  /**
   * Enrolment entries of a device at positions below `before`, newest first.
   *
   * @throws EdgeError IN_JOURNAL_DAMAGED
   */
  enrolmentsOf(device: string, before: number): JournalEntry[];
  /** Enrolment entries from position `from` on, oldest first, at most `count`. */
  enrolmentPage(from: number, count: number): JournalEntry[];
  /** How many enrolments there are. */
  enrolmentCount(): number;
  hasEnrolments(): boolean;
  /** Whether an enrolment names this DID as its gateway. */
  isGateway(did: string): boolean;
  /** The status lists that enrolments and party credentials name, at most `count`. */
  namedLists(count: number): NamedList[];
  /** The party credential with a digest. */
  partyCredential(digest: string): JournalEntry | undefined;
}

/** A status list as a credential names it. */
export interface NamedList {
  /** URL of the list. */
  readonly list: string;
  /** DID of the credential's issuer, which has to sign the list too. */
  readonly organisation: string;
}

/** A status list that was found at its address, the same as the one in force. */
export interface ListCheck {
  readonly list: string;
  /** Wall time, milliseconds since 1970. */
  readonly atMs: number;
  /** It never was: only from then on is it known that its address does not answer. */
  readonly isMissed?: true;
}

/** Notes one entry; those of other kinds leave no trace. */
export type IndexEntry = (kind: EntryKind, position: number, bytes: Uint8Array) => void;

/** The writer's side, for the connection that appends. */
export function createIndex(db: Database): IndexEntry {
  const enrolment = db.prepare<[string, number]>(
    'INSERT INTO enrolment (device, position) VALUES (?, ?)',
  );
  const gateway = db.prepare<[string]>('INSERT OR IGNORE INTO enrolled_gateway (did) VALUES (?)');
  const named = db.prepare<[string, string]>(
    'INSERT OR IGNORE INTO named_list (list, organisation) VALUES (?, ?)',
  );
  const list = db.prepare<[string, number]>(
    'INSERT OR REPLACE INTO status_list (list, position) VALUES (?, ?)',
  );
  const checked = db.prepare<[string, number]>(
    'INSERT OR REPLACE INTO checked_list (list, at_ms) VALUES (?, ?)',
  );
  const missed = db.prepare<[string, number]>(
    'INSERT OR IGNORE INTO checked_list (list, at_ms) VALUES (?, ?)',
  );
  return (kind, position, bytes) => {
    if (kind === 'tick') {
      for (const { list: url, atMs, isMissed } of checksIn(payloadOf(bytes))) {
        (isMissed ? missed : checked).run(url, atMs);
      }
      return;
    }
    if (kind === 'status') {
      const { id } = payloadOf(bytes);
      if (typeof id === 'string') list.run(id, position);
      return;
    }
    if (kind !== 'enrolment' && kind !== 'party') return;
    const { issuer, credentialSubject: subject, credentialStatus: status } = payloadOf(bytes);
    const organisation = typeof issuer === 'string' ? issuer : membersOf(issuer)['id'];
    for (const entry of [status].flat()) {
      const { statusListCredential: url } = membersOf(entry);
      if (typeof url === 'string' && typeof organisation === 'string') named.run(url, organisation);
    }
    if (kind === 'party') return;
    const { id: device, 'bl:gateway': of } = membersOf(subject);
    if (typeof device === 'string') enrolment.run(device, position);
    if (typeof of === 'string') gateway.run(of);
  };
}

/** What a tick says of status lists: `{"atMs", "checked": [{"list", "digest"}]}`, or `"missed"`. */
function checksIn({ atMs, checked, missed }: Members): ListCheck[] {
  if (typeof atMs !== 'number') return [];
  const listsOf = (named: unknown): string[] => {
    const lists = Array.isArray(named) ? named.map((one) => membersOf(one)['list']) : [];
    return lists.filter((list) => typeof list === 'string');
  };
  return [
    ...listsOf(checked).map((list) => ({ list, atMs })),
    ...listsOf(missed).map((list) => ({ list, atMs, isMissed: true as const })),
  ];
}

/** Fills the index of a journal that was written before there was one. */
export function indexStoredEntries(db: Database): void {
  const index = createIndex(db);
  const rows = db.prepare<[], { kind: EntryKind; position: number }>(
    "SELECT kind, position FROM rare WHERE kind IN ('enrolment', 'status') ORDER BY position",
  );
  const bytes = db.prepare<[number], { bytes: Buffer }>(
    'SELECT bytes FROM entry WHERE position = ?',
  );
  for (const { kind, position } of rows.all()) {
    const found = bytes.get(position);
    if (found !== undefined) index(kind, position, found.bytes);
  }
}

type Members = Readonly<Record<string, unknown>>;

/**
 * The payload of a token, or of a credential that is JSON itself. What stands in the journal was
 * read strictly before it was stored, so this only finds the members; there are none in what is
 * not of this form.
 */
function payloadOf(bytes: Uint8Array): Members {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  const json = text.startsWith('{')
    ? text
    : Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8');
  try {
    return membersOf(JSON.parse(json));
  } catch {
    return {};
  }
}

function membersOf(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}
