/**
 * The same to a whole site: the ingester is stopped, its journal written anew by somebody who has
 * its key and passphrase, and started again. It starts, since everything agrees; the gateway, which
 * kept an old checkpoint, says so, and so does an audit with that. Delivery goes on.
 */
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { openStatement } from '../../../devices/credential/checkpoint.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { openFileKeyStore } from '../../../devices/io/key-store-file.ts';
import { rebuildTwins } from '../../../ingest/apply-rebuild.ts';
import { receiptSigner } from '../../../ingest/startup.ts';
import type { NewEntry } from '../../../ingest/store.ts';
import { Chance } from '../../sim/chance.ts';
import { type RunningCommand, runCli } from '../../support/commands.ts';
import { eventually } from '../../support/eventually.ts';
import { rewriteJournal } from '../../support/rewritten-journal.ts';
import { type Rig, startRig } from '../../support/rig.ts';
import type { Site } from '../../support/site.ts';
import { endGateway } from '../end-gateway.ts';
import type { Fault, Shard, Tally } from '../fault.ts';
import { readJournal } from '../judge-journal.ts';

export const rewrittenRunning: Fault = {
  name: 'rewritten-running',
  summary: 'the journal of a site is written anew with the ingester’s own key',
  unit: 'rewritten journals',
  counts: { short: 1, long: 50, shard: 5 },
  run,
};

const DRAIN_S = 20;
/** A checkpoint is with the gateway within this long, milliseconds, */
const FOUND_MS = 60_000;
/** and what it finds of the next ones is said: that takes three of them, a second each. */
const SAID_MS = 20_000;

async function run({ count, directory, say, seed }: Shard): Promise<Tally> {
  const chance = new Chance(seed);
  const notes: string[] = [];
  const ingestLines = ['checkpoints: { everySeconds: 1 }'];
  const rig = await startRig(join(directory, 'site'), 40, { ingestLines });
  try {
    let { ingester } = rig;
    const gateway = await rig.site.startGateway('--drain', String(DRAIN_S));
    for (let round = 1; round <= count; round += 1) {
      const struck = await strike(rig, ingester, { chance, copy: join(directory, 'kept.jwt') });
      ingester = struck.ingester;
      notes.push(...struck.wrong);
      say(`${round} of ${count} journals`);
    }
    notes.push(...(await endGateway(gateway, DRAIN_S)));
    await ingester.stop();
  } finally {
    await rig.close();
  }
  return { count, lost: 0, doubled: 0, wrong: notes.length, notes: notes.slice(0, 20) };
}

async function strike(
  { site }: Rig,
  running: RunningCommand,
  { chance, copy }: { readonly chance: Chance; readonly copy: string },
): Promise<{ ingester: RunningCommand; wrong: string[] }> {
  const folder = join(site.journalFile, '..');
  const witness = join(site.gatewayConfig, '..', 'gateway-data', 'witness');
  const kept = join(witness, 'kept.jwt');
  const first = await eventually(
    () => sizeOf(kept),
    'a checkpoint that the gateway keeps',
    FOUND_MS,
  );
  // A second one, so that there is one that was proven to continue another.
  await eventually(() => (sizeOf(kept) ?? 0) > first, 'a further checkpoint', FOUND_MS);
  const wrong: string[] = [];
  await running.stop();
  copyFileSync(kept, copy);
  const audit = () => runCli('ingest', ['audit', folder, copy, '--json']);
  const honest = await audit();
  if (honest.code !== 0) wrong.push(`the audit of an honest journal: ${honest.out}${honest.err}`);
  const forged = forgeTwins(site.journalFile, join(folder, 'twins.db'), chance);
  const refused = await audit();
  if (refused.code !== 1)
    wrong.push(`the twins leave out entry ${forged}, and the audit is content`);
  const entries = await rewrite(site, chance, sizeOf(copy) ?? 0);
  for (const ending of ['', '-wal', '-shm']) {
    rmSync(join(folder, `twins.db${ending}`), { force: true });
  }
  const ingester = await site.startIngester();
  const expect = async (what: string, look: Parameters<typeof eventually>[0]) => {
    await eventually(look, what, SAID_MS).catch((error: unknown) => wrong.push(String(error)));
  };
  const evidence = ['contradiction.json', 'unproven.json'].map((name) => join(witness, name));
  await Promise.all([
    expect('evidence of the gateway', () => evidence.some((file) => existsSync(file))),
    expect('the gateway on the list', async () => (await contradictedAt(site.http)) === 1),
    expect('further batches', () => readJournal(site.journalFile).length > entries + 5),
  ]);
  const dishonest = await audit();
  if (dishonest.code !== 1 || !dishonest.out.includes('"holds":false')) {
    wrong.push(`the audit of a rewritten journal: ${dishonest.out}${dishonest.err}`);
  }
  const accepted = await runCli('gateway', ['witness', site.gatewayConfig, 'accept']);
  if (accepted.code !== 0) wrong.push(`accepting it: ${accepted.err}`);
  return { ingester, wrong };
}

/** Makes twins of all entries but one, as if the fold had come to no end there; returns which. */
function forgeTwins(journalFile: string, twinsFile: string, chance: Chance): number {
  const batches = readJournal(journalFile).filter(({ header }) => header.kind === 'batch');
  const { position } = chance.pick(batches);
  const db = new SqliteDatabase(twinsFile);
  db.prepare("INSERT INTO unapplied VALUES (?, 'held', 'forged')").run(position);
  db.close();
  rebuildTwins({ journalFile, twinsFile, replace: true });
  return position;
}

/** Entries under the checkpoint that the gateway keeps; `undefined` where it keeps none. */
function sizeOf(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const statement = openStatement(readFileSync(file));
  return isRefusal(statement) ? undefined : statement.checkpoint.size;
}

/** Gateways that the ingester lists as keeping what its journal does not continue. */
async function contradictedAt(http: string): Promise<number> {
  const response = await fetch(`${http}/api/status`);
  const { checkpoint } = (await response.json()) as { checkpoint: { contradicted: string[] } };
  return checkpoint.contradicted.length;
}

/** Rewrites a batch under the gateway's checkpoint; returns how many entries there are then. */
async function rewrite(site: Site, chance: Chance, kept: number): Promise<number> {
  const folder = join(site.ingestConfig, '..');
  const keys = await openFileKeyStore(join(folder, 'ingest-keys.json'), join(folder, 'passphrase'));
  const signer = await receiptSigner(keys);
  let entries = 0;
  rewriteJournal({
    ...{ file: site.journalFile, signer, issuedMs: Date.now() },
    change(all) {
      const changed = change(all, kept, chance);
      entries = changed.length;
      return changed;
    },
  });
  await keys.close();
  return entries;
}

function change(all: readonly NewEntry[], kept: number, chance: Chance): readonly NewEntry[] {
  const batches = all.flatMap(({ header }, at) => (header.kind === 'batch' && at < kept ? at : []));
  const at = chance.pick(batches);
  const { bytes, header } = all[at] as NewEntry;
  switch (chance.pick(['later', 'removed', 'shortened'] as const)) {
    case 'later':
      return all.with(at, { header: { ...header, receivedMs: header.receivedMs + 60_000 }, bytes });
    case 'removed':
      return all.toSpliced(at, 1);
    case 'shortened':
      return all.slice(0, at);
  }
}
