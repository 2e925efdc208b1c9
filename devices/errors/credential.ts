/** Codes of the credential side: verdicts on credentials, key stores, documents, the wallet. */
import type { ErrorEntry } from '../errors.ts';

const verdicts = {
  VC_VALID: {
    meaning: 'Form, issuer, key, proof, validity and status were checked and hold.',
    hint: 'Nothing needs to be done.',
    retryable: false,
  },
  VC_TOO_LARGE: {
    meaning: 'The credential has more bytes than its kind may have.',
    hint: 'Let the sender close batches earlier; the bound stands in the reference of limits.',
    retryable: false,
  },
  VC_MALFORMED: {
    meaning: 'The bytes are not a compact JWS: three parts of base64url without padding.',
    hint: 'Look for a line break, a truncated file or another format at the sender.',
    retryable: false,
  },
  VC_PACKED: {
    meaning: 'The bytes say that they are a packed batch, but no token of a batch is in them.',
    hint: 'Something on the way changed them, or made them: the gateway sends the batch again as it is.',
    retryable: false,
  },
  VC_UNSECURED: {
    meaning: 'The bytes are a JSON credential without a signature around it.',
    hint: 'Ask the issuer for the signed form, application/vc+jwt.',
    retryable: false,
  },
  VC_FORM_UNSUPPORTED: {
    meaning: 'The credential is secured in a form that this version does not judge.',
    hint: 'Ask the issuer for application/vc+jwt, or verify it with another tool.',
    retryable: false,
  },
  VC_JSON: {
    meaning: 'The JSON inside is not strict: duplicate members, lone surrogates, depth, numbers.',
    hint: 'The sender writes JSON that two readers may understand differently; correct it there.',
    retryable: false,
  },
  VC_HEADER: {
    meaning: 'The protected header lacks kid or its whole URL, or has what must not be there.',
    hint: 'The header has alg, typ, cty and kid, with the DID before the #; keys in it are never used.',
    retryable: false,
  },
  VC_TYPE: {
    meaning: 'The header names another kind of token than the one that is expected here.',
    hint: 'Credentials carry typ vc+jwt; older drafts wrote vc+ld+jwt or JWT.',
    retryable: false,
  },
  VC_ALGORITHM: {
    meaning: 'The algorithm in the header is not accepted, or is not the one of the key.',
    hint: 'Sign with ES256 (P-256) or EdDSA (Ed25519).',
    retryable: false,
  },
  VC_DISCLOSURE: {
    meaning: 'The disclosures beside the token do not fit it, or some that must be there are not.',
    hint: 'Ask for the token again as its issuer made it; do not edit what stands between tildes.',
    retryable: false,
  },
  VC_CLAIMS_HIDDEN: {
    meaning:
      'Claims beside the subject are not disclosed, and one of them could be a status or an end.',
    hint: 'Ask whoever shows it for all disclosures outside of credentialSubject.',
    retryable: false,
  },
  VC_SIGNATURE_FORM: {
    meaning: 'The signature does not have the 64 bytes that JOSE prescribes.',
    hint: 'Send r and s side by side, 32 bytes each (RFC 7518 §3.4), not DER.',
    retryable: false,
  },
  VC_SIGNATURE: {
    meaning: 'The signature does not verify with the key that the issuer published.',
    hint: 'Bytes were changed on the way, or another key signed. Compare with the sender.',
    retryable: false,
  },
  VC_SCHEMA: {
    meaning: 'The payload does not have the form of its kind.',
    hint: 'Compare it with the schema under docs/schemas; unknown members are refused.',
    retryable: false,
  },
  VC_CONTRADICTION: {
    meaning: 'Two members of the payload that state the same thing disagree.',
    hint: 'The sender composes the payload wrongly; docs/wire.md says which members agree.',
    retryable: false,
  },
  VC_ISSUER: {
    meaning: 'Issuer, key id and claims do not name the same signer.',
    hint: 'The key must be one of the issuer, and iss, if present, must equal the issuer.',
    retryable: false,
  },
  VC_ISSUER_UNSUPPORTED: {
    meaning: 'The DID method of the issuer is not one that this version can judge.',
    hint: 'Organisations use did:web, devices did:key.',
    retryable: false,
  },
  VC_KEY_UNKNOWN: {
    meaning: "The issuer's DID document does not list the key, or not for assertions.",
    hint: 'If the issuer has a new key, pin its new DID document after asking the issuer.',
    retryable: true,
  },
  VC_KEY_UNNAMED: {
    meaning: 'The header names no key, and the document of the issuer lists several.',
    hint: 'Ask the issuer to sign with kid, the absolute URL of the key in its document.',
    retryable: false,
  },
  VC_KEY_CONTROLLER: {
    meaning: "The key in the issuer's DID document belongs to another controller.",
    hint: 'The issuer must list keys of its own; ask it to correct its DID document.',
    retryable: false,
  },
  VC_KEY_EXPIRED: {
    meaning: 'The key had expired when the credential was judged.',
    hint: 'A date inside the credential does not help: the signer chooses it. Use --at with proof.',
    retryable: false,
  },
  VC_KEY_REVOKED: {
    meaning: 'The issuer revoked the key.',
    hint: 'Treat all that this key signed as unproven until the issuer explains.',
    retryable: false,
  },
  VC_KEY_INVALID: {
    meaning: "The key in the issuer's DID document cannot be used.",
    hint: 'Keys are P-256 or Ed25519, as publicKeyJwk or publicKeyMultibase.',
    retryable: false,
  },
  VC_PROOF: {
    meaning: 'The embedded proof does not have the form of a Data Integrity proof.',
    hint: 'Compare the proof with VC Data Integrity 1.0 §2.1; the reason names the member.',
    retryable: false,
  },
  VC_PROOF_SUITE: {
    meaning: 'The embedded proof names a type or cryptosuite that does not exist.',
    hint: 'Proofs are DataIntegrityProof with eddsa- or ecdsa-jcs or -rdfc cryptosuites.',
    retryable: false,
  },
  VC_PROOF_CHAIN: {
    meaning:
      'Proofs that are made over one another do not fit: one is missing, double or circular.',
    hint: 'A proof was taken out or renamed after signing; ask for the document as it was signed.',
    retryable: false,
  },
  VC_PROOF_CONTEXT: {
    meaning: 'The contexts of the document are not those that its proof covers.',
    hint: 'Software on the way added or reordered @context; take the document as it was signed.',
    retryable: false,
  },
  VC_CONTEXT_UNSIGNED: {
    meaning: 'The proof holds, but a context was added behind those that it covers.',
    hint: 'Take the document as it was signed; what its members mean with the new context nobody signed.',
    retryable: false,
  },
  VC_PROOF_PURPOSE: {
    meaning: 'The proof was made for another purpose than the one for which it is shown.',
    hint: 'Credentials are signed for assertionMethod, presentations for authentication.',
    retryable: false,
  },
  VC_RDF_UNAVAILABLE: {
    meaning: 'The proof is over RDF, and what canonicalises RDF is not at hand.',
    hint: 'Install the optional package jsonld (npm install), and judge with bondline-ingest verify.',
    retryable: true,
  },
  VC_RDF_INVALID: {
    meaning:
      'The document says something in JSON that its RDF loses, so the proof cannot cover it.',
    hint: 'Members that no context defines are not signed; the issuer must define or drop them.',
    retryable: false,
  },
  VC_RDF_WORK: {
    meaning: 'Canonicalising the RDF of the document takes more work than is allowed.',
    hint: 'Graphs like this are made to exhaust verifiers; ask for application/vc+jwt or a jcs proof.',
    retryable: false,
  },
  VC_CONTEXT_UNKNOWN: {
    meaning: 'The document uses a JSON-LD context whose content is not known to this version.',
    hint: 'Contexts are never fetched; ask the issuer to use published contexts or vc+jwt.',
    retryable: false,
  },
  VC_ENVELOPE: {
    meaning: 'An enveloped credential or presentation does not hold one, or not in a form we know.',
    hint: 'Its id is data:application/vc+jwt, and then the compact token (VCDM 2.0 §4.13).',
    retryable: false,
  },
  VC_EMPTY: {
    meaning: 'There is no credential in the array or evidence file.',
    hint: 'Ask for one that holds credentials; nothing can be concluded from an empty one.',
    retryable: false,
  },
  VC_HOLDER: {
    meaning: 'The presentation is signed by someone else than the holder whom it names.',
    hint: 'Only the holder may present; ask who made this presentation.',
    retryable: false,
  },
  VC_AUDIENCE: {
    meaning: 'The presentation was made for another verifier.',
    hint: 'Ask the holder for a presentation made for you; this one may be a replay.',
    retryable: false,
  },
  VC_NONCE: {
    meaning: 'The presentation answers another question than the one that was asked.',
    hint: 'Ask anew; this presentation may be a replay.',
    retryable: false,
  },
  VC_PROFILE: {
    meaning: 'The presentation breaks a rule of the trade profile.',
    hint: 'The reason names the rule (Traceability Interop 1.0, TraceablePresentation).',
    retryable: false,
  },
  VC_INTERNAL: {
    meaning: 'This program failed while it judged. Nothing is said about the credential.',
    hint: 'Report it with the file; judge it with another verifier meanwhile.',
    retryable: false,
  },
  VC_KEY_SUSPECT: {
    meaning: 'A key that is to be enrolled is one whose secret anyone can guess or look up.',
    hint: 'Make a new key with keygen; where a device made it, its source of chance is broken.',
    retryable: false,
  },
  VC_NOT_YET_VALID: {
    meaning: 'The credential becomes valid later than the time at which it is judged.',
    hint: 'Compare the clocks of the sender and of this machine; or judge with --at.',
    retryable: true,
  },
  VC_EXPIRED: {
    meaning: 'The credential was no longer valid at the time at which it is judged.',
    hint: 'Ask the issuer for a new one; or judge with --at for an earlier time.',
    retryable: false,
  },
  VC_REVOKED: {
    meaning: "The issuer's status list says that the credential is revoked.",
    hint: 'Nothing from this device counts until the organisation enrols it anew.',
    retryable: false,
  },
  VC_SUSPENDED: {
    meaning: "The issuer's status list says that the credential is suspended.",
    hint: 'Ask the organisation why; the device counts again when the suspension is lifted.',
    retryable: true,
  },
  VC_STATUS_MISSING: {
    meaning: 'The status list that the credential names is not at hand.',
    hint: 'Put the status list credential into the documents folder.',
    retryable: true,
  },
  VC_STATUS_INVALID: {
    meaning: 'The status list that the credential names is not valid itself.',
    hint: 'Fetch the list again from its publisher; it may be expired or damaged.',
    retryable: true,
  },
  VC_STATUS_UNSUPPORTED: {
    meaning: 'The credential has a status of a type that this version cannot judge.',
    hint: 'Only Bitstring Status List entries are judged.',
    retryable: false,
  },
  VC_DOCUMENT_MISSING: {
    meaning: "The issuer's DID document is not at hand.",
    hint: "Put the issuer's did.json into the documents folder; nothing is fetched.",
    retryable: true,
  },
  VC_CONTEXT_MISSING: {
    meaning: 'A JSON-LD context that is needed to judge the credential is not at hand.',
    hint: 'Put the context that the reason names, as published, into the documents folder (.jsonld).',
    retryable: true,
  },
  VC_DOCUMENT_INVALID: {
    meaning: 'A DID document is not one, or says two things about one key.',
    hint: 'Fetch the document again from its organisation, and compare.',
    retryable: false,
  },
  VC_ENROLMENT_MISSING: {
    meaning: 'The enrolment of the device that signed is not at hand.',
    hint: 'Put the enrolment credential into the documents folder.',
    retryable: true,
  },
  VC_ENROLMENT_INVALID: {
    meaning: 'The enrolment of the device that signed is not valid itself.',
    hint: 'Verify the enrolment alone to see what is wrong with it.',
    retryable: false,
  },
  VC_ENROLMENT_MISMATCH: {
    meaning: 'The enrolment binds another device, gateway or profile than the batch names.',
    hint: 'The gateway reports under the wrong enrolment, or needs to be enrolled anew.',
    retryable: false,
  },
  VC_SCOPE: {
    meaning: 'The device reports on goods outside the scope of its enrolment.',
    hint: 'Correct the goods prefix at the gateway, or let the organisation widen the scope.',
    retryable: false,
  },
} as const satisfies Record<`VC_${string}`, ErrorEntry>;

