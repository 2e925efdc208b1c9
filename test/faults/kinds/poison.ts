/**
 * One batch in a hundred makes the worker that judges it throw, spin, end or run out of memory.
 * Each is kept and refused the first time, and those of others hardly wait for it.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { credentialDigest, fingerprintOfDid } from '../../../devices/envelope.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import { startAdmitPool } from '../../../ingest/admit-pool.ts';
import type { Admitter } from '../../../ingest/admitter.ts';
import { createIngest, type Ingest } from '../../../ingest/ingest.ts';
import { startJournal } from '../../../ingest/journal.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { tuneMemory } from '../../../ingest/memory.ts';
import { median } from '../../bench/figure.ts';
import { Chance } from '../../sim/chance.ts';
import { memorySigner } from '../../support/identity.ts';
import { poisonKinds, poisonPoint } from '../../support/poison.ts';
import { BatchMaker } from '../../support/signed-batch.ts';
import { listUrl, makeWorld } from '../../support/trust-world.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

/** Gateways with a device each, and batches of all of them in a second. */
const SITES = 20;
const BATCHES_PER_S = 50;
/** One in so many is poison. */
const ONE_IN = 100;
/** Batches until nothing is felt any more of what came before. */
const SETTLE = 40;
/** So often it is compared with batches right before, since machines change their pace; */
const ROUNDS = 8;
/** beside so many poisons at least, one of each kind, or the slowest batch would be the p99. */
const ROUND_MIN = poisonKinds.length;
/** The slowest of a hundred may wait so many times as long: the median of all rounds. */
const RATIO_MAX = 2;
/** After this long without a receipt none will come, milliseconds. */
const ANSWER_MS = 30_000;

/** What is left is not waited for any longer, milliseconds. */
const STOP_MS = 5_000;

const workerModule = new URL('../../support/poison-worker.ts', import.meta.url);

export const poison: Fault = {
  name: 'poison',
  summary: 'one batch in a hundred makes the worker that judges it throw, spin, end or hoard',
  unit: 'poisons',
  counts: { short: 8, long: 400, shard: 40 },
  alone: true,
  run: poisonIngester,
};

/** What was sent, until it is answered. */
interface Sent {
  readonly bytes: Uint8Array;
  readonly atMs: number;
  outcome?: string;
  tookMs?: number;
}

async function poisonIngester({ count, directory, say, seed }: Shard): Promise<Tally> {
  tuneMemory();
  const chance = new Chance(seed);
  const notes: string[] = [];
  const bench = await openBench(join(directory, 'journal.db'), notes);
  try {
    await bench.run(SETTLE, () => undefined);
    // From the first poison on more threads stand by: what it costs is a figure of its own.
    const first = await bench.run(ONE_IN, (at) => (at === 0 ? 'throw' : undefined));
    const rounds: Round[] = [];
    const each = Math.max(Math.ceil(count / ROUNDS), ROUND_MIN);
    const ratioOf = () => median(rounds.map((one) => p99Of(one.beside) / p99Of(one.quiet)));
    // A short form is measured to the end where its few rounds leave it in doubt.
    const isInDoubt = () =>
      notes.length === 0 && rounds.length < ROUNDS && !(ratioOf() <= RATIO_MAX);
    let done = 0;
    while (done < count || isInDoubt()) {
      const places = Array.from(
        { length: done < count ? Math.min(each, count - done) : each },
        (_, at) => ({
          place: at * ONE_IN + Math.floor(chance.fraction() * ONE_IN),
          kind: poisonKinds[(done + at) % poisonKinds.length],
        }),
      );
      rounds.push(await pair(bench, places));
      done += places.length;
      say(`${done} of ${count} poisons`);
    }
    const [quiet, beside] = [
      rounds.flatMap((one) => one.quiet),
      rounds.flatMap((one) => one.beside),
    ];
    notes.push(...bench.judge([...first, ...quiet, ...beside]));
    notes.push(...(await bench.sendAgain(beside.filter(({ kind }) => kind !== undefined))));
    notes.push(...(await bench.sendRevoked()));
    const ratio = ratioOf();
    const [p99Ms, quietP99Ms] = [p99Of(beside), p99Of(quiet)];
    if (!(ratio <= RATIO_MAX)) {
      const all = `${p99Ms} ms of all, else ${quietP99Ms} ms`;
      notes.push(`p99 was ${ratio.toFixed(2)} times as long beside poison (${all})`);
    }
    const figures = {
      ...{ p99Ms, quietP99Ms, p99Ratio: Number(ratio.toFixed(2)), firstP99Ms: p99Of(first) },
    };
    return { count: done, lost: bench.lost(), doubled: 0, wrong: notes.length, notes, figures };
  } finally {
    await bench.close();
  }
}

