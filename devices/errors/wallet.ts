/** Codes of the organisation's wallet: `bondline-wallet`. */
import type { ErrorEntry } from '../errors.ts';

export const walletErrors = {
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
  WALLET_RELEASE_REFUSED: {
    meaning:
      'What is to be accepted is no release of goods to this organisation. Nothing was signed.',
    hint: 'Ask the one who releases for the file again; give --documents with his did.json.',
    retryable: false,
  },
  WALLET_FULL: {
    meaning: 'The status list of the wallet has no free entry.',
    hint: 'Start a wallet with a new status list; one list covers 131,072 devices.',
    retryable: false,
  },
  WALLET_PACKAGE_MISSING: {
    meaning: 'The packages of the wallet’s agent (Sphereon SSI SDK) are not installed.',
    hint: 'Install them where the organisation signs: npm ci, without --omit=optional.',
    retryable: false,
  },
  WALLET_AGENT_FAILED: {
    meaning: 'The wallet’s agent did not do what it was asked for. Nothing was written.',
    hint: 'Report it with this message; the wallet is as it was.',
    retryable: false,
  },
  WALLET_KEY_REUSED: {
    meaning: 'A key that is to be enrolled is in use elsewhere already. Nothing was signed.',
    hint: 'Each device has a key of its own: bondline-gateway keygen makes it, enrol-request asks.',
    retryable: false,
  },
  WALLET_ROTATION_REFUSED: {
    meaning: 'A request would replace a device’s key without the right to. Nothing was signed.',
    hint: 'Have the old key sign it (enrol-request --rotate), or say that it is lost (--lost).',
    retryable: false,
  },
  WALLET_NOT_WEB: {
    meaning: 'The identity of this wallet is its key, so that no other key can take its place.',
    hint: 'For an identity that outlives its key use did:web (init --did-method web).',
    retryable: false,
  },
  WALLET_STATUS_URL: {
    meaning:
      'The identity of this wallet is its key and says no address, so its status lists have none.',
    hint: 'Say once where they will stand: --status-url https://files.you.example/status.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
