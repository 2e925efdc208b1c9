/**
 * What a holder says itself, in a presentation of its own and without another proof (VCDM 2.0
 * §4.13): as good as the presentation around it, once form, period and status are in order.
 */
import { checkPeriod, issuerOf } from './claims.ts';
import { readParty } from './party/families.ts';
import { worstOf } from './proof/check-proofs.ts';
import { checkRdfForm } from './proof/rdf-form.ts';
import { type Refusal, refuse } from './refusal.ts';
import { checkDataModel } from './vcdm.ts';
import type { JsonObject } from './vcdm-values.ts';
import type { VerifyContext } from './verify-context.ts';
import { judgeKind } from './verify-kind.ts';
import type { Presenter } from './verify-presentation.ts';
import { credentialKindOf } from './vocabulary.ts';

/**
 * Judges a credential without proof inside of a presentation that has proofs: form, period, status
 * and kind like those of any credential. It is not valid where the presentation is not.
 *
 * @returns VC_UNSECURED where the credential is not the holder's own
 */
export function judgeSelfAsserted(
  credential: JsonObject,
  presenter: Presenter,
  context: VerifyContext,
): string | Refusal {
  const { did, isOverRdf } = presenter;
  if (did === undefined) {
    return refuse('VC_UNSECURED', 'without a proof of its own, in a presentation without holder');
  }
  if (issuerOf(credential) !== did) {
    return refuse('VC_UNSECURED', 'without a proof of its own, and its issuer is not the holder');
  }
  // What acts on others is signed for itself: by the key for claims, and by all who have to.
  if (credentialKindOf(credential) !== 'other' || readParty(credential) !== undefined) {
    return refuse('VC_UNSECURED', 'a credential of this type has a proof of its own');
  }
  const { validFrom, validUntil } = credential as { validFrom?: unknown; validUntil?: unknown };
  const refusal = worstOf([
    checkDataModel(credential),
    isOverRdf ? checkRdfForm(credential) : undefined,
    checkPeriod({ validFrom, validUntil }, context.atMs),
    presenter.refusal,
  ]);
  const outcome = judgeKind({ payload: credential, bytesCount: 0, hidden: 0, refusal }, context);
  const said = 'said by the holder, under the proof of the presentation';
  return typeof outcome === 'string' ? said : outcome;
}
