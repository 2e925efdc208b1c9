/**
 * Somebody who runs the ingester and has its key writes its journal anew: changes, removes, adds or
 * moves an entry, or cuts the end off, with leaves, tree, indexes and checkpoint as the ingester's
 * own code makes them. Who kept an old checkpoint must be able to tell, and nobody without cause.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Checkpoint } from '../../../devices/credential/checkpoint.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { judgeNotice } from '../../../gateway/witness-judge.ts';
import { type Audit, auditJournal } from '../../../ingest/audit.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import type { EntryKind, KeptCheckpoint, NewEntry } from '../../../ingest/store.ts';
import { Chance } from '../../sim/chance.ts';
import { memorySigner } from '../../support/identity.ts';
import {
  keepCheckpoint,
  rewriteJournal,
  signedCheckpoint,
} from '../../support/rewritten-journal.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

export const rewritten: Fault = {
  name: 'rewritten',
  summary: 'who runs the ingester writes its journal anew, with all hashes made right',
  unit: 'rewritten journals',
  counts: { short: 60, long: 5_000, shard: 500 },
  run,
};

const signer = memorySigner();
const nonce = '0123456789abcdef0123456789abcdef';

async function run({ count, directory, say, seed }: Shard): Promise<Tally> {
  const chance = new Chance(seed);
  const notes: string[] = [];
  for (let done = 1; done <= count; done += 1) {
    const folder = join(directory, String(done));
    mkdirSync(folder);
    notes.push(...strike(join(folder, 'journal.db'), chance));
    rmSync(folder, { recursive: true });
    if (done % 50 === 0) say(`${done} of ${count} journals`);
  }
  const wrong = notes.length;
  return { count, lost: 0, doubled: 0, wrong, notes: notes.slice(0, 20) };
}

/** One journal that grows, is rewritten, and grows on; what the promise forbids of it, in words. */
function strike(file: string, chance: Chance): string[] {
  const history = grow(file, chance);
  const honest = judgeHonest(file, history);
  const { entries, kept } = history;
  const newest = kept.at(-1) as KeptCheckpoint;
  const way = chance.pick(newest.size === 1 ? ways.filter((one) => one !== 'move') : ways);
  const at = chance.between(0, newest.size - 1);
  const issuedMs = newest.issuedMs + chance.between(1, 1_000);
  rewriteJournal({
    ...{ file, signer, issuedMs },
    change: (all) => rewrite(all, { at, way, chance, kept: newest.size }),
  });
  const how = `${way} at ${at} of ${entries.length}`;
  // What a start believes is the checkpoint beside the journal: with an older one it must stop.
  const wrong = [...honest, ...judgeAudit(file, history, { at, how })];
  wrong.push(...judgeWitness(file, history, { chance, how, issuedMs }));
  wrong.push(...judgeStart(file, newest, how));
  return wrong.concat(judgeEdit(file, chance));
}

interface History {
  readonly entries: readonly NewEntry[];
  /** Checkpoints that somebody kept, the newest of them the witness. */
  readonly kept: readonly KeptCheckpoint[];
}

function grow(file: string, chance: Chance): History {
  const store = openJournalStore(file);
  const kept: KeptCheckpoint[] = [];
  const entries: NewEntry[] = [];
  // Some of them lie on both sides of a stored node of the tree.
  const mean = chance.pick([3, 20, 120]);
  for (let part = chance.between(1, 4); part > 0; part -= 1) {
    const count = chance.between(1, mean * 2);
    const group = Array.from({ length: count }, (_, at) => entryOf(entries.length + at, chance));
    if (chance.happens(0.5)) fail(store, [...group, broken]);
    store.append(group);
    entries.push(...group);
    kept.push(keepCheckpoint(store, signer, entries.length * 10));
  }
  const tail = Array.from({ length: chance.between(0, 5) }, (_, at) =>
    entryOf(entries.length + at, chance),
  );
  store.append(tail);
  entries.push(...tail);
  store.close();
  return { entries, kept };
}

