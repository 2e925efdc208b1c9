/**
 * A payload that is a batch credential already. It is judged as far as this gateway can: form,
 * issuer, signature, and that it names this gateway as the one that carries it. Enrolment and
 * status are the ingester's to judge.
 */
import { readBatch } from '../../../devices/credential/batch-wire.ts';
import { openToken, verifyToken } from '../../../devices/credential/jws.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { credentialKindOf } from '../../../devices/credential/vocabulary.ts';
import { publicKeyOfDid } from '../../../devices/identity/did-key.ts';
import { limits } from '../../../devices/limits.ts';

/** Why a payload is not passed on; the cause is what the signed loss says. */
export interface SignedRefusal {
  readonly cause: 'nonsense' | 'refused';
  readonly reason: string;
}

/** What is wrong with a payload, or `undefined` when it may be passed on. */
export function refusalOfSigned(
  payload: Uint8Array,
  expected: { readonly signer: string; readonly gateway: string },
): SignedRefusal | undefined {
  const { gateway, signer } = expected;
  const opened = openToken(payload, limits.batchBytesMax);
  if (isRefusal(opened)) return { cause: 'nonsense', reason: `${opened.code}: ${opened.reason}` };
  if (credentialKindOf(opened.payload) !== 'batch') {
    return { cause: 'nonsense', reason: 'it is a credential, but not a batch' };
  }
  const { issuer } = opened.payload;
  if (issuer !== signer) {
    const shown = typeof issuer === 'string' ? issuer.slice(0, 100) : 'nobody';
    return { cause: 'refused', reason: `it is issued by ${shown}, not by signedBy` };
  }
  if (!verifyToken(opened, publicKeyOfDid(signer))) {
    return { cause: 'refused', reason: 'its signature does not verify with the key of signedBy' };
  }
  const batch = readBatch(opened.payload);
  if (isRefusal(batch)) return { cause: 'nonsense', reason: `${batch.code}: ${batch.reason}` };
  // The ingester takes a batch only from the gateway that it names, which the enrolment names too.
  if (batch.gateway !== gateway) {
    const reason = `it names ${batch.gateway} as its gateway, and this one is ${gateway}`;
    return { cause: 'refused', reason };
  }
  return undefined;
}
