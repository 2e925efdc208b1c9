/** derived-proofs/vc-jwt.json: each case, positive or negative, through `verifyCredential`. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifyCredential } from '../../devices/credential/verify.ts';
import { readDidDocument } from '../../devices/identity/did-document.ts';
import { noDocuments } from '../../devices/io/documents.ts';
import { parseTime } from '../../devices/runtime.ts';
import { hasShared, sharedPath } from '../support/shared.ts';

interface Suite {
  readonly didDocuments: Readonly<Record<string, unknown>>;
  readonly cases: readonly {
    readonly id: string;
    readonly expect: string;
    readonly now: string;
    readonly jwt: string;
    readonly optional?: boolean;
  }[];
}

/** For each negative case, the code that names its fault: refused for the right reason. */
const CODES: Readonly<Record<string, string>> = {
  'jose/rotated-key-after-expiry': 'VC_KEY_EXPIRED',
  'jose/backdated-with-expired-key': 'VC_KEY_EXPIRED',
  'jose/revoked-key': 'VC_KEY_REVOKED',
  'jose/key-not-in-assertionmethod': 'VC_KEY_UNKNOWN',
  'jose/vm-controller-foreign': 'VC_KEY_CONTROLLER',
  'jose/kid-missing': 'VC_HEADER',
  'jose/kid-other-did': 'VC_ISSUER',
  'jose/embedded-jwk': 'VC_HEADER',
  'jose/iss-mismatch': 'VC_ISSUER',
  'jose/alg-none': 'VC_ALGORITHM',
  'jose/alg-hs256-public-key': 'VC_ALGORITHM',
  'jose/alg-key-mismatch': 'VC_ALGORITHM',
  'jose/sig-der': 'VC_SIGNATURE_FORM',
  'jose/crit-unknown': 'VC_HEADER',
  'jose/b64-false-without-crit': 'VC_HEADER',
  'jose/vc-claim': 'VC_SCHEMA',
  // It is read as the presentation that it is, and presents nothing.
  'jose/typ-vp': 'VC_EMPTY',
  'jose/payload-array': 'VC_SCHEMA',
  'jose/whitespace': 'VC_MALFORMED',
  'jose/four-parts': 'VC_MALFORMED',
  'jose/duplicate-header-member': 'VC_JSON',
};

const suite: Suite = hasShared
  ? JSON.parse(readFileSync(sharedPath('vectors', 'derived-proofs', 'vc-jwt.json'), 'utf8'))
  : { didDocuments: {}, cases: [] };

describe.skipIf(!hasShared)('derived vc+jwt cases', () => {
  it('are all there', () => {
    expect(suite.cases).toHaveLength(24);
    const negative = suite.cases.filter((one) => one.expect === 'invalid').map(({ id }) => id);
    expect(negative.sort()).toEqual(Object.keys(CODES).sort());
  });

  it.each(suite.cases)('$id: $expect', ({ id, expect: expected, now, jwt }) => {
    const documents = {
      ...noDocuments,
      didDocument(did: string) {
        const document = readDidDocument(suite.didDocuments[did]);
        return 'code' in document ? undefined : document;
      },
    };
    const atMs = parseTime(now);
    if (atMs === undefined) throw new Error(`${now} is not a time`);
    const report = verifyCredential(Buffer.from(jwt, 'utf8'), { documents, atMs });
    expect(report.verdict, report.reason).toBe(expected);
    expect(report.code).toBe(expected === 'valid' ? 'VC_VALID' : CODES[id]);
  });
});
