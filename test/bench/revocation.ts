/**
 * Revocations at random instants under load, with the real threads, journal and recorder: how many
 * batches of a revoked key took effect after the revocation was committed.
 * `node test/bench/revocation.ts [COUNT]` prints the counts; the suite has the short form.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLog, systemClock, systemRandom } from '../../devices/runtime.ts';
import { startAdmitPool } from '../../ingest/admit-pool.ts';
import { createIngest } from '../../ingest/ingest.ts';
import { startJournal } from '../../ingest/journal.ts';
import { memorySigner } from '../support/identity.ts';
import { BatchMaker } from '../support/signed-batch.ts';
import { listUrl, makeWorld } from '../support/trust-world.ts';

export interface RevocationCounts {
  readonly revoked: number;
  /** Batches that took effect, before their device was revoked or of one that never was. */
  readonly effective: number;
  /** Batches that were received within the bound or later after the revocation, with effect. */
  readonly late: number;
  /** Batches of revoked devices that stand in the journal without effect. */
  readonly without: number;
}

/** After a revocation is committed, nothing of that key may take effect any more: not in 1 s. */
export async function runRevocations(count: number): Promise<RevocationCounts> {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-revocation-'));
  const journalFile = join(directory, 'journal.db');
  const journal = await startJournal(journalFile);
  const workers = Math.max(1, availableParallelism() - 1);
  const admitter = startAdmitPool({
    ...{ workers, tenant: 'cbp', journalFile, poisons: [] },
    ...{ clock: systemClock, log: silentLog },
  });
  const ingest = createIngest({
    ...{ tenant: 'cbp', journal, admitter, signer: memorySigner(), clock: systemClock },
    log: silentLog,
    reply: async () => undefined,
    wake: () => undefined,
    failed: (error) => {
      throw error;
    },
  });
  const world = makeWorld();
  const nowMs = Math.floor(Date.now() / 1_000) * 1_000;
  const makers = Array.from({ length: count }, () => new BatchMaker(memorySigner(), world.gateway));
  const papers = [world.document(), await world.statusList([], { validFromMs: nowMs })];
  for (const [index, { signer }] of makers.entries()) {
    const status = [{ purpose: 'revocation', list: listUrl, index }] as const;
    const validFromMs = nowMs - 3_600_000;
    papers.push(await world.enrolment({ device: signer.did, status, validFromMs }));
  }
  await ingest.desk.add(
    papers.map((bytes, at) => ({ name: String(at), bytes })),
    false,
  );
  /** Position of the entry that revokes each device. */
  const revokedAt = new Map<string, number>();
  const revoked: number[] = [];
  let loading = true;
  const load = async () => {
    while (loading) {
      for (const maker of [1, 2, 3, 4].map(() => pick(makers))) {
        const bytes = await maker.next(Date.now());
        await ingest.receive({ bytes, gateway: world.fingerprint, receivedMs: Date.now() });
      }
      // A batch of one that was just revoked is the one that could slip through.
      const last = makers[revoked.at(-1) ?? 0];
      const bytes = await last?.next(Date.now());
      if (bytes)
        await ingest.receive({ bytes, gateway: world.fingerprint, receivedMs: Date.now() });
      await systemClock.sleep(5);
    }
  };
  const loads = load();
  for (let index = 0; index < count; index += 1) {
    await systemClock.sleep(systemRandom.fraction() * 20);
    revoked.push(index);
    const validFromMs = nowMs + 1_000 * Math.ceil(index / 1_000);
    const list = await world.statusList(revoked, { validFromMs });
    const [change] = await ingest.desk.add([{ name: 'list', bytes: list }], false);
    if (change?.result !== 'added') throw new Error(`list ${index}: ${change?.reason}`);
    revokedAt.set(makers[index]?.signer.did ?? '', change.position ?? -1);
  }
  loading = false;
  await loads;
  await ingest.drain();
  let [effective, late, without] = [0, 0, 0];
  const size = await journal.size();
  for (let from = 0; from < size; from += 1_000) {
    for (const { header, position } of await journal.read(from, 1_000)) {
      const bound = revokedAt.get(header.batch?.device ?? '') ?? Number.POSITIVE_INFINITY;
      if (header.kind !== 'batch') without += header.gateway === undefined ? 0 : 1;
      else if (position < bound) effective += 1;
      else late += 1;
    }
  }
  await admitter.close();
  await journal.close();
  rmSync(directory, { recursive: true, force: true });
  return { revoked: revokedAt.size, effective, late, without };
}

function pick<T>(all: readonly T[]): T {
  return all[Math.floor(systemRandom.fraction() * all.length)] as T;
}

const [, script = '', count = '1000'] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${JSON.stringify(await runRevocations(Number(count)))}\n`);
}
