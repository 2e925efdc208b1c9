/** Deceits with Data Integrity proofs: another suite, purpose, order, context, signer or none. */

import { addProof, type ProofOptions } from '../../devices/credential/proof/add-proof.ts';
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';
import { decodeBase58, encodeBase58 } from '../../devices/identity/base58.ts';
import { formatTime } from '../../devices/runtime.ts';
import type { DocumentKind, DocumentMade, DocumentPlace, Keys } from './case.ts';
import { bytes32 } from './kinds-signature.ts';
import { proven } from './places.ts';
import { atMs, forger, parties, stranger } from './world.ts';

type Proof = Record<string, unknown>;

export const proofsOf = ({ document }: Pick<DocumentPlace, 'document'>): Proof[] =>
  structuredClone([document['proof']].flat() as Proof[]);

export const claimed = ({ document }: Pick<DocumentPlace, 'document'>): JsonObject => {
  const { proof: _, ...rest } = document as Record<string, unknown>;
  return rest;
};

const withProofs = (place: DocumentPlace, proofs: readonly unknown[]): JsonObject => ({
  ...claimed(place),
  proof: proofs.length === 1 ? proofs[0] : proofs,
});

const patched = (place: DocumentPlace, at: number, changes: object): JsonObject => {
  const proofs = proofsOf(place);
  return withProofs(
    place,
    proofs.map((proof, index) => (index === at ? { ...proof, ...changes } : proof)),
  );
};

const form = ['VC_PROOF', 'VC_SCHEMA'] as const;
const wrong = ['VC_SIGNATURE'] as const;
const suite = ['VC_PROOF_SUITE', 'VC_FORM_UNSUPPORTED', 'VC_ALGORITHM', 'VC_SCHEMA'] as const;
const signer = [
  'VC_ISSUER',
  'VC_HOLDER',
  'VC_SIGNATURE',
  'VC_KEY_UNKNOWN',
  'VC_DOCUMENT_MISSING',
  'VC_ISSUER_UNSUPPORTED',
  'VC_KEY_INVALID',
  'VC_ALGORITHM',
] as const;
const rdf = [
  'VC_RDF_INVALID',
  'VC_CONTEXT_UNKNOWN',
  'VC_RDF_UNAVAILABLE',
  'VC_CONTEXT_MISSING',
] as const;

/** A change of one proof, tried on the first and on the last. */
function onProof(
  name: string,
  codes: readonly string[],
  change: (proof: Proof, place: DocumentPlace) => object | undefined,
): DocumentKind[] {
  const last = (place: DocumentPlace) => proofsOf(place).length - 1;
  const at = (which: (place: DocumentPlace) => number, where: string): DocumentKind => ({
    name: `proof${where}: ${name}`,
    codes,
    forge: (place) => {
      const index = which(place);
      if (where !== '' && index === 0) return undefined;
      const made = change(proofsOf(place)[index] ?? {}, place);
      return made && patched(place, index, made);
    },
  });
  return [at(() => 0, ''), at(last, ', the last')];
}

const signatureIn = ({ proofValue }: Proof): Buffer =>
  Buffer.from(decodeBase58(String(proofValue).slice(1)) ?? []);
const spelled = (bytes: Uint8Array): string => `z${encodeBase58(bytes)}`;

const SUITES = [
  ...['eddsa-jcs-2022', 'ecdsa-jcs-2019', 'eddsa-rdfc-2022', 'ecdsa-rdfc-2019', 'bbs-2023'],
  ...['ecdsa-sd-2023', 'eddsa-2022', 'Ecdsa-jcs-2019', 'ecdsa-jcs-2019 ', '', '__proto__'],
  ...['toString', 'none', 'еcdsa-jcs-2019'],
];

const PURPOSES = [
  'authentication',
  'keyAgreement',
  'capabilityInvocation',
  'capabilityDelegation',
  '',
  'AssertionMethod',
  '__proto__',
];

const METHODS: readonly [string, (proof: Proof) => unknown][] = [
  ["the rival's", () => parties.rival.signer.keyId],
  ["a stranger's", () => stranger.signer.keyId],
  ["the forger's", () => forger.ES256.keyId],
  ["the forger's, of Ed25519", () => forger.EdDSA.keyId],
  ['another key of the same', ({ verificationMethod }) => `${verificationMethod}-2`],
  ['without a fragment', ({ verificationMethod }) => String(verificationMethod).split('#')[0]],
  ['a fragment alone', ({ verificationMethod }) => `#${String(verificationMethod).split('#')[1]}`],
  ['a web address', () => 'https://169.254.169.254/key#1'],
  ['a list', ({ verificationMethod }) => [verificationMethod]],
  [
    'an object with a key',
    ({ verificationMethod }) => ({ id: verificationMethod, type: 'Multikey' }),
  ],
  ['missing', () => undefined],
  ['in capitals', ({ verificationMethod }) => String(verificationMethod).toUpperCase()],
];

