/** Codes of the ingest side. */
import type { ErrorEntry } from '../errors.ts';

export const ingestErrors = {
  IN_NOT_ENROLLED: {
    meaning: 'No enrolment of this device is known, so its credential is held.',
    hint: 'Have the organisation enrol the device; the gateway sends again by itself.',
    retryable: true,
  },
  IN_ORGANISATION_UNKNOWN: {
    meaning: 'The organisation that signed is not trusted here, so the credential is held.',
    hint: "Run bondline-ingest trust add with the organisation's DID document.",
    retryable: true,
  },
  IN_SUSPENDED: {
    meaning: "The device's enrolment is suspended, so its credential is held.",
    hint: 'Ask the organisation; once it lifts the suspension, held credentials take effect.',
    retryable: true,
  },
  IN_STATUS_UNKNOWN: {
    meaning: "The status list that the device's enrolment names is missing or no longer valid.",
    hint: "Run bondline-ingest trust add with the organisation's newest status list.",
    retryable: true,
  },
  IN_REVOKED: {
    meaning: "The device's enrolment is revoked; what it sends has no effect any more.",
    hint: 'Have the organisation enrol the device anew under a new key.',
    retryable: false,
  },
  IN_TYPE_UNSUPPORTED: {
    meaning: 'The credential is of a type that is not taken in here.',
    hint: 'Send batch and enrolment credentials only; other types come with a later version.',
    retryable: false,
  },
  IN_TOO_LARGE: {
    meaning: 'The credential is larger than its kind may be; only its beginning is kept.',
    hint: 'Lower the batch limits of the gateway; its own limits are below those of the ingester.',
    retryable: false,
  },
  IN_ISSUER_MISMATCH: {
    meaning: 'The issuer that the credential names is not the one whose key is named.',
    hint: 'Update the gateway; a batch is issued by the device whose key signs it.',
    retryable: false,
  },
  IN_GATEWAY_MISMATCH: {
    meaning: 'The batch names a gateway other than its enrolment or the uplink that it came by.',
    hint: 'Have the device enrolled for the gateway that it is now connected to.',
    retryable: false,
  },
  IN_PROFILE_MISMATCH: {
    meaning: 'The batch was measured by a profile other than the enrolled one.',
    hint: 'Have the device enrolled anew with the profile in force at the gateway.',
    retryable: false,
  },
  IN_ENROLMENT_MISMATCH: {
    meaning: 'The batch names an enrolment that is not the stored one of its device.',
    hint: 'Give the gateway the enrolment credential that the organisation issued last.',
    retryable: false,
  },
  IN_OUT_OF_SCOPE: {
    meaning: 'The batch reports on goods outside the scope that the device is enrolled for.',
    hint: "Check the goods prefix in the gateway's configuration against the enrolment's scope.",
    retryable: false,
  },
  IN_NOT_IN_FORCE: {
    meaning: 'The batch was closed outside the period for which its device is enrolled.',
    hint: "Check the gateway's clock and the enrolment's period.",
    retryable: false,
  },
  IN_FUTURE: {
    meaning: 'The batch is dated further ahead of its receipt than clocks may differ.',
    hint: "Set the gateway's clock; readings may be dated at most five minutes ahead.",
    retryable: false,
  },
  IN_FORK: {
    meaning: 'The batch contradicts a stored one: same device, epoch and sequence, other content.',
    hint: 'Two signers share one key, or a disk was restored; revoke the key and enrol a new one.',
    retryable: false,
  },
  IN_LIST_OLDER: {
    meaning: 'The status list is older than the one in force, so it was not taken.',
    hint: 'Fetch the newest status list from the organisation.',
    retryable: false,
  },
  IN_CONFIRM: {
    meaning: "The organisation's pinned document differs from the one in force.",
    hint: 'Ask the organisation over another channel, then repeat the command with --confirm.',
    retryable: false,
  },
  IN_PORT_TAKEN: {
    meaning: 'Another program listens on the port.',
    hint: 'Stop that program, set another port, or run with --ports any.',
    retryable: true,
  },
  IN_SOURCE_UNREACHABLE: {
    meaning: 'The broker that a source reads from cannot be reached.',
    hint: 'Start the broker or correct its address; the ingester keeps trying.',
    retryable: true,
  },
  IN_JOURNAL_DAMAGED: {
    meaning: 'An entry of the journal does not match its leaf hash, so its bytes were changed.',
    hint: 'Stop, keep the file as evidence, and restore the journal from a copy.',
    retryable: false,
  },
  IN_JOURNAL_FAILED: {
    meaning: 'The journal cannot be written; nothing is acknowledged and the ingester stops.',
    hint: 'Free disk space or repair the disk, then start again; gateways keep what is not receipted.',
    retryable: true,
  },
  IN_WORKER_LOST: {
    meaning: 'A worker thread ended by itself; the ingester stops.',
    hint: 'Start again; report the lines above if it repeats.',
    retryable: true,
  },
  IN_CONTROL: {
    meaning: 'The running ingester did not take the command.',
    hint: 'Check that the process named in control.json still runs, or stop it and repeat.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;