/** Nothing that can be stored. */
const broken = { header: { kind: 'tick' }, bytes: null } as unknown as NewEntry;

/** Appends what fails at its last entry, and leaves everything as it was. */
function fail(store: JournalStore, entries: readonly NewEntry[]): void {
  const before = store.head();
  try {
    store.append(entries);
  } catch {
    const after = store.head();
    if (after.size === before.size && after.root === before.root) return;
  }
  throw new Error('the tree is another one after a transaction that failed');
}

function entryOf(at: number, chance: Chance, content = 'c'): NewEntry {
  const kind: EntryKind = chance.pick(['batch', 'batch', 'batch', 'tick', 'refusal', 'rules']);
  const bytes = Buffer.from(`h.${kind}/${at}/${content}.s`);
  const key = { device: 'a', epochCounter: 1, epochNonce: nonce, sequence: at + 1 };
  const more = kind === 'batch' ? { batch: key } : {};
  const digest = credentialDigest(bytes);
  return { header: { version: 1, tenant: 't', kind, receivedMs: at, digest, ...more }, bytes };
}

const ways = ['change', 'change-header', 'remove', 'add', 'move', 'shorten'] as const;

function rewrite(
  all: readonly NewEntry[],
  options: { at: number; way: (typeof ways)[number]; chance: Chance; kept: number },
): readonly NewEntry[] {
  const { at, chance, kept, way } = options;
  const one = all[at] as NewEntry;
  const { bytes, header } = one;
  switch (way) {
    case 'change':
      return all.with(at, { header, bytes: Buffer.concat([bytes, Buffer.from('x')]) });
    case 'change-header':
      return all.with(at, { header: { ...header, receivedMs: header.receivedMs + 1 }, bytes });
    case 'remove':
      return all.toSpliced(at, 1);
    case 'add':
      return all.toSpliced(at, 0, entryOf(100_000 + at, chance, 'added'));
    case 'move':
      // Somewhere else, also where that is round the end.
      return all.toSpliced(at, 1).toSpliced((at + chance.between(1, kept - 1)) % kept, 0, one);
    case 'shorten':
      return all.slice(0, at);
  }
}

const ofSigner = (kept: readonly KeptCheckpoint[]): Checkpoint[] =>
  kept.map((one) => ({ ...one, issuer: signer.did }));

/** Nobody is accused who only appended. */
function judgeHonest(file: string, { entries, kept }: History): string[] {
  const wrong: string[] = [];
  const { change, damage, entries: read } = auditJournal({ file, checkpoints: ofSigner(kept) });
  if (change || damage !== undefined) wrong.push('an honest journal does not pass its audit');
  if (read !== entries.length) wrong.push(`the audit read ${read} of ${entries.length} entries`);
  const store = openJournalStore(file);
  for (const [at, later] of kept.entries()) {
    for (const earlier of kept.slice(0, at)) {
      const proof = store.prove(earlier.size, later.size);
      const found = judge(earlier, later, { from: earlier.size, proof });
      if (found !== 'continues') wrong.push(`an honest checkpoint is ${found} to its witness`);
    }
  }
  store.close();
  return wrong;
}

function judge(
  kept: KeptCheckpoint,
  told: KeptCheckpoint,
  shown: { readonly from?: number; readonly proof: readonly Uint8Array[] },
) {
  const [before, after] = ofSigner([kept, told]) as [Checkpoint, Checkpoint];
  return judgeNotice(before, after, { token: told.token, ...shown });
}

/** Each checkpoint beyond the place fails, none before it does. */
function judgeAudit(
  file: string,
  { kept }: History,
  { at, how }: { readonly at: number; readonly how: string },
): string[] {
  const audit: Audit = auditJournal({ file, checkpoints: ofSigner(kept) });
  const wrong: string[] = [];
  const last = audit.checkpoints.at(-1);
  if (last?.holds !== false) wrong.push(`${how}: the newest checkpoint holds`);
  for (const { checkpoint, holds } of audit.checkpoints) {
    // What moves may have moved to a place before.
    if (checkpoint.size <= at && !holds && !how.startsWith('move')) {
      wrong.push(`${how}: the checkpoint over ${checkpoint.size} does not hold`);
    }
  }
  if (!audit.change) wrong.push(`${how}: the audit says nothing of it`);
  return wrong;
}

