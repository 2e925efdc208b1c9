/**
 * w3c/vc-di-eddsa and w3c/vc-di-ecdsa: every signed document of the folders, with one proof, a set
 * or a chain of them. The proofs must hold and must break when the document changes; canonical
 * forms and hashes are those of the files beside it; what we can sign, we sign to the same end.
 */

import { addProof } from '../../../devices/credential/proof/add-proof.ts';
import {
  type JudgedProof,
  judgeProofs,
  type ProofContext,
  type RdfInput,
} from '../../../devices/credential/proof/check-proofs.ts';
import { canonicalize } from '../../../devices/credential/proof/jcs.ts';
import { type Proof, readProofs, withoutProof } from '../../../devices/credential/proof/proof.ts';
import { inputOf, optionsOf } from '../../../devices/credential/proof/proof-input.ts';
import { digestOf, hashData, verifyHash } from '../../../devices/credential/proof/suite.ts';
import { isRefusal, type Refusal, refuse } from '../../../devices/credential/refusal.ts';
import { isObject, type JsonObject } from '../../../devices/credential/vcdm-values.ts';
import { decodeBase58 } from '../../../devices/identity/base58.ts';
import type { KeyMaterial } from '../../../devices/identity/public-key.ts';
import { keyForUrl } from '../../../devices/identity/resolve-key.ts';
import { noDocuments } from '../../../devices/io/documents.ts';
import { type Case, type Excused, expect, expectSame, type Suite, theCase } from '../case.ts';
import { jsonLdOf, judge, told } from '../judge.ts';
import { publishedSigners } from '../key-pairs.ts';
import { folderOf, stemOf, type Vectors } from '../vectors.ts';

export const vcDiEddsaSuite: Suite = {
  name: 'vc-di-eddsa',
  folder: 'w3c-vc-di-eddsa',
  cases: (vectors) => signedFiles(vectors).flatMap((file) => casesOf(vectors, file)),
};

export const vcDiEcdsaSuite: Suite = {
  ...vcDiEddsaSuite,
  name: 'vc-di-ecdsa',
  folder: 'w3c-vc-di-ecdsa',
};

/** Files that hold a document with a proof that has a value. */
function signedFiles(vectors: Vectors): readonly string[] {
  return vectors.files(/\.json(ld)?$/).filter((file) => {
    const value = vectors.json<unknown>(file);
    if (!isObject(value) || !proofsOf(value).some((proof) => 'proofValue' in proof)) return false;
    return /(?<!un)signed/i.test(stemOf(file)) || isWhole(value);
  });
}

/** On the way to a chain the suite writes down what is signed next: with a proof, but not all. */
function isWhole(document: JsonObject): boolean {
  const ids = proofsOf(document).map(({ id }) => id);
  return proofsOf(document).every(({ previousProof }) =>
    [previousProof ?? []].flat().every((id) => ids.includes(id)),
  );
}

function proofsOf(document: JsonObject): readonly JsonObject[] {
  return [document['proof'] ?? []].flat().filter(isObject);
}

/** Suites that are not implemented. */
const FOREIGN = /^(ecdsa-sd-|bbs-)/;

function casesOf(vectors: Vectors, file: string): (Case | Excused)[] {
  const document = vectors.json<JsonObject>(file);
  const foreign = proofsOf(document).find((proof) => FOREIGN.test(String(proof['cryptosuite'])));
  if (foreign) {
    const reason = `${String(foreign['cryptosuite'])} is not implemented`;
    return [{ name: file, excuse: 'notApplicable', reason }];
  }
  return [
    theCase(`${file} verifies`, () => checkHolds(vectors, file)),
    theCase(`${file} changed`, () => checkBreaks(vectors, file)),
    ...besideFiles(vectors, file),
    ...issued(vectors, file),
  ];
}

/** A moment at which all proofs have been made. */
function timeOf(document: JsonObject): number {
  const made = proofsOf(document).map(({ created }) => Date.parse(String(created)));
  return Math.max(
    ...made.filter((time) => !Number.isNaN(time)),
    Date.parse('2023-01-01T00:00:00Z'),
  );
}

interface JudgedSet {
  readonly judged: readonly JudgedProof[] | Refusal;
  readonly worst: Refusal | undefined;
}

