/**
 * The way to the ingester at its worst, over a fake clock: a slow line that drops, repeats and
 * reorders, acknowledges what nobody took, and carries receipts that others signed; meanwhile a
 * backlog drains, live batches come each second, and now and then an urgent one. Sometimes the disk
 * is too full even to let a batch go.
 */

import { signToken } from '../../../devices/credential/jws.ts';
import { composeReceipt } from '../../../devices/credential/receipt-wire.ts';
import { credentialDigest, fingerprintOfDid } from '../../../devices/envelope.ts';
import type { Signer } from '../../../devices/identity/signer.ts';
import { openDatabase } from '../../../devices/io/sqlite.ts';
import { limits } from '../../../devices/limits.ts';
import { silentLog, systemRandom } from '../../../devices/runtime.ts';
import { Forwarder } from '../../../gateway/forward.ts';
import { createLocalOutbox } from '../../../gateway/outbox-local.ts';
import { OutboxStore } from '../../../gateway/outbox-store.ts';
import { outboxSchema } from '../../../gateway/outbox-tables.ts';
import { Chance } from '../../sim/chance.ts';
import { MachineClock, World } from '../../sim/clock.ts';
import { memorySigner } from '../../support/identity.ts';
import { readingGroups, someDigest, someProfile } from '../../support/signed-batch.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

const START = 1_767_225_600_000;
/** 256 kbit/s. */
const BYTES_PER_MS = 32;
/** Each way, milliseconds. */
const DELAY_MS = 100;
/** What the issue promises of fresh data while a backlog drains. */
const FRESH_MS = 5_000;
/** What is urgent waits for what is in the pipe, and for nothing else. */
const URGENT_MS = 3_500;
/** Batches that wait when the line comes up, for each that comes later: it is never empty. */
const BACKLOG = 4;
const READINGS = 40;
/**
 * A batch leaves the outbox within this after its first receipt, without another uplink: the time
 * of four tries, each after twice the wait of the one before.
 */
const GONE_MS = (1 + 2 + 4 + 8) * limits.receiptTimeoutMs;

export const forwarding: Fault = {
  name: 'forwarding',
  summary: 'a slow line that drops, repeats and forges, under backlog, live and urgent batches',
  unit: 'batches',
  counts: { short: 120, long: 20_000, shard: 1_000 },
  run,
};

/** What the far end knows of each batch: what it is, when it was made, when it came. */
interface Made {
  readonly kind: 'urgent' | 'live' | 'backlog';
  readonly madeMs: number;
  cameMs?: number;
  /** When a genuine receipt for it was sent first. */
  receiptedMs?: number;
}

