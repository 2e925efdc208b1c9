/** Single proofs in every state: what each member must be, and the moment it is not. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { addProof, type ProofOptions } from '../../../../../devices/credential/proof/add-proof.ts';
import {
  judgeProofs,
  type ProofDemands,
  type RdfInput,
} from '../../../../../devices/credential/proof/check-proofs.ts';
import { canonicalize } from '../../../../../devices/credential/proof/jcs.ts';
import { isRefusal } from '../../../../../devices/credential/refusal.ts';
import type { JsonObject } from '../../../../../devices/credential/vcdm-values.ts';
import { encodeBase58 } from '../../../../../devices/identity/base58.ts';
import { readDidDocument } from '../../../../../devices/identity/did-document.ts';
import { didOfPublicJwk, keyIdOfDid } from '../../../../../devices/identity/did-key.ts';
import { limits } from '../../../../../devices/limits.ts';
import { formatTime } from '../../../../../devices/runtime.ts';
import { memoryEd25519, memoryOrganisation, memorySigner } from '../../../../support/identity.ts';

const atMs = 1_795_327_200_000;
const created = formatTime(atMs - 60_000);
const mill = memoryOrganisation('did:web:mill.example', 'Mill');
const signer = memorySigner();
const v2 = 'https://www.w3.org/ns/credentials/v2';
const claim: JsonObject = {
  '@context': [v2],
  type: ['VerifiableCredential'],
  issuer: signer.did,
  credentialSubject: { id: 'urn:x:1' },
};

interface Setting extends Partial<ProofDemands> {
  readonly didDocument?: unknown;
  readonly canonicalRdf?: (input: RdfInput) => string;
}

function codeOf(document: JsonObject, setting: Setting = {}): string {
  const { didDocument, canonicalRdf, ...demands } = setting;
  const read = didDocument === undefined ? undefined : readDidDocument(didDocument);
  if (read && isRefusal(read)) throw new Error(read.reason);
  const documents = { didDocument: (did: string) => (did === read?.id ? read : undefined) };
  const judged = judgeProofs(
    document,
    { documents, atMs, canonicalRdf },
    { purposes: ['assertionMethod'], ...demands },
  );
  if (isRefusal(judged)) return judged.code;
  return judged.find(({ refusal }) => refusal)?.refusal?.code ?? 'ok';
}

async function signed(options: Partial<ProofOptions> = {}, by = signer): Promise<JsonObject> {
  return addProof(claim, by, { purpose: 'assertionMethod', created, ...options });
}

/** The document with its proof changed after signing. */
async function changed(changes: object): Promise<JsonObject> {
  const document = await signed();
  const proof = { ...(document['proof'] as object), ...changes };
  return JSON.parse(JSON.stringify({ ...document, proof }));
}

