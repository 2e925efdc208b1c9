/**
 * C2SP/wycheproof through our own keys and token check, so that what refuses a forgery here is what
 * runs in the ingester. Its JSON Web Signatures sign texts that are no credentials and algorithms
 * that are not ours: what is sound and not ours must be refused, like what is not sound.
 */
import { openCompact, verifySignature } from '../../../devices/credential/jws.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { readDidDocument } from '../../../devices/identity/did-document.ts';
import { derOfSignature, signatureOfDer } from '../../../devices/identity/ecdsa-signature.ts';
import {
  isAlgorithmOf,
  type KeyMaterial,
  keyOfEd25519,
  keyOfP256,
  keyOfP384,
  keyOfPublishedJwk,
} from '../../../devices/identity/public-key.ts';
import { keyOfSubject } from '../../../devices/identity/resolve-key.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { stemOf } from '../vectors.ts';

type Jwk = Readonly<Record<string, unknown>>;

interface Group {
  readonly type: string;
  readonly publicKey?: {
    readonly curve?: string;
    readonly uncompressed?: string;
    readonly pk?: string;
  };
  /** Of ECDSA: the hash that was signed with, e.g. `SHA-256`. */
  readonly sha?: string;
  readonly public?: Jwk;
  readonly private?: Jwk;
  readonly tests: readonly Test[];
}

interface Test {
  readonly tcId: number;
  readonly comment: string;
  readonly result: string;
  readonly msg?: string;
  readonly sig?: string;
  readonly jws?: string;
}

export const wycheproofSuite: Suite = {
  name: 'Wycheproof',
  folder: 'wycheproof',
  cases: (vectors) =>
    vectors.files(/\.json$/).flatMap((file) => {
      const { testGroups } = vectors.json<{ testGroups: readonly Group[] }>(file);
      return testGroups.flatMap((group) =>
        group.tests.map((test) => caseOf(stemOf(file), group, test)),
      );
    }),
};

function caseOf(file: string, group: Group, test: Test): Case {
  return theCase(`${file} ${test.tcId} ${test.comment}`, () => {
    const { accepted, isOurs } = judge(group, test);
    // "acceptable" leaves it to the implementation.
    if (test.result === 'acceptable') return;
    const wanted = test.result === 'valid' && isOurs;
    expect(accepted === wanted, `${accepted ? 'accepted' : 'refused'}; it is ${test.result}`);
  });
}

/** Whether our code accepts, and whether the key is one that it should accept anything of. */
function judge(group: Group, test: Test): { accepted: boolean; isOurs: boolean } {
  if (group.type === 'JsonWebSignature') {
    const key = keyOfPublishedJwk(group.public ?? group.private ?? {});
    return { accepted: key !== undefined && acceptsJws(key, test), isOurs: key !== undefined };
  }
  if (group.type === 'JsonWebKey') {
    const key = keyOfSet(group, kidOf(test));
    return { accepted: key !== undefined && acceptsJws(key, test), isOurs: key !== undefined };
  }
  const key = rawKeyOf(group);
  const isOurs = group.sha === undefined || group.sha === HASHES[group.publicKey?.curve ?? ''];
  if (group.type === 'EcdsaVerify') {
    return { accepted: key !== undefined && acceptsDer(key, test), isOurs };
  }
  return { accepted: key !== undefined && acceptsBytes(key, test), isOurs };
}

/** What goes with a curve (RFC 7518 §3.4); signatures over another hash are not ours. */
const HASHES: Readonly<Record<string, string>> = {
  secp256r1: 'SHA-256',
  secp384r1: 'SHA-384',
  secp521r1: 'SHA-512',
};

function rawKeyOf({ type, publicKey }: Group): KeyMaterial | undefined {
  const point = Buffer.from(publicKey?.uncompressed ?? publicKey?.pk ?? '', 'hex');
  if (type === 'EddsaVerify') return keyOfEd25519(point);
  if (type === 'EcdsaP1363Verify' || type === 'EcdsaVerify') {
    if (publicKey?.curve === 'secp256r1') return keyOfP256(point);
    if (publicKey?.curve === 'secp384r1') return keyOfP384(point);
    if (publicKey?.curve !== 'secp521r1') return undefined;
    const [x, y] = [point.subarray(1, 67), point.subarray(67)].map((half) =>
      half.toString('base64url'),
    );
    return keyOfPublishedJwk({ kty: 'EC', crv: 'P-521', x, y });
  }
  throw new Error(`groups of type ${type} are not known here`);
}

