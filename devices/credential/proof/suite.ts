/**
 * The four cryptosuites (vc-di-eddsa 1.0 §3.2–3.3, vc-di-ecdsa 1.0 §3.2–3.3): what is hashed, and
 * which keys sign it.
 */
import { createHash, verify } from 'node:crypto';
import type { KeyAlgorithm, KeyMaterial } from '../../identity/public-key.ts';

/** How a document becomes text: by its JSON, or by the RDF that it means. */
export type Canonicalization = 'jcs' | 'rdfc';

interface Cryptosuite {
  readonly canonicalization: Canonicalization;
  readonly algorithms: readonly KeyAlgorithm[];
}

/** By the name in `cryptosuite`. */
export const cryptosuites = {
  'eddsa-jcs-2022': { canonicalization: 'jcs', algorithms: ['EdDSA'] },
  'ecdsa-jcs-2019': { canonicalization: 'jcs', algorithms: ['ES256', 'ES384'] },
  'eddsa-rdfc-2022': { canonicalization: 'rdfc', algorithms: ['EdDSA'] },
  'ecdsa-rdfc-2019': { canonicalization: 'rdfc', algorithms: ['ES256', 'ES384'] },
} as const satisfies Record<string, Cryptosuite>;

export type CryptosuiteName = keyof typeof cryptosuites;

/** Whether a name is one of ours. */
export function isCryptosuite(name: string): name is CryptosuiteName {
  return Object.hasOwn(cryptosuites, name);
}

/** The digest that goes with a key (vc-di-ecdsa §3.2.4): as strong as its curve. */
export function digestOf(algorithm: KeyAlgorithm): 'sha256' | 'sha384' {
  return algorithm === 'ES384' ? 'sha384' : 'sha256';
}

/** What a proof signs: the digest of its own canonical options, then that of the document. */
export function hashData(
  canonicalOptions: string,
  canonicalDocument: string,
  algorithm: KeyAlgorithm,
): Buffer {
  const digest = (text: string): Buffer => createHash(digestOf(algorithm)).update(text).digest();
  return Buffer.concat([digest(canonicalOptions), digest(canonicalDocument)]);
}

/** Whether the key signed these bytes. */
export function verifyHash(data: Uint8Array, signature: Uint8Array, key: KeyMaterial): boolean {
  if (signature.length !== (key.algorithm === 'ES384' ? 96 : 64)) return false;
  if (key.algorithm === 'EdDSA') return verify(null, data, key.key, signature);
  const options = { key: key.key, dsaEncoding: 'ieee-p1363' } as const;
  return verify(digestOf(key.algorithm), data, options, signature);
}
