/**
 * Cases derived beside the standards (derived-proofs): each vc+jwt and Data Integrity document is
 * judged at its own time by the public verifier; what is optional may be left undecided.
 */
import { judgeProofs, type ProofContext } from '../../../devices/credential/proof/check-proofs.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import type { JsonObject } from '../../../devices/credential/vcdm-values.ts';
import type { VerdictReport } from '../../../devices/credential/verdict.ts';
import { type Case, expect, type Suite, theCase } from '../case.ts';
import { judge, pinned, told } from '../judge.ts';
import { stemOf, type Vectors } from '../vectors.ts';

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
  readonly expectedMediaType?: string;
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
      return cases.map((one) => caseOf(vectors, stemOf(file), one, didDocuments));
    }),
};

function caseOf(
  vectors: Vectors,
  file: string,
  one: DerivedCase,
  didDocuments: NonNullable<Derived['didDocuments']>,
): Case {
  return theCase(`${file} ${one.id}`, async () => {
    const text = one.jwt ?? JSON.stringify(one.document);
    const atMs = Date.parse(one.now);
    const documents = pinned(Object.values(didDocuments));
    const report = await judge(vectors, Buffer.from(text, 'utf8'), { documents, atMs });
    if (one.expect === 'valid-proof') checkProof(one, { documents, atMs }, report);
    else check(one, asExpectedMedia(one, report));
  });
}

/** Whoever expects a credential and gets something else that is sound refuses it nevertheless. */
function asExpectedMedia({ expectedMediaType }: DerivedCase, report: VerdictReport): VerdictReport {
  if (expectedMediaType === undefined || expectedMediaType === `application/${report.form}`) {
    return report;
  }
  return report.verdict === 'valid' ? { ...report, verdict: 'invalid', code: 'VC_TYPE' } : report;
}

/** The proof alone holds, and only what it does not cover may still be refused. */
function checkProof(one: DerivedCase, context: ProofContext, report: VerdictReport): void {
  const judged = judgeProofs(one.document as JsonObject, context, {
    purposes: ['assertionMethod'],
  });
  const holds = !isRefusal(judged) && judged.every(({ refusal }) => refusal === undefined);
  expect(holds, `the proof does not hold: ${one.reason}`);
  expect(['VC_VALID', 'VC_PROOF_CONTEXT'].includes(report.code), told(report));
}

function check(one: DerivedCase, { verdict, code, reason }: VerdictReport): void {
  const isMet = verdict === one.expect || (one.optional === true && verdict === 'undecided');
  expect(isMet, `${verdict}, it is ${one.expect} (${one.reason}): ${code} ${reason}`);
  const wanted = CODES[one.id];
  if (wanted !== undefined) expect(code === wanted, `${code} instead of ${wanted}: ${reason}`);
}
