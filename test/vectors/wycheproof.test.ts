/**
 * C2SP/wycheproof: ECDSA P-256 (P1363) and Ed25519 through our own keys and token check, so that
 * what refuses them is what runs in the ingester. Its JSON Web Signatures sign plain text, which
 * is no credential.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type OpenedToken, verifySignature } from '../../devices/credential/jws.ts';
import { type KeyMaterial, keyOfEd25519, keyOfP256 } from '../../devices/identity/public-key.ts';
import { hasShared, sharedPath } from '../support/shared.ts';

interface Group {
  readonly publicKey: { readonly uncompressed?: string; readonly pk?: string };
  readonly tests: readonly SignatureCase[];
}

interface SignatureCase {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: string;
}

function read<T>(name: string): readonly T[] {
  if (!hasShared) return [];
  const text = readFileSync(sharedPath('vectors', 'wycheproof', name), 'utf8');
  return (JSON.parse(text) as { testGroups: T[] }).testGroups;
}

/** What the opener would give for a message and signature; it lets only 64 bytes through. */
function accepts(key: KeyMaterial, { msg, sig }: SignatureCase): boolean {
  const signature = Buffer.from(sig, 'hex');
  if (signature.length !== 64) return false;
  const opened = { signingInput: Buffer.from(msg, 'hex'), signature } as unknown as OpenedToken;
  return verifySignature(opened, key);
}

function walk(groups: readonly Group[], keyOf: (group: Group) => KeyMaterial | undefined): number {
  let count = 0;
  for (const group of groups) {
    const key = keyOf(group);
    for (const test of group.tests) {
      const accepted = key !== undefined && accepts(key, test);
      expect(accepted, `${test.tcId} ${test.comment}`).toBe(test.result === 'valid');
      count += 1;
    }
  }
  return count;
}

describe.skipIf(!hasShared)('wycheproof', () => {
  it('ECDSA P-256, P1363 signatures', () => {
    const groups = read<Group>('ecdsa_secp256r1_sha256_p1363_test.odd.json');
    const count = walk(groups, ({ publicKey }) =>
      keyOfP256(Buffer.from(publicKey.uncompressed ?? '', 'hex')),
    );
    expect(count).toBe(131);
  });

  it('Ed25519', () => {
    const groups = read<Group>('ed25519_test.odd.json');
    const count = walk(groups, ({ publicKey }) =>
      keyOfEd25519(Buffer.from(publicKey.pk ?? '', 'hex')),
    );
    expect(count).toBe(76);
  });
});