/** Batches without poison, and right behind them others with it. */
interface Round {
  readonly quiet: readonly Batch[];
  readonly beside: readonly Batch[];
}

/** One poison at each place, one in each hundred. */
async function pair(
  bench: Bench,
  places: readonly { readonly place: number; readonly kind: Kind | undefined }[],
): Promise<Round> {
  // What the last poison cost is over by then.
  await bench.run(SETTLE, () => undefined);
  const batches = places.length * ONE_IN;
  const quiet = await bench.run(batches, () => undefined);
  const struck = new Map(places.map(({ kind, place }) => [place, kind]));
  const beside = await bench.run(batches, (at) => struck.get(at));
  // As many on either side, so that the p99 of both has the same rank.
  return { quiet: quiet.filter((_, at) => !struck.has(at)), beside };
}

type Kind = (typeof poisonKinds)[number];
type Batch = Sent & { readonly kind: Kind | undefined };

interface Bench {
  /** Sends `count` batches at their rate and waits for their receipts. */
  run(count: number, kindOf: (at: number) => Kind | undefined): Promise<Batch[]>;
  judge(batches: readonly Batch[]): string[];
  /** The same bytes once more change nothing, and are answered. */
  sendAgain(batches: readonly Batch[]): Promise<string[]>;
  /** What a key signs that was revoked before the first poison is in doubt. */
  sendRevoked(): Promise<string[]>;
  lost(): number;
  close(): Promise<void>;
}

async function openBench(journalFile: string, notes: string[]): Promise<Bench> {
  const journal = await startJournal(journalFile);
  const admitter = startAdmitPool({
    ...{ workers: 1, tenant: 'cbp', journalFile, poisons: journal.found.poisons },
    ...{ clock: systemClock, log: silentLog, module: workerModule },
  });
  const waiting = new Map<string, Sent>();
  const ingest = openIngest({ admitter, journal, waiting, notes });
  const makers = Array.from(
    { length: SITES },
    () => new BatchMaker(memorySigner(), memorySigner().did),
  );
  const revoked = new BatchMaker(memorySigner(), memorySigner().did);
  await enrol(ingest, makers, revoked);
  let lost = 0;
  const makerOf = (at: number) => makers[at % makers.length] as BatchMaker;
  const send = (maker: BatchMaker, one: Sent) => {
    waiting.set(credentialDigest(one.bytes), one);
    const gateway = fingerprintOfDid(maker.gateway);
    void ingest.receive({ bytes: one.bytes, gateway, receivedMs: systemClock.nowMs() });
  };
  const answered = async () => {
    for (let still = waiting.size, sinceMs = performance.now(); waiting.size > 0; ) {
      await sleep(20);
      if (waiting.size < still) [still, sinceMs] = [waiting.size, performance.now()];
      const isStill = performance.now() - sinceMs >= ANSWER_MS;
      if (waiting.size === 0 || (!isStill && notes.length === 0)) continue;
      notes.push(`${waiting.size} batches got no receipt`);
      waiting.clear();
    }
  };
  return {
    async run(count, kindOf) {
      const batches: Batch[] = [];
      const made: Pick<Batch, 'bytes' | 'kind'>[] = [];
      for (let at = 0; at < count; at += 1) {
        const kind = kindOf(at);
        const point = kind && { readPoint: poisonPoint(kind) };
        const bytes = await makerOf(at).next(systemClock.nowMs(), { ...point });
        made.push({ bytes, kind });
      }
      const startMs = performance.now();
      for (const [at, { bytes, kind }] of made.entries()) {
        const dueMs = startMs + (at * 1_000) / BATCHES_PER_S;
        const waitMs = dueMs - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        const one: Batch = { bytes, kind, atMs: performance.now() };
        batches.push(one);
        send(makerOf(at), one);
        if (notes.length > 0) break;
      }
      await answered();
      return batches;
    },
    judge(batches) {
      const reader = openJournalReader(journalFile);
      const entries = reader.read(0, reader.size());
      reader.close();
      const stored = new Map(entries.map((entry) => [entry.header.digest, entry]));
      const wrong: string[] = [];
      for (const { bytes, kind, outcome } of batches) {
        const digest = credentialDigest(bytes);
        const entry = stored.get(digest);
        const isThere = entry !== undefined && Buffer.from(bytes).equals(entry.bytes);
        if (!isThere) lost += 1;
        const { code, kind: as } = entry?.header ?? {};
        const isRight =
          kind === undefined
            ? as === 'batch' && outcome === 'accepted'
            : as === 'refusal' && code === 'IN_POISON' && outcome === 'refused';
        if (!isRight) wrong.push(`${kind ?? 'a good batch'} is ${as} ${code}, told ${outcome}`);
      }
      return wrong.slice(0, 20);
    },
    async sendAgain(batches) {
      const reader = openJournalReader(journalFile);
      const size = reader.size();
      const atMs = performance.now();
      for (const { bytes } of batches) {
        send(makerOf(0), { bytes, atMs });
      }
      await answered();
      // The journal's clock ticks meanwhile.
      const more = reader.read(size, batches.length + 1);
      const grown = more.filter(({ header }) => header.kind !== 'tick').length;
      reader.close();
      const tookMs = performance.now() - atMs;
      // A worker would take a second for each that spins.
      return [
        ...(grown > 0 ? [`${grown} entries more when poison came again`] : []),
        ...(tookMs > 1_000 ? [`answering poison again took ${Math.round(tookMs)} ms`] : []),
      ];
    },
    async sendRevoked() {
      const bytes = await revoked.next(systemClock.nowMs());
      send(revoked, { bytes, atMs: performance.now() });
      await answered();
      const reader = openJournalReader(journalFile);
      const digest = credentialDigest(bytes);
      const entry = reader.read(0, reader.size()).find(({ header }) => header.digest === digest);
      reader.close();
      const as = entry?.header.kind;
      return as === 'doubtful' ? [] : [`what a revoked key signed is ${as}`];
    },
    lost: () => lost,
    async close() {
      await Promise.race([ingest.drain(), sleep(STOP_MS)]);
      await admitter.close();
      await journal.close();
    },
  };
}

