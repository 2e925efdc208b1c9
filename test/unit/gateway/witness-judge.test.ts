/** What a checkpoint says beside the one before: an honest record is never accused of anything. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Checkpoint, Notice } from '../../../devices/credential/checkpoint.ts';
import { emptyRoot } from '../../../devices/merkle.ts';
import { judgeNotice } from '../../../gateway/witness-judge.ts';
import { entriesOf, ISSUED, TestJournal } from './support/record-world.ts';

const record = new TestJournal(entriesOf(40));
const other = new TestJournal(entriesOf(40, 'other'));
const token = new Uint8Array();
const bare: Notice = { token, proof: [] };

const noticeFrom = (from: number, size: number, of = record): Notice => ({
  ...{ token, from, proof: of.proof(from, size) },
});

describe('a checkpoint beside the one that is kept', () => {
  const kept = record.checkpoint(10, ISSUED);
  const at = (size: number, issuedMs: number, of = record) => of.checkpoint(size, issuedMs);
  it.each<[string, Checkpoint | undefined, Checkpoint, Notice, string]>([
    ['nothing is kept', undefined, at(10, ISSUED), bare, 'first'],
    ['it is the same one', kept, at(10, ISSUED), bare, 'same'],
    ['it is as large, signed later', kept, at(10, ISSUED + 1), noticeFrom(9, 10), 'same'],
    ['it is as large with another root', kept, at(10, ISSUED, other), bare, 'contradiction'],
    ['it is larger and proven', kept, at(11, ISSUED + 1), noticeFrom(10, 11), 'continues'],
    ['its proof begins before', kept, at(11, ISSUED + 1), noticeFrom(9, 11), 'unproven'],
    ['its proof begins behind', kept, at(12, ISSUED + 1), noticeFrom(11, 12), 'unproven'],
    ['it has no proof', kept, at(11, ISSUED + 1), bare, 'unproven'],
    ['its proof is of others', kept, at(11, ISSUED + 1), noticeFrom(10, 12), 'unproven'],
    ['its proof is empty', kept, at(11, ISSUED + 1), { ...bare, from: 10 }, 'unproven'],
    ['it is smaller and older', kept, at(9, ISSUED - 1), bare, 'older'],
    ['it is smaller, of the same time', kept, at(9, ISSUED), bare, 'contradiction'],
    ['it is smaller and newer', kept, at(9, ISSUED + 1), bare, 'contradiction'],
    ['it is larger, of the same time', kept, at(11, ISSUED), bare, 'contradiction'],
    ['it is larger and older', kept, at(11, ISSUED - 1), noticeFrom(10, 11), 'contradiction'],
  ])('%s', (_, before, told, notice, expected) => {
    expect(judgeNotice(before, told, notice)).toBe(expected);
  });

  it('continues an empty record without any hash, and only the true empty one', () => {
    const empty = record.checkpoint(0);
    expect(empty.root).toBe(emptyRoot.toString('hex'));
    const told = record.checkpoint(3);
    expect(judgeNotice(empty, told, noticeFrom(0, 3))).toBe('continues');
    expect(judgeNotice(empty, told, bare)).toBe('unproven');
    const padded = { token, from: 0, proof: record.proof(1, 3) };
    expect(judgeNotice(empty, told, padded)).toBe('unproven');
    const forged = { ...empty, root: other.root(1) };
    expect(judgeNotice(forged, told, noticeFrom(0, 3))).toBe('unproven');
    expect(judgeNotice(told, empty, bare)).toBe('older');
  });
});

/** Which checkpoint arrives, and from where its ingester proves it. */
const arrivals = fc.array(
  fc.record({
    pick: fc.nat(),
    from: fc.oneof(
      fc.constant('kept' as const),
      fc.constant('nowhere' as const),
      fc.nat({ max: 40 }),
    ),
  }),
  { minLength: 1, maxLength: 40 },
);
/** What is added from one checkpoint to the next, and how much later it is signed. */
const growth = fc.array(
  fc.record({ entries: fc.nat({ max: 5 }), laterMs: fc.integer({ min: 1, max: 60_000 }) }),
  { minLength: 1, maxLength: 8 },
);

describe('an honest record', () => {
  it('is never contradicted and never shrinks, whatever is lost, late or repeated', () => {
    let continued = 0;
    fc.assert(
      fc.property(growth, arrivals, (steps, arriving) => {
        let [size, issuedMs] = [0, ISSUED];
        const history = steps.map(({ entries, laterMs }) => {
          size += entries;
          issuedMs += laterMs;
          return record.checkpoint(size, issuedMs);
        });
        let kept: Checkpoint | undefined;
        for (const { from, pick } of arriving) {
          const told = history[pick % history.length] as Checkpoint;
          const start = from === 'kept' ? (kept?.size ?? 0) : from;
          const notice =
            start === 'nowhere' || start > told.size ? bare : noticeFrom(start, told.size);
          const found = judgeNotice(kept, told, notice);
          expect(found).not.toBe('contradiction');
          const isProven = kept && told.size > kept.size && notice.from === kept.size;
          expect(found === 'continues').toBe(isProven === true);
          if (found !== 'first' && found !== 'continues') continue;
          if (found === 'continues') continued += 1;
          expect(told.size).toBeGreaterThanOrEqual(kept?.size ?? 0);
          kept = told;
        }
      }),
      { numRuns: 1_000 },
    );
    expect(continued).toBeGreaterThan(100);
  });
});

describe('a record in which an entry below the kept size is another', () => {
  const manner = fc.constantFrom('change', 'remove', 'add', 'swap');

  it('never continues, and is contradicted where its size or time says so', () => {
    let contradicted = 0;
    const sizes = fc.tuple(fc.integer({ min: 2, max: 30 }), fc.nat({ max: 10 }));
    const forms = fc.record({
      from: fc.oneof(fc.constant('kept' as const), fc.nat({ max: 40 })),
      isTruthful: fc.boolean(),
      laterMs: fc.integer({ min: -2, max: 2 }),
    });
    fc.assert(
      fc.property(sizes, manner, fc.nat(), forms, ([before, more], how, pick, form) => {
        const entries = entriesOf(41);
        const at = pick % (before - 1);
        if (how === 'change') entries[at] = 'another';
        else if (how === 'remove') entries.splice(at, 1);
        else if (how === 'add') entries.splice(at, 0, 'another');
        else entries.splice(at, 2, `entry ${at + 1}`, `entry ${at}`);
        const rewritten = new TestJournal(entries);
        const kept = record.checkpoint(before, ISSUED);
        const told = rewritten.checkpoint(before + more, ISSUED + form.laterMs);
        const from = form.from === 'kept' ? before : Math.min(form.from, told.size);
        const notice = noticeFrom(from, told.size, form.isTruthful ? record : rewritten);
        const found = judgeNotice(kept, told, notice);
        expect(['contradiction', 'unproven']).toContain(found);
        if (more > 0 && form.laterMs > 0) return;
        expect(found).toBe('contradiction');
        contradicted += 1;
      }),
      { numRuns: 1_000 },
    );
    expect(contradicted).toBeGreaterThan(300);
  });
});
