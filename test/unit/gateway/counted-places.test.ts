/** A gateway that was resumed from a snapshot, seen by the place that its token keeps. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { Chance } from '../../sim/chance.ts';
import { memoryEd25519 } from '../../support/identity.ts';
import {
  type Copy,
  type MemoryToken,
  memoryToken,
  type Signed,
  signedTwice,
  startCopy,
  type Trouble,
} from './support/counting-world.ts';
import { allBatches, draftOf } from './support/outbox-world.ts';

const START = 1_767_225_600_000;

/** A gateway, and what a snapshot of it resumes: both stand behind `batches` batches. */
async function resume(
  countsPlaces: boolean,
  { batches = 2, seed = 7, trouble = {} as Trouble } = {},
) {
  const key = memoryEd25519();
  const signed: Signed[] = [];
  const token = memoryToken(true, trouble);
  const options = { key, seed, countsPlaces, signed };
  const a = startCopy({ ...options, token });
  const twin = memoryToken();
  const b = startCopy({ ...options, token: twin });
  for (let at = 0; at < batches; at += 1) {
    for (const copy of [a, b]) await copy.store.append([draftOf(key.did, START + 1_000 * at)]);
  }
  expect(allBatches(b.store)).toEqual(allBatches(a.store));
  expect([...token.places]).toEqual([...twin.places]);
  b.use(token);
  let ms = START + 60_000;
  const append = async (copy: Copy, count = 1) => {
    const drafts = Array.from({ length: count }, (_, at) =>
      draftOf(key.did, ms + 1_000 * (at + 1)),
    );
    ms += 1_000 * count;
    await copy.store.append(drafts);
    return allBatches(copy.store).slice(-count);
  };
  const close = () => [a, b].map(({ store }) => store.close());
  return { a, b, append, close, key, signed, token };
}

function placeOf({ epoch, sequence }: { epoch: { counter: number }; sequence: number }): string {
  return `${epoch.counter}/${sequence}`;
}

const lossesOf = (batch?: { losses: readonly { cause: string }[] }) =>
  batch?.losses.map(({ cause }) => cause);

describe('a snapshot that is resumed', () => {
  it('signs places again where only epochs are kept', async () => {
    const { a, append, b, close, signed } = await resume(false);
    await append(a, 3);
    const [again] = await append(b);
    expect([placeOf(again as never), b.said]).toEqual(['1/3', []]);
    expect(signedTwice(signed)).toHaveLength(1);
    close();
  });

  it('goes on in a new epoch behind what it has, and says so, where places are counted', async () => {
    const { a, append, b, close, key, signed, token } = await resume(true);
    const known = allBatches(b.store).at(-1);
    await append(a, 3);
    expect([...token.places.values()]).toEqual([{ epoch: 1, sequence: 5 }]);
    const [first] = await append(b);
    expect(first?.previous?.digest).toBe(known?.digest);
    const after = { counter: 1, sequence: 2 };
    expect(first?.epoch).toMatchObject({ counter: 2, follows: known?.digest, after });
    expect(first?.sequence).toBe(1);
    const loss = { cause: 'rolled-back', count: 0, estimated: true };
    expect(first?.losses).toEqual([expect.objectContaining({ ...loss, toMs: START + 64_000 })]);
    expect(b.said).toEqual([expect.stringContaining('moved on by others')]);
    const [second] = await append(b);
    expect([placeOf(second as never), second?.losses]).toEqual(['2/2', []]);
    // Now the first is the one that finds the token elsewhere, and so on.
    const [other] = await append(a);
    expect([placeOf(other as never), lossesOf(other)]).toEqual(['3/1', ['rolled-back']]);
    for (const copy of [b, a, b, a]) {
      expect(lossesOf((await append(copy, 2)).at(0))).toEqual(['rolled-back']);
    }
    expect(signedTwice(signed)).toEqual([]);
    expect(signed.every(({ place }) => place.startsWith(key.did))).toBe(true);
    close();
  });

  it('is told in the next batch where the one before it took what was lost until then', async () => {
    const { a, append, b, close, key, signed } = await resume(true);
    b.db
      .prepare("INSERT INTO loss VALUES (?, 'storage-full', ?, ?, 4, 0)")
      .run(key.did, START, START + 1);
    b.atSignature(() => append(a));
    const two = await append(b, 2);
    expect(two.map((batch) => [placeOf(batch), lossesOf(batch)])).toEqual([
      ['1/3', ['storage-full']],
      ['3/1', []],
    ]);
    const [third] = await append(b);
    expect([placeOf(third as never), lossesOf(third)]).toEqual(['3/2', ['rolled-back']]);
    expect(signedTwice(signed)).toEqual([]);
    close();
  });

  it('is told also where the other has signed no more than the very place', async () => {
    const { a, append, b, close, signed } = await resume(true);
    await append(a);
    const [batch] = await append(b);
    expect([placeOf(batch as never), lossesOf(batch)]).toEqual(['2/1', ['rolled-back']]);
    expect(signedTwice(signed)).toEqual([]);
    close();
  });
});

describe('a snapshot from between the count of a place and its signature', () => {
  it('signs the same again, whatever its chance gives, and counts no further', async () => {
    const { a, append, b, close, key, signed, token } = await resume(true);
    const twin = memoryToken();
    for (const [label, place] of token.places) twin.places.set(label, place);
    b.use({
      ...twin,
      async advance(label, step) {
        const isCounted = await twin.advance(label, step);
        b.reseed(99);
        return isCounted;
      },
    });
    b.atSignature(() => b.use(token));
    const draft = draftOf(key.did, START + 50_000);
    await Promise.all([a, b].map(({ store }) => store.append([draft])));
    expect(signed.at(-1)).toEqual(signed.at(-2));
    await append(a);
    const [other] = await append(b);
    expect([placeOf(other as never), lossesOf(other)]).toEqual(['2/1', ['rolled-back']]);
    expect(signedTwice(signed)).toEqual([]);
    close();
  });
});