/** Enrols the devices of `makers`, and one whose key is revoked at once. */
async function enrol(
  { desk }: Ingest,
  makers: readonly BatchMaker[],
  revoked: BatchMaker,
): Promise<void> {
  const world = makeWorld();
  const nowMs = systemClock.nowMs();
  const validFromMs = nowMs - 3_600_000;
  const papers = [world.document(), await world.statusList([], { validFromMs })];
  for (const { gateway, signer } of makers) {
    papers.push(await world.enrolment({ device: signer.did, gateway, validFromMs }));
  }
  const status = [{ purpose: 'revocation', list: listUrl, index: 7 }] as const;
  const { gateway, signer } = revoked;
  const device = signer.did;
  papers.push(await world.enrolment({ device, gateway, status, validFromMs }));
  const revocation = await world.statusList([7], { validFromMs: nowMs });
  for (const given of [papers, [revocation]]) {
    const named = given.map((bytes, at) => ({ name: String(at), bytes }));
    await desk.add(named, false);
  }
}

function openIngest(parts: {
  readonly admitter: Admitter;
  readonly journal: Awaited<ReturnType<typeof startJournal>>;
  readonly waiting: Map<string, Sent>;
  readonly notes: string[];
}): Ingest {
  const { admitter, journal, notes, waiting } = parts;
  const signer = memorySigner();
  return createIngest({
    ...{ tenant: 'cbp', journal, admitter, signer, clock: systemClock, log: silentLog },
    reply: async (_gateway, bytes) => {
      const receipt = openReceipt(bytes, signer.did);
      if (isRefusal(receipt)) return void notes.push(receipt.reason);
      for (const { digest, outcome } of receipt.results) {
        const sent = waiting.get(digest);
        waiting.delete(digest);
        if (sent === undefined) continue;
        sent.outcome = outcome;
        sent.tookMs = performance.now() - sent.atMs;
      }
    },
    wake: () => undefined,
    failed: (error) => notes.push(`the ingester stopped: ${String(error)}`),
  });
}

/** Of those that are no poison themselves. */
function p99Of(batches: readonly Batch[]): number {
  const others = batches.filter(({ kind }) => kind === undefined);
  const times = others.map(({ tookMs = Number.POSITIVE_INFINITY }) => tookMs);
  times.sort((a, b) => a - b);
  return Number((times[Math.ceil(times.length * 0.99) - 1] ?? 0).toFixed(1));
}