const VALUES: readonly [string, readonly string[], (proof: Proof) => unknown][] = [
  ['zero', wrong, () => spelled(Buffer.alloc(64))],
  ['r and s one', wrong, () => spelled(Buffer.concat([bytes32(1n), bytes32(1n)]))],
  [
    'a bit flipped',
    wrong,
    (proof) => spelled(signatureIn(proof).map((byte, at) => (at === 40 ? byte ^ 1 : byte))),
  ],
  [
    's before r',
    wrong,
    (proof) =>
      spelled(Buffer.concat([signatureIn(proof).subarray(32), signatureIn(proof).subarray(0, 32)])),
  ],
  ['cut', form, (proof) => spelled(signatureIn(proof).subarray(0, 63))],
  ['longer', form, (proof) => spelled(Buffer.concat([signatureIn(proof), Buffer.alloc(1)]))],
  ['for P-384', [...form, ...wrong], () => spelled(Buffer.alloc(96, 1))],
  ['missing', form, () => undefined],
  ['empty', form, () => ''],
  ['a list', form, ({ proofValue }) => [proofValue]],
  ['of another base', form, (proof) => `u${signatureIn(proof).toString('base64url')}`],
  ['without its base', form, ({ proofValue }) => String(proofValue).slice(1)],
  ['with a letter of no base', form, ({ proofValue }) => `z0${String(proofValue).slice(2)}`],
  ['with a blank', form, ({ proofValue }) => `${String(proofValue)} `],
  ['huge', form, () => `z${'2'.repeat(100_000)}`],
];

const later = formatTime(atMs + 3_600_000);
const earlier = formatTime(atMs - 3_600_000);

const optionKinds: readonly DocumentKind[] = [
  ...SUITES.flatMap((cryptosuite) =>
    onProof(`suite ${cryptosuite}`, [...suite, ...wrong, ...rdf, 'VC_PROOF_CONTEXT'], (proof) =>
      proof['cryptosuite'] === cryptosuite ? undefined : { cryptosuite },
    ),
  ),
  ...onProof('suite missing', suite, () => ({ cryptosuite: undefined })),
  ...onProof('type of an older suite', suite, () => ({
    type: 'Ed25519Signature2020',
    cryptosuite: undefined,
  })),
  ...onProof('type of none', suite, () => ({ type: 'Signature' })),
  ...PURPOSES.flatMap((proofPurpose) =>
    onProof(`purpose ${proofPurpose}`, ['VC_PROOF_PURPOSE', ...wrong], (proof) =>
      proof['proofPurpose'] === proofPurpose ? undefined : { proofPurpose },
    ),
  ),
  ...METHODS.flatMap(([name, make]) =>
    onProof(`key: ${name}`, [...form, ...signer], (proof) => ({ verificationMethod: make(proof) })),
  ),
  ...VALUES.flatMap(([name, codes, make]) =>
    onProof(`value: ${name}`, codes, (proof) => ({ proofValue: make(proof) })),
  ),
  ...onProof('made in the future', ['VC_NOT_YET_VALID'], () => ({ created: later })),
  ...onProof('expired', ['VC_EXPIRED'], () => ({ expires: earlier })),
  ...onProof('for longer', wrong, () => ({ expires: formatTime(atMs + 10 * 86_400_000) })),
  ...onProof('time without a zone', form, () => ({ created: '2026-11-21T11:00:00' })),
  ...onProof('a domain added', wrong, () => ({ domain: 'forger.example' })),
  ...onProof('a challenge added', wrong, () => ({ challenge: 'x' })),
  ...onProof('a nonce added', [...wrong, ...rdf], () => ({ nonce: 'x' })),
  ...onProof('an unknown member added', [...wrong, ...rdf], () => ({ undefinedMember: 'x' })),
  ...onProof('a prototype', [...wrong, ...rdf, ...form], () =>
    JSON.parse('{"__proto__":{"proofValue":"z1"}}'),
  ),
  ...onProof('made over itself', ['VC_PROOF_CHAIN'], () => ({
    id: 'urn:x:1',
    previousProof: 'urn:x:1',
  })),
  ...onProof('made over one that is not there', ['VC_PROOF_CHAIN'], () => ({
    previousProof: 'urn:x:2',
  })),
  ...onProof('made over no text', ['VC_PROOF_CHAIN'], () => ({ previousProof: 7 })),
  ...onProof('another id', [...wrong, 'VC_PROOF_CHAIN'], () => ({ id: 'urn:x:3' })),
];

const kind = (
  name: string,
  codes: readonly string[],
  forge: (place: DocumentPlace) => DocumentMade | Promise<DocumentMade>,
): DocumentKind => ({ name: `proofs: ${name}`, codes, forge });

const chained = (place: DocumentPlace): boolean => proofsOf(place).length > 1;
const stripped = ['VC_UNSECURED', ...form] as const;

