import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  checkResources,
  inRelatedResources,
} from '../../../../devices/credential/vcdm-resources.ts';
import { encodeBase58 } from '../../../../devices/identity/base58.ts';

const id = 'https://www.w3.org/ns/credentials/v2';
const bytes = Buffer.from('{"@context": {}}\n');

const sri = (algorithm: string, content: Uint8Array = bytes): string =>
  `${algorithm}-${createHash(algorithm).update(content).digest('base64')}`;

function multihash(code: number, algorithm: string, content: Uint8Array = bytes): Buffer {
  const digest = createHash(algorithm).update(content).digest();
  return Buffer.concat([Buffer.of(code, digest.length), digest]);
}

const inBase64 = (hash: Uint8Array): string => `u${Buffer.from(hash).toString('base64url')}`;
const sha256 = inBase64(multihash(0x12, 'sha256'));

/** All digests of what is at hand under `id`. */
const atHand = (url: string): ReadonlySet<string> | undefined =>
  url === id
    ? new Set(
        ['sha256', 'sha384', 'sha512'].map(
          (name) => `${name}:${createHash(name).update(bytes).digest('hex')}`,
        ),
      )
    : undefined;

describe('a digest of a related resource', () => {
  it.each([
    ['SHA-256 for SRI', { digestSRI: sri('sha256') }],
    ['SHA-384 for SRI', { digestSRI: sri('sha384') }],
    ['SHA-512 for SRI', { digestSRI: sri('sha512') }],
    [
      'the other alphabet, unpadded',
      {
        digestSRI: `sha256-${createHash('sha256').update(bytes).digest('base64url')}`,
      },
    ],
    ['several for SRI, with an option', { digestSRI: `${sri('sha256')} ${sri('sha384')}?x` }],
    ['a multihash in base 64', { digestMultibase: sha256 }],
    [
      'a multihash in base 58',
      {
        digestMultibase: `z${encodeBase58(multihash(0x20, 'sha384'))}`,
      },
    ],
    ['a multihash of SHA-512', { digestMultibase: inBase64(multihash(0x13, 'sha512')) }],
    [
      'a multihash of another algorithm',
      { digestMultibase: inBase64(multihash(0x16, 'sha3-256')) },
    ],
    ['a list of them', { digestMultibase: [sha256, sha256], digestSRI: [sri('sha256')] }],
  ])('is %s', (_, digest) => {
    expect(inRelatedResources([{ id, ...digest }])).toBeUndefined();
  });

  it.each([
    ['nothing', {}],
    ['a word', { digestMultibase: 'hello' }],
    ['an empty list', { digestMultibase: [] }],
    [
      'a digest without its multihash',
      {
        digestMultibase: `u${createHash('sha256').update(bytes).digest('base64url')}`,
      },
    ],
    ['a multihash that was cut', { digestMultibase: sha256.slice(0, -4) }],
    [
      'a multihash of another length',
      {
        digestMultibase: inBase64(Buffer.concat([Buffer.of(0x12, 4), Buffer.alloc(4)])),
      },
    ],
    ['a multihash of nothing', { digestMultibase: inBase64(Buffer.of(0x16, 0)) }],
    ['a multihash in padded base 64', { digestMultibase: `${sha256}=` }],
    ['a multihash in an unknown base', { digestMultibase: `k${sha256.slice(1)}` }],
    ['a digest that is too short', { digestSRI: 'sha256-abc' }],
    ['a digest of another algorithm', { digestSRI: sri('sha256').replace('256', '384') }],
    ['an unknown algorithm', { digestSRI: 'md5-1B2M2Y8AsgTpgAmY7PhCfg==' }],
    ['bits behind the end', { digestSRI: `sha256-${'A'.repeat(42)}B=` }],
    ['half a padding', { digestSRI: `${sri('sha256')}=` }],
    ['a good one beside one that is none', { digestSRI: `${sri('sha256')} sha256-abc` }],
    ['a good one beside a number', { digestSRI: sri('sha256'), digestMultibase: 7 }],
  ])('is not %s', (_, digest) => {
    expect(inRelatedResources([{ id, ...digest }])).toContain('no digest');
  });
});

describe('a related resource that is at hand', () => {
  const other = Buffer.from('{"@context": {}}');
  const codeOf = (resource: object | readonly object[]) =>
    checkResources({ relatedResource: resource }, atHand)?.code;

  it('has the digests that were named, or is another', () => {
    expect(codeOf({ id, digestSRI: sri('sha384') })).toBeUndefined();
    expect(codeOf({ id, digestSRI: sri('sha384', other) })).toBe('VC_SCHEMA');
    expect(codeOf({ id, digestMultibase: sha256 })).toBeUndefined();
    expect(codeOf({ id, digestMultibase: inBase64(multihash(0x12, 'sha256', other)) })).toBe(
      'VC_SCHEMA',
    );
    expect(codeOf([{ id: 'urn:a:1', digestSRI: sri('sha256', other) }])).toBeUndefined();
    expect(codeOf([{ id: 'urn:a:1' }, { id, digestSRI: sri('sha512', other) }])).toBe('VC_SCHEMA');
  });

  it('has one of several under an algorithm, and one under each', () => {
    const one = sri('sha256');
    expect(codeOf({ id, digestSRI: `${sri('sha256', other)} ${one}` })).toBeUndefined();
    expect(codeOf({ id, digestSRI: `${sri('sha384', other)} ${one}` })).toBe('VC_SCHEMA');
    const unknown = inBase64(multihash(0x16, 'sha3-256', other));
    expect(codeOf({ id, digestSRI: one, digestMultibase: unknown })).toBeUndefined();
  });

  it('is compared with nothing where nothing is at hand', () => {
    const relatedResource = { id, digestSRI: sri('sha256', other) };
    expect(checkResources({ relatedResource })).toBeUndefined();
    expect(checkResources({}, atHand)).toBeUndefined();
  });
});
