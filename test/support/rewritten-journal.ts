/**
 * A journal as somebody would rewrite it who runs the ingester and has its key: what he changes is
 * stored by the ingester's own code, so that leaves, tree, indexes and the checkpoint agree.
 */
import { renameSync, rmSync } from 'node:fs';
import { composeCheckpoint } from '../../devices/credential/checkpoint.ts';
import { signTokenNow } from '../../devices/credential/jws.ts';
import type { Signer } from '../../devices/identity/signer.ts';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import { type JournalStore, openJournalStore } from '../../ingest/journal-store.ts';
import type { KeptCheckpoint, NewEntry } from '../../ingest/store.ts';

/** A checkpoint of a journal as it is, or of another size and root, signed at once. */
export function signedCheckpoint(
  signer: Signer,
  head: { readonly size: number; readonly root: string },
  issuedMs: number,
): KeptCheckpoint {
  const payload = composeCheckpoint({ issuer: signer.did, ...head, issuedMs });
  const token = signTokenNow({ payload, signer, typ: 'bondline-checkpoint+jwt' });
  return { ...head, issuedMs, token };
}

/** Signs a checkpoint of the journal as it is now, and keeps it there. */
export function keepCheckpoint(store: JournalStore, signer: Signer, issuedMs: number) {
  const checkpoint = signedCheckpoint(signer, store.head(), issuedMs);
  store.keep(checkpoint, []);
  return checkpoint;
}

/** Writes the journal anew with other entries; nobody may have it open. Returns its checkpoint. */
export function rewriteJournal(options: {
  readonly file: string;
  readonly signer: Signer;
  readonly issuedMs: number;
  readonly change: (entries: readonly NewEntry[]) => readonly NewEntry[];
}): KeptCheckpoint {
  const { change, file, issuedMs, signer } = options;
  const reader = openJournalReader(file);
  const entries = change(reader.read(0, reader.size()));
  reader.close();
  const made = `${file}.rewritten`;
  const store = openJournalStore(made);
  store.append(entries.map(({ bytes, header }) => ({ header, bytes })));
  const checkpoint = keepCheckpoint(store, signer, issuedMs);
  store.close();
  for (const ending of ['', '-wal', '-shm']) rmSync(`${file}${ending}`, { force: true });
  renameSync(made, file);
  return checkpoint;
}
