/**
 * w3c/vc-jose-cose-test-suite: credentials and presentations issued by our own signing and judged
 * by the public verifier, at a time at which they are in force. COSE is not implemented; SD-JWT is
 * judged like everything else.
 */
import { openCompact, signToken, verifyToken } from '../../../devices/credential/jws.ts';
import { canonicalize } from '../../../devices/credential/proof/jcs.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { conceal, withDisclosures } from '../../../devices/credential/sd-jwt-issue.ts';
import type { JsonObject } from '../../../devices/credential/vcdm-values.ts';
import type { VerdictReport } from '../../../devices/credential/verdict.ts';
import { publicKeyOfDid } from '../../../devices/identity/did-key.ts';
import { keyOfPublishedJwk, type PublicKey } from '../../../devices/identity/public-key.ts';
import type { Signer } from '../../../devices/identity/signer.ts';
import { withoutLineEnd } from '../../../devices/io/documents.ts';
import { systemRandom } from '../../../devices/runtime.ts';
import { memorySigner } from '../../support/identity.ts';
import { type Case, type Excused, expect, expectSame, type Suite, theCase } from '../case.ts';
import { judge, pinned, told } from '../judge.ts';
import { signerOfJwk } from '../key-pairs.ts';
import { support, type Vectors } from '../vectors.ts';

interface Listed {
  readonly number: number;
  readonly title: string;
  readonly input_file: string;
  readonly key_file: string;
  readonly fn: 'issue' | 'verify';
  readonly feature: string;
  readonly expected_result: 'success' | 'failure';
  readonly disclosure_paths?: readonly string[];
}

interface Method {
  readonly id: string;
  readonly controller: string;
  readonly publicKeyJwk: Readonly<Record<string, string>>;
  readonly secretKeyJwk: Readonly<Record<string, string>>;
}

export const vcJoseCoseSuite: Suite = {
  name: 'vc-jose-cose',
  folder: 'w3c-vc-jose-cose-test-suite',
  cases: (vectors) =>
    vectors
      .files(/^cases\.json$/)
      .flatMap((file) => vectors.json<readonly Listed[]>(file).map((one) => caseOf(vectors, one))),
};

function caseOf(vectors: Vectors, one: Listed): Case | Excused {
  const name = `${one.number} ${one.title}`;
  if (one.feature.endsWith('_cose')) {
    return { name, excuse: 'notApplicable', reason: 'COSE is not implemented' };
  }
  return theCase(name, () => (one.fn === 'issue' ? issue(vectors, one) : verify(vectors, one)));
}

function methodOf(vectors: Vectors, file: string): Method {
  const path = `input/${file}`;
  return support(vectors, path).json<Method>(path);
}

/**
 * The case is about what can be issued, and an implementer brings a key. Where the key of the case
 * is of a kind that we sign with (P-256, Ed25519), it signs; where not (P-384 and P-521, of which
 * we verify the first), a fresh P-256 key of ours takes its place and name.
 */
function signerOf({ id, controller, secretKeyJwk }: Method): { signer: Signer; key: PublicKey } {
  const name = { did: controller, keyId: id };
  const isOurs = ['P-256', 'Ed25519'].includes(secretKeyJwk['crv'] ?? '');
  if (isOurs) {
    const material = keyOfPublishedJwk(publicOf(secretKeyJwk));
    expect(material !== undefined, 'the key of the case is not one that we take');
    return { signer: signerOfJwk(secretKeyJwk, name), key: { ...material, ...name } };
  }
  const own = memorySigner();
  return { signer: { ...own, ...name }, key: { ...publicKeyOfDid(own.did), ...name } };
}

function publicOf({ d: _, ...jwk }: Readonly<Record<string, string>>): Record<string, string> {
  return jwk;
}

async function issue(vectors: Vectors, one: Listed): Promise<void> {
  const { signer, key } = signerOf(methodOf(vectors, one.key_file));
  const content = one.feature.startsWith('presentation') ? 'vp' : 'vc';
  const input = vectors.json<JsonObject>(`input/${one.input_file}`);
  if (one.feature.endsWith('_sdjwt')) {
    await issueSelectively(input, { signer, key, content, paths: one.disclosure_paths ?? [] });
    return;
  }
  const payload = JSON.stringify(input);
  const made = await signToken({ payload, signer, typ: `${content}+jwt` });
  const opened = openCompact(made, 1 << 20);
  expect(!isRefusal(opened), `our opener refuses it`);
  const { typ, cty } = opened.header;
  expect(typ === `${content}+jwt` && cty === content, `typ is ${typ}, cty is ${cty}`);
  expect(verifyToken(opened, key), 'the signature does not verify');
  expect(JSON.stringify(opened.payload) === payload, 'the payload is not what was given');
}

