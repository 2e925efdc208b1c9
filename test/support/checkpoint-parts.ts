/** Entries, statements and roots for tests of checkpoints. */
import SqliteDatabase from 'better-sqlite3';
import {
  type Checkpoint,
  composeStatement,
  openCheckpoint,
  wrapStatement,
} from '../../devices/credential/checkpoint.ts';
import { signTokenNow } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { credentialDigest, fingerprintOfDid } from '../../devices/envelope.ts';
import type { Signer } from '../../devices/identity/signer.ts';
import { createTree } from '../../devices/merkle.ts';
import type { NewEntry } from '../../ingest/store.ts';
import { memorySigner } from './identity.ts';
import { signedCheckpoint } from './rewritten-journal.ts';

/** The gateway that speaks where no other is named. */
export const keeper = memorySigner();

export function tickAt(at: number): NewEntry {
  const bytes = Buffer.from(`{"at":${at}}`);
  const digest = credentialDigest(bytes);
  return { header: { version: 1, tenant: 't', kind: 'tick', receivedMs: at, digest }, bytes };
}

/** What a gateway was sent, taken apart. */
export interface Told {
  readonly gateway: string;
  readonly checkpoint: Checkpoint;
  readonly token: Uint8Array;
  readonly from?: number;
  readonly proof: readonly Uint8Array[];
}

/** What a gateway says of a checkpoint, as it comes by its uplink. */
export function statementOf(token: Uint8Array, by: Signer = keeper) {
  const payload = composeStatement({ gateway: by.did, token, keptMs: 7 });
  const signed = signTokenNow({ payload, signer: by, typ: 'bondline-witness+jwt' });
  return { bytes: wrapStatement(signed), gateway: fingerprintOfDid(by.did), receivedMs: 0 };
}

/** The same checkpoint under another key. */
export function reSigned(token: Uint8Array, by: Signer): Uint8Array {
  const checkpoint = openCheckpoint(token);
  if (isRefusal(checkpoint)) throw new Error(checkpoint.reason);
  return signedCheckpoint(by, checkpoint, checkpoint.issuedMs).token;
}

/** The root over the first entries of a journal, from their leaves. */
export function rootAt(file: string, size: number): string {
  const db = new SqliteDatabase(file, { readonly: true });
  const tree = createTree();
  const leaves = db.prepare<[number], { leaf: Buffer }>(
    'SELECT leaf FROM entry WHERE position < ?',
  );
  for (const { leaf } of leaves.all(size)) tree.add(leaf);
  db.close();
  return tree.root().toString('hex');
}