/** The proofs alone: issuer and key of the vectors belong to different parties. */
async function judgeSet(vectors: Vectors, document: JsonObject): Promise<JudgedSet> {
  const { canonize } = jsonLdOf(vectors.root);
  const made = new Map<string, string | Refusal>();
  for (;;) {
    const wanted = new Map<string, RdfInput>();
    const context: ProofContext = {
      documents: noDocuments,
      atMs: timeOf(document),
      canonicalRdf: (input) => {
        const name = `${input.digest} ${canonicalize(input.document)}`;
        const found = made.get(name);
        if (found === undefined) wanted.set(name, input);
        return found ?? refuse('VC_RDF_UNAVAILABLE', 'not yet made');
      },
    };
    const judged = judgeProofs(document, context, {
      purposes: ['assertionMethod', 'authentication'],
    });
    if (wanted.size === 0) {
      const refusals = isRefusal(judged) ? [judged] : judged.map(({ refusal }) => refusal);
      return { judged, worst: refusals.find((refusal) => refusal !== undefined) };
    }
    for (const [name, input] of wanted) made.set(name, await canonize(input));
  }
}

/** Contexts that are pinned nowhere; a proof over RDF must then be left open, never valid. */
const UNPINNED = ['VC_CONTEXT_UNKNOWN', 'VC_CONTEXT_MISSING'];

async function checkHolds(vectors: Vectors, file: string): Promise<void> {
  const document = vectors.json<JsonObject>(file);
  const { worst } = await judgeSet(vectors, document);
  if (worst === undefined) return;
  expect(UNPINNED.includes(worst.code), `${worst.code}: ${worst.reason}`);
  // What we may not canonicalise ourselves is checked from the canonical forms of the suite on.
  const beside = textsBeside(vectors, file);
  const { canonDoc, proofCanon } = beside;
  const [proof] = readAll(document);
  expect(canonDoc !== undefined && proofCanon !== undefined, `${worst.code}: ${worst.reason}`);
  const key = keyOf(proof);
  const data = hashData(proofCanon, canonDoc, key.algorithm);
  expect(
    verifyHash(data, proof.signature, key),
    'the proof does not hold over the forms beside it',
  );
}

/** The subject, or a document that has none, has another name. */
async function checkBreaks(vectors: Vectors, file: string): Promise<void> {
  const document = vectors.json<JsonObject>(file);
  const [subject] = [document['credentialSubject']].flat();
  const id = 'did:example:changed';
  const changed = isObject(subject)
    ? { ...document, credentialSubject: { ...subject, id } }
    : { ...document, id };
  const { worst } = await judgeSet(vectors, changed);
  const isRefused = worst?.code === 'VC_SIGNATURE' || UNPINNED.includes(worst?.code ?? '');
  expect(isRefused, `a changed document gives ${worst?.code ?? 'no refusal'}`);
  const report = await judge(vectors, Buffer.from(JSON.stringify(changed), 'utf8'), {
    atMs: timeOf(document),
  });
  expect(report.verdict !== 'valid', told(report));
}

function readAll(document: JsonObject): readonly [Proof, ...Proof[]] {
  const proofs = readProofs(document);
  expect(!isRefusal(proofs), 'the proofs have not the form of proofs');
  const [first, ...rest] = proofs;
  expect(first !== undefined, 'there is no proof');
  return [first, ...rest];
}

function keyOf({ verificationMethod, purpose }: Proof): KeyMaterial {
  const key = keyForUrl(noDocuments, verificationMethod, purpose, 0);
  expect(!isRefusal(key), `${verificationMethod} is no key that we take`);
  return key;
}

/** What the suite writes beside a document, by what it is; the rest of the names is the same. */
const BESIDE = [
  ...(['canonDoc', 'proofCanon', 'docHash', 'proofHash', 'combinedHash', 'sigHex'] as const),
  'sigBTC58',
] as const;

type Beside = Partial<Record<(typeof BESIDE)[number], string>>;

function textsBeside(vectors: Vectors, file: string): Beside {
  const rest = (path: string, name: string): string =>
    stemOf(path).replace(new RegExp(name, 'i'), '').toLowerCase();
  const wanted = rest(file, 'signed');
  const folder = folderOf(file);
  const texts = vectors.files(/\.txt$/).filter((path) => folderOf(path) === folder);
  return Object.fromEntries(
    BESIDE.flatMap((name) => {
      const all = texts.filter((path) => stemOf(path).toLowerCase().includes(name.toLowerCase()));
      // A folder of one document need not repeat the rest of its name.
      const only = all.length === 1 ? all[0] : undefined;
      const found = all.find((path) => rest(path, name) === wanted) ?? only;
      return found === undefined ? [] : [[name, vectors.text(found)]];
    }),
  );
}

