import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeBatch } from '../../../devices/credential/batch-wire.ts';
import { signToken } from '../../../devices/credential/jws.ts';
import { limits } from '../../../devices/limits.ts';
import type { Reading, ReadingGroup } from '../../../devices/reading.ts';
import {
  countReadings,
  emptyBatchBytes,
  groupBytes,
  lossBytes,
  splitDraft,
  splitGroups,
} from '../../../gateway/draft.ts';
import { memorySigner } from '../../support/identity.ts';
import { readingGroups, someDigest } from '../../support/signed-batch.ts';
import { draftOf } from './support/outbox-world.ts';

const device = memorySigner();

const reading: fc.Arbitrary<Reading> = fc.record({
  point: fc.stringMatching(/^[a-z][A-Za-z0-9]{0,30}$/),
  type: fc.constantFrom('Temperature', 'bl:Text', 'bl:Identifier'),
  unit: fc.constantFrom('', 'CEL', '60'),
  rawHex: fc.uint8Array({ minLength: 1, maxLength: 40 }).map((b) => Buffer.from(b).toString('hex')),
  value: fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.boolean(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n }),
  ),
  quality: fc.constantFrom('good', 'uncertain', 'forced', 'estimated'),
});

const group: fc.Arbitrary<ReadingGroup> = fc
  .record({
    timeMs: fc.integer({ min: 0, max: 2e12 }),
    about: fc.option(fc.constant('did:web:you.example/batch/CDB-0284'), { nil: undefined }),
    gatewayTimeMs: fc.option(fc.integer({ min: 0, max: 2e12 }), { nil: undefined }),
    readings: fc.array(reading, { minLength: 1, maxLength: 20 }),
  })
  .map(({ about, gatewayTimeMs, readings, timeMs }) => ({
    timeMs,
    ...(about !== undefined && { about }),
    ...(gatewayTimeMs !== undefined && { gatewayTimeMs }),
    readings: readings.map((r) => {
      const dated = r.rawHex.startsWith('0') ? { ...r, serverTimeMs: timeMs + 1 } : r;
      return r.quality === 'good' ? dated : { ...dated, status: 'out-of-range' };
    }),
  }));

describe('the estimate of a credential’s size', () => {
  it('is so close for plain readings that a full batch of them fits', async () => {
    const [full] = readingGroups({ fromMs: 1_767_225_600_000, times: 1, points: 256 });
    const groups = full ? [full] : [];
    const draft = draftOf(device.did, undefined, 0, { groups });
    const place = { epoch: { counter: 1, nonce: '0'.repeat(32) }, sequence: 1 };
    const id = `urn:uuid:${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`;
    const payload = composeBatch(draft, place, { credential: id, event: id });
    const token = await signToken({ payload, signer: device, typ: 'vc+jwt' });
    const estimate = groups.reduce((sum, g) => sum + groupBytes(g), emptyBatchBytes);
    expect(estimate).toBeLessThanOrEqual(limits.batchBytesMax);
    expect(estimate).toBeLessThanOrEqual(1.5 * token.length);
  });

  it('is never below the size as sent', async () => {
    const place = {
      epoch: { counter: 123_456, nonce: '0'.repeat(32), follows: someDigest },
      sequence: 123_456_789,
      previous: {
        id: `urn:uuid:${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`,
        digest: someDigest,
      },
    };
    const id = place.previous.id;
    await fc.assert(
      fc.asyncProperty(fc.array(group, { maxLength: 8 }), async (groups) => {
        const loss = {
          fromMs: 1,
          toMs: 2,
          count: 3,
          cause: 'storage-full',
          points: ['flow'],
        } as const;
        const draft = draftOf(device.did, undefined, 0, {
          groups,
          losses: [loss],
          enrolment: { id, digest: someDigest },
        });
        const payload = composeBatch(draft, place, { credential: id, event: id });
        const token = await signToken({ payload, signer: device, typ: 'vc+jwt' });
        const estimate = groups.reduce((sum, g) => sum + groupBytes(g), emptyBatchBytes);
        expect(estimate + lossBytes(loss)).toBeGreaterThanOrEqual(token.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('cutting a draft in two', () => {
  it('keeps every reading once and in order, and the losses in the second', () => {
    fc.assert(
      fc.property(fc.array(group, { minLength: 1, maxLength: 6 }), (groups) => {
        const loss = { fromMs: 1, toMs: 2, count: 3, cause: 'timeout' } as const;
        const draft = draftOf(device.did, undefined, 0, { groups, losses: [loss] });
        const [first, second] = splitDraft(draft);
        const points = (list: readonly ReadingGroup[]) => list.flatMap((g) => g.readings);
        expect([...points(first.groups), ...points(second.groups)]).toEqual(points(groups));
        expect([...first.losses, ...second.losses]).toEqual([loss]);
        if (countReadings(draft) > 1) {
          expect(countReadings(first)).toBe(Math.ceil(countReadings(draft) / 2));
        }
      }),
    );
  });

  it('separates losses when there are no readings, and refuses what cannot be cut', () => {
    const loss = { fromMs: 1, toMs: 2, count: 3, cause: 'timeout' } as const;
    const two = draftOf(device.did, undefined, 0, { losses: [loss, loss] });
    expect(splitDraft(two).map((d) => d.losses.length)).toEqual([1, 1]);
    expect(() => splitDraft(draftOf(device.did, undefined, 1))).toThrow();
  });

  it('at any count gives that many first', () => {
    fc.assert(
      fc.property(fc.array(group, { maxLength: 6 }), fc.nat(60), (groups, count) => {
        const [first, second] = splitGroups(groups, count);
        const all = countReadings({ groups });
        expect(countReadings({ groups: first })).toBe(Math.min(count, all));
        expect(countReadings({ groups: second })).toBe(all - Math.min(count, all));
      }),
    );
  });
});
