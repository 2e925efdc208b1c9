/**
 * What the journal's database knows of party credentials besides their place: whose standing or
 * bond one is, which goods travel in bond, which custody steps are pending. Derived from the
 * entries, in the transaction that stores them, so that a start reads none of them and a lookup
 * costs the same whatever their number.
 */

import { families, type PartyStatement } from '../devices/credential/party/families.ts';
import { isOfCustoms } from '../devices/credential/party/movement.ts';
import type { Database, Statement } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { partyPayload } from './apply-payload.ts';
import { readCustodyAct } from './custody-act.ts';
import { digestBytes } from './journal-place.ts';
import type { EntryHeader, JournalEntry } from './store.ts';

/** Step of the journal's schema. */
export const partySchema = `
  -- Standings and bonds, by the party that they are about.
  CREATE TABLE party_fact (
    kind TEXT NOT NULL,
    party TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (kind, party, position)
  ) STRICT, WITHOUT ROWID;

  -- Movements in bond that were not ended: number and liable party, by goods.
  CREATE TABLE in_bond (
    goods TEXT NOT NULL,
    movement TEXT NOT NULL,
    PRIMARY KEY (goods, movement)
  ) STRICT, WITHOUT ROWID;

  -- Custody steps that wait for status lists, once for each organisation that signs such a list.
  CREATE TABLE pending_step (
    signer TEXT NOT NULL,
    position INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (signer, position)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX pending_digest ON pending_step (digest);
`;

/** Party credentials as they are looked up. */
export interface PartyIndex {
  /** Standings or bonds of a party: the newest `limits.partyFactsMax`, oldest first. */
  partyFacts(kind: 'standing' | 'bond', party: string): JournalEntry[];
  /** Whether goods travel in bond. */
  isInBond(goods: string): boolean;
  /**
   * Custody steps that wait for the status lists of an organisation, as their signer or as the
   * issuer of what they rest on, from a position on, oldest first.
   */
  pendingSteps(signer: string, from: number, count: number): JournalEntry[];
  /** The custody step at a position, if it is pending. */
  pendingStep(position: number): JournalEntry | undefined;
  /** The party credential with a digest. */
  partyCredential(digest: string): JournalEntry | undefined;
}

/** Notes one entry; those that are neither of a party nor an act leave no trace. */
export type IndexParty = (entry: JournalEntry) => void;

/** The writer's side, for the connection that appends. */
export function createPartyIndex(db: Database): IndexParty {
  const fact = db.prepare<[string, string, number]>(
    'INSERT INTO party_fact (kind, party, position) VALUES (?, ?, ?)',
  );
  const begin = db.prepare<[string, string]>(
    'INSERT OR IGNORE INTO in_bond (goods, movement) VALUES (?, ?)',
  );
  const end = db.prepare<[string, string]>('DELETE FROM in_bond WHERE goods = ? AND movement = ?');
  const wait = db.prepare<[string, number, string]>(
    'INSERT OR IGNORE INTO pending_step (signer, position, digest) VALUES (?, ?, ?)',
  );
  const settle = db.prepare<[string]>('DELETE FROM pending_step WHERE digest = ?');
  const byDigest = db.prepare<[Buffer], { position: number; header: string; bytes: Buffer }>(
    `SELECT position, header, bytes FROM rare JOIN entry USING (position)
     WHERE digest = ? AND kind = 'party'`,
  );
  /** Who vouches for what a step rests on: its bond, and the standing that was asked for. */
  const vouching = (documents: readonly string[] = []): string[] =>
    documents.flatMap((digest) =>
      byDigest.all(digestBytes(digest)).map(({ position, header, bytes }) => {
        const entry = { position, header: JSON.parse(header) as EntryHeader, bytes };
        return partyPayload(entry).issuer.id;
      }),
    );
  const note = (statement: PartyStatement, { header, position }: JournalEntry): void => {
    switch (statement.kind) {
      case 'standing':
        fact.run('standing', statement.party.id, position);
        return;
      case 'bond':
        fact.run('bond', statement.principal.id, position);
        return;
      case 'movement': {
        if (isOfCustoms(statement.act)) return;
        // Only who answers for a movement ends it, by its number.
        const movement = `${statement.number} ${statement.liable.id}`;
        const change = statement.act === 'export' ? end : begin;
        for (const goods of statement.goods) change.run(goods, movement);
        return;
      }
      case 'custody':
        if (header.standing !== 'pending') return;
        for (const did of [...families.custody.signers(statement), ...vouching(header.documents)]) {
          wait.run(did, position, header.digest);
        }
        return;
      default:
        return;
    }
  };
  return (entry) => {
    if (entry.header.kind === 'party') note(partyPayload(entry), entry);
    else if (entry.header.kind === 'act') {
      const act = readCustodyAct(entry.bytes);
      if (act !== undefined) settle.run(act.step);
    }
  };
}

/** Step of the journal's schema: what an older version stored. */
export function indexStoredParties(db: Database): void {
  const index = createPartyIndex(db);
  const rows = db.prepare<[], { position: number }>(
    "SELECT position FROM rare WHERE kind IN ('party', 'act') ORDER BY position",
  );
  const entry = db.prepare<[number], { header: string; bytes: Buffer }>(
    'SELECT header, bytes FROM entry WHERE position = ?',
  );
  for (const { position } of rows.all()) {
    const found = entry.get(position);
    if (found === undefined) continue;
    const { header, bytes } = found;
    index({ position, header: JSON.parse(header) as EntryHeader, bytes });
  }
}

/** The reader's side. Statements are prepared when they are first needed: see `createLookups`. */
export function createPartyReader(
  db: Database,
  entryAt: (position: number) => JournalEntry | undefined,
): PartyIndex {
  const prepared = new Map<string, Statement>();
  const entries = (sql: string, ...parameters: unknown[]): JournalEntry[] => {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      statement = db.prepare(sql);
      prepared.set(sql, statement);
    }
    const rows = statement.all(...parameters) as { position: number }[];
    return rows.map(({ position }) => entryAt(position)).filter((entry) => entry !== undefined);
  };
  return {
    partyFacts: (kind, party) =>
      entries(
        `SELECT position FROM party_fact WHERE kind = ? AND party = ?
         ORDER BY position DESC LIMIT ?`,
        kind,
        party,
        limits.partyFactsMax,
      ).reverse(),
    isInBond: (goods) => {
      const sql = 'SELECT 1 FROM in_bond WHERE goods = ? LIMIT 1';
      const statement = prepared.get(sql) ?? db.prepare(sql);
      prepared.set(sql, statement);
      return statement.get(goods) !== undefined;
    },
    pendingSteps: (signer, from, count) =>
      entries(
        `SELECT position FROM pending_step WHERE signer = ? AND position >= ?
         ORDER BY position LIMIT ?`,
        signer,
        from,
        count,
      ),
    pendingStep: (position) =>
      entries('SELECT position FROM pending_step WHERE position = ? LIMIT 1', position)[0],
    partyCredential: (digest) =>
      entries(
        "SELECT position FROM rare WHERE digest = ? AND kind = 'party' LIMIT 1",
        digestBytes(digest),
      )[0],
  };
}
