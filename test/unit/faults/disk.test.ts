import { describe, expect, it } from 'vitest';
import { isDiskFailure } from '../../../devices/io/sqlite.ts';
import { damage } from '../../faults/disk/damage.ts';
import {
  judgeFiles,
  judgeJournalLeft,
  judgeOutboxLeft,
  type OutboxLeft,
} from '../../faults/disk/judge-stores.ts';
import { judgeLedger } from '../../faults/disk/tapped-rig.ts';
import { readTold, type Told } from '../../faults/disk/told.ts';
import { packetReader } from '../../faults/disk/wire-tap.ts';
import { isBroken } from '../../faults/fault.ts';
import { leap } from '../../faults/kinds/failing-calls.ts';
import { Chance } from '../../sim/chance.ts';

const epoch = { counter: 1, nonce: 'first' };
const batch = (sequence: number) => ({ epoch, sequence, digest: `batch-${sequence}` });
const nextAfter = (digest: string): OutboxLeft['next'] => ({
  epoch: { counter: 2, nonce: 'second' },
  sequence: 1,
  digest: 'next',
  previous: { id: 'urn:uuid:before', digest },
});

describe('what a power cut left of an outbox', () => {
  const told: readonly Told[] = [
    { kept: ['batch-1', 'batch-2', 'batch-3'] },
    { settling: ['batch-1'] },
    { settled: ['batch-1'] },
  ];

  it('is well when it has all that was kept, and goes on behind it', () => {
    const left = { rows: [batch(2), batch(3)], next: nextAfter('batch-3') };
    expect(isBroken(judgeOutboxLeft(left, told))).toBe(false);
  });

  it('is well when a batch is there that nobody was told of', () => {
    const left = { rows: [batch(2), batch(3), batch(4)], next: nextAfter('batch-4') };
    expect(isBroken(judgeOutboxLeft(left, told))).toBe(false);
  });

  it('is a loss when a batch that was kept is gone', () => {
    const left = { rows: [batch(2)], next: nextAfter('batch-3') };
    expect(judgeOutboxLeft(left, told)).toMatchObject({ lost: 1 });
  });

  it('is a loss when the next batch follows one before the last', () => {
    const left = { rows: [batch(2), batch(3)], next: nextAfter('batch-2') };
    expect(judgeOutboxLeft(left, told)).toMatchObject({ lost: 1 });
  });

  it('is doubled when what was settled is back, or a place is taken twice', () => {
    const back = { rows: [batch(1), batch(2), batch(3)], next: nextAfter('batch-3') };
    expect(judgeOutboxLeft(back, told)).toMatchObject({ doubled: 1 });
    const twice = { rows: [batch(2), batch(3)], next: { ...nextAfter('batch-3'), ...batch(3) } };
    expect(judgeOutboxLeft(twice, told)).toMatchObject({ doubled: 1 });
  });
});

describe('what is left of a journal', () => {
  const told: readonly Told[] = [{ from: 0, leaves: ['a', 'b'] }, { applied: 2 }];
  const left = {
    leaves: ['a', 'b'],
    digests: ['one', 'two'],
    wanted: ['one', 'two'],
    applied: 2,
    isRebuilt: true,
  };

  it('is well when everything told is in its place', () => {
    expect(isBroken(judgeJournalLeft(left, told))).toBe(false);
  });

  it.each([
    ['an entry is gone', { leaves: ['a'] }, { lost: 1 }],
    ['an entry is another', { leaves: ['b', 'a'] }, { lost: 2 }],
    ['the twins went back', { applied: 1 }, { lost: 1 }],
    ['a batch counts twice', { digests: ['one', 'two', 'two'] }, { doubled: 1 }],
    ['a batch can no more be stored', { digests: ['one'] }, { wrong: 1 }],
    ['the twins are no fold of it', { isRebuilt: false }, { wrong: 1 }],
  ])('is not when %s', (_, change, found) => {
    expect(judgeJournalLeft({ ...left, ...change }, told)).toMatchObject(found);
  });
});

describe('what is left of files', () => {
  const told: readonly Told[] = [
    { writing: 'file', text: 'old' },
    { written: 'file', text: 'old' },
    { writing: 'file', text: 'new' },
    { key: 'did:key:one' },
  ];

  it('is the old text or the new one, and every key', () => {
    expect(isBroken(judgeFiles({ text: 'old', keys: ['did:key:one'] }, told))).toBe(false);
    expect(isBroken(judgeFiles({ text: 'new', keys: ['did:key:one'] }, told))).toBe(false);
    expect(judgeFiles({ text: 'ne', keys: ['did:key:one'] }, told)).toMatchObject({ lost: 1 });
    expect(judgeFiles({ text: undefined, keys: [] }, told)).toMatchObject({ lost: 2 });
  });
});

describe('the ledger of the wire', () => {
  it('misses what had left and what was receipted', () => {
    const tap = { left: new Set(['one', 'two']), accepted: new Set(['one', 'three']) };
    expect(judgeLedger(tap, new Set(['one', 'two', 'three'])).lost).toBe(0);
    const { lost, notes } = judgeLedger(tap, new Set(['one']));
    expect(lost).toBe(2);
    expect(notes).toEqual(['two had left and is nowhere', 'three was receipted and is nowhere']);
  });

  it('reads packets however they are cut', () => {
    const publish = Buffer.from([0x32, 9, 0, 1, 0x74, 0, 7, ...Buffer.from('body')]);
    const ping = Buffer.from([0xc0, 0]);
    const found: (string | undefined)[] = [];
    const read = packetReader((_, payload) => found.push(payload?.toString()));
    for (const byte of Buffer.concat([ping, publish, publish])) read(Buffer.from([byte]));
    expect(found).toEqual([undefined, 'body', 'body']);
  });
});

describe('the order of strikes', () => {
  it('comes to each once', () => {
    const all = 60;
    const seen = new Set(Array.from({ length: all }, (_, step) => leap(step, all)));
    expect(seen.size).toBe(all);
  });
});

describe('damage', () => {
  it('changes a copy and leaves what it was given', () => {
    const files = { db: Buffer.alloc(16_384, 1), wal: Buffer.alloc(8_192, 2) };
    const before = Buffer.concat([files.db, files.wal]);
    let changed = 0;
    for (let seed = 1; seed <= 50; seed += 1) {
      const { files: damaged } = damage(files, new Chance(seed));
      if (!Buffer.concat([damaged.db, damaged.wal]).equals(before)) changed += 1;
    }
    expect(changed).toBeGreaterThan(30);
    expect(Buffer.concat([files.db, files.wal]).equals(before)).toBe(true);
  });
});

describe('what a workload said', () => {
  it('ends with its last whole line', () => {
    expect(readTold('{"applied":1}\n{"appl')).toEqual([{ applied: 1 }]);
  });
});

describe('a disk that failed', () => {
  it('is told from one that is full', () => {
    expect(isDiskFailure(Object.assign(new Error(), { code: 'SQLITE_IOERR_FSYNC' }))).toBe(true);
    expect(isDiskFailure(Object.assign(new Error(), { code: 'SQLITE_FULL' }))).toBe(false);
  });
});
