/** The ingester's record as a witness hears of it: a tree, its checkpoints, and notices of them. */
import { hash } from 'node:crypto';
import {
  type Checkpoint,
  composeCheckpoint,
  composeNotice,
  type Notice,
  openStatement,
  type Statement,
  statementIn,
} from '../../../../devices/credential/checkpoint.ts';
import { signToken } from '../../../../devices/credential/jws.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import type { Signer } from '../../../../devices/io/key-store.ts';
import { createTree, type NodeAt, proveConsistency, rootAt } from '../../../../devices/merkle.ts';

export const ISSUED = 1_767_225_600_000;

/** Entries and the hashes over them. */
export class TestJournal {
  readonly #nodes: NodeAt;
  readonly size: number;

  constructor(entries: readonly string[]) {
    const nodes = new Map<string, Uint8Array>();
    const tree = createTree((level, index, node) => nodes.set(`${level}/${index}`, node));
    for (const [index, entry] of entries.entries()) {
      const leaf = hash('sha256', `\0${entry}`, 'buffer');
      nodes.set(`0/${index}`, leaf);
      tree.add(leaf);
    }
    this.size = entries.length;
    this.#nodes = (level, index) => {
      const node = nodes.get(`${level}/${index}`);
      if (!node) throw new Error(`no node ${level}/${index}`);
      return node;
    };
  }

  root(size: number): string {
    return Buffer.from(rootAt(size, this.#nodes)).toString('hex');
  }

  proof(from: number, size: number): Uint8Array[] {
    return proveConsistency(from, size, this.#nodes);
  }

  /** One second later for each entry, unless it says when. */
  checkpoint(size: number, issuedMs = ISSUED + size * 1_000, issuer = 'did:key:z'): Checkpoint {
    return { issuer, size, root: this.root(size), issuedMs };
  }
}

/** `count` entries that differ. */
export function entriesOf(count: number, mark = 'entry'): string[] {
  return Array.from({ length: count }, (_, at) => `${mark} ${at}`);
}

/** A signed notice of a checkpoint, proven from `from` where it is given. */
export async function noticeOf(
  record: TestJournal,
  told: {
    readonly signer: Signer;
    readonly size: number;
    readonly issuedMs?: number;
    readonly from?: number;
    readonly proof?: Notice['proof'];
  },
): Promise<Uint8Array> {
  const { from, issuedMs, signer, size } = told;
  const payload = composeCheckpoint(record.checkpoint(size, issuedMs, signer.did));
  const token = await signToken({ payload, signer, typ: 'bondline-checkpoint+jwt' });
  if (from === undefined) return composeNotice({ token, proof: [] });
  return composeNotice({ token, from, proof: told.proof ?? record.proof(from, size) });
}

/** The statement in a token, or in a message to the ingester. */
export function statementOf(bytes: Uint8Array): Statement {
  const statement = openStatement(statementIn(bytes) ?? bytes);
  if (isRefusal(statement)) throw new Error(statement.reason);
  return statement;
}