interface Selecting {
  readonly signer: Signer;
  readonly key: PublicKey;
  readonly content: 'vc' | 'vp';
  /** Members with dots between them, e.g. `credentialSubject.address.city`. */
  readonly paths: readonly string[];
}

/** What is concealed is not in the token, and comes back with its disclosures. */
async function issueSelectively(input: JsonObject, how: Selecting): Promise<void> {
  const { signer, key, content, paths } = how;
  const options = { random: systemRandom, decoys: false };
  const places = paths.map((path) => path.split('.')).filter((place) => at(input, place));
  const { payload, disclosures } = conceal(JSON.stringify(input), places, options);
  const token = await signToken({ payload, signer, typ: `${content}+sd-jwt` });
  const opened = openCompact(withDisclosures(token, disclosures), 1 << 20);
  expect(!isRefusal(opened), 'our opener refuses it');
  expect(verifyToken(opened, key), 'the signature does not verify');
  expect(disclosures.length === places.length, `${disclosures.length} disclosures`);
  expectSame(canonicalize(opened.payload), canonicalize(input), 'the payload, disclosed,');
  const bare = openCompact(withDisclosures(token, []), 1 << 20);
  expect(!isRefusal(bare), 'our opener refuses it without its disclosures');
  const shown = places.filter((place) => at(bare.payload, place) !== undefined);
  expect(shown.length === 0, `what was concealed is in the token: ${shown.join(', ')}`);
}

/** What stands at the end of a path, or `undefined`. */
function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((one, name) => (one as JsonObject | undefined)?.[name], value);
}

async function verify(vectors: Vectors, one: Listed): Promise<void> {
  const bytes = withoutLineEnd(vectors.bytes(`input/${one.input_file}`));
  const documents = pinned(documentsFor(vectors, one));
  const report = await judge(vectors, bytes, { documents, atMs: timeOf(bytes) });
  const accepted = isAccepted(report) && signedByCase(vectors, one, report);
  expect(accepted === (one.expected_result === 'success'), told(report));
}

/** A status that nobody can look up leaves the verdict open after the proof was found good. */
function isAccepted({ verdict, code }: VerdictReport): boolean {
  return verdict === 'valid' || (verdict === 'undecided' && code.startsWith('VC_STATUS_'));
}

/**
 * A credential is to be signed by the key of the case. What a presentation holds may be signed by
 * other keys of the suite, but the presentation itself by that of the case.
 */
function documentsFor(vectors: Vectors, one: Listed): readonly unknown[] {
  const own = methodOf(vectors, one.key_file);
  if (!one.feature.startsWith('presentation')) return [documentOf([own])];
  const all = vectors.files(/^input\/vm-[^/]*\.json$/).map((file) => vectors.json<Method>(file));
  const controllers = [...new Set(all.map(({ controller }) => controller))];
  return controllers.map((did) => documentOf(all.filter(({ controller }) => controller === did)));
}

function documentOf(methods: readonly Method[]): unknown {
  const ids = [...new Set(methods.map(({ id }) => id))];
  return {
    id: methods[0]?.controller,
    verificationMethod: ids.map((id) => {
      const { secretKeyJwk: _, ...method } = methods.find((one) => one.id === id) ?? {};
      return { ...method, type: 'JsonWebKey' };
    }),
    assertionMethod: ids,
    authentication: ids,
  };
}

function signedByCase(vectors: Vectors, one: Listed, { keyId }: VerdictReport): boolean {
  const { id, publicKeyJwk } = methodOf(vectors, one.key_file);
  return keyId !== null && [id, id.slice(id.indexOf('#')), publicKeyJwk['kid']].includes(keyId);
}

/** When all of the suite's tokens without an end of their own were made. */
const MADE_MS = Date.parse('2024-12-16T00:00:00Z');

/** A minute before the token ends, where it ends. */
function timeOf(bytes: Uint8Array): number {
  const [, payload = ''] = Buffer.from(bytes).toString('latin1').split('.');
  try {
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as JsonObject;
    return typeof exp === 'number' ? (exp - 60) * 1000 : MADE_MS;
  } catch {
    return MADE_MS;
  }
}
