/**
 * Cases derived beside the standards (derived-proofs): each vc+jwt and Data Integrity document is
 * judged at its own time by the public verifier; what is optional may be left undecided.
 */
import {
  judgeProofs,
  type ProofContext,
  worstOf,
} from '../../../devices/credential/proof/check-proofs.ts';
import { isRefusal, type Refusal } from '../../../devices/credential/refusal.ts';
import {
  openSecured,
  type SecuredDocument,
  type SecuredToken,
} from '../../../devices/credential/secured.ts';
import type { VerdictReport } from '../../../devices/credential/verdict.ts';
import { checkTokenSignature } from '../../../devices/credential/verify-issuer.ts';
import { keyForUrl } from '../../../devices/identity/resolve-key.ts';
import { limits } from '../../../devices/limits.ts';
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
  /** JSON text that is to be read as it stands, where the text itself is the point. */
  readonly raw?: string;
  /** Whoever does not know the technique may refuse; the verdict is then open. */
  readonly optional?: boolean;
  readonly expectedMediaType?: string;
  /** Why a reader may leave open a document whose proof holds. */
  readonly policy?: string;
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
    const bytes = Buffer.from(one.jwt ?? one.raw ?? JSON.stringify(one.document), 'utf8');
    const atMs = Date.parse(one.now);
    const documents = pinned(Object.values(didDocuments));
    const report = await judge(vectors, bytes, { documents, atMs });
    if (one.expect === 'valid-proof') {
      checkProof(bytes, { documents, atMs }, report);
      // What is left to policy we may leave open; that it is not valid would be said of the proof.
      expect(one.policy === undefined || report.verdict !== 'invalid', told(report));
    } else if (one.expect === 'legacy') {
      const lenient = await judge(vectors, bytes, { documents, atMs, legacyTypes: true });
      checkLegacy(report, lenient);
    } else check(one, asExpectedMedia(one, report));
  });
}

/** What drafts called otherwise is taken by who asks for it, and by nobody else. */
function checkLegacy(strict: VerdictReport, lenient: VerdictReport): void {
  expect(lenient.verdict === 'valid', `with the names of drafts: ${told(lenient)}`);
  expect(strict.verdict !== 'valid', 'it is taken without being asked for');
}

/** Whoever expects a credential and gets something else that is sound refuses it nevertheless. */
function asExpectedMedia({ expectedMediaType }: DerivedCase, report: VerdictReport): VerdictReport {
  if (expectedMediaType === undefined || expectedMediaType === `application/${report.form}`) {
    return report;
  }
  return report.verdict === 'valid' ? { ...report, verdict: 'invalid', code: 'VC_TYPE' } : report;
}

/** The proof alone holds, and only for something else the verdict may still be another. */
function checkProof(bytes: Buffer, context: ProofContext, report: VerdictReport): void {
  const secured = openSecured(bytes, limits.evidenceBytesMax);
  expect(!isRefusal(secured), told(report));
  const mistake = secured.form === 'token' ? inToken(secured, context) : inProofs(secured, context);
  expect(mistake === undefined, `the proof does not hold: ${mistake?.reason}`);
  expect(!AGAINST_PROOF.test(report.code), told(report));
}

/** Codes that say of a proof, or of a key, that it is not in order. */
const AGAINST_PROOF = /^VC_(SIGNATURE|ALGORITHM|HEADER|JSON|MALFORMED|PROOF$|PROOF_SUITE|KEY_)/;

function inProofs({ document }: SecuredDocument, context: ProofContext): Refusal | undefined {
  const judged = judgeProofs(document, context, {
    purposes: ['assertionMethod', 'authentication'],
  });
  return isRefusal(judged) ? judged : worstOf(judged.map(({ refusal }) => refusal));
}

function inToken({ opened }: SecuredToken, { documents, atMs }: ProofContext): Refusal | undefined {
  const { kid } = opened.header;
  const key = keyForUrl(documents, kid, 'assertionMethod', atMs);
  return isRefusal(key) ? key : checkTokenSignature(opened, key);
}

function check(one: DerivedCase, { verdict, code, reason }: VerdictReport): void {
  const isOpen = one.optional === true && verdict === 'undecided';
  const isMet = verdict === one.expect || isOpen;
  expect(isMet, `${verdict}, it is ${one.expect} (${one.reason}): ${code} ${reason}`);
  const wanted = CODES[one.id];
  if (wanted !== undefined) expect(code === wanted, `${code} instead of ${wanted}: ${reason}`);
}
