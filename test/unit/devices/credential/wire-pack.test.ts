import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signBatchSelectively } from '../../../../devices/credential/sd-jwt-issue.ts';
import { wireDictionary } from '../../../../devices/credential/wire-dictionary.ts';
import { isPacked, packToken, unpackToken } from '../../../../devices/credential/wire-pack.ts';
import { limits } from '../../../../devices/limits.ts';
import { systemRandom } from '../../../../devices/runtime.ts';
import { memorySigner } from '../../../support/identity.ts';
import { BatchMaker, readingGroups } from '../../../support/signed-batch.ts';

const closedMs = 1_767_225_600_000;
const dictionary = Buffer.from(wireDictionary, 'latin1');
const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url');

async function batch(points: number): Promise<Uint8Array> {
  const maker = new BatchMaker(memorySigner(), memorySigner().did);
  const groups = readingGroups({ fromMs: closedMs, times: 2, points });
  return maker.next(closedMs, { groups });
}

function packed(plain: Uint8Array, signature = Buffer.alloc(64)): Buffer {
  const deflated = deflateRawSync(plain, { dictionary });
  return Buffer.concat([Buffer.from([1, signature.length]), signature, deflated]);
}

describe('the packed form', () => {
  it('of a batch is a sixth of it and unpacks to the same bytes', async () => {
    const token = await batch(50);
    const small = packToken(token);
    expect(small && isPacked(small)).toBe(true);
    expect(isPacked(token)).toBe(false);
    expect(small?.length).toBeLessThan(token.length / 6);
    expect(small && unpackToken(small)).toEqual(Buffer.from(token));
  });

  it('carries disclosures', async () => {
    const token = await batch(5);
    const payload = Buffer.from(Buffer.from(token).toString().split('.')[1] ?? '', 'base64url');
    const selective = await signBatchSelectively({
      ...{ payload: payload.toString(), signer: memorySigner(), random: systemRandom },
      decoys: true,
    });
    const small = packToken(selective);
    expect(small && unpackToken(small)).toEqual(Buffer.from(selective));
  });

  it('rests on a dictionary that must not change: it would be another form', () => {
    expect(createHash('sha256').update(dictionary).digest('hex')).toBe(
      '59a977fde5cc3ef6cb6de5065889b03e3ee418340f4050db17299ca1319ed384',
    );
  });

  it('gives any bytes back as they were, or does not take them', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => base64url(bytes)),
      fc.json().map((text) => base64url(text)),
      fc.stringMatching(/^[A-Za-z0-9_=+/-]{0,20}$/),
    );
    const token = fc
      .tuple(part, part, part, fc.array(part, { maxLength: 4 }), fc.constantFrom('', '~', '.', 'x'))
      .map(([header, payload, signature, disclosures, tail]) =>
        Buffer.from(`${[`${header}.${payload}.${signature}`, ...disclosures].join('~')}${tail}`),
      );
    fc.assert(
      fc.property(fc.oneof(token, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const small = packToken(bytes);
        if (small === undefined) return;
        expect(unpackToken(small)).toEqual(Buffer.from(bytes));
        expect(small.length).toBeLessThan(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is not taken where a token could not come back the same', async () => {
    const token = Buffer.from(await batch(5)).toString();
    const [header = '', payload = '', signature = ''] = token.split('.');
    const zeros = base64url(Buffer.alloc(9_000));
    for (const odd of [
      `${header}.${payload}`,
      `${header}.${payload}=.${signature}`,
      `${header}.${payload}.${signature}~`,
      `${header}.${payload}.${signature}~AAAA`,
      `${header}.${payload}.${signature}.${zeros}`,
      // A NUL inside would be taken for the end of a part.
      `${header}.${zeros}.${signature}`,
      `${header}.${payload}.`,
    ]) {
      expect(packToken(Buffer.from(odd)), odd.slice(-40)).toBeUndefined();
    }
    const large = `${header}.${base64url('{'.repeat(limits.batchBytesMax))}.${signature}`;
    expect(packToken(Buffer.from(large))).toBeUndefined();
  });
});

describe('what is no packed token', () => {
  it('is none: cut short, followed by more, without a signature, of one part', async () => {
    const small = Buffer.from(packToken(await batch(5)) ?? []);
    expect(unpackToken(small)).toBeDefined();
    expect(unpackToken(Buffer.concat([small, Buffer.from([0])]))).toBeUndefined();
    for (const end of [0, 1, 2, 66, small.length - 1]) {
      expect(unpackToken(small.subarray(0, end)), String(end)).toBeUndefined();
    }
    expect(unpackToken(packed(Buffer.from('{}')))).toBeUndefined();
    expect(unpackToken(packed(Buffer.from('{}\u0000{}')))).toBeDefined();
  });

  it('never unpacks to more than a batch', () => {
    const bomb = packed(
      Buffer.concat([Buffer.from('{}\u0000'), Buffer.alloc(64 * 1024 * 1024, 65)]),
    );
    expect(bomb.length).toBeLessThan(100_000);
    const before = process.memoryUsage();
    for (let round = 0; round < 100; round += 1) expect(unpackToken(bomb)).toBeUndefined();
    const grown = process.memoryUsage().arrayBuffers - before.arrayBuffers;
    expect(grown).toBeLessThan(32 * 1024 * 1024);
    // Just below the bound when unpacked, above it as base64url.
    expect(
      unpackToken(packed(Buffer.concat([Buffer.from('{}\u0000'), Buffer.alloc(60_000, 65)]))),
    ).toBe(undefined);
  });

  it('never throws, whatever the bytes are', async () => {
    const good = Buffer.from(packToken(await batch(5)) ?? []);
    const mutated = fc
      .array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const bytes = Buffer.from(good);
        for (const [at, byte] of changes) bytes[at] = byte;
        return bytes;
      });
    const random = fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => Buffer.concat([Buffer.from([1]), bytes]));
    fc.assert(
      fc.property(fc.oneof(mutated, random), (bytes) => {
        const token = unpackToken(bytes);
        expect(token?.length ?? 0).toBeLessThanOrEqual(limits.batchBytesMax);
      }),
      { numRuns: 3_000 },
    );
  });
});