/** Canonical forms, hashes and the spelling of the signature, of documents with one proof. */
function besideFiles(vectors: Vectors, file: string): Case[] {
  const document = vectors.json<JsonObject>(file);
  const beside = textsBeside(vectors, file);
  if (Object.keys(beside).length === 0 || proofsOf(document).length !== 1) return [];
  return [
    theCase(`${file} canonical forms and hashes`, async () => {
      const [proof] = readAll(document);
      const key = keyOf(proof);
      const found = await formsOf(vectors, document, proof);
      // Without the contexts the suite's own canonical forms are hashed on.
      const [options = beside.proofCanon ?? '', input = beside.canonDoc ?? ''] = found;
      if (beside.canonDoc !== undefined)
        expectText(input, beside.canonDoc, 'the canonical document');
      if (beside.proofCanon !== undefined) {
        expectText(options, beside.proofCanon, 'the canonical options');
      }
      const hashes = hashData(options, input, key.algorithm).toString('hex');
      const half = hashes.length / 2;
      if (beside.proofHash) expectText(hashes.slice(0, half), beside.proofHash, 'their hash');
      if (beside.docHash)
        expectText(hashes.slice(half), beside.docHash, 'the hash of the document');
      if (beside.combinedHash) expectText(hashes, beside.combinedHash, 'both hashes');
    }),
    theCase(`${file} signature`, () => {
      const [proof] = readAll(document);
      const hex = Buffer.from(proof.signature).toString('hex');
      if (beside.sigHex) expectText(hex, beside.sigHex, 'the signature');
      const base58 = beside.sigBTC58?.trim();
      if (base58 === undefined) return;
      expectText(String(proof.raw['proofValue']), base58, 'the proof value');
      const bytes = Buffer.from(decodeBase58(base58.slice(1)) ?? []);
      expectText(bytes.toString('hex'), hex, 'the signature in base 58');
    }),
  ];
}

/** Options and document in canonical form; empty where a context is pinned nowhere. */
async function formsOf(
  vectors: Vectors,
  document: JsonObject,
  proof: Proof,
): Promise<readonly (string | undefined)[]> {
  const input = inputOf(document, [proof], proof);
  const options = optionsOf(proof);
  if (proof.cryptosuite.includes('-jcs-')) return [canonicalize(options), canonicalize(input)];
  const { canonize } = jsonLdOf(vectors.root);
  const withContext = { ...options, '@context': input['@context'] };
  const made = [];
  for (const one of [withContext, input]) {
    const text = await canonize({ document: one, digest: digestOf(keyOf(proof).algorithm) });
    if (isRefusal(Object(text))) {
      const { code, reason } = text as Refusal;
      expect(UNPINNED.includes(code), `${code}: ${reason}`);
      return [];
    }
    made.push(text as string);
  }
  return made;
}

function expectText(found: string, wanted: string, what: string): void {
  expectSame(found.trim(), wanted.trim(), what);
}

/**
 * Where the folder has the key pair of a JCS proof, we sign the same. EdDSA gives the very same
 * proof; ECDSA another that verifies. With the signer as issuer, the whole credential is valid.
 */
function issued(vectors: Vectors, file: string): Case[] {
  const document = vectors.json<JsonObject>(file);
  const [raw, ...others] = proofsOf(document);
  const method = String(raw?.['verificationMethod']);
  const signer = publishedSigners(vectors).get(method);
  if (!raw || others.length > 0 || !signer) return [];
  if (!String(raw['cryptosuite']).includes('-jcs-')) return [];
  return [
    theCase(`${file} issued again`, async () => {
      const { created = '2023-01-01T00:00:00Z' } = raw;
      const options = { purpose: 'assertionMethod', created: String(created) } as const;
      const made = await addProof(withoutProof(document), signer, options);
      const [proof] = proofsOf(made);
      const [said, suite] = [proof?.['proofValue'], raw['proofValue']];
      // A proof that says more about itself, or less, is another one by right.
      const isAlike = proof !== undefined && bareOf(proof) === bareOf(raw);
      if (signer.algorithm === 'EdDSA' && isAlike) {
        expect(said === suite, 'the proof is another');
      }
      const { worst } = await judgeSet(vectors, made);
      expect(worst === undefined, `what we issue does not verify: ${worst?.reason}`);
      const own = await addProof(
        { ...withoutProof(document), issuer: signer.did },
        signer,
        options,
      );
      const bytes = Buffer.from(JSON.stringify(own), 'utf8');
      const report = await judge(vectors, bytes, { atMs: timeOf(own) });
      expect(report.verdict === 'valid', told(report));
    }),
  ];
}

function bareOf({ proofValue: _, ...options }: JsonObject): string {
  return canonicalize(options);
}
