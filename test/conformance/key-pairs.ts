/** Key pairs as suites publish them: multibase of a multicodec prefix and the key. */
import { createPrivateKey, sign } from 'node:crypto';
import { decodeBase58 } from '../../devices/identity/base58.ts';
import { didOfPublicJwk, keyIdOfDid, publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { jwkOfKey } from '../../devices/identity/public-key.ts';
import type { Signer } from '../../devices/identity/signer.ts';
import type { Vectors } from './vectors.ts';

interface Pair {
  readonly publicKeyMultibase: string;
  readonly secretKeyMultibase?: string;
  readonly privateKeyMultibase?: string;
}

/** Signers of all pairs of P-256 and Ed25519 keys below a folder, by their key id. */
export function publishedSigners(vectors: Vectors): ReadonlyMap<string, Signer> {
  const pairs = vectors.files(/key.*\.json$/i).flatMap((file) => pairsIn(vectors.json(file)));
  const signers = pairs.flatMap((pair) => signerOf(pair) ?? []);
  return new Map(signers.map((signer) => [signer.keyId, signer]));
}

function pairsIn(value: unknown): Pair[] {
  if (typeof value !== 'object' || value === null) return [];
  const { publicKeyMultibase } = value as Partial<Pair>;
  if (typeof publicKeyMultibase === 'string') return [value as Pair];
  return Object.values(value).flatMap(pairsIn);
}

/** A pair whose kind signs here; a multicodec prefix of two bytes stands before the secret. */
function signerOf(pair: Pair): Signer | undefined {
  const secret = pair.secretKeyMultibase ?? pair.privateKeyMultibase;
  const bytes = secret && decodeBase58(secret.slice(1));
  if (!bytes || !/^z(6Mk|Dn)/.test(pair.publicKeyMultibase)) return undefined;
  const publicJwk = jwkOfKey(publicKeyOfDid(`did:key:${pair.publicKeyMultibase}`).key);
  const d = Buffer.from(bytes.subarray(2)).toString('base64url');
  return signerOfJwk({ ...publicJwk, d });
}

/** A signer with a `did:key` of a private JWK (P-256 or Ed25519). */
export function signerOfJwk(jwk: Readonly<Record<string, string>>, name?: SignerName): Signer {
  const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  const did = name?.did ?? didOfPublicJwk(jwk);
  const keyId = name?.keyId ?? keyIdOfDid(did);
  if (jwk['kty'] === 'OKP') {
    return { did, keyId, algorithm: 'EdDSA', sign: (data) => sign(null, data, key) };
  }
  const signBytes = (data: Uint8Array): Buffer =>
    sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  return { did, keyId, algorithm: 'ES256', sign: signBytes };
}

/** Under which name a key signs. */
export type SignerName = Pick<Signer, 'did' | 'keyId'>;