/** As the opener would hand them over: it lets only signatures of the right length through. */
function acceptsBytes(key: KeyMaterial, { msg = '', sig = '' }: Test): boolean {
  const signature = Buffer.from(sig, 'hex');
  if (signature.length !== 2 * HALVES[key.algorithm]) return false;
  return verifySignature(signed(Buffer.from(msg, 'hex'), signature), key);
}

/** Length of r and of s. */
const HALVES = { ES256: 32, EdDSA: 32, ES384: 48, ES512: 66 } as const;

/**
 * A signature in DER, as a hardware key gives it: turned into the form of JOSE, and taken only
 * where that, written in DER again, is the very same.
 */
function acceptsDer(key: KeyMaterial, { msg = '', sig = '' }: Test): boolean {
  const der = Buffer.from(sig, 'hex');
  let signature: Buffer;
  try {
    signature = signatureOfDer(der, HALVES[key.algorithm]);
  } catch {
    // Not even a sequence of two integers.
    return false;
  }
  if (!derOfSignature(signature).equals(der)) return false;
  return verifySignature(signed(Buffer.from(msg, 'hex'), signature), key);
}

/** An opened token of which only the signature is looked at. */
function signed(signingInput: Uint8Array, signature: Uint8Array): Opened {
  const header = { alg: 'ES256', kid: 'key' } as const;
  return { header, payload: {}, payloadText: '', signingInput, signature, digest: '' };
}

type Opened = Exclude<ReturnType<typeof openCompact>, { code: string }>;

const BYTES_MAX = 1 << 20;

/**
 * A token whose payload is no JSON never gets past our opener. So that the signature is looked at
 * nevertheless, the opener judges the same token with an empty object inside, and the signature is
 * checked over what was really sent.
 */
function acceptsJws(key: KeyMaterial, { jws = '' }: Test): boolean {
  const bytes = Buffer.from(jws, 'utf8');
  const whole = openCompact(bytes, BYTES_MAX);
  if (isRefusal(whole) && whole.code !== 'VC_JSON' && whole.code !== 'VC_SCHEMA') return false;
  const [header = '', payload = '', signature = ''] = jws.split('.');
  const opened = openCompact(Buffer.from(`${header}.e30.${signature}`, 'utf8'), BYTES_MAX);
  if (isRefusal(opened) || !isAlgorithmOf(opened.header.alg, key.algorithm)) return false;
  const input = Buffer.from(`${header}.${payload}`, 'utf8');
  return verifySignature(signed(input, opened.signature), key);
}

/** The `kid` of a header, whatever follows it; signatures of every length of ours are tried. */
function kidOf({ jws = '' }: Test): string {
  const [header = ''] = jws.split('.');
  for (const letters of [86, 128, 176]) {
    const text = `${header}.e30.${'A'.repeat(letters)}`;
    const opened = openCompact(Buffer.from(text, 'utf8'), BYTES_MAX);
    if (!isRefusal(opened)) return opened.header.kid;
  }
  return '';
}

const subject = 'did:web:keys.example';

/** The key that a published set has under a name, by the way of a DID document. */
function keyOfSet(group: Group, kid: string): KeyMaterial | undefined {
  const set = (group.public ?? group.private) as { keys?: readonly Jwk[] } | undefined;
  const verificationMethod = (set?.keys ?? []).map((publicKeyJwk) => ({
    id: `#${String(publicKeyJwk['kid'])}`,
    type: 'JsonWebKey',
    controller: subject,
    publicKeyJwk,
  }));
  const assertionMethod = verificationMethod.map(({ id }) => id);
  const document = readDidDocument({ id: subject, verificationMethod, assertionMethod });
  if (isRefusal(document)) return undefined;
  const key = keyOfSubject(
    { didDocument: () => document },
    { did: subject, keyId: kid, relationship: 'assertionMethod', atMs: 0 },
  );
  return isRefusal(key) ? undefined : key;
}
