import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  composeStatusList,
  decodeStatusList,
  encodeStatusList,
  readPublishedList,
  readStatusList,
  statusAt,
  statusBit,
  statusBits,
  statusEntriesMin,
} from '../../../../devices/credential/status-list.ts';
import { limits } from '../../../../devices/limits.ts';

const list = {
  id: 'https://mill.example/status/revocation.jwt',
  issuer: 'did:web:mill.example',
  purpose: 'revocation',
  validFromMs: 1_763_766_000_000,
};

describe('a status list', () => {
  it('says exactly of those that were set that they are', () => {
    const indexes = fc.uniqueArray(fc.integer({ min: 0, max: statusEntriesMin - 1 }), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(indexes, indexes, (set, others) => {
        const encoded = encodeStatusList(statusBits(set));
        for (const index of [...set, ...others]) {
          expect(statusAt(encoded, index)).toBe(set.includes(index) ? 1 : 0);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('has index 0 at the left', () => {
    expect(statusBits([0])[0]).toBe(0x80);
    expect(statusBits([7])[0]).toBe(0x01);
    expect(statusBits([8])[1]).toBe(0x80);
  });

  it('says nothing beyond its end, nor between its entries', () => {
    const bits = statusBits([0]);
    for (const index of [statusEntriesMin, -1, 0.5, Number.NaN]) {
      expect(statusBit(bits, index)).toMatchObject({ code: 'VC_STATUS_INVALID' });
      expect(statusAt(encodeStatusList(bits), index)).toMatchObject({
        code: 'VC_STATUS_INVALID',
      });
    }
  });

  it.each([
    ['no multibase prefix', encodeStatusList(statusBits([])).slice(1), 'MALFORMED_VALUE_ERROR'],
    ['another multibase', `z${encodeStatusList(statusBits([])).slice(1)}`, 'MALFORMED_VALUE_ERROR'],
    ['no gzip', 'uAAAA', 'MALFORMED_VALUE_ERROR'],
    ['a short list', packed(Buffer.alloc(statusEntriesMin / 8 - 1)), 'STATUS_LIST_LENGTH_ERROR'],
    ['a bomb', packed(Buffer.alloc(200 * 1024 * 1024)), 'MALFORMED_VALUE_ERROR'],
    ['nothing', '', 'MALFORMED_VALUE_ERROR'],
    [
      'a byte behind its end',
      `u${Buffer.concat([gzipSync(Buffer.alloc(16384)), Buffer.of(0x78)]).toString('base64url')}`,
      'MALFORMED_VALUE_ERROR',
    ],
  ])('is refused with %s', (_, encoded, name) => {
    const decoded = decodeStatusList(encoded);
    expect(decoded).toMatchObject({ code: 'VC_STATUS_INVALID' });
    expect('reason' in decoded && decoded.reason).toMatch(new RegExp(`^${name}`));
    expect(statusAt(encoded, 0)).toMatchObject({ code: 'VC_STATUS_INVALID' });
  });

  it('may be as large as allowed', () => {
    const encoded = packed(Buffer.alloc(limits.statusListBytesMax, 0xff));
    expect(statusAt(encoded, limits.statusListBytesMax * 8 - 1)).toBe(1);
  });

  it('comes back from its credential', () => {
    const encodedList = encodeStatusList(statusBits([4711]));
    const whole = { ...list, encodedList, validUntilMs: list.validFromMs + 1000 };
    expect(readStatusList(JSON.parse(composeStatusList(whole)))).toEqual(whole);
  });

  it('may leave its address unsaid, where it is known or nobody needs it', () => {
    const encodedList = encodeStatusList(statusBits([]));
    const { id, ...nameless } = JSON.parse(composeStatusList({ ...list, encodedList }));
    expect(readPublishedList(nameless)).not.toHaveProperty('id');
    expect(readPublishedList({ id, ...nameless })).toHaveProperty('id', id);
    expect(readStatusList(nameless)).toMatchObject({ code: 'VC_STATUS_INVALID' });
    expect(readStatusList(nameless, 'urn:a:1')).toHaveProperty('id', 'urn:a:1');
    expect(readStatusList({ id, ...nameless }, 'urn:a:1')).toHaveProperty('id', id);
    expect(readPublishedList({ ...nameless, id: 'x y' })).toMatchObject({
      code: 'VC_STATUS_INVALID',
    });
  });

  it('of others may serve several purposes, and its issuer be an object', () => {
    const payload = JSON.parse(
      composeStatusList({ ...list, encodedList: packed(Buffer.alloc(16384)) }),
    );
    payload.credentialSubject.statusPurpose = ['revocation', 'suspension'];
    payload.issuer = { id: payload.issuer, name: 'Mill' };
    expect(readStatusList(payload)).toMatchObject({
      purpose: ['revocation', 'suspension'],
      issuer: 'did:web:mill.example',
    });
    payload.type = ['VerifiableCredential'];
    expect(readStatusList(payload)).toMatchObject({ code: 'VC_STATUS_INVALID' });
  });
});

function packed(bits: Uint8Array): string {
  return `u${gzipSync(bits).toString('base64url')}`;
}
