/** Deceits with the signature: none, another's, made of the public key, or of a lenient reader. */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { derOfSignature } from '../../devices/identity/ecdsa-signature.ts';
import { encode, headerOf, partsOf, signed, type TokenKind, type TokenPlace } from './case.ts';
import { forger, jwkOf } from './world.ts';

/** Order of P-256 (SEC 2 §2.4.2) and of the group of Ed25519 (RFC 8032 §5.1). */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const L = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;

export const bytes32 = (value: bigint): Buffer =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
const numberOf = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const reversed = (bytes: Uint8Array): Buffer => Buffer.from(bytes).reverse();

/** The token with another signature. */
function under(place: TokenPlace, signature: Uint8Array | string): string {
  const [header, payload] = partsOf(place);
  const text = typeof signature === 'string' ? signature : encode(signature);
  return `${header}.${payload}.${text}${place.tail}`;
}

const signatureOf = (place: TokenPlace): Buffer => Buffer.from(partsOf(place)[2], 'base64url');
const inputOf = (place: TokenPlace): string => partsOf(place).slice(0, 2).join('.');

const isEs256 = ({ signer }: TokenPlace): boolean => signer.algorithm === 'ES256';

/** The second signature that whoever sees one of ES256 can make: (r, n−s). */
export function malleable(place: TokenPlace): string | undefined {
  if (!isEs256(place)) return undefined;
  const signature = signatureOf(place);
  const s = bytes32(N - numberOf(signature.subarray(32)));
  return under(place, Buffer.concat([signature.subarray(0, 32), s]));
}

const wrong = ['VC_SIGNATURE'] as const;
const form = ['VC_SIGNATURE_FORM'] as const;

const kind = (
  name: string,
  codes: readonly string[],
  change: (signature: Buffer, place: TokenPlace) => Uint8Array | string | undefined,
): TokenKind => ({
  name,
  codes,
  forge: (place) => {
    const made = change(signatureOf(place), place);
    return made === undefined ? undefined : under(place, made);
  },
});

const flipped = (signature: Buffer, at: number): Buffer => {
  const copy = Buffer.from(signature);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

const pairs: readonly [string, bigint, bigint][] = [
  ['r and s zero', 0n, 0n],
  ['r zero, s one', 0n, 1n],
  ['r one, s zero', 1n, 0n],
  ['r and s one', 1n, 1n],
  ['r and s the order', N, N],
  ['r and s one less than the order', N - 1n, N - 1n],
  ['r and s all ones', 2n ** 256n - 1n, 2n ** 256n - 1n],
];

const withPublicKey: readonly [string, (place: TokenPlace) => string | Buffer][] = [
  ['PEM', ({ signer }) => signer.publicKey.export({ type: 'spki', format: 'pem' }) as string],
  ['DER', ({ signer }) => signer.publicKey.export({ type: 'spki', format: 'der' }) as Buffer],
  ['JWK', ({ signer }) => JSON.stringify(jwkOf(signer.publicKey))],
  ['did', ({ signer }) => signer.did],
  ['nothing', () => ''],
];

export const signatureKinds: readonly TokenKind[] = [
  ...pairs.map(([name, r, s]) =>
    kind(`signature: ${name}`, wrong, () => Buffer.concat([bytes32(r), bytes32(s)])),
  ),
  ...[0, 15, 31, 32, 47, 63].map((at) =>
    kind(`signature: bit of byte ${at}`, wrong, (signature) => flipped(signature, at)),
  ),
  kind('signature: none', form, () => ''),
  kind('signature: cut by a byte', form, (signature) => signature.subarray(0, 63)),
  kind('signature: half', form, (signature) => signature.subarray(0, 32)),
  kind('signature: zero before', form, (signature) => Buffer.concat([Buffer.alloc(1), signature])),
  kind('signature: zero behind', form, (signature) => Buffer.concat([signature, Buffer.alloc(1)])),
  kind('signature: twice', form, (signature) => Buffer.concat([signature, signature])),
  kind('signature: padded for P-384', form, (signature) =>
    Buffer.concat([Buffer.alloc(16), signature.subarray(0, 32), Buffer.alloc(16), signature]),
  ),
  kind('signature: DER', form, (signature, place) =>
    isEs256(place) ? derOfSignature(signature) : undefined,
  ),
  kind('signature: s before r', wrong, (signature) =>
    Buffer.concat([signature.subarray(32), signature.subarray(0, 32)]),
  ),
  kind('signature: r and s + n', [...form, ...wrong], (signature, place) => {
    const sum = numberOf(signature.subarray(32)) + N;
    if (!isEs256(place) || sum >= 2n ** 256n) return signature.map((byte) => byte ^ 0xff);
    return Buffer.concat([signature.subarray(0, 32), bytes32(sum)]);
  }),
  kind('signature: s + L', wrong, (signature, place) => {
    if (isEs256(place)) return undefined;
    const s = reversed(bytes32(numberOf(reversed(signature.subarray(32))) + L));
    return Buffer.concat([signature.subarray(0, 32), s]);
  }),
  kind('signature: the identity of Ed25519', wrong, (_, place) =>
    isEs256(place) ? undefined : Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]),
  ),
  kind(
    "signature: the forger's",
    wrong,
    (_, place) => forger[place.signer.algorithm].sign(Buffer.from(inputOf(place))) as Uint8Array,
  ),
  kind(
    'signature: over the payload alone',
    wrong,
    (_, place) => place.signer.sign(Buffer.from(partsOf(place)[1])) as Uint8Array,
  ),
  kind('signature: over another header', wrong, (_, place) => {
    const header = encode(JSON.stringify({ ...headerOf(place), typ: 'other' }));
    return place.signer.sign(Buffer.from(`${header}.${partsOf(place)[1]}`)) as Uint8Array;
  }),
  kind('signature: another hash', wrong, (_, place) => otherHash(place)),
  ...withPublicKey.map(
    ([name, secret]): TokenKind => ({
      name: `HS256 with the public key as secret: ${name}`,
      codes: ['VC_ALGORITHM'],
      forge: (place) => {
        const header = encode(JSON.stringify({ ...headerOf(place), alg: 'HS256' }));
        const input = `${header}.${partsOf(place)[1]}`;
        const mac = createHmac('sha256', secret(place)).update(input).digest('base64url');
        return `${input}.${mac}${place.tail}`;
      },
    }),
  ),
  ...withPublicKey.map(
    ([name, secret]): TokenKind => ({
      name: `a MAC where a signature belongs: ${name}`,
      codes: wrong,
      forge: (place) =>
        under(place, createHmac('sha512', secret(place)).update(inputOf(place)).digest()),
    }),
  ),
];