/** Whatever the ingester shows its witness from now on, it is not taken for a continuation. */
function judgeWitness(
  file: string,
  { kept }: History,
  { chance, how, issuedMs }: { chance: Chance; how: string; issuedMs: number },
): string[] {
  const wrong: string[] = [];
  const witness = kept.at(-1) as KeptCheckpoint;
  const store = openJournalStore(file);
  const root = store.size() < witness.size ? '' : store.rootOf(witness.size);
  const same = signedCheckpoint(signer, { size: witness.size, root }, witness.issuedMs);
  if (root !== '' && judge(witness, same, { proof: [] }) !== 'contradiction') {
    wrong.push(`${how}: the witness takes another root over ${witness.size} entries for its own`);
  }
  for (let round = 0; round < 3; round += 1) {
    const count = chance.between(0, 2 * witness.size);
    store.append(
      Array.from({ length: count }, (_, at) => entryOf(200_000 + round * 10_000 + at, chance)),
    );
    const told = signedCheckpoint(
      signer,
      store.head(),
      issuedMs + round * (chance.happens(0.2) ? -1_000 : 10),
    );
    const { size } = told;
    const froms = [witness.size, ...kept.map((one) => one.size), 0, size].filter(
      (one) => one <= size,
    );
    for (const from of froms) {
      const proof = store.prove(from, size);
      for (const shown of [{ from, proof }, { from: witness.size, proof }, { proof: [] }]) {
        const found = judge(witness, told, shown);
        if (found === 'continues' || found === 'same' || found === 'first') {
          wrong.push(`${how}: the witness takes ${size} entries for what it kept (${found})`);
        }
      }
    }
  }
  store.close();
  return wrong;
}

/** A start on what was rewritten, with the checkpoint that the ingester itself had kept. */
function judgeStart(file: string, old: KeptCheckpoint, how: string): string[] {
  const store = openJournalStore(file);
  store.keep(old, []);
  store.close();
  try {
    openJournalStore(file).close();
  } catch (error) {
    if ((error as { code?: unknown }).code === 'IN_JOURNAL_DAMAGED') return [];
    return [`${how}: the start ends with ${String(error)}`];
  }
  return [`${how}: the ingester starts on a journal that its own checkpoint contradicts`];
}

/** What somebody does to the table who has nothing but SQL: `?` is a position. */
const edits = [
  "UPDATE entry SET bytes = CAST(bytes || x'00' AS BLOB) WHERE position = ?",
  'UPDATE entry SET header = replace(header, \'"tenant":"t"\', \'"tenant":"u"\') WHERE position = ?',
  'UPDATE entry SET leaf = zeroblob(32) WHERE position = ?',
  'UPDATE entry SET position = -1 WHERE position = ?',
  'DELETE FROM entry WHERE position = ?',
  `INSERT INTO entry SELECT (SELECT max(position) + 1 FROM entry), header, leaf, bytes
   FROM entry WHERE position = ?`,
  `INSERT INTO entry SELECT -7, header, leaf, bytes FROM entry WHERE position = ?`,
] as const;

/** An edit of the table itself: the audit finds damage, or another journal than that of now. */
function judgeEdit(file: string, chance: Chance): string[] {
  const { entries: size, root } = auditJournal({ file, checkpoints: [] });
  if (size === 0) return [];
  const sql = chance.pick(edits);
  const at = chance.between(0, size - 1);
  const db = new SqliteDatabase(file);
  db.prepare(sql).run(at);
  db.close();
  const now = { issuer: signer.did, issuedMs: 1, root, size };
  const { change, damage, entries } = auditJournal({ file, checkpoints: [now] });
  if (change || damage !== undefined || entries !== size) return [];
  return [`the audit does not see this edit of entry ${at}: ${sql}`];
}