describe('a place that is counted', () => {
  it('is counted once each, of one group as of several, and written once', async () => {
    const { a, append, b, close, token } = await resume(true, { batches: 1 });
    expect(token.asked).toEqual(['read', 'advance', 'advance']);
    await append(a, 3);
    expect(token.asked.slice(3)).toEqual([1, 2, 3].flatMap(() => ['read', 'advance']));
    expect(b.said).toEqual([]);
    close();
  });

  it('is not asked of the token where only epochs are kept', async () => {
    const { a, append, close, token } = await resume(false, { batches: 1 });
    expect(token.asked).toEqual(['read', 'raise']);
    await append(a, 3);
    expect(token.asked).toHaveLength(2);
    close();
  });

  it('is spent when its commit fails: the device goes on in a new epoch, and nothing is told', async () => {
    const { a, append, close, signed } = await resume(true);
    a.atSignature(() => a.db.pragma('query_only = 1'));
    await expect(append(a)).rejects.toThrow('readonly');
    a.db.pragma('query_only = 0');
    const [next] = await append(a);
    expect([placeOf(next as never), next?.losses, a.said]).toEqual(['2/1', [], []]);
    expect(next?.epoch).toMatchObject({ after: { counter: 1, sequence: 2 } });
    expect(signedTwice(signed)).toEqual([]);
    close();
  });

  it.each([
    ['before', '1/3', [expect.stringContaining('asked again')]],
    [
      'after',
      '2/1',
      [expect.stringContaining('asked again'), expect.stringContaining('the token failed while')],
    ],
  ] as const)('waits for a token that fails %s it has counted', async (when, place, said) => {
    let next: 'before' | 'after' | undefined;
    const fails = (what: string) => {
      if (what !== 'advance') return undefined;
      const now = next;
      next = undefined;
      return now;
    };
    const { a, append, close } = await resume(true, { trouble: { fails } });
    next = when;
    const [batch] = await append(a);
    expect([placeOf(batch as never), batch?.losses, a.said]).toEqual([place, [], said]);
    close();
  });

  it('needs a token that can keep it', async () => {
    const key = memoryEd25519();
    const options = { key, seed: 1, countsPlaces: true, signed: [] as Signed[] };
    const copy = startCopy({ ...options, token: memoryToken(false) });
    const appended = copy.store.append([draftOf(key.did)]);
    await expect(appended).rejects.toMatchObject({ code: 'KEY_COUNTER_MISSING' });
    expect(options.signed).toEqual([]);
    copy.store.close();
  });

  it('ends the gateway where others move the counter whenever it does', async () => {
    const { a, append, close, signed, token } = await resume(true);
    const spoil: MemoryToken = {
      ...token,
      async advance(label, step) {
        await token.advance(label, { ...step, to: { ...step.to, sequence: 9 } });
        return token.advance(label, step);
      },
    };
    a.use(spoil);
    const before = signed.length;
    await expect(append(a)).rejects.toMatchObject({ code: 'KEY_COUNTER_CONTESTED' });
    expect(signed).toHaveLength(before);
    close();
  });
});

describe('two copies with one token', () => {
  it.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    'sign no place with two contents, whatever fails (seed %i)',
    async (seed) => {
      const random = new Chance(seed);
      const chance = () => random.fraction();
      const isLucky = (share: number) => chance() < share;
      let isTroubled = false;
      const trouble: Trouble = {
        fails: () => (isTroubled && isLucky(0.1) ? (isLucky(0.5) ? 'before' : 'after') : undefined),
        async pause() {
          if (!isTroubled) return;
          for (let left = Math.floor(4 * chance()); left > 0; left -= 1) await Promise.resolve();
        },
      };
      const batches = 1 + Math.floor(3 * chance());
      const { a, append, b, close, signed } = await resume(true, { batches, seed, trouble });
      isTroubled = true;
      const turn = async (copy: Copy) => {
        if (isLucky(0.15)) copy.atSignature(() => copy.db.pragma('query_only = 1'));
        else if (isLucky(0.1)) copy.atSignature(() => Promise.reject(new Error('no signature')));
        await append(copy, 1 + Math.floor(3 * chance())).catch(() => undefined);
        copy.atSignature(() => undefined);
        copy.db.pragma('query_only = 0');
      };
      for (let round = 0; round < 20; round += 1) {
        if (isLucky(0.4)) await Promise.all([turn(a), turn(b)]);
        else await turn(isLucky(0.5) ? a : b);
      }
      expect(signedTwice(signed)).toEqual([]);
      // An epoch is opened by one of them, so that even its number is enough.
      const bare = signed.map(({ content, place }) => {
        const [device, epoch, , sequence] = place.split(' ');
        return { content, place: `${device} ${epoch} ${sequence}` };
      });
      expect(signedTwice(bare)).toEqual([]);
      for (const { store } of [a, b]) {
        const all = allBatches(store);
        expect(all.length).toBeLessThan(limits.outboxCommitBatchesMax * 20);
        for (const [at, batch] of all.entries()) {
          expect(batch.previous?.digest).toBe(all[at - 1]?.digest);
        }
      }
      close();
    },
  );
});