/** Neither the key nor the hash that the header states. */
const { privateKey: anyKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

function otherHash(place: TokenPlace): Uint8Array {
  const options = { key: anyKey, dsaEncoding: 'ieee-p1363' } as const;
  return sign('sha512', Buffer.from(inputOf(place)), options);
}

/** A token that the forger signs as itself, in the name of the genuine signer or in its own. */
export const impersonations: readonly TokenKind[] = [
  {
    name: 'signed by the forger in the name of the signer',
    codes: wrong,
    forge: async (place) => {
      const [header, payload] = partsOf(place);
      const by = forger[place.signer.algorithm];
      const parts = [header, payload].map((part) => Buffer.from(part, 'base64url'));
      return `${await signed(parts[0] ?? '', parts[1] ?? '', by)}${place.tail}`;
    },
  },
  {
    name: 'signed by the forger under its own kid',
    codes: ['VC_ISSUER', 'VC_HOLDER', 'VC_SIGNATURE'],
    forge: async (place) => {
      const by = forger[place.signer.algorithm];
      const header = JSON.stringify({ ...headerOf(place), kid: by.keyId });
      const payload = Buffer.from(partsOf(place)[1], 'base64url');
      return `${await signed(header, payload, by)}${place.tail}`;
    },
  },
  {
    name: 'signed with the other algorithm under its own kid',
    codes: ['VC_ISSUER', 'VC_HOLDER', 'VC_SIGNATURE'],
    forge: async (place) => {
      const by = forger[place.signer.algorithm === 'ES256' ? 'EdDSA' : 'ES256'];
      const header = JSON.stringify({ ...headerOf(place), alg: by.algorithm, kid: by.keyId });
      const payload = Buffer.from(partsOf(place)[1], 'base64url');
      return `${await signed(header, payload, by)}${place.tail}`;
    },
  },
  {
    name: "the other algorithm under the signer's kid",
    codes: ['VC_ALGORITHM', 'VC_ISSUER', 'VC_SIGNATURE'],
    forge: async (place) => {
      const by = forger[place.signer.algorithm === 'ES256' ? 'EdDSA' : 'ES256'];
      const header = JSON.stringify({ ...headerOf(place), alg: by.algorithm });
      const payload = Buffer.from(partsOf(place)[1], 'base64url');
      return `${await signed(header, payload, by)}${place.tail}`;
    },
  },
];
