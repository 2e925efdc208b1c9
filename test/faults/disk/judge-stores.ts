/** Judges what a disturbed workload left: opens the stores as the next start would. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { Batch } from '../../../devices/credential/batch.ts';
import { explain } from '../../../devices/errors.ts';
import { openKeyFile } from '../../../devices/io/key-store-file.ts';
import { systemClock } from '../../../devices/runtime.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { rebuildTwins } from '../../../ingest/apply-rebuild.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import { openTwinsStore } from '../../../ingest/twins-store.ts';
import { memorySigner } from '../../support/identity.ts';
import { draftOf, openBatch, openStore } from '../../unit/gateway/support/outbox-world.ts';
import { nothingWrong, type Tally } from '../fault.ts';
import type { Told } from './told.ts';
import {
  journalEntries,
  journalFile,
  keyFile,
  outboxFile,
  passphrase,
  plainFile,
  twinsFile,
  type WorkloadName,
} from './workloads.ts';

/** Everything that the next start would see is looked at; what cannot be opened is wrong. */
export async function judgeStores(
  name: WorkloadName,
  { folder, keyFile, told }: { folder: string; keyFile: string; told: readonly Told[] },
): Promise<Tally> {
  try {
    if (name === 'journal') return judgeJournalLeft(leftOfJournal(folder), told);
    if (name === 'files') return judgeFiles(await leftOfFiles(folder), told);
    const key = createPrivateKey(readFileSync(keyFile));
    return judgeOutboxLeft(await leftOfOutbox(folder, key), told);
  } catch (error) {
    return tallyOf({ wrong: [`what was left cannot be opened: ${explain(error)}`] });
  }
}

type SignedBatch = Pick<Batch, 'epoch' | 'sequence' | 'previous'> & { readonly digest: string };

/** What an outbox has, and the batch that it signs next. */
export interface OutboxLeft {
  readonly rows: readonly SignedBatch[];
  readonly next: SignedBatch;
}

async function leftOfOutbox(folder: string, key: KeyObject): Promise<OutboxLeft> {
  const device = memorySigner(key);
  const { store } = openStore({ file: outboxFile(folder), devices: [device] });
  try {
    const before = store.peek({ after: 0, count: 1_000 });
    await store.append([draftOf(device.did)]);
    const [last] = store.peek({ after: before.at(-1)?.id ?? 0, count: 1 });
    if (!last) throw new Error('nothing can be signed any more');
    return { rows: before.map(({ token }) => openBatch(token)), next: openBatch(last.token) };
  } finally {
    store.close();
  }
}

/**
 * Pure. What was kept and not settled is there; what was settled is not; no place is taken twice;
 * and the next epoch follows the last batch that was told of, or one behind it.
 */
export function judgeOutboxLeft({ next, rows }: OutboxLeft, told: readonly Told[]): Tally {
  const kept = told.flatMap((one) => ('kept' in one ? one.kept : []));
  const settling = new Set(told.flatMap((one) => ('settling' in one ? one.settling : [])));
  const settled = new Set(told.flatMap((one) => ('settled' in one ? one.settled : [])));
  const there = new Set(rows.map(({ digest }) => digest));
  const lost = kept
    .filter((digest) => !there.has(digest) && !settling.has(digest))
    .map((digest) => `batch ${digest} was kept and is gone`);
  const back = [...settled]
    .filter((digest) => there.has(digest))
    .map((digest) => `batch ${digest} was settled and is back`);
  const places = [...rows, next].map(
    ({ epoch, sequence }) => `${epoch.counter} ${epoch.nonce} ${sequence}`,
  );
  const twice = places.filter((place, at) => places.indexOf(place) !== at);
  const last = kept.at(-1);
  const follows = next.previous?.digest;
  // A batch behind the last one told of was committed while nobody could be told.
  const isForked = follows !== last && (follows === undefined || kept.includes(follows));
  if (last !== undefined && isForked) lost.push(`the next batch follows ${follows}, not ${last}`);
  const doubled = [...back, ...twice.map((place) => `place ${place} is taken twice`)];
  return tallyOf({ lost, doubled });
}

