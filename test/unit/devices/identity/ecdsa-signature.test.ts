import { generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derOfSignature, signatureOfDer } from '../../../../devices/identity/ecdsa-signature.ts';

describe('an ECDSA signature', () => {
  for (const [namedCurve, hash, half, rounds] of [
    ['P-256', 'sha256', 32, 200],
    ['P-384', 'sha384', 48, 50],
    ['P-521', 'sha512', 66, 30],
  ] as const) {
    it(`of ${namedCurve} verifies in both forms, made by either`, () => {
      const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve });
      for (let round = 0; round < rounds; round += 1) {
        const data = Buffer.from(`reading ${round}`);
        const raw = sign(hash, data, { key, dsaEncoding: 'ieee-p1363' });
        expect(verify(hash, data, publicKey, derOfSignature(raw))).toBe(true);
        const made = signatureOfDer(sign(hash, data, key), half);
        const p1363 = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
        expect(verify(hash, data, p1363, made)).toBe(true);
      }
    });
  }

  it('comes back from DER, with zeros in front and high bits', () => {
    const edge = fc.oneof(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.constantFrom(0, 1, 0x7f, 0x80, 0xff).map((byte) => new Uint8Array(32).fill(byte, 31)),
      fc.constantFrom(0x00, 0x80, 0xff).map((byte) => new Uint8Array(32).fill(byte)),
    );
    fc.assert(
      fc.property(edge, edge, (r, s) => {
        const raw = Buffer.concat([r, s]);
        expect(signatureOfDer(derOfSignature(raw), 32)).toEqual(raw);
      }),
    );
  });

  it('of DER that OpenSSL did not make asserts', () => {
    const der = derOfSignature(Buffer.alloc(64, 0x11));
    expect(() => signatureOfDer(der.subarray(0, -1), 32)).toThrow('one DER sequence');
    expect(() => signatureOfDer(Buffer.concat([der, Buffer.from([0])]), 32)).toThrow('one DER');
  });
});