/** Reason code of a verdict or refusal. */
export type CredentialCode = keyof typeof verdicts;

export const credentialErrors = {
  ...verdicts,
  DID_INVALID: {
    meaning: 'A DID is not well-formed, or its key cannot be used.',
    hint: 'Copy the DID again; organisations have did:web:NAME.OF.A.WEB.SERVER, devices did:key with a P-256 or Ed25519 key.',
    retryable: false,
  },
  KEY_PASSPHRASE_UNREADABLE: {
    meaning: 'The passphrase or PIN of the key store cannot be had from where it should be.',
    hint: 'Write it on the first line of the file, readable by this account only (a new one: head -c 32 /dev/urandom | base64 > FILE); a credential needs LoadCredential= in the systemd unit; a terminal needs a person who types it.',
    retryable: false,
  },
  KEY_PASSPHRASE_WRONG: {
    meaning: 'The passphrase does not open the key store. Nothing was changed.',
    hint: 'Check that the passphrase file belongs to this key store.',
    retryable: false,
  },
  KEY_STORE_UNREADABLE: {
    meaning: 'The key store file cannot be read.',
    hint: 'Check the path and its permissions.',
    retryable: false,
  },
  KEY_STORE_DAMAGED: {
    meaning: 'The key store file is not one, or was changed. Nothing was changed by this command.',
    hint: 'Restore the file from a backup, or make new keys and enrol the devices anew.',
    retryable: false,
  },
  KEY_STORE_NEWER: {
    meaning: 'The key store was written by a newer version. Nothing was changed.',
    hint: 'Use that version, or a later one.',
    retryable: false,
  },
  KEY_STORE_UNWRITABLE: {
    meaning: 'The key store file cannot be written.',
    hint: 'Give this account write permission in the folder, and see that the disk has room.',
    retryable: true,
  },
  KEY_LABEL_TAKEN: {
    meaning: 'A key of this label exists already.',
    hint: 'Choose another label; keys are never overwritten.',
    retryable: false,
  },
  KEY_NOT_FOUND: {
    meaning: 'The key store has no key of this label.',
    hint: 'Make it with the keygen command, or correct the label.',
    retryable: false,
  },
  DOC_UNREADABLE: {
    meaning: 'A document or the folder of documents cannot be read.',
    hint: 'Check the path and its permissions.',
    retryable: false,
  },
  DOC_INVALID: {
    meaning: 'A document is not what it should be.',
    hint: 'Fetch or make it again; the message names the file and what is wrong.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
