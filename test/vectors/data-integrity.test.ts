/**
 * Data Integrity: the test vectors of vc-di-eddsa and vc-di-ecdsa with every step between document
 * and signature, and the derived cases, each through `verifyAny`.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { judgeProofs } from '../../devices/credential/proof/check-proofs.ts';
import { canonicalize } from '../../devices/credential/proof/jcs.ts';
import { readProofs } from '../../devices/credential/proof/proof.ts';
import { inputOf, optionsOf } from '../../devices/credential/proof/proof-input.ts';
import { cryptosuites } from '../../devices/credential/proof/suite.ts';
import { isRefusal, refuse } from '../../devices/credential/refusal.ts';
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';
import { verifyAny } from '../../devices/credential/verify-any.ts';
import { noDocuments, openDocuments } from '../../devices/io/documents.ts';
import { openJsonLd } from '../../devices/io/json-ld.ts';
import { parseTime } from '../../devices/runtime.ts';
import { hasShared, sharedPath } from '../support/shared.ts';

const atMs = parseTime('2026-06-01T00:00:00Z') ?? 0;
const { contexts } = hasShared ? openDocuments(sharedPath('contexts')) : noDocuments;
const canonize = openJsonLd(contexts);

/** A folder of the suites: one signed document, and each step on the way to it in its own file. */
const folders = hasShared
  ? ['w3c-vc-di-eddsa', 'w3c-vc-di-ecdsa'].flatMap((suite) =>
      readdirSync(sharedPath('vectors', suite), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => ({ suite, folder: entry.name })),
    )
  : [];

/** The text of the step whose file name begins so; each folder has one of each. */
function step(suite: string, folder: string, start: string): string {
  const path = sharedPath('vectors', suite, folder);
  const name = readdirSync(path).find((one) => one.startsWith(start));
  if (name === undefined) throw new Error(`${path} has no ${start}`);
  return readFileSync(`${path}/${name}`, 'utf8');
}

/** Both canonical forms of a vector: of the document, and of what the proof says of itself. */
async function formsOf(document: JsonObject): Promise<{ input: string; options: string }> {
  const proofs = readProofs(document);
  const [proof] = isRefusal(proofs) ? [] : proofs;
  if (isRefusal(proofs) || !proof) throw new Error('the vector has a proof');
  const input = inputOf(document, proofs, proof);
  const options = optionsOf(proof);
  if (cryptosuites[proof.cryptosuite].canonicalization === 'jcs') {
    return { input: canonicalize(input), options: canonicalize(options) };
  }
  const rdf = async (one: JsonObject): Promise<string> => {
    const made = await canonize({ document: one, digest: 'sha256' });
    if (typeof made !== 'string') throw new Error(made.reason);
    return made;
  };
  const config = { ...options, '@context': input['@context'] };
  return { input: await rdf(input), options: await rdf(config) };
}

describe.skipIf(!hasShared)('the vectors of vc-di-eddsa and vc-di-ecdsa', () => {
  it('are there', () => {
    expect(folders.length).toBeGreaterThanOrEqual(4);
    expect(existsSync(sharedPath('contexts', 'credentials-v2.jsonld'))).toBe(true);
  });

  it.each(folders)('$folder: every step agrees, and the proof holds', async ({ suite, folder }) => {
    const signed = JSON.parse(step(suite, folder, 'signed')) as JsonObject;
    const { input, options } = await formsOf(signed);
    expect(input).toBe(step(suite, folder, 'canonDoc'));
    expect(options).toBe(step(suite, folder, 'proofCanon'));
    const isLong = folder.endsWith('p384');
    const hash = (text: string): string =>
      createHash(isLong ? 'sha384' : 'sha256')
        .update(text)
        .digest('hex');
    expect(hash(options) + hash(input)).toBe(step(suite, folder, 'combinedHash').trim());
    const canonicalRdf = ({ document }: { document: JsonObject }): string =>
      'proof' in document || 'credentialSubject' in document ? input : options;
    const judge = (document: JsonObject): (string | undefined)[] => {
      const judged = judgeProofs(
        document,
        { documents: noDocuments, atMs, canonicalRdf },
        { purposes: ['assertionMethod'] },
      );
      return isRefusal(judged) ? [judged.code] : judged.map(({ refusal }) => refusal?.code);
    };
    expect(judge(signed)).toEqual([undefined]);
  });

  it.each(folders)('$folder: by the verdict, the key is not one of the issuer', async (one) => {
    const bytes = Buffer.from(step(one.suite, one.folder, 'signed'));
    const context = { documents: noDocuments, atMs };
    // Their issuer is a web page, and the key a did:key: the proof is good, the issuer is not its.
    expect(await verifyAny(bytes, context, canonize)).toMatchObject({
      verdict: 'invalid',
      code: 'VC_ISSUER',
    });
    const changed = Buffer.from(bytes.toString('utf8').replace('Alumni Cred', 'Alumnus Cred'));
    expect((await verifyAny(changed, context, canonize)).code).toBe('VC_SIGNATURE');
  });
});