describe('a proof', () => {
  it.each([
    ['another type', { type: 'Proof' }, 'VC_PROOF_SUITE'],
    ['the type of an older suite', { type: 'Ed25519Signature2020' }, 'VC_PROOF_SUITE'],
    [
      'an older suite',
      { type: 'Ed25519Signature2020', cryptosuite: undefined },
      'VC_FORM_UNSUPPORTED',
    ],
    ['no cryptosuite', { cryptosuite: undefined }, 'VC_PROOF_SUITE'],
    ['a suite that we do not judge', { cryptosuite: 'bbs-2023' }, 'VC_FORM_UNSUPPORTED'],
    ['a suite of another key', { cryptosuite: 'eddsa-jcs-2022' }, 'VC_ALGORITHM'],
    ['a suite over RDF', { cryptosuite: 'ecdsa-rdfc-2019' }, 'VC_RDF_UNAVAILABLE'],
    ['a name of Object.prototype as suite', { cryptosuite: 'toString' }, 'VC_PROOF_SUITE'],
    ['another purpose', { proofPurpose: 'authentication' }, 'VC_PROOF_PURPOSE'],
    ['a purpose of its own', { proofPurpose: 'capabilityInvocation' }, 'VC_PROOF_PURPOSE'],
    ['a bare DID as key', { verificationMethod: signer.did }, 'VC_PROOF'],
    ['a key inside', { verificationMethod: { id: signer.keyId } }, 'VC_PROOF'],
    ['a relative key', { verificationMethod: '#key-1' }, 'VC_PROOF'],
    ['base64url', { proofValue: 'uAAAA' }, 'VC_PROOF'],
    ['a letter outside of base58', { proofValue: 'z0' }, 'VC_PROOF'],
    ['endless digits', { proofValue: `z${'2'.repeat(100_000)}` }, 'VC_PROOF'],
    ['a short signature', { proofValue: `z${encodeBase58(new Uint8Array(63))}` }, 'VC_PROOF'],
    ['the length of P-384', { proofValue: `z${encodeBase58(new Uint8Array(96))}` }, 'VC_SIGNATURE'],
    ['a time without zone', { created: '2026-11-22T06:00:00' }, 'VC_PROOF'],
    ['a day that is not', { created: '2026-02-30T06:00:00Z' }, 'VC_PROOF'],
    ['another time', { created: formatTime(atMs) }, 'VC_SIGNATURE'],
    ['a member that was not signed', { extra: 1 }, 'VC_SIGNATURE'],
    ['contexts in another order', { '@context': [v2, v2] }, 'VC_PROOF_CONTEXT'],
    ['no contexts', { '@context': [] }, 'VC_PROOF_CONTEXT'],
    ['contexts taken out', { '@context': undefined }, 'VC_SIGNATURE'],
    ['a number as id', { id: 1 }, 'VC_PROOF'],
    ['an id that is no URL', { id: 'first' }, 'VC_PROOF'],
    ['a number as previous proof', { previousProof: 1 }, 'VC_PROOF_CHAIN'],
    ['a number as challenge', { challenge: 1 }, 'VC_PROOF'],
  ])('with %s is refused', async (_, changes, code) => {
    expect(codeOf(await changed(changes))).toBe(code);
  });

  it('is as good as its key: for this purpose, its own, in force', async () => {
    const document = await signed({}, mill.signer);
    const [method] = mill.document['verificationMethod'] as [object];
    const of = (changes: object, more: object = {}): string =>
      codeOf(document, {
        didDocument: {
          ...mill.document,
          verificationMethod: [{ ...method, ...changes }],
          ...more,
        },
      });
    expect(of({})).toBe('ok');
    expect(codeOf(document)).toBe('VC_DOCUMENT_MISSING');
    const only = { assertionMethod: [], authentication: [mill.signer.keyId] };
    expect(of({}, only)).toBe('VC_KEY_UNKNOWN');
    expect(of({ controller: 'did:web:rail.example' })).toBe('VC_KEY_CONTROLLER');
    expect(of({ expires: formatTime(atMs) })).toBe('VC_KEY_EXPIRED');
    expect(of({ expires: formatTime(atMs + 1) })).toBe('ok');
    expect(of({ revoked: formatTime(atMs) })).toBe('VC_KEY_REVOKED');
  });

  it('ends when it says, and cannot come from the future', async () => {
    expect(codeOf(await signed({ expires: formatTime(atMs) }))).toBe('ok');
    expect(codeOf(await signed({ expires: formatTime(atMs - 1) }))).toBe('VC_EXPIRED');
    const skewMs = limits.clockSkewMs;
    expect(codeOf(await signed({ created: formatTime(atMs + skewMs) }))).toBe('ok');
    expect(codeOf(await signed({ created: formatTime(atMs + skewMs + 1) }))).toBe(
      'VC_NOT_YET_VALID',
    );
  });

  it('answers who asked, where somebody asks', async () => {
    const document = await signed({
      purpose: 'authentication',
      domain: ['border.example', 'port.example'],
      challenge: 'c1',
    });
    const purposes = ['authentication'] as const;
    const of = (demands: Partial<ProofDemands>): string =>
      codeOf(document, { purposes, ...demands });
    expect(of({})).toBe('ok');
    expect(of({ challenge: 'c1', domain: ['port.example', 'border.example'] })).toBe('ok');
    expect(of({ challenge: 'c2' })).toBe('VC_NONCE');
    expect(of({ domain: 'border.example' })).toBe('VC_AUDIENCE');
    expect(codeOf(await signed({ purpose: 'authentication' }), { purposes, challenge: 'c1' })).toBe(
      'VC_NONCE',
    );
  });

  it('is one of few: more are not looked at', async () => {
    const document = await signed();
    const proof = Array.from({ length: limits.proofsMax + 1 }, () => document['proof']);
    expect(codeOf({ ...document, proof })).toBe('VC_PROOF');
    expect(codeOf({ ...document, proof: 'z' })).toBe('VC_PROOF');
  });
});

describe('a proof by a key of P-384', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const did = didOfPublicJwk(publicKey.export({ format: 'jwk' }) as Record<string, string>);

  function prove(cryptosuite: string, form: (value: JsonObject) => string): JsonObject {
    const options = {
      type: 'DataIntegrityProof',
      cryptosuite,
      created,
      verificationMethod: keyIdOfDid(did),
      proofPurpose: 'assertionMethod',
      '@context': [v2],
    };
    const digest = (value: JsonObject): Buffer => createHash('sha384').update(form(value)).digest();
    const data = Buffer.concat([digest(options), digest(claim)]);
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
    const proofValue = `z${encodeBase58(sign('sha384', data, key))}`;
    return { ...claim, proof: { ...options, proofValue } };
  }

  it('holds over JSON with SHA-384', () => {
    const document = prove('ecdsa-jcs-2019', canonicalize);
    expect(codeOf(document)).toBe('ok');
    expect(codeOf({ ...document, issuer: 'urn:x:2' })).toBe('VC_SIGNATURE');
  });

  it.each(['sha256', 'sha384'])('holds over RDF canonicalised with %s', (digest) => {
    // What canonicalises is tested with it; here two digests give two forms, as they may.
    const made = (value: JsonObject, by: string): string => `${by} ${canonicalize(value)}`;
    const document = prove('ecdsa-rdfc-2019', (value) => made(value, digest));
    const canonicalRdf = (input: RdfInput): string => made(input.document, input.digest);
    expect(codeOf(document, { canonicalRdf })).toBe('ok');
    const other = { ...document, issuer: 'urn:x:2' };
    expect(codeOf(other, { canonicalRdf })).toBe('VC_SIGNATURE');
  });
});

describe('a proof over RDF', () => {
  it('by Ed25519 uses SHA-256 alone', async () => {
    const asked = new Set<string>();
    const document = await signed({}, memoryEd25519());
    const proof = { ...(document['proof'] as object), cryptosuite: 'eddsa-rdfc-2022' };
    const canonicalRdf = (input: RdfInput): string => {
      asked.add(input.digest);
      return canonicalize(input.document);
    };
    expect(codeOf({ ...document, proof }, { canonicalRdf })).toBe('VC_SIGNATURE');
    expect([...asked]).toEqual(['sha256']);
  });
});
