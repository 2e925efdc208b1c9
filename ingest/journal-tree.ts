/**
 * The journal as the hash tree of RFC 9162: grows in the transaction that appends, gives roots and
 * proofs, and keeps the newest checkpoint with what gateways said of theirs. Of the inner nodes
 * every eighth level is stored, one row for 256 entries; what lies between is computed.
 */
import { openCheckpoint } from '../devices/credential/checkpoint.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { EdgeError } from '../devices/errors.ts';
import type { Database, Statement } from '../devices/io/sqlite.ts';
import {
  createTree,
  type GrowingTree,
  type NodeAt,
  peaksOf,
  proveConsistency,
  rootAt,
} from '../devices/merkle.ts';
import type { KeptCheckpoint, LogHead, WitnessToken } from './store.ts';

export const treeSchema = `
  -- Roots of complete subtrees of 2^level entries, the one numbered "at"; each eighth level.
  CREATE TABLE tree (
    level INTEGER NOT NULL,
    at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (level, at)
  ) STRICT, WITHOUT ROWID;

  -- The newest checkpoint that was signed.
  CREATE TABLE checkpoint (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    token BLOB NOT NULL
  ) STRICT;

  -- The newest statement of each gateway on a checkpoint that it kept.
  CREATE TABLE witness (
    gateway TEXT PRIMARY KEY,
    token BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

/** Levels between two that are stored. */
const STRIDE = 8;
/** Of SHA-256. */
const HASH_BYTES = 32;

/** Leaves of an older journal that are read at once. */
const PAGE = 1_000;

/** Builds the tree of a journal that was written before there was one. */
export function treeOfStored(db: Database): void {
  const tree = createTree(writerOf(db));
  const leaves = db.prepare<[number, number], { position: number; leaf: Buffer }>(
    'SELECT position, leaf FROM entry WHERE position >= ? ORDER BY position LIMIT ?',
  );
  // In pages: nothing can be written while rows are still coming.
  for (let page = leaves.all(0, PAGE); page.length > 0; page = leaves.all(tree.size(), PAGE)) {
    for (const { leaf, position } of page) {
      if (position !== tree.size() || leaf.length !== HASH_BYTES) {
        throw damaged(`the journal lacks entry ${tree.size()}, or its leaf`);
      }
      tree.add(leaf);
    }
  }
}

function writerOf(db: Database): (level: number, index: number, node: Buffer) => void {
  const insert = db.prepare<[number, number, Buffer]>(
    'INSERT INTO tree (level, at, hash) VALUES (?, ?, ?)',
  );
  return (level, index, node) => {
    if (level % STRIDE === 0) insert.run(level, index, node);
  };
}

/** The tree of a journal as the connection that appends sees it. */
export interface WrittenTree {
  /** Number of entries, which is the next position. */
  size(): number;
  /** Appends a leaf, within the transaction that stores its entry. */
  add(leaf: Buffer): void;
  /** What it is now, to go back to with `back` where the transaction fails. */
  mark(): GrowingTree;
  back(to: GrowingTree): void;
  head(): LogHead;
  /** Keeps a checkpoint and statements of gateways, in one durable transaction. */
  keep(checkpoint: KeptCheckpoint | undefined, statements: readonly WitnessToken[]): void;
  /** Whether what was stored of it was not right at the start, and is made anew. */
  readonly isMended: boolean;
  /**
   * Makes all nodes anew from the entries, in one transaction.
   *
   * @throws EdgeError IN_JOURNAL_DAMAGED where those are not what the newest checkpoint says
   */
  mend(): void;
}

/** The leaves from a position on, each held against its entry. */
type LeavesFrom = (from: number) => Iterable<{ readonly leaf: Buffer }>;

/**
 * Opens the tree of the journal in `db` for appending. Nodes are made anew where they are not those
 * of the newest checkpoint and of what was appended since: they follow from the entries.
 *
 * @throws EdgeError IN_JOURNAL_DAMAGED where the entries themselves are not what it says
 */
export function openTree(db: Database, size: number, leavesFrom: LeavesFrom): WrittenTree {
  const write = writerOf(db);
  const { isMended, tree: opened } = loadTree(db, size, { leavesFrom, write });
  let tree = opened;
  const keepCheckpoint = db.prepare<[Uint8Array]>(
    'INSERT OR REPLACE INTO checkpoint (id, token) VALUES (0, ?)',
  );
  const keepWitness = db.prepare<[string, Uint8Array]>(
    'INSERT OR REPLACE INTO witness (gateway, token) VALUES (?, ?)',
  );
  const keep = db.transaction<WrittenTree['keep']>((checkpoint, statements) => {
    if (checkpoint) keepCheckpoint.run(checkpoint.token);
    for (const { gateway, token } of statements) keepWitness.run(gateway, token);
  });
  return {
    size: () => tree.size(),
    add: (leaf) => tree.add(leaf),
    mark: () => tree.fork(),
    back(to) {
      tree = to;
    },
    head: () => ({ size: tree.size(), root: tree.root().toString('hex') }),
    keep: (checkpoint, statements) => keep.immediate(checkpoint, statements),
    isMended,
    mend() {
      tree = mendTree(db, { leavesFrom, write });
    },
  };
}

interface Making {
  readonly leavesFrom: LeavesFrom;
  readonly write: ReturnType<typeof writerOf>;
}

function loadTree(db: Database, size: number, making: Making) {
  try {
    const tree = createTree(making.write, { size, peaks: peaksOf(size, nodesOf(db)) });
    verifyTree(db, tree, making.leavesFrom);
    return { tree, isMended: false };
  } catch (error) {
    if (!(error instanceof EdgeError && error.code === 'IN_JOURNAL_DAMAGED')) throw error;
    return { tree: mendTree(db, making), isMended: true };
  }
}

function mendTree(db: Database, { leavesFrom, write }: Making): GrowingTree {
  const kept = checkpointIn(db);
  const make = db.transaction((): GrowingTree => {
    db.exec('DELETE FROM tree');
    const tree = createTree(write);
    let isKept = kept === undefined || kept.size === 0;
    for (const { leaf } of leavesFrom(0)) {
      tree.add(leaf);
      if (kept?.size === tree.size()) isKept = tree.root().toString('hex') === kept.root;
    }
    if (isKept) return tree;
    throw damaged(`the journal’s entries are not those of its checkpoint over ${kept?.size}`);
  });
  return make.immediate();
}

/** Holds what is stored of the tree against the newest checkpoint and what came since. */
function verifyTree(db: Database, tree: GrowingTree, leavesFrom: LeavesFrom): void {
  const kept = checkpointIn(db);
  if (kept === undefined) return;
  const nodeAt = nodesOf(db);
  const again = createTree(() => {}, { size: kept.size, peaks: peaksOf(kept.size, nodeAt) });
  if (again.root().toString('hex') !== kept.root) {
    throw damaged(`the journal’s tree is not that of its checkpoint over ${kept.size}`);
  }
  for (const { leaf } of leavesFrom(kept.size)) again.add(leaf);
  if (again.size() === tree.size() && again.root().equals(tree.root())) return;
  throw damaged(`the journal’s tree is not that of its entries from ${kept.size} on`);
}

function damaged(what: string): EdgeError {
  return new EdgeError('IN_JOURNAL_DAMAGED', what);
}

/** The tree of a journal as whoever reads it sees it. */
export interface TreeReader {
  /** The root of the first `size` entries, lower-case hex. */
  rootOf(size: number): string;
  /** Why the tree of `size` entries continues that of `from`, RFC 9162 §2.1.4.1. */
  prove(from: number, size: number): Uint8Array[];
  /** The newest checkpoint, where one was signed. */
  checkpoint(): KeptCheckpoint | undefined;
  /** What gateways said of theirs. */
  statements(): WitnessToken[];
}

/** Statements are prepared when they are first needed: an older journal has no tree. */
export function createTreeReader(db: Database): TreeReader {
  let nodeAt: NodeAt | undefined;
  const nodes = () => {
    nodeAt ??= nodesOf(db);
    return nodeAt;
  };
  return {
    rootOf: (size) => Buffer.from(rootAt(size, nodes())).toString('hex'),
    prove: (from, size) => proveConsistency(from, size, nodes()),
    checkpoint: () => checkpointIn(db),
    statements: () =>
      hasTree(db)
        ? db.prepare<[], WitnessToken>('SELECT gateway, token FROM witness ORDER BY gateway').all()
        : [],
  };
}

/** The newest checkpoint, as its signature proves it; a damaged one is none. */
function checkpointIn(db: Database): KeptCheckpoint | undefined {
  if (!hasTree(db)) return undefined;
  const row = db.prepare<[], { token: Buffer }>('SELECT token FROM checkpoint').get();
  if (row === undefined) return undefined;
  const checkpoint = openCheckpoint(row.token);
  if (isRefusal(checkpoint)) return undefined;
  const { issuedMs, root, size } = checkpoint;
  return { issuedMs, root, size, token: row.token };
}

/** A journal that an older version wrote has none before the ingester opens it. */
function hasTree(db: Database): boolean {
  const table = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'checkpoint'");
  return table.get() !== undefined;
}

/** Roots of complete subtrees, from what is stored of them. */
function nodesOf(db: Database): NodeAt {
  const entries: Statement<[number, number], { hash: Buffer | null }> = db.prepare(
    'SELECT leaf AS hash FROM entry WHERE position >= ? AND position < ? ORDER BY position',
  );
  const stored: Statement<[number, number, number], { hash: Buffer | null }> = db.prepare(
    'SELECT hash FROM tree WHERE level = ? AND at >= ? AND at < ? ORDER BY at',
  );
  return (level, index) => {
    const above = level % STRIDE;
    const count = 2 ** above;
    const [from, to] = [index * count, (index + 1) * count];
    const rows = level < STRIDE ? entries.all(from, to) : stored.all(level - above, from, to);
    const hashes = rows.flatMap(({ hash }) => (hash?.length === HASH_BYTES ? hash : []));
    if (hashes.length !== count) throw damaged(`the tree of the journal lacks ${level}/${index}`);
    const tree = createTree();
    for (const hash of hashes) tree.add(hash);
    return tree.root();
  };
}