/** What a journal has, after all entries were handed to it once more. */
export interface JournalLeft {
  /** Before that, and after it. */
  readonly leaves: readonly string[];
  readonly digests: readonly string[];
  readonly wanted: readonly string[];
  /** Where the twins stood, and whether those folded on are those rebuilt. */
  readonly applied: number;
  readonly isRebuilt: boolean;
}

function leftOfJournal(folder: string): JournalLeft {
  const entries = journalEntries();
  const store = openJournalStore(journalFile(folder));
  const leaves = Array.from({ length: store.size() }, (_, at) => store.leaf(at) ?? '');
  // Ticks are not told apart: a gateway sends none.
  const sent = entries.filter(({ header }) => header.kind !== 'tick');
  store.append(sent);
  const digestsOf = (kept: typeof sent) => kept.map(({ header }) => header.digest);
  const stored = store.read(0, 1_000).filter(({ header }) => header.kind !== 'tick');
  store.close();
  const reader = openJournalReader(journalFile(folder));
  const twins = openTwinsStore(twinsFile(folder));
  const applied = twins.meta().cursor;
  new Applier({ journal: reader, store: twins, plugins: foldPlugins }).drain();
  twins.close();
  reader.close();
  const { equal: isRebuilt } = rebuildTwins({
    journalFile: journalFile(folder),
    twinsFile: twinsFile(folder),
  });
  const [digests, wanted] = [digestsOf(stored), digestsOf(sent)];
  return { leaves, digests, wanted, applied, isRebuilt };
}

/** Pure. What was told is at its position, everything is there once, and twins are its fold. */
export function judgeJournalLeft(left: JournalLeft, told: readonly Told[]): Tally {
  const lost: string[] = [];
  for (const one of told) {
    if ('applied' in one && one.applied > left.applied) {
      lost.push(`twins were applied to ${one.applied} and stand at ${left.applied}`);
    }
    if (!('leaves' in one)) continue;
    for (const [at, leaf] of one.leaves.entries()) {
      if (left.leaves[one.from + at] !== leaf) lost.push(`entry ${one.from + at} is gone`);
    }
  }
  const { digests, wanted } = left;
  const twice = digests.filter((digest, at) => digests.indexOf(digest) !== at);
  const wrong = wanted.filter((digest) => !digests.includes(digest));
  return tallyOf({
    lost,
    doubled: twice.map((digest) => `entry ${digest} stands there twice`),
    wrong: [
      ...wrong.map((digest) => `entry ${digest} cannot be stored any more`),
      ...(left.isRebuilt ? [] : ['the twins are not the fold of the journal']),
    ],
  });
}

/** What stands in the file, if it is there, and the keys that can be used. */
export interface FilesLeft {
  readonly text: string | undefined;
  readonly keys: readonly string[];
}

async function leftOfFiles(folder: string): Promise<FilesLeft> {
  const file = plainFile(folder);
  const keys = await openKeyFile(keyFile(folder), passphrase, systemClock);
  const dids: string[] = [];
  for (const { did, label } of keys.list()) {
    const signer = await keys.signer(label);
    await signer.sign(Buffer.from('a proof that it works'));
    dids.push(did);
  }
  await keys.close();
  return { text: existsSync(file) ? readFileSync(file, 'utf8') : undefined, keys: dids };
}

/** Pure. The file is the last version that was told of, or the next one, whole. */
export function judgeFiles({ keys, text }: FilesLeft, told: readonly Told[]): Tally {
  const last = told.findLast((one) => 'written' in one);
  const next = told.findLast((one) => 'writing' in one);
  const good = [last?.text, next?.text];
  const lost = good.includes(text) ? [] : ['the file is neither the old nor the new one'];
  for (const one of told) {
    if ('key' in one && !keys.includes(one.key)) lost.push(`key ${one.key} is gone`);
  }
  return tallyOf({ lost });
}

function tallyOf(found: {
  readonly lost?: readonly string[];
  readonly doubled?: readonly string[];
  readonly wrong?: readonly string[];
}): Tally {
  const { doubled = [], lost = [], wrong = [] } = found;
  const notes = [...lost, ...doubled, ...wrong].slice(0, 5);
  return {
    ...nothingWrong,
    ...{ lost: lost.length, doubled: doubled.length, wrong: wrong.length },
    ...(notes.length > 0 && { notes }),
  };
}
