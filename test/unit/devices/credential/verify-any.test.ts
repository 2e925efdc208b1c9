/** Chains of proofs over RDF, made here with the canonicaliser and judged through `verifyAny`. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../../devices/credential/vcdm-values.ts';
import { verifyAny } from '../../../../devices/credential/verify-any.ts';
import { encodeBase58 } from '../../../../devices/identity/base58.ts';
import { noDocuments, openDocuments } from '../../../../devices/io/documents.ts';
import { openJsonLd } from '../../../../devices/io/json-ld.ts';
import { memoryEd25519, memorySigner } from '../../../support/identity.ts';
import { atMs, claim, created } from '../../../support/presented.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

const { contexts } = hasShared ? openDocuments(sharedPath('contexts')) : noDocuments;
const canonize = openJsonLd(contexts);
const [first, second] = [memoryEd25519(), memorySigner()];
const v2 = 'https://www.w3.org/ns/credentials/v2';

async function digest(document: JsonObject): Promise<Buffer> {
  const made = await canonize({ document, digest: 'sha256' });
  if (typeof made !== 'string') throw new Error(made.reason);
  return createHash('sha256').update(made).digest();
}

async function prove(input: JsonObject, by: typeof first, options: object): Promise<JsonObject> {
  const proof = {
    type: 'DataIntegrityProof',
    cryptosuite: by.algorithm === 'EdDSA' ? 'eddsa-rdfc-2022' : 'ecdsa-rdfc-2019',
    created,
    verificationMethod: by.keyId,
    proofPurpose: 'assertionMethod',
    ...options,
  };
  const config = await digest({ ...proof, '@context': [v2] });
  const data = Buffer.concat([config, await digest(input)]);
  return { ...proof, proofValue: `z${encodeBase58(await by.sign(data))}` };
}

describe.skipIf(!hasShared)('what a holder says itself, in a presentation over RDF', () => {
  it('is valid as it was signed, and not where an end is spelled past its reader', async () => {
    const own = claim({ issuer: first.did, validUntil: '2020-01-01T00:00:00Z' });
    const { validUntil: _, ...endless } = own;
    const presented = (part: JsonObject): JsonObject => ({
      '@context': [v2],
      type: ['VerifiablePresentation'],
      holder: first.did,
      verifiableCredential: [part],
    });
    const judged = async (signed: JsonObject, shown = signed) => {
      const proof = await prove(presented(signed), first, { proofPurpose: 'authentication' });
      const bytes = Buffer.from(JSON.stringify({ ...presented(shown), proof }));
      return verifyAny(bytes, { documents: noDocuments, atMs }, canonize);
    };
    expect((await judged(endless)).code).toBe('VC_VALID');
    expect((await judged(own)).code).toBe('VC_EXPIRED');
    const type = 'http://www.w3.org/2001/XMLSchema#dateTime';
    const whole = 'https://www.w3.org/2018/credentials#validUntil';
    const hidden = { ...endless, [whole]: { '@type': type, '@value': own['validUntil'] } };
    const { inner } = await judged(own, hidden);
    expect(inner?.[0]).toMatchObject({ verdict: 'invalid', code: 'VC_RDF_INVALID' });
    // The signature itself holds: the statements are the same.
    expect(await canonize({ document: presented(own), digest: 'sha256' })).toBe(
      await canonize({ document: presented(hidden), digest: 'sha256' }),
    );
  });
});

describe.skipIf(!hasShared)('a chain of proofs over RDF', () => {
  it('holds, and shows when one is taken out, changed or made over another', async () => {
    const document = claim({ issuer: first.did });
    const one = await prove(document, first, { id: 'urn:uuid:1' });
    const over = { ...document, proof: [one] };
    const two = await prove(over, second, { id: 'urn:uuid:2', previousProof: 'urn:uuid:1' });
    const codeOf = async (proof: unknown, changes: object = {}): Promise<string> => {
      const bytes = Buffer.from(JSON.stringify({ ...document, ...changes, proof }));
      return (await verifyAny(bytes, { documents: noDocuments, atMs }, canonize)).code;
    };
    expect(await codeOf([one, two])).toBe('VC_VALID');
    expect(await codeOf([two, one])).toBe('VC_VALID');
    expect(await codeOf(two)).toBe('VC_PROOF_CHAIN');
    expect(await codeOf([one, two], { credentialSubject: { id: 'urn:x:2' } })).toBe('VC_SIGNATURE');
    const other = await prove(document, first, { id: 'urn:uuid:1', nonce: 'n' });
    expect(await codeOf(other)).toBe('VC_VALID');
    expect(await codeOf([other, two])).toBe('VC_SIGNATURE');
    expect(await codeOf([one, two], { '@context': [v2, 'https://x.example/v1'] })).toBe(
      'VC_CONTEXT_UNKNOWN',
    );
  });
});
