/** Messages that a worker falls over: kept and refused the first time, known from then on. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { type Clock, silentLog, systemClock } from '../../../devices/runtime.ts';
import type { Admission } from '../../../ingest/admit.ts';
import { type AdmitPoolOptions, startAdmitPool } from '../../../ingest/admit-pool.ts';
import {
  type Admitter,
  chunkOf,
  createChunkJudge,
  type JudgedChunk,
  messageOf,
} from '../../../ingest/admitter.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import { createPoisonBook, isStoreFailure } from '../../../ingest/poison.ts';
import { custodyStep, lakeside, northline, partyMs } from '../../support/party.ts';
import { by, office, proven } from '../../support/party-office.ts';
import { poisonKinds, poisonPoint } from '../../support/poison.ts';
import { makeWorld, type World, worldMs } from '../../support/trust-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-poison-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const journalFile = join(directory, 'journal.db');
openJournalStore(journalFile).close();

const module = new URL('../../support/poison-worker.ts', import.meta.url);

let world: World;
let pool: Admitter;

function start(changes: Partial<AdmitPoolOptions> = {}): Admitter {
  return startAdmitPool({
    ...{ workers: 1, tenant: 't', journalFile, poisons: [], module },
    ...{ clock: systemClock, log: silentLog, ...changes },
  });
}

beforeEach(() => {
  world = makeWorld();
  pool = start();
});
afterEach(() => pool.close());

/** Batches of a device that nobody enrolled, so that a good one is held. */
async function batches(points: readonly (string | undefined)[]): Promise<Uint8Array[]> {
  const made: Uint8Array[] = [];
  for (const point of points)
    made.push(await world.device.next(worldMs, point ? { readPoint: point } : {}));
  return made;
}

/** What is said of each message, wherever it was judged. */
async function judge(
  tokens: readonly Uint8Array[],
  receivedMs = worldMs,
): Promise<Map<string, Admission>> {
  const gateway = world.fingerprint;
  const messages = tokens.map((bytes) => ({ bytes, gateway, receivedMs }));
  const said = new Map<string, Admission>();
  const waiting: Promise<JudgedChunk>[] = [pool.admit(chunkOf(messages))];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const chunk = await next;
    waiting.push(...(chunk.late ?? []));
    for (const [at, item] of chunk.items.entries()) {
      const admission = chunk.admissions[at];
      if (admission) said.set(digestMultibase(messageOf(chunk, item).bytes), admission);
    }
  }
  return said;
}

const codes = (tokens: readonly Uint8Array[], said: ReadonlyMap<string, Admission>) =>
  tokens.map((token) => said.get(digestMultibase(token))?.code);

