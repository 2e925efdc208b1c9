import { describe, expect, it } from 'vitest';
import { addProof } from '../../../../../devices/credential/proof/add-proof.ts';
import {
  type JudgedProof,
  judgeProofs,
} from '../../../../../devices/credential/proof/check-proofs.ts';
import { isRefusal } from '../../../../../devices/credential/refusal.ts';
import type { JsonObject } from '../../../../../devices/credential/vcdm-values.ts';
import { noDocuments } from '../../../../../devices/io/documents.ts';
import { memoryEd25519, memorySigner } from '../../../../support/identity.ts';

const atMs = Date.parse('2026-11-22T06:00:00Z');
const created = '2026-11-22T05:59:00Z';
const [seller, buyer] = [memorySigner(), memoryEd25519()];
const act: JsonObject = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiableCredential'],
  issuer: seller.did,
  credentialSubject: { id: 'urn:x:1', quantity: 12.5 },
};

/** Codes of the proofs of a document, `ok` where one holds; or that of the whole set. */
function codes(document: JsonObject): string | string[] {
  const judged = judgeProofs(
    document,
    { documents: noDocuments, atMs },
    { purposes: ['assertionMethod'] },
  );
  if (isRefusal(judged)) return judged.code;
  return judged.map(({ refusal }: JudgedProof) => refusal?.code ?? 'ok');
}

/** Both sign: the buyer over what the seller said, and over the seller's proof. */
async function chain(): Promise<JsonObject> {
  const purpose = 'assertionMethod';
  const first = await addProof(act, seller, { purpose, created, id: 'urn:uuid:1' });
  return addProof(first, buyer, {
    purpose,
    created,
    id: 'urn:uuid:2',
    previousProof: 'urn:uuid:1',
  });
}

function proofsOf(document: JsonObject): JsonObject[] {
  return [(document as { proof?: JsonObject | JsonObject[] }).proof ?? []].flat();
}

describe('a proof that is added', () => {
  it.each([
    ['P-256', seller, 'ecdsa-jcs-2019'],
    ['Ed25519', buyer, 'eddsa-jcs-2022'],
  ] as const)('by a key of %s holds until a value changes', async (_, signer, cryptosuite) => {
    const signed = await addProof(act, signer, { purpose: 'assertionMethod', created });
    expect(proofsOf(signed)).toMatchObject([{ cryptosuite, created }]);
    expect(codes(signed)).toEqual(['ok']);
    const changed = { ...signed, credentialSubject: { id: 'urn:x:1', quantity: 12.6 } };
    expect(codes(changed)).toEqual(['VC_SIGNATURE']);
  });

  it('beside another leaves it as it is, and neither needs the other', async () => {
    const one = await addProof(act, seller, { purpose: 'assertionMethod', created });
    const two = await addProof(one, buyer, { purpose: 'assertionMethod', created });
    expect(codes(two)).toEqual(['ok', 'ok']);
    const [first, second] = proofsOf(two);
    expect(codes({ ...two, proof: first })).toEqual(['ok']);
    expect(codes({ ...two, proof: second })).toEqual(['ok']);
  });

  it('over another vouches for it: taken out, changed or renamed, the chain shows it', async () => {
    const both = await chain();
    expect(codes(both)).toEqual(['ok', 'ok']);
    const [first, second] = proofsOf(both);
    expect(codes({ ...both, proof: [second, first] })).toEqual(['ok', 'ok']);
    expect(codes({ ...both, proof: second })).toBe('VC_PROOF_CHAIN');
    const again = proofsOf(
      await addProof(act, seller, {
        purpose: 'assertionMethod',
        created: '2026-11-22T05:58:00Z',
        id: 'urn:uuid:1',
      }),
    );
    // The seller's other proof holds, but it is not the one over which the buyer signed.
    expect(codes({ ...both, proof: [again[0], second] })).toEqual(['ok', 'VC_SIGNATURE']);
    const unchained = { ...second, previousProof: undefined };
    expect(codes(JSON.parse(JSON.stringify({ ...both, proof: [first, unchained] })))).toEqual([
      'ok',
      'VC_SIGNATURE',
    ]);
  });

  it('is refused where ids are double, circular or name nothing', async () => {
    const both = await chain();
    const [first, second] = proofsOf(both);
    expect(codes({ ...both, proof: [first, first] })).toBe('VC_PROOF_CHAIN');
    expect(codes({ ...both, proof: [{ ...first, previousProof: 'urn:uuid:2' }, second] })).toBe(
      'VC_PROOF_CHAIN',
    );
    expect(codes({ ...both, proof: [{ ...first, previousProof: 'urn:uuid:1' }] })).toBe(
      'VC_PROOF_CHAIN',
    );
    expect(codes({ ...both, proof: [first, { ...second, previousProof: ['urn:uuid:3'] }] })).toBe(
      'VC_PROOF_CHAIN',
    );
    expect(codes({ ...both, proof: [] })).toBe('VC_PROOF');
  });
});
