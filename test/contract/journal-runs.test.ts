/**
 * A copied key and a disk that was put back, as the journal tells them apart: real outboxes with
 * real signatures, thousands of them, each batch with the times at which it was closed and came.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Signer } from '../../devices/identity/signer.ts';
import type { Database } from '../../devices/io/sqlite.ts';
import type { EpochGuard } from '../../gateway/outbox-counting.ts';
import type { OutboxStore } from '../../gateway/outbox-store.ts';
import { type JournalStore, openJournalStore } from '../../ingest/journal-store.ts';
import type { Appended, NewEntry } from '../../ingest/store.ts';
import { Chance } from '../sim/chance.ts';
import { memorySigner } from '../support/identity.ts';
import { draftOf, openBatch, openStore } from '../unit/gateway/support/outbox-world.ts';

/** `RUNS=1000` takes the long form. */
const RUNS = Number(process.env['RUNS'] ?? 40);
const longMs = 1_000 * RUNS;
const MINUTE = 60_000;
const startMs = 1_767_225_600_000;

let directory = '';
let journal: JournalStore;
beforeEach(() => {
  const memory = '/dev/shm';
  directory = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'runs-'));
  journal = openJournalStore(':memory:');
});
afterEach(() => {
  journal.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Numbers of [0, 1) that are the same in each run. */
function chanceOf(seed: number): () => number {
  const chance = new Chance(seed);
  return () => chance.fraction();
}

/** A gateway that runs: each batch is the only one in its outbox. */
interface Side {
  readonly device: Signer;
  readonly db: Database;
  readonly store: OutboxStore;
}

function start(device: Signer, file = ':memory:', epochs?: EpochGuard): Side {
  return { ...openStore({ file, devices: [device], ...(epochs && { epochs }) }) };
}

async function close({ device, store }: Side, closedMs: number): Promise<Uint8Array> {
  const after = store.peek({ after: 0, count: 10_000 }).at(-1)?.id ?? 0;
  await store.append([draftOf(device.did, Math.floor(closedMs), 1)]);
  const [row] = store.peek({ after, count: 1 });
  if (row === undefined) throw new Error('the outbox is empty');
  return row.token;
}

/** As admission gives a batch; its signature holds. */
function entryOf(bytes: Uint8Array, receivedMs: number): NewEntry {
  const { device, digest, epoch, previous, sequence } = openBatch(bytes);
  const { counter: epochCounter, nonce: epochNonce } = epoch;
  const named = previous && { previous: previous.digest };
  const batch = { device, epochCounter, epochNonce, sequence, ...named };
  const header = { version: 1, tenant: 't', kind: 'batch', receivedMs, digest, batch } as const;
  return { header, bytes };
}

function come(bytes: Uint8Array, receivedMs: number): Appended {
  return journal.append([entryOf(bytes, Math.floor(receivedMs))])[0] as Appended;
}

/** The original, what it says before its key is copied, and the copy. */
type Form = (run: number, say: (side: Side) => Promise<void>) => Promise<readonly [Side, Side]>;

const forms: Readonly<Record<string, Form>> = {
  async 'key and disk, while the original runs'(run, say) {
    const device = memorySigner();
    const file = join(directory, `${run}.db`);
    const original = start(device);
    await say(original);
    writeFileSync(file, original.db.serialize());
    return [original, start(device, file)];
  },
  async 'key and disk, while the original stands still'(run, say) {
    const device = memorySigner();
    const files = ['a', 'b'].map((name) => join(directory, `${run}-${name}.db`));
    const before = start(device);
    await say(before);
    for (const file of files) writeFileSync(file, before.db.serialize());
    before.store.close();
    return [start(device, files[0]), start(device, files[1])];
  },
  async 'the key alone, on an empty disk'(_, say) {
    const original = start(memorySigner());
    await say(original);
    return [original, start(original.device)];
  },
  async 'the key alone, with an epoch that starts higher'(run, say) {
    const original = start(memorySigner());
    await say(original);
    const place = { epoch: 3 + run, sequence: 0 };
    const higher = { read: async () => place, raise: async () => true };
    return [original, start(original.device, ':memory:', higher)];
  },
};

/** The answers to two sides that take turns, from the copy's first batch on. */
async function pair(
  run: number,
  pace: { next: () => number; delay: () => number },
  turns: number,
): Promise<Appended[]> {
  const { delay, next } = pace;
  let nowMs = startMs;
  const form = Object.values(forms)[run % Object.keys(forms).length] as Form;
  const say = async (side: Side) => {
    nowMs += next();
    come(await close(side, nowMs), nowMs + delay());
  };
  const sides = await form(run, async (side) => {
    for (let count = 1 + (run % 3); count > 0; count -= 1) await say(side);
  });
  const [original, copy] = sides;
  const said: Appended[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    nowMs += next();
    const side = turn % 2 === 0 ? copy : original;
    said.push(come(await close(side, nowMs), nowMs + delay()));
  }
  for (const { store } of sides) store.close();
  return said;
}

describe('a key in two places', () => {
  it(
    'is found on the first conflict, in every form, every time',
    async () => {
      let found = 0;
      for (let run = 0; run < RUNS; run += 1) {
        const chance = chanceOf(run);
        const next = () => (6 + chance() * 60) * MINUTE;
        const delay = () => chance() * 30_000;
        const said = await pair(run, { next, delay }, 5);
        // Two that began behind one disk have spoken once each when the first conflict can come.
        const first = said.findIndex(({ kind }) => kind !== 'batch');
        const isStill = run % 4 === 1;
        const codes = said.slice(first).map(({ kind, code }) => `${kind} ${code}`);
        const rest = codes.slice(1).every((one) => one === 'doubtful IN_QUARANTINE');
        if (first === (isStill ? 2 : 1) && codes[0] === 'doubtful IN_CLONED' && rest) found += 1;
      }
      console.log(`copied keys found on the first conflict: ${found} of ${RUNS}`);
      expect(found).toBe(RUNS);
      expect(journal.quarantines({ count: 2 * RUNS, open: true })).toHaveLength(RUNS);
    },
    longMs,
  );

  it('is found by its turns where times say nothing: all within seconds, or all late', async () => {
    const found: number[] = [];
    for (let run = 0; run < 40; run += 1) {
      const chance = chanceOf(run);
      const next = () => 100 + chance() * 2_000;
      const late = run % 2 === 0 ? 0 : 3 * 86_400_000;
      const said = await pair(run, { next, delay: () => late }, 12);
      found.push(said.findIndex(({ code }) => code === 'IN_CLONED'));
    }
    // Each side has come back twice after the other.
    expect(Math.min(...found)).toBeGreaterThan(3);
    expect(Math.max(...found)).toBeLessThanOrEqual(7);
  });

  it('is found across restarts of the ingester', async () => {
    const file = join(directory, 'journal.db');
    const device = memorySigner();
    const [a, b] = [start(device), start(device)];
    const codes: (string | undefined)[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      journal.close();
      journal = openJournalStore(file);
      const nowMs = startMs + turn * 7 * MINUTE;
      codes.push(come(await close(turn === 1 ? b : a, nowMs), nowMs + 10).code);
    }
    expect(codes).toEqual([undefined, undefined, 'IN_CLONED']);
    for (const { store } of [a, b]) store.close();
  });

  it('can be lifted, and is found again when both go on', async () => {
    const device = memorySigner();
    const [a, b] = [start(device), start(device)];
    let nowMs = startMs;
    const say = async (side: Side) => {
      nowMs += 10 * MINUTE;
      return come(await close(side, nowMs), nowMs + 10);
    };
    await say(a);
    await say(b);
    const { position } = await say(a);
    const act = { act: 'officer', accept: [position], lift: [device.did], officer: 'an officer' };
    const bytes = Buffer.from(JSON.stringify({ ...act, reason: 'seen', atMs: nowMs }));
    const { header } = entryOf(await close(a, nowMs), nowMs);
    const { batch: _, ...rest } = header;
    journal.append([{ header: { ...rest, kind: 'act' }, bytes }]);
    for (let times = 0; times < 5; times += 1)
      expect(await say(a)).toMatchObject({ kind: 'batch' });
    expect(await say(b)).toMatchObject({ kind: 'doubtful', code: 'IN_CLONED' });
    for (const { store } of [a, b]) store.close();
  });
});

interface Sent {
  readonly token: Uint8Array;
  readonly atMs: number;
}

/**
 * One gateway whose disk is put back now and then: what comes of it, in the order in which it
 * comes. `nowMs` is the true time; clocks of runs are off by what they are.
 */
async function restoredHistory(chance: () => number): Promise<Sent[]> {
  const device = memorySigner();
  const sent: Sent[] = [];
  const images: string[] = [];
  let trueMs = startMs;
  const every = [1_000, MINUTE, 20 * MINUTE][Math.floor(chance() * 3)] as number;
  const runs = 2 + Math.floor(chance() * 4);
  for (let run = 0; run < runs; run += 1) {
    const image = images[Math.floor(chance() * images.length)];
    const side = start(device, image);
    // Some have a clock that is right, some one that was put back with the disk.
    const offMs = chance() < 0.5 ? 0 : -Math.floor(chance() ** 3 * 5 * 86_400_000);
    const backlogMs = chance() < 0.4 ? chance() * 2 * 86_400_000 : 0;
    const batches = 2 + Math.floor(chance() * 8);
    const copyAt = Math.floor(chance() * batches);
    for (let batch = 0; batch < batches; batch += 1) {
      trueMs += every * (0.5 + chance());
      const token = await close(side, Math.floor(trueMs + offMs));
      const lateMs = chance() < 0.1 ? chance() * 86_400_000 : chance() * 3_000;
      sent.push({ token, atMs: Math.floor(trueMs + Math.max(backlogMs, lateMs)) });
      if (batch === copyAt || batch + 1 === batches) {
        const file = join(directory, `${images.length}-${chance()}.db`);
        writeFileSync(file, side.db.serialize());
        images.push(file);
      }
    }
    // What the disk that is put back still has comes once more, from the run that follows.
    for (const { id, token } of side.store.peek({ after: 0, count: 1_000 })) {
      if (chance() < 0.3)
        sent.push({ token, atMs: Math.floor(trueMs + id * 10 + chance() * MINUTE) });
    }
    side.store.close();
    trueMs += MINUTE * chance() * 600;
  }
  for (const file of images) rmSync(file, { force: true });
  return sent.sort((a, b) => a.atMs - b.atMs);
}

describe('a disk that was put back', () => {
  it(
    'is no copied key, whatever came late and whatever clocks say',
    async () => {
      let [forked, late, accused] = [0, 0, 0];
      for (let seed = 0; seed < RUNS; seed += 1) {
        const history = await restoredHistory(chanceOf(seed));
        const befores = new Map<string, Set<string>>();
        let newest = 0;
        for (const { token, atMs } of history) {
          const { epoch } = openBatch(token);
          const { counter = 0, nonce = '', sequence = 0 } = epoch.after ?? {};
          const place = `${counter} ${nonce} ${sequence}`;
          befores.set(place, (befores.get(place) ?? new Set()).add(epoch.nonce));
          if (epoch.counter < newest) late += 1;
          newest = Math.max(newest, epoch.counter);
          if (come(token, atMs).kind !== 'batch') accused += 1;
        }
        if ([...befores.values()].some(({ size }) => size > 1)) forked += 1;
      }
      console.log(
        `disks put back: ${RUNS} histories, ${forked} with branches, ${late} batches late`,
      );
      expect(accused).toBe(0);
      expect(journal.quarantines({ count: 10, open: false })).toEqual([]);
      // These histories are what they say: branches, and batches of the older ones that come late.
      expect(forked).toBeGreaterThan(0);
      expect(late).toBeGreaterThan(RUNS);
    },
    longMs,
  );
});
