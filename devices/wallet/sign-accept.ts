/**
 * Accepts goods that another released. The release is verified before anything is signed: its form,
 * that it is for this receiver, and that the one who releases signed it.
 */
import { checkKeyName } from '../credential/claims.ts';
import type { Party } from '../credential/enrolment.ts';
import { verifyToken } from '../credential/jws.ts';
import type { CustodyStep } from '../credential/party/custody.ts';
import { checkSigners } from '../credential/party/document.ts';
import { families } from '../credential/party/families.ts';
import { readProofs } from '../credential/proof/proof.ts';
import { isRefusal, type Refusal, refuse } from '../credential/refusal.ts';
import type { Secured } from '../credential/secured.ts';
import type { JsonObject } from '../credential/vcdm-values.ts';
import { EdgeError } from '../errors.ts';
import { type DidDocuments, keyOfSubject } from '../identity/resolve-key.ts';
import { openDocuments } from '../io/documents.ts';

/** What is left to be signed: the document, over the proof that is there; or a token of our own. */
export type Acceptance =
  | {
      readonly form: 'document';
      readonly statement: CustodyStep;
      readonly document: JsonObject;
      readonly previousProof: string;
    }
  | { readonly form: 'token'; readonly statement: CustodyStep };

export interface Acceptor {
  readonly receiver: Party;
  /** Folder with the DID document of the one who releases; needed for a `did:web`. */
  readonly documents: string | undefined;
  readonly nowMs: number;
  readonly newId: () => string;
}

/** @throws EdgeError WALLET_RELEASE_REFUSED when there is nothing to accept. */
export function acceptCustody(secured: Secured, acceptor: Acceptor): Acceptance {
  const step = families.custody.read(secured.payload);
  if (isRefusal(step)) throw refused(step);
  const { receiver, documents: folder, nowMs, newId } = acceptor;
  if (step.to.id !== receiver.id) {
    throw refused(refuse('VC_ISSUER', `the release is to ${step.to.id}, not to ${receiver.id}`));
  }
  const documents: DidDocuments =
    folder === undefined ? { didDocument: () => undefined } : openDocuments(folder);
  const unproven = checkRelease(secured, step, { documents, atMs: nowMs });
  if (unproven) throw refused(unproven);
  if (secured.form === 'document') {
    const proofs = readProofs(secured.document);
    const id = isRefusal(proofs) ? undefined : proofs[0]?.id;
    if (id === undefined) throw refused(refuse('VC_PROOF_CHAIN', "the releaser's proof has no id"));
    return { form: 'document', statement: step, document: secured.document, previousProof: id };
  }
  const statement: CustodyStep = {
    ...step,
    id: newId(),
    event: newId(),
    issuer: receiver,
    validFromMs: nowMs,
    status: [],
    act: 'acceptance',
    atMs: nowMs,
    release: { id: step.id, digest: secured.opened.digest },
  };
  return { form: 'token', statement };
}

function checkRelease(
  secured: Secured,
  { act, from }: CustodyStep,
  given: { readonly documents: DidDocuments; readonly atMs: number },
): Refusal | undefined {
  if (secured.form === 'document') {
    if (act !== 'transfer')
      return refuse('VC_CONTRADICTION', `a document is a transfer, not ${act}`);
    return checkSigners(secured.document, [from.id], given);
  }
  if (act !== 'release') return refuse('VC_CONTRADICTION', `a token is a release, not ${act}`);
  const { opened } = secured;
  const unnamed = checkKeyName(opened.header, secured.payload);
  if (unnamed) return unnamed;
  const { kid: keyId } = opened.header;
  const wanted = {
    did: from.id,
    keyId,
    relationship: 'assertionMethod',
    atMs: given.atMs,
  } as const;
  const key = keyOfSubject(given.documents, wanted);
  if (isRefusal(key)) return key;
  return verifyToken(opened, key)
    ? undefined
    : refuse('VC_SIGNATURE', `the signature does not verify with ${key.keyId}`);
}

function refused({ code, reason }: Refusal): EdgeError {
  return new EdgeError('WALLET_RELEASE_REFUSED', `${code}, ${reason}`);
}