const setKinds: readonly DocumentKind[] = [
  kind('none', stripped, (place) => claimed(place)),
  kind('an empty set', stripped, (place) => ({ ...claimed(place), proof: [] })),
  kind('null', stripped, (place) => ({ ...claimed(place), proof: null })),
  kind('a text', stripped, (place) => ({ ...claimed(place), proof: 'valid' })),
  kind('an empty object', [...stripped, 'VC_PROOF_SUITE'], (place) => ({
    ...claimed(place),
    proof: {},
  })),
  kind('a set in a set', [...stripped, 'VC_PROOF_SUITE'], (place) => ({
    ...claimed(place),
    proof: [proofsOf(place)],
  })),
  kind('under another name', stripped, (place) => ({ ...claimed(place), proofs: proofsOf(place) })),
  kind('inside of the subject', stripped, (place) => {
    const subject = claimed(place)['credentialSubject'] as object | undefined;
    return { ...claimed(place), credentialSubject: { ...subject, proof: proofsOf(place) } };
  }),
  kind('the first twice', ['VC_PROOF_CHAIN', ...signer], (place) =>
    proofsOf(place)[0]?.['id'] === undefined
      ? undefined
      : withProofs(place, [proofsOf(place)[0], ...proofsOf(place)]),
  ),
  kind('seventeen of them', form, (place) =>
    withProofs(
      place,
      Array.from({ length: 17 }, (_, at) => ({ ...proofsOf(place)[0], id: `urn:x:${at}` })),
    ),
  ),
  kind('the first stripped', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) ? withProofs(place, proofsOf(place).slice(1)) : undefined,
  ),
  kind('the last stripped', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) ? withProofs(place, proofsOf(place).slice(0, -1)) : undefined,
  ),
  kind('in another order', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) ? withProofs(place, proofsOf(place).reverse()) : undefined,
  ),
  kind('the chain taken apart', ['VC_PROOF_CHAIN', ...signer], (place) => {
    const free = proofsOf(place).map(({ previousProof: _, ...rest }) => rest);
    return chained(place) ? withProofs(place, free) : undefined;
  }),
  kind('a circle', ['VC_PROOF_CHAIN'], (place) => {
    const [first, second] = proofsOf(place);
    if (!first || !second) return undefined;
    return withProofs(place, [{ ...first, previousProof: second['id'] }, second]);
  }),
  kind('one name for two', ['VC_PROOF_CHAIN'], (place) => {
    const [first, second] = proofsOf(place);
    return first && second ? withProofs(place, [first, { ...second, id: first['id'] }]) : undefined;
  }),
  kind('their values exchanged', [...wrong], (place) => {
    const [first, second] = proofsOf(place);
    if (!first || !second) return undefined;
    const [a, b] = [first['proofValue'], second['proofValue']];
    return withProofs(place, [
      { ...first, proofValue: b },
      { ...second, proofValue: a },
    ]);
  }),
];

const options: ProofOptions = { purpose: 'assertionMethod', created: formatTime(atMs - 60_000) };

/** A key under the name of another. */
const called = (by: Keys, as: Keys): Keys => ({ ...by, keyId: as.keyId, did: as.did });

const handKinds: readonly DocumentKind[] = [
  kind('by the forger', signer, (place) => proven(claimed(place), [forger.ES256])),
  kind('by the forger, Ed25519', signer, (place) => proven(claimed(place), [forger.EdDSA])),
  kind('by a stranger', signer, (place) => proven(claimed(place), [stranger.signer])),
  kind('by the rival', signer, (place) => proven(claimed(place), [parties.rival.signer])),
  kind('by the forger in the name of the signers', signer, (place) =>
    place.signers.length === 0
      ? undefined
      : proven(
          claimed(place),
          place.signers.map((one) => called(forger[one.algorithm], one)),
        ),
  ),
  kind('by the other algorithm in the name of the signers', signer, (place) => {
    const other = { ES256: forger.EdDSA, EdDSA: forger.ES256 };
    return place.signers.length === 0
      ? undefined
      : proven(
          claimed(place),
          place.signers.map((one) => called(other[one.algorithm], one)),
        );
  }),
  kind('one more, by the forger in the name of another', signer, (place) =>
    place.over === 'json'
      ? addProof(place.document, called(forger.ES256, parties.rival.signer), options)
      : undefined,
  ),
  kind('the first one alone holds', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) && place.signers[0] ? proven(claimed(place), [place.signers[0]]) : undefined,
  ),
  kind('the second signer alone', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) && place.signers[1] ? proven(claimed(place), [place.signers[1]]) : undefined,
  ),
  kind('the first signer twice', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) && place.signers[0]
      ? proven(claimed(place), [place.signers[0], place.signers[0]])
      : undefined,
  ),
  kind('signers in the other order', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) ? proven(claimed(place), [...place.signers].reverse()) : undefined,
  ),
  kind('a third signer behind', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) ? proven(claimed(place), [...place.signers, parties.rival.signer]) : undefined,
  ),
  kind('the second by the rival', ['VC_PROOF_CHAIN', ...signer], (place) =>
    chained(place) && place.signers[0]
      ? proven(claimed(place), [place.signers[0], parties.rival.signer])
      : undefined,
  ),
];

export const proofKinds: readonly DocumentKind[] = [...optionKinds, ...setKinds, ...handKinds];
