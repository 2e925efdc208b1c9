/**
 * Cases derived beside the standards (derived-proofs): each vc+jwt and Data Integrity document is
 * judged at its own time by the public verifier; what is optional may be left undecided.
 */
import type { VerdictReport } from '../../../devices/credential/verdict.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { judge, pinned } from '../judge.ts';
import { stemOf } from '../vectors.ts';

interface Derived {
  readonly didDocuments?: Readonly<Record<string, unknown>>;
  readonly cases: readonly DerivedCase[];
}

interface DerivedCase {
  readonly id: string;
  readonly expect: string;
  readonly reason: string;
  readonly now: string;
  readonly jwt?: string;
  readonly document?: unknown;
  readonly optional?: boolean;
}

/** For negative cases that we know, the code that names the fault: refused for the right reason. */
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
  'jose/typ-vp': 'VC_TYPE',
  'jose/payload-array': 'VC_SCHEMA',
  'jose/whitespace': 'VC_MALFORMED',
  'jose/four-parts': 'VC_MALFORMED',
  'jose/duplicate-header-member': 'VC_JSON',
};

export const derivedProofsSuite: Suite = {
  name: 'Derived proofs',
  folder: 'derived-proofs',
  cases: (vectors) =>
    vectors.files(/\.json$/).flatMap((file) => {
      const { didDocuments = {}, cases } = vectors.json<Derived>(file);
      return cases.map((one) => caseOf(stemOf(file), one, didDocuments));
    }),
};

function caseOf(file: string, one: DerivedCase, didDocuments: Derived['didDocuments'] = {}): Case {
  return theCase(`${file} ${one.id}`, async () => {
    const text = one.jwt ?? JSON.stringify(one.document);
    const atMs = Date.parse(one.now);
    const documents = pinned(Object.values(didDocuments));
    check(one, await judge(Buffer.from(text, 'utf8'), { documents, atMs }));
  });
}

function check(one: DerivedCase, { verdict, code, reason }: VerdictReport): void {
  const isMet = verdict === one.expect || (one.optional === true && verdict === 'undecided');
  expect(isMet, `${verdict}, it is ${one.expect} (${one.reason}): ${code} ${reason}`);
  const wanted = CODES[one.id];
  if (wanted !== undefined) expect(code === wanted, `${code} instead of ${wanted}: ${reason}`);
}
