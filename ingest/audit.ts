/**
 * Holds a journal against checkpoints that somebody else kept. Nothing is believed but the entries
 * themselves: leaves and tree are computed anew, whatever stands beside them in the database.
 */
import type { Checkpoint } from '../devices/credential/checkpoint.ts';
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import { createTree } from '../devices/merkle.ts';
import { openJournalReader } from './journal-reader.ts';

/** Why a checkpoint does not hold: the journal is shorter, or its entries give another root. */
export type AuditFailure = 'shorter' | 'other';

export interface AuditedCheckpoint {
  readonly checkpoint: Checkpoint;
  readonly holds: boolean;
  readonly failure?: AuditFailure;
}

export interface Audit {
  /** Entries that were read, and the root over them, lower-case hex. */
  readonly entries: number;
  readonly root: string;
  /** What is damaged, where the journal could not be read to its end. */
  readonly damage?: string;
  /** The checkpoints by size. */
  readonly checkpoints: readonly AuditedCheckpoint[];
  /**
   * Where something is not as it was: entries from `from` on, below `to`. Before `from` everything
   * is as a checkpoint says. Absent where all hold.
   */
  readonly change?: { readonly from: number; readonly to: number };
}

/**
 * Reads the journal at `file` from its first entry and compares the root at the size of each
 * checkpoint. `onProgress` hears of entries done and entries in all.
 *
 * @throws EdgeError as `openJournalReader` does
 */
export function auditJournal(options: {
  readonly file: string;
  readonly checkpoints: readonly Checkpoint[];
  readonly onProgress?: (done: number, all: number) => void;
}): Audit {
  const wanted = new Set(options.checkpoints.map(({ size }) => size));
  const roots = new Map<number, string>();
  const tree = createTree();
  const look = () => {
    if (wanted.has(tree.size())) roots.set(tree.size(), tree.root().toString('hex'));
  };
  const journal = openJournalReader(options.file);
  let damage: string | undefined;
  try {
    const all = journal.size();
    look();
    for (const { leaf } of journal.leaves()) {
      tree.add(leaf);
      look();
      if (tree.size() % limits.apiEntriesMax === 0) options.onProgress?.(tree.size(), all);
    }
  } catch (error) {
    if (!(error instanceof EdgeError && error.code === 'IN_JOURNAL_DAMAGED')) throw error;
    damage = error.message;
  } finally {
    journal.close();
  }
  const checkpoints = options.checkpoints
    .map((checkpoint) => judged(checkpoint, roots.get(checkpoint.size)))
    .sort((a, b) => a.checkpoint.size - b.checkpoint.size);
  const change = changeOf(checkpoints);
  return {
    ...{ entries: tree.size(), root: tree.root().toString('hex'), checkpoints },
    ...(damage !== undefined && { damage }),
    ...(change && { change }),
  };
}

function judged(checkpoint: Checkpoint, root: string | undefined): AuditedCheckpoint {
  if (root === checkpoint.root) return { checkpoint, holds: true };
  return { checkpoint, holds: false, failure: root === undefined ? 'shorter' : 'other' };
}

/** Between the last checkpoint that holds and the first one behind it that does not. */
function changeOf(checkpoints: readonly AuditedCheckpoint[]): Audit['change'] {
  const first = checkpoints.find(({ holds }) => !holds);
  if (first === undefined) return undefined;
  const { size: to } = first.checkpoint;
  const before = checkpoints.findLast(({ checkpoint, holds }) => holds && checkpoint.size < to);
  return { from: before?.checkpoint.size ?? 0, to };
}
