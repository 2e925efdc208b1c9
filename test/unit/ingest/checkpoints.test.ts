/** When checkpoints are signed, who hears of them with which proof, and who is heard. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  openCheckpoint,
  openNotice,
  openStatement,
  wrapStatement,
} from '../../../devices/credential/checkpoint.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { fingerprintOfDid } from '../../../devices/envelope.ts';
import { EdgeError } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import { isConsistent } from '../../../devices/merkle.ts';
import { type Log, silentLog } from '../../../devices/runtime.ts';
import { type CheckpointOptions, createCheckpoints } from '../../../ingest/checkpoints.ts';
import { createLocalJournal, type OpenJournal } from '../../../ingest/journal.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import { MENDED } from '../../../ingest/startup.ts';
import {
  keeper,
  reSigned,
  rootAt,
  statementOf,
  type Told,
  tickAt,
} from '../../support/checkpoint-parts.ts';
import { memorySigner } from '../../support/identity.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { signedCheckpoint } from '../../support/rewritten-journal.ts';

const everyMs = 10_000;
const ingester = memorySigner();
const stranger = memorySigner();
const gateway = fingerprintOfDid(keeper.did);

let store: JournalStore;
let journal: OpenJournal;
let clock: ReturnType<typeof manualClock>;
let wallMs: number;
let told: Told[];
let errors: string[];
let warnings: string[];
let failures: unknown[];

beforeEach(() => {
  store = openJournalStore(':memory:');
  const local = createLocalJournal(store);
  const isGateway = (did: string) => did === keeper.did;
  journal = { ...local, enrolments: { ...local.enrolments, isGateway } };
  clock = manualClock();
  wallMs = 1_000_000;
  told = [];
  errors = [];
  warnings = [];
  failures = [];
});

function open(more: Partial<CheckpointOptions> = {}) {
  const log: Log = {
    ...silentLog,
    warn: (message) => warnings.push(message),
    error: (message) => errors.push(message),
  };
  return createCheckpoints({
    ...{ journal, signer: ingester, log, everyMs },
    clock: { ...clock, nowMs: () => wallMs },
    reply: async (to, bytes) => {
      const notice = openNotice(bytes);
      if (isRefusal(notice)) throw new Error(notice.reason);
      const checkpoint = openCheckpoint(notice.token, ingester.did);
      if (isRefusal(checkpoint)) throw new Error(checkpoint.reason);
      told.push({ gateway: to, checkpoint, ...notice });
    },
    failed: (error) => failures.push(error),
    ...more,
  });
}

/** Lets time pass until the next checkpoint is due, and what that leads to happen. */
async function pass(): Promise<void> {
  wallMs += everyMs;
  await settled();
  clock.advance(everyMs);
  await settled();
}

/** What is under way has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}

const grow = (count: number) => {
  const from = store.size();
  return journal.append(Array.from({ length: count }, (_, at) => tickAt(from + at)));
};
const last = () => told.at(-1) as Told;

describe('a checkpoint of the journal', () => {
  it('is signed every ten seconds while entries come, kept, and only then sent', async () => {
    const kept: number[] = [];
    const log = {
      ...journal.log,
      async keep(...what: Parameters<typeof journal.log.keep>) {
        kept.push(told.length);
        await journal.log.keep(...what);
      },
    };
    const checkpoints = open({ journal: { ...journal, log } });
    checkpoints.answered(gateway);
    await pass();
    expect({ told, kept }).toEqual({ told: [], kept: [] });
    await grow(5);
    checkpoints.answered(gateway);
    await pass();
    expect(last()).toMatchObject({
      gateway,
      checkpoint: { ...store.head(), issuer: ingester.did },
    });
    expect(store.checkpoint()).toMatchObject({ ...store.head(), issuedMs: wallMs });
    checkpoints.answered(gateway);
    await pass();
    expect(told.map(({ checkpoint }) => checkpoint.size)).toEqual([5, 5]);
    expect(kept).toEqual([0]);
  });

  it('is issued later than the one before, whatever the clock does, also after a start', async () => {
    const checkpoints = open();
    await grow(1);
    await pass();
    await checkpoints.stop();
    wallMs = 5;
    journal = reopened();
    const again = open();
    await grow(1);
    again.answered(gateway);
    await pass();
    expect(last().checkpoint.issuedMs).toBe(1_000_000 + everyMs + 1);
  });

  it('goes to gateways that were answered since the one before, once', async () => {
    const checkpoints = open();
    await grow(2);
    checkpoints.answered(gateway);
    checkpoints.answered(gateway);
    await pass();
    await grow(2);
    await pass();
    expect(told.map((one) => one.gateway)).toEqual([gateway]);
  });

  it('is signed a last time at a stop', async () => {
    const checkpoints = open();
    await grow(3);
    checkpoints.answered(gateway);
    await checkpoints.stop();
    expect(last().checkpoint.size).toBe(3);
    expect(store.checkpoint()?.size).toBe(3);
    expect(clock.pending()).toBe(0);
  });

  it('is not sent where the disk did not take it, and the ingester hears of the disk', async () => {
    const keep = async () => {
      throw new EdgeError('DB_DISK_FAILED', 'keeping');
    };
    const checkpoints = open({ journal: { ...journal, log: { ...journal.log, keep } } });
    await grow(3);
    checkpoints.answered(gateway);
    await pass();
    expect(told).toEqual([]);
    expect(failures).toMatchObject([{ code: 'DB_DISK_FAILED' }]);
  });
});

/** The journal as a start would find it. */
function reopened(): OpenJournal {
  const { enrolments } = journal;
  return { ...createLocalJournal(store), enrolments };
}

