/** Data Integrity proofs with Digital Bazaar's libraries: what they issue we verify, and back. */
import { describe, expect, it } from 'vitest';
import { addProof } from '../../devices/credential/proof/add-proof.ts';
import { verifyAny } from '../../devices/credential/verify-any.ts';
import { openDocuments } from '../../devices/io/documents.ts';
import { openJsonLd } from '../../devices/io/json-ld.ts';
import { memoryEd25519, memorySigner } from '../support/identity.ts';
import { hasShared, sharedPath } from '../support/shared.ts';

const nowMs = Date.now();
const credential = (issuer: string) => ({
  '@context': ['https://www.w3.org/ns/credentials/v2', 'https://w3id.org/bondline/v1'],
  id: 'urn:uuid:9a1f6b1e-7f3c-4b52-8d0b-1c2d3e4f5a03',
  type: ['VerifiableCredential'],
  issuer,
  validFrom: '2026-01-01T00:00:00Z',
  credentialSubject: { id: 'did:web:north.example/batch/1', name: 'Batch 1' },
});

/** Their packages read contexts at import, so they are loaded where there are any. */
async function peers() {
  const documents = openDocuments(sharedPath('contexts'));
  const canonize = openJsonLd(documents.contexts);
  const verify = async (value: object) => {
    const bytes = Buffer.from(JSON.stringify(value));
    return (await verifyAny(bytes, { documents, atMs: nowMs + 60_000 }, canonize)).verdict;
  };
  return { verify, ...(await import('../support/digitalbazaar.ts')) };
}

describe.skipIf(!hasShared)('Digital Bazaar', () => {
  it.each([
    'ecdsa-rdfc-2019',
    'ecdsa-rdfc-2019-p384',
    'eddsa-rdfc-2022',
    'eddsa-jcs-2022',
    'ecdsa-jcs-2019',
  ] as const)('issues with %s what we verify, and what was changed we do not', async (suite) => {
    const { bazaarIssuer, verify } = await peers();
    const issuer = await bazaarIssuer(suite);
    const signed = await issuer.issue(credential(issuer.did));
    expect(await verify(signed)).toBe('valid');
    const subject = { ...(signed['credentialSubject'] as object), name: 'Batch 2' };
    expect(await verify({ ...signed, credentialSubject: subject })).toBe('invalid');
    const proof = { ...(signed['proof'] as object), created: '2026-01-02T00:00:00Z' };
    expect(await verify({ ...signed, proof })).toBe('invalid');
  });

  it.each([
    ['eddsa-jcs-2022', memoryEd25519],
    ['ecdsa-jcs-2019', memorySigner],
  ] as const)('verifies what we issue with %s, and not what was changed', async (suite, make) => {
    const { bazaarVerify } = await peers();
    const signer = make();
    const options = { purpose: 'assertionMethod', created: '2026-01-01T00:00:00Z' } as const;
    const signed = await addProof(credential(signer.did), signer, options);
    expect(await bazaarVerify(signed, suite)).toBeUndefined();
    const changed = { ...signed, validFrom: '2026-01-03T00:00:00Z' };
    expect(await bazaarVerify(changed, suite)).toBeTypeOf('string');
  });
});