async function run({ count, seed, say }: Shard): Promise<Tally> {
  const chance = new Chance(seed);
  const world = new World(START);
  const clock = new MachineClock(world, 0);
  const [device, gateway, ingester, stranger] = [1, 2, 3, 4].map(() => memorySigner()) as [
    ...[Signer, Signer, Signer, Signer],
  ];
  const store = new OutboxStore({
    db: openDatabase(':memory:', { schema: outboxSchema }),
    signers: new Map([[device.did, device]]),
    bytesMax: limits.outboxBytesMaxDefault,
    random: systemRandom,
    log: silentLog,
  });
  const outbox = createLocalOutbox({ store, clock });
  const made = new Map<string, Made>();
  const notes: string[] = [];
  const forwarder = new Forwarder({
    outbox: {
      ...outbox,
      settle: async (settlements) =>
        chance.happens(0.02)
          ? { accepted: 0, refused: 0, undone: true }
          : outbox.settle(settlements),
    },
    enrolments: {
      replace: () => undefined,
      refresh: () => false,
      successions: () => [],
      succeeded: () => undefined,
      of: () => undefined,
      tokens: () => new Map(),
    },
    gateway: gateway.did,
    ingester: ingester.did,
    clock,
    log: silentLog,
    onSettled: () => undefined,
    onFailure: (error) => notes.push(`the forwarder failed: ${String(error)}`),
  });

  let lastSequence = 0;
  async function make(kind: Made['kind'], batches: number): Promise<void> {
    const closedMs = Math.floor(world.nowMs);
    const appended = Array.from({ length: batches }, () =>
      outbox.append({
        device: device.did,
        gateway: gateway.did,
        profile: someProfile,
        configuration: someDigest,
        readPoint: 'did:web:northline.example/facility/neche',
        clock: { source: 'unknown', monotonicMs: 1, steps: 0 },
        closedMs,
        groups: readingGroups({ fromMs: closedMs, times: 1, points: READINGS }),
        losses: [],
        ...(kind === 'urgent' && { priority: kind }),
      }),
    );
    await world.run(limits.outboxCommitMs + 1);
    await Promise.all(appended);
    for (const { digest, id } of store.peek({ after: lastSequence, count: 10_000 })) {
      made.set(digest, { kind, madeMs: closedMs });
      lastSequence = id;
    }
    forwarder.committed(kind === 'urgent');
  }

  /** What the line took away once: it comes as late as it is sent again. */
  const dropped = new Set<string>();
  /** When the line is free again; bytes follow one another. */
  let freeMs = 0;
  async function send(token: Uint8Array): Promise<void> {
    freeMs = Math.max(freeMs, world.nowMs) + token.length / BYTES_PER_MS;
    // Acknowledged, as a broker does that then loses it.
    if (chance.happens(0.02)) {
      dropped.add(credentialDigest(token));
      return;
    }
    const copies = chance.happens(0.02) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      world.after(freeMs - world.nowMs + DELAY_MS, () => void arrive(token));
    }
  }

  async function arrive(token: Uint8Array): Promise<void> {
    const digest = credentialDigest(token);
    const known = made.get(digest);
    if (known) known.cameMs ??= world.nowMs;
    const forged = chance.happens(0.02);
    const signer = forged ? stranger : ingester;
    const payload = composeReceipt({
      // A forger says that he is the ingester, and names its key.
      issuer: ingester.did,
      gateway: fingerprintOfDid(gateway.did),
      issuedMs: Math.floor(world.nowMs),
      results: [{ digest, outcome: 'accepted', position: 1, leaf: '00'.repeat(32) }],
    });
    const named = { ...signer, keyId: ingester.keyId, sign: signer.sign.bind(signer) };
    const receipt = await signToken({ payload, signer: named, typ: 'bondline-receipt+jwt' });
    if (chance.happens(0.02)) return;
    if (known && !forged) known.receiptedMs ??= world.nowMs;
    world.after(DELAY_MS, () => forwarder.receipt(receipt));
  }

  // Alarms of the time without a line stand between what came before and after them.
  for (const _half of [1, 2]) {
    await make('backlog', (BACKLOG / 2) * count);
    await make('urgent', 2);
  }
  const upMs = world.nowMs;
  forwarder.uplink(send);
  let live = 0;
  for (let second = 0; live < count; second += 1) {
    await make('live', 1);
    live += 1;
    if (second % 7 === 3) {
      await make('urgent', 1);
      live += 1;
    }
    await world.run(1_000 - 2 * limits.outboxCommitMs);
    if (live % 200 === 0) say(`${live} of ${count} batches`);
  }
  await world.run(2 * FRESH_MS);
  await forwarder.stop();
  const waiting = store.peek({ after: 0, count: 100_000 });
  return judge({ made, dropped, notes, count, waiting, upMs, endMs: world.nowMs });
}

function judge(seen: {
  readonly made: ReadonlyMap<string, Made>;
  readonly dropped: ReadonlySet<string>;
  readonly notes: string[];
  readonly count: number;
  /** When the line came up, and when the run ended. */
  readonly upMs: number;
  readonly endMs: number;
  readonly waiting: readonly { readonly digest: string }[];
}): Tally {
  const { count, dropped, endMs, made, notes, upMs } = seen;
  const waiting = new Set(seen.waiting.map(({ digest }) => digest));
  const ages = { urgent: [] as number[], live: [] as number[], backlog: [] as number[] };
  let [lost, left] = [0, 0];
  for (const [digest, { cameMs, kind, madeMs, receiptedMs }] of made) {
    // What left the outbox has arrived, and a genuine receipt said so.
    if (!waiting.has(digest) && !(cameMs !== undefined && receiptedMs !== undefined)) lost += 1;
    if (waiting.has(digest) && endMs - (receiptedMs ?? endMs) > GONE_MS) left += 1;
    if (dropped.has(digest)) continue;
    if (cameMs !== undefined) ages[kind].push(cameMs - Math.max(madeMs, upMs));
    else if (kind !== 'backlog') ages[kind].push(endMs - Math.max(madeMs, upMs));
  }
  if (lost > 0) notes.unshift(`${lost} batches left the outbox without a receipt`);
  const figures = {
    urgentAgeMs: Math.max(...ages.urgent),
    liveAgeMs: Math.max(...ages.live),
    backlogDrained: ages.backlog.length,
  };
  let wrong = left;
  if (left > 0) notes.push(`${left} batches stayed long after their receipts`);
  if (figures.liveAgeMs > FRESH_MS) {
    wrong += 1;
    notes.push(`live batches were ${Math.round(figures.liveAgeMs)} ms old`);
  }
  if (figures.urgentAgeMs > URGENT_MS) {
    wrong += 1;
    notes.push(`urgent batches were ${Math.round(figures.urgentAgeMs)} ms old`);
  }
  if (ages.backlog.length === 0) {
    wrong += 1;
    notes.push('no backlog was drained');
  }
  return { count, lost, doubled: 0, wrong, notes, figures };
}
