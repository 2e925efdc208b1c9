/**
 * w3c/vc-jose-cose-test-suite, all cases of our half: those with a vc+jwt or vp+jwt go through the
 * opener and the verifier; what is secured otherwise (SD-JWT, COSE) or by keys that we do not take
 * (P-521) must be refused, not passed over.
 */
import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCompact, verifySignature } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import type { VerdictReport } from '../../devices/credential/verdict.ts';
import { verifyCredential } from '../../devices/credential/verify.ts';
import { readDidDocument } from '../../devices/identity/did-document.ts';
import { keyOfJwk } from '../../devices/identity/public-key.ts';
import { noDocuments, withoutLineEnd } from '../../devices/io/documents.ts';
import { parseTime } from '../../devices/runtime.ts';
import { hasShared, sharedPath } from '../support/shared.ts';

interface Case {
  readonly number: number;
  readonly title: string;
  readonly input_file: string;
  readonly key_file: string;
  readonly fn: 'issue' | 'verify';
  readonly feature: string;
  readonly expected_result: 'success' | 'failure';
  /** A token made here, instead of the one in the input file. */
  readonly made?: Uint8Array;
}

interface Method {
  readonly id: string;
  readonly controller: string;
  readonly publicKeyJwk: Readonly<Record<string, string>>;
  readonly secretKeyJwk: Readonly<Record<string, string>>;
}

const folder = ['vectors', 'w3c-vc-jose-cose-test-suite'] as const;

function text(...path: string[]): string {
  return readFileSync(sharedPath(...folder, ...path), 'utf8');
}

const cases: readonly Case[] = hasShared ? JSON.parse(text('cases.json')) : [];

function methodOf({ key_file }: Case): Method {
  return JSON.parse(text('input', key_file)) as Method;
}

/** A token as it stands in a file of the suite, some of which end with a line end. */
function token(one: Case): Uint8Array {
  return withoutLineEnd(Buffer.from(text('input', one.input_file), 'latin1'));
}

/** The verdict on an input, with the case's key in its issuer's document. */
function judge(one: Case): VerdictReport {
  const method = methodOf(one);
  const document = readDidDocument({
    id: method.controller,
    verificationMethod: [
      { ...method, type: 'JsonWebKey', publicKeyJwk: method.publicKeyJwk, secretKeyJwk: undefined },
    ],
    assertionMethod: [method.id],
  });
  if (isRefusal(document)) throw new Error(document.reason);
  const documents = {
    ...noDocuments,
    didDocument: (did: string) => (did === document.id ? document : undefined),
  };
  const atMs = parseTime('2024-12-16T00:00:00Z') ?? 0;
  return verifyCredential(one.made ?? token(one), {
    documents,
    atMs,
  });
}

/**
 * What our verdict is on what is issued here: 2 has a status of a type that nobody can look up any
 * more, and in 3 the token that is presented lacks its first letter.
 */
const CODES_OF_ISSUED: Readonly<Record<number, string>> = {
  1: 'VC_VALID',
  2: 'VC_STATUS_UNSUPPORTED',
  3: 'VC_MALFORMED',
};

const jose = (one: Case): boolean => /^(credential|presentation)_jose$/.test(one.feature);
const isOurs = (one: Case): boolean => /vm-(p256|p384|ed25519)/.test(one.key_file);

describe.skipIf(!hasShared)('vc-jose-cose', () => {
  it('has the cases that we know', () => {
    expect(cases).toHaveLength(20);
    expect(cases.filter((one) => jose(one) && one.fn === 'issue' && isOurs(one))).toHaveLength(3);
    expect(cases.filter((one) => jose(one) && one.fn === 'verify')).toHaveLength(6);
  });

  it.each(cases.filter((one) => jose(one) && one.fn === 'issue' && isOurs(one)))(
    '$number $title',
    (one) => {
      const method = methodOf(one);
      const content = one.feature.startsWith('credential') ? 'vc' : 'vp';
      const header = {
        alg: method.publicKeyJwk['alg'],
        typ: `${content}+jwt`,
        cty: content,
        kid: method.id,
      };
      const payload = JSON.stringify(JSON.parse(text('input', one.input_file)));
      const input = [JSON.stringify(header), payload]
        .map((part) => Buffer.from(part, 'utf8').toString('base64url'))
        .join('.');
      const key = createPrivateKey({ key: method.secretKeyJwk, format: 'jwk' });
      const hash = header.alg === 'ES384' ? 'sha384' : 'sha256';
      const signature = sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
      const made = Buffer.from(`${input}.${signature.toString('base64url')}`);
      const report = judge({ ...one, made });
      expect(report.code, report.reason).toBe(CODES_OF_ISSUED[one.number]);
      const opened = openCompact(made, 1 << 20);
      const material = keyOfJwk(method.publicKeyJwk);
      if (isRefusal(opened) || !material) throw new Error('the case has a key that we take');
      expect(verifySignature(opened, material)).toBe(true);
      expect(opened.payload).toEqual(JSON.parse(payload));
    },
  );

  it.each(cases.filter((one) => jose(one) && one.fn === 'issue' && !isOurs(one)))(
    '$number $title: its key is not one that we sign with',
    (one) => {
      expect(keyOfJwk(methodOf(one).publicKeyJwk)).toBeUndefined();
    },
  );

  it.each(cases.filter((one) => one.feature === 'credential_jose' && one.fn === 'verify'))(
    '$number $title: $expected_result',
    (one) => {
      const report = judge(one);
      expect(report.verdict, report.reason).toBe(
        one.expected_result === 'success' ? 'valid' : 'invalid',
      );
    },
  );

  it('fails where it fails for the reason that the case is about', () => {
    const codeOf = (number: number): string => {
      const one = cases.find((found) => found.number === number);
      if (!one) throw new Error(`no case ${number}`);
      return judge(one).code;
    };
    expect(codeOf(10)).toBe('VC_UNSECURED');
    expect(codeOf(12)).toBe('VC_SIGNATURE');
  });

  it.each(cases.filter((one) => one.feature === 'presentation_jose' && one.fn === 'verify'))(
    '$number $title: $expected_result',
    (one) => {
      expect(one.expected_result).toBe('failure');
      const isNamed = one.title.includes('Media Type');
      expect(judge(one)).toMatchObject({
        verdict: 'invalid',
        code: isNamed ? 'VC_TYPE' : 'VC_SCHEMA',
      });
      // What the case is about is the reason, not its signature.
      const opened = openCompact(token(one), 1 << 20);
      const key = keyOfJwk(methodOf(one).publicKeyJwk);
      expect(!isRefusal(opened) && key && verifySignature(opened, key)).toBe(true);
    },
  );

  it.each(cases.filter((one) => !jose(one) && one.fn === 'verify'))(
    '$number $title: secured in another form, and never taken for valid',
    (one) => {
      expect(judge(one).verdict).not.toBe('valid');
    },
  );
});
