/** Codes of a key store whose keys live in hardware, reached through PKCS#11. */
import type { ErrorEntry } from '../errors.ts';

export const keyStoreErrors = {
  KEY_MODULE_UNUSABLE: {
    meaning: 'The PKCS#11 library of the key store cannot be loaded or started.',
    hint: 'See that `module` names the vendor’s library (Debian: softhsm2, libtpm2-pkcs11-1, opensc-pkcs11), and that npm installed pkcs11js (npm ci without --omit=optional).',
    retryable: false,
  },
  KEY_TOKEN_MISSING: {
    meaning: 'No token of this label, or in this slot, is present.',
    hint: 'Plug the token in, start what it needs (a TPM: tpm2-abrmd), or correct `token`; pkcs11-tool --module LIBRARY -L lists what is there.',
    retryable: true,
  },
  KEY_TOKEN_FAILED: {
    meaning: 'The token did not do what was asked; the message names its own code (CKR_…).',
    hint: 'It is asked again. If it stays, see whether the token is removed, full or worn out, and look the code up in its manual.',
    retryable: true,
  },
  KEY_PIN_WRONG: {
    meaning: 'The token refuses the PIN. It is not tried again, since tokens lock after a few.',
    hint: 'Check the PIN of the token’s user (not of its security officer) before the next start.',
    retryable: false,
  },
  KEY_PIN_LOCKED: {
    meaning: 'The token takes no PIN now, or a last one, which is not risked here.',
    hint: 'Log in once with the token’s own tool, or have its security officer set a new PIN.',
    retryable: false,
  },
  KEY_ALGORITHM_MISSING: {
    meaning: 'The token cannot make or use keys of this algorithm.',
    hint: 'Use ES256, which every token has; few offer Ed25519.',
    retryable: false,
  },
  KEY_UNFIT: {
    meaning:
      'A key on the token may not be used: it can be read out, was not made inside, or shares its label with another.',
    hint: 'Remove it with the token’s own tool and make a new one with the keygen command.',
    retryable: false,
  },
  KEY_COUNTER_MISSING: {
    meaning: 'The token keeps no data objects, and `countBatches` asks it to count each batch.',
    hint: 'Take a token that keeps data objects, or leave `countBatches` away (docs/keys.md says what that leaves open).',
    retryable: false,
  },
  KEY_COUNTER_CONTESTED: {
    meaning:
      'Others count with this token at the same time, so that no place could be signed for: several copies of this gateway run.',
    hint: 'Stop the copies. A gateway that takes the place of another gets keys of its own, and is enrolled.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