interface Derived {
  readonly id: string;
  readonly expect: 'valid' | 'invalid' | 'valid-proof';
  readonly now: string;
  readonly document?: JsonObject;
  readonly raw?: string;
}

const derived: readonly Derived[] = hasShared
  ? JSON.parse(
      readFileSync(sharedPath('vectors', 'derived-proofs', 'data-integrity-jcs.json'), 'utf8'),
    ).cases
  : [];

/** For each negative case, the code that names its fault: refused for the right reason. */
const CODES: Readonly<Record<string, string>> = {
  'cryptosuite-relabelled': 'VC_SIGNATURE',
  'cryptosuite-unknown': 'VC_PROOF_SUITE',
  'created-no-timezone': 'VC_PROOF',
  empty: 'VC_SCHEMA',
  'issuer-not-controller': 'VC_ISSUER',
  'multibase-u': 'VC_PROOF',
  'proof-purpose-wrong-but-signed': 'VC_PROOF_PURPOSE',
  'proofvalue-missing': 'VC_PROOF',
  'proofvalue-no-multibase': 'VC_PROOF',
  'raw-duplicate-key': 'VC_JSON',
  'raw-number-overflow': 'VC_JSON',
  // Signed by the standard's rules; what was added is signed by nobody, and we refuse it.
  'valid-appended-context': 'VC_PROOF_CONTEXT',
  'vm-without-fragment': 'VC_PROOF',
};

describe.skipIf(!hasShared)('derived Data Integrity cases', () => {
  it('are all there', () => {
    expect(derived).toHaveLength(28);
  });

  it.each(derived)('$id: $expect', async ({ id, expect: expected, now, document, raw }) => {
    const bytes = Buffer.from(raw ?? JSON.stringify(document));
    const context = { documents: noDocuments, atMs: parseTime(now) ?? 0 };
    const report = await verifyAny(bytes, context, canonize);
    const [, name = ''] = id.split('/');
    const code = expected === 'valid' ? 'VC_VALID' : (CODES[name] ?? 'VC_SIGNATURE');
    expect(report.verdict, report.reason).toBe(expected === 'valid' ? 'valid' : 'invalid');
    expect(report.code, report.reason).toBe(code);
  });

  it('hold as proofs where only a context was appended', () => {
    const one = derived.find(({ id }) => id === 'ecdsa-jcs-2019/valid-appended-context');
    const judged = judgeProofs(
      one?.document ?? {},
      { documents: noDocuments, atMs },
      { purposes: ['assertionMethod'] },
    );
    expect(judged).toMatchObject([{ proof: { cryptosuite: 'ecdsa-jcs-2019' } }]);
    expect(isRefusal(judged) || judged.some(({ refusal }) => refusal)).toBe(false);
  });

  it('leave it open while a canonical form is made that never comes', async () => {
    const signed = hasShared ? step('w3c-vc-di-eddsa', 'eddsa-rdfc-2022', 'signed') : '';
    const context = { documents: noDocuments, atMs };
    const none = async () => refuse('VC_CONTEXT_MISSING', 'no contexts');
    const own = signed.replace(
      'https://vc.example/issuers/5678',
      'did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2',
    );
    expect(await verifyAny(Buffer.from(own), context, none)).toMatchObject({
      verdict: 'undecided',
      code: 'VC_CONTEXT_MISSING',
    });
    const broken = () => Promise.reject(new Error('out of order'));
    expect(await verifyAny(Buffer.from(own), context, broken)).toMatchObject({
      verdict: 'undecided',
      code: 'VC_INTERNAL',
    });
  });
});