describe('a message that a worker falls over', () => {
  it.each(poisonKinds)(
    '(%s) is refused for good, and the others of its chunk are judged',
    async (kind) => {
      const tokens = await batches([undefined, poisonPoint(kind), undefined]);
      const said = await judge(tokens);
      expect(codes(tokens, said)).toEqual(['IN_NOT_ENROLLED', 'IN_POISON', 'IN_NOT_ENROLLED']);
      // Its worker has been replaced: the next ones are judged.
      const more = await batches([undefined, undefined]);
      expect(codes(more, await judge(more))).toEqual(['IN_NOT_ENROLLED', 'IN_NOT_ENROLLED']);
    },
    30_000,
  );

  it('is refused for each of several in one chunk, and for no other', async () => {
    const points = [...poisonKinds.map(poisonPoint), undefined, poisonPoint('exit')];
    const tokens = await batches(points);
    expect(codes(tokens, await judge(tokens))).toEqual([
      ...Array.from({ length: 4 }, () => 'IN_POISON'),
      ...['IN_NOT_ENROLLED', 'IN_POISON'],
    ]);
  }, 30_000);

  /** Until then a worker is new, and what it takes is not looked at so soon. */
  const warm = async () => {
    for (let at = 0; at < limits.admitWarmChunks; at += 1) await judge(await batches([undefined]));
  };

  it('is refused as soon as it takes too much memory, before that is full', async () => {
    await warm();
    const tokens = await batches([undefined, poisonPoint('keep'), undefined]);
    const said = await judge(tokens);
    expect(codes(tokens, said)).toEqual(['IN_NOT_ENROLLED', 'IN_POISON', 'IN_NOT_ENROLLED']);
    expect(said.get(digestMultibase(tokens[1] as Uint8Array))?.reason).toMatch(
      new RegExp(`${limits.admitGrowthMiB} MiB`),
    );
  }, 30_000);

  it('is none that only takes much, as a document of the size that is accepted may', async () => {
    const document = JSON.parse(
      Buffer.from(await proven(custodyStep(), [by[northline.id], by[lakeside.id]])).toString(),
    );
    // Of all that was tried, this makes the judge take the most: objects of 74 MiB in all, of
    // which 33 are there at once.
    document.proof[0].more = Array.from({ length: 80_000 }, () => ({}));
    const bytes = Buffer.from(JSON.stringify(document));
    expect(bytes.length).toBeLessThan(limits.credentialBytesMax);
    expect(bytes.length).toBeGreaterThan(0.9 * limits.credentialBytesMax);
    const file = join(directory, 'trusting.db');
    const { store } = await office({ journalFile: file });
    await pool.close();
    pool = start({ journalFile: file });
    pool.trust({ entries: store.readKinds(['organisation']), position: store.size() });
    await warm();
    const chunk = Array.from({ length: limits.admitChunk }, (_, at) =>
      Buffer.from(bytes.toString().replace('{}', `{"a":${at}}`)),
    );
    const said = await judge(chunk, partyMs);
    expect(new Set(codes(chunk, said))).toEqual(new Set(['VC_SIGNATURE']));
    await pool.close();
    store.close();
    pool = start();
  }, 30_000);

  it('is known when it comes again, also after a start', async () => {
    const tokens = await batches([poisonPoint('exit')]);
    await judge(tokens);
    const [token = new Uint8Array()] = tokens;
    await pool.close();
    // No worker may be asked: this one cannot even be started.
    const absent = new URL('./no-such-worker.ts', import.meta.url);
    const poisons = [{ length: token.length, digest: digestMultibase(token) }];
    pool = start({ poisons });
    expect(codes(tokens, await judge(tokens))).toEqual(['IN_POISON']);
    await pool.close();
    pool = start({ module: absent });
    await expect(judge(tokens)).rejects.toMatchObject({ code: 'IN_WORKER_LOST' });
  }, 30_000);
});

describe('a pool', () => {
  it('wakes nobody when it has nothing to do', async () => {
    let waiting = 0;
    const clock: Clock = {
      ...systemClock,
      after(delayMs, action) {
        waiting += 1;
        const cancel = systemClock.after(delayMs, () => {
          waiting -= 1;
          action();
        });
        return () => {
          waiting -= 1;
          cancel();
        };
      },
    };
    await pool.close();
    pool = start({ clock });
    await judge(await batches([undefined]));
    await expect.poll(() => waiting).toBe(0);
  });
});

describe('a judge', () => {
  it('tells a message at fault from a database that fails', async () => {
    const [token = new Uint8Array()] = await batches([undefined]);
    const chunk = chunkOf([{ bytes: token, gateway: 'g', receivedMs: worldMs }]);
    const throwing = (error: unknown) =>
      createChunkJudge('t', undefined, {
        judgeOne() {
          throw error;
        },
      });
    const { admissions, threw } = throwing(new TypeError('no')).judge(chunk);
    expect(threw).toBe(true);
    expect(admissions).toMatchObject([
      {
        outcome: 'refused',
        code: 'IN_POISON',
        header: { kind: 'refusal' },
        bytesKept: token.length,
      },
    ]);
    const full = Object.assign(new Error('disk'), { code: 'SQLITE_IOERR_READ' });
    expect(() => throwing(full).judge(chunk)).toThrow(full);
    expect(isStoreFailure(new Error('outer', { cause: full }))).toBe(true);
    expect(isStoreFailure(new TypeError('no'))).toBe(false);
  });
});

describe('the book of poisons', () => {
  it('knows bytes, not lengths, and forgets the oldest', () => {
    const bytes = (text: string) => Buffer.from(text);
    const of = (text: string) => ({ length: text.length, digest: digestMultibase(bytes(text)) });
    const book = createPoisonBook([of('one')]);
    book.learn(of('three'));
    expect(['one', 'two', 'three', 'seven'].map((text) => book.has(bytes(text)))).toEqual([
      ...[true, false, true, false],
    ]);
  });
});
