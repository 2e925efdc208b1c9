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
    meaning: 'The protected header lacks kid, or has a member that must not be there.',
    hint: 'The header has alg, typ, cty and kid; keys inside the header are never used.',
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
    hint: 'The kid must be a key of the issuer, and iss, if present, must equal the issuer.',
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
    hint: 'Copy the DID again; devices have did:key with a P-256 or Ed25519 key.',
    retryable: false,
  },
  KEY_PASSPHRASE_UNREADABLE: {
    meaning: 'The file with the passphrase of the key store cannot be read, or is empty.',
    hint: 'Write the passphrase into the file on one line, readable by this account only.',
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
  WALLET_EXISTS: {
    meaning: 'The folder holds a wallet already. Nothing was changed.',
    hint: 'Choose an empty folder; a wallet is never overwritten.',
    retryable: false,
  },
  WALLET_MISSING: {
    meaning: 'The folder holds no wallet.',
    hint: 'Make one with bondline-wallet init, or correct the path.',
    retryable: false,
  },
  WALLET_UNWRITABLE: {
    meaning: 'A file of the wallet cannot be written.',
    hint: 'Give this account write permission in the folder, and see that the disk has room.',
    retryable: true,
  },
  WALLET_REQUEST_INVALID: {
    meaning: 'An enrolment request is not valid. Nothing was signed.',
    hint: 'Let the gateway write it again with bondline-gateway enrol-request.',
    retryable: false,
  },
  WALLET_FULL: {
    meaning: 'The status list of the wallet has no free entry.',
    hint: 'Start a wallet with a new status list; one list covers 131,072 devices.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