describe('what a gateway keeps', () => {
  it('is where the next proof begins', async () => {
    const checkpoints = open();
    await grow(300);
    checkpoints.answered(gateway);
    await pass();
    const first = last();
    expect(first.from).toBeUndefined();
    expect(checkpoints.hear(statementOf(first.token))).toBe(true);
    await grow(77);
    checkpoints.answered(gateway);
    await pass();
    const second = last();
    expect(second.from).toBe(300);
    const headOf = ({ checkpoint }: Told) => ({
      size: checkpoint.size,
      root: Buffer.from(checkpoint.root, 'hex'),
    });
    expect(isConsistent(headOf(first), headOf(second), second.proof)).toBe(true);
    expect(checkpoints.state()).toMatchObject({ witnesses: 1, contradicted: [], size: 377 });
    expect(store.statements().map((one) => one.gateway)).toEqual([keeper.did]);
  });

  it('is known again after a start, without being said again', async () => {
    const before = open();
    await grow(10);
    before.answered(gateway);
    await pass();
    before.hear(statementOf(last().token));
    await pass();
    await before.stop();
    journal = reopened();
    const checkpoints = open();
    expect(checkpoints.state()).toMatchObject({ witnesses: 1 });
    await grow(10);
    checkpoints.answered(gateway);
    await pass();
    expect(last()).toMatchObject({ from: 10, checkpoint: { size: 20 } });
  });

  it('is proven to a gateway that no enrolment names yet, which is no witness', async () => {
    const checkpoints = open();
    const to = fingerprintOfDid(stranger.did);
    for (const size of [10, 20, 30]) {
      await grow(10);
      checkpoints.answered(to);
      await pass();
      expect(last()).toMatchObject({ gateway: to, checkpoint: { size } });
      expect(last().from).toBe(size === 10 ? undefined : size - 10);
      checkpoints.hear(statementOf(last().token, stranger));
    }
    await pass();
    expect([checkpoints.state().witnesses, store.statements()]).toEqual([0, []]);
  });

  it('is stored no more where an older statement comes late, and proven from all the same', async () => {
    const checkpoints = open();
    await grow(10);
    const old = signedCheckpoint(ingester, store.head(), 1);
    await grow(10);
    checkpoints.answered(gateway);
    await pass();
    const { token } = last();
    for (const one of [token, old.token]) {
      checkpoints.hear(statementOf(one));
      await pass();
    }
    const stored = openStatement(store.statements()[0]?.token ?? new Uint8Array());
    expect(stored).toMatchObject({ checkpoint: { size: 20 } });
    expect(last()).toMatchObject({ from: 10, checkpoint: { size: 20 } });
  });

  it('is proven by right nodes where stored ones were damaged, and nobody is accused', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'bondline-nodes-')), 'journal.db');
    store = openJournalStore(file);
    journal = reopened();
    const checkpoints = open();
    await grow(300);
    const first = signedCheckpoint(ingester, store.head(), 1);
    await grow(700);
    checkpoints.hear(statementOf(first.token));
    await pass();
    const db = new SqliteDatabase(file);
    db.exec('UPDATE tree SET hash = zeroblob(32) WHERE at = 0');
    db.close();
    const old = signedCheckpoint(ingester, { size: 290, root: rootAt(file, 290) }, 1);
    checkpoints.hear(statementOf(old.token));
    await pass();
    expect(checkpoints.state()).toMatchObject({ witnesses: 1, contradicted: [] });
    checkpoints.hear(statementOf(first.token));
    await grow(1);
    await pass();
    const proven = last();
    const headOf = (head: { size: number; root: string }) => ({
      ...head,
      root: Buffer.from(head.root, 'hex'),
    });
    expect(isConsistent(headOf(first), headOf(proven.checkpoint), proven.proof)).toBe(true);
    expect(warnings).toEqual([MENDED]);
    store.close();
    rmSync(join(file, '..'), { recursive: true });
  });

  it('ends the ingester where the journal is damaged that it is held against', async () => {
    const mend = async () => {
      throw new EdgeError('IN_JOURNAL_DAMAGED', 'making it anew');
    };
    const prove = async () => [];
    const log = { ...journal.log, mend, prove };
    const checkpoints = open({ journal: { ...journal, log } });
    await grow(10);
    const old = signedCheckpoint(ingester, { size: 5, root: '0'.repeat(64) }, 1);
    await pass();
    checkpoints.hear(statementOf(old.token));
    await pass();
    expect(failures).toMatchObject([{ code: 'IN_JOURNAL_DAMAGED' }]);
    const { length } = told;
    await grow(1);
    checkpoints.answered(gateway);
    await pass();
    expect([told.length, clock.pending()]).toEqual([length, 0]);
  });

  it('is proven from, without being asked again, where it is behind', async () => {
    const checkpoints = open();
    await grow(10);
    const old = signedCheckpoint(ingester, store.head(), 1);
    await grow(10);
    await pass();
    checkpoints.hear(statementOf(old.token));
    await pass();
    expect(last()).toMatchObject({ gateway, from: 10, checkpoint: { size: 20 } });
  });

  it('is not sent again to who has it', async () => {
    const checkpoints = open();
    await grow(10);
    checkpoints.answered(gateway);
    await pass();
    checkpoints.hear(statementOf(last().token));
    await pass();
    checkpoints.answered(gateway);
    await pass();
    expect(told).toHaveLength(1);
  });

  it.each([
    ['other entries', () => ({ size: 10, root: '0'.repeat(64) })],
    ['more entries', () => ({ size: 999, root: store.head().root })],
  ])('and names %s is told, once, and shown', async (_what, headOf) => {
    const checkpoints = open();
    await grow(20);
    await pass();
    const other = signedCheckpoint(ingester, headOf(), 1);
    for (let times = 0; times < 3; times += 1) {
      checkpoints.hear(statementOf(other.token));
      await pass();
    }
    expect(checkpoints.state()).toMatchObject({ witnesses: 0, contradicted: [gateway] });
    expect(errors).toHaveLength(1);
    expect(store.statements()).toEqual([]);
  });

  it.each([
    ['of another ingester', (token: Uint8Array) => statementOf(reSigned(token, stranger))],
    ['of a gateway that no enrolment names', (token: Uint8Array) => statementOf(token, stranger)],
    [
      'that came by the uplink of another gateway',
      (token: Uint8Array) => ({ ...statementOf(token), gateway: fingerprintOfDid(stranger.did) }),
    ],
    [
      'that is too long',
      () => ({
        ...statementOf(new Uint8Array()),
        bytes: wrapStatement(new Uint8Array(limits.statementBytesMax + 1)),
      }),
    ],
  ])('counts for nothing in a statement %s', async (_what, made) => {
    const checkpoints = open();
    await grow(20);
    checkpoints.answered(gateway);
    await pass();
    expect(checkpoints.hear(made(last().token))).toBe(true);
    await pass();
    expect(checkpoints.state()).toMatchObject({ witnesses: 0, contradicted: [] });
    expect(store.statements()).toEqual([]);
  });

  it('is looked at at a bounded rate', async () => {
    const checkpoints = open();
    await grow(20);
    checkpoints.answered(gateway);
    await pass();
    const other = signedCheckpoint(ingester, { size: 1, root: '0'.repeat(64) }, 1);
    checkpoints.hear(statementOf(last().token));
    checkpoints.hear(statementOf(other.token));
    await pass();
    expect(checkpoints.state()).toMatchObject({ witnesses: 1, contradicted: [] });
  });

  it('is told apart from what else comes by an uplink', () => {
    const checkpoints = open();
    for (const text of ['eyJhbGciOiJFUzI1NiJ9.e30.c2ln', '{"a":1}', '\u0001', '']) {
      const bytes = Buffer.from(text);
      expect(checkpoints.hear({ bytes, gateway, receivedMs: 0 })).toBe(false);
    }
  });
});
