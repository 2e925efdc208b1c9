/**
 * Opens the stages of an ingester that have threads and files of their own: keys, journal,
 * admission, twins. What a run that did not end in order left behind is looked at here.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { KeyStore, Signer } from '../devices/io/key-store.ts';
import { openKeyStore, unlockKeyStore } from '../devices/io/key-store-open.ts';
import { lockDirectory } from '../devices/io/sqlite.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import { startAdmitPool } from './admit-pool.ts';
import type { Admitter } from './admitter.ts';
import { type Apply, startApply } from './apply.ts';
import type { IngestConfig } from './config.ts';
import { createControl, type RunningControl, readControl } from './control.ts';
import { createFeed, type Feed } from './feed.ts';
import { type OpenJournal, startJournal } from './journal.ts';
import { verifyTail } from './journal-tail.ts';
import { receiptSigner, sayFound, useEncryption } from './startup.ts';

export type Closer = () => Promise<void> | void;

export interface StageOptions {
  readonly config: IngestConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** Environment variables, and the person at the terminal, for the secret of the key store. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly askSecret?: (prompt: string) => Promise<string>;
}

export interface Stages {
  readonly keys: KeyStore;
  readonly signer: Signer;
  readonly control: RunningControl;
  readonly journal: OpenJournal;
  readonly journalFile: string;
  readonly twinsFile: string;
  readonly admitter: Admitter;
  readonly feed: Feed;
  readonly apply: Apply;
}

/**
 * What is opened is put among `closers`, oldest first.
 *
 * @throws EdgeError KEY_*, DB_*, CFG_DIRECTORY_UNWRITABLE, IN_JOURNAL_DAMAGED
 */
export async function openStages(
  options: StageOptions,
  { closers, failed }: { readonly closers: Closer[]; readonly failed: (error: unknown) => void },
): Promise<Stages> {
  const { clock, config, log } = options;
  const { data, tenant } = config.ingester;
  // A wrong passphrase is found before anything is touched.
  const unlocked = await unlockKeyStore(config.keys, options);
  const keys = await openKeyStore(unlocked, clock);
  closers.push(() => keys.close());
  await useEncryption(config, unlocked.secret, options);
  closers.push(lockDirectory(data));
  const control = createControl(data);
  closers.push(() => control.remove());
  const journalFile = join(data, 'journal.db');
  const twinsFile = join(data, 'twins.db');
  const journal = await startJournal(journalFile, config.refusals);
  closers.push(() => journal.close());
  const signer = await receiptSigner(keys);
  const left = readControl(data);
  if (left !== undefined) verifyTail(journalFile);

  const workers = config.workers || Math.max(1, availableParallelism() - 1);
  const { poisons } = journal.found;
  const admitter = startAdmitPool({ workers, tenant, journalFile, poisons, clock, log });
  closers.push(() => admitter.close());
  const feed = createFeed();
  const onChange = feed.publish;
  const apply = await startApply({ journalFile, twinsFile, clock, log, onChange, failed });
  closers.push(() => apply.close());
  sayFound({ apply, journal, left, log });
  return { admitter, apply, control, feed, journal, journalFile, keys, signer, twinsFile };
}
