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
  IN_STATUS_UNKNOWN: {
    meaning: "The status list that the device's enrolment names is missing or no longer valid.",
    hint: "Run bondline-ingest trust add with the organisation's newest status list.",
    retryable: true,
  },
  IN_KEY_REUSED: {
    meaning: 'The key of the enrolled device is in use already: elsewhere, or by a gateway.',
    hint: 'Make a key of its own for each device; ask who else enrolled this one.',
    retryable: false,
  },
  IN_TYPE_UNSUPPORTED: {
    meaning: 'The credential is of a type that is not taken in here.',
    hint: 'Send batch and enrolment credentials only; other types come with a later version.',
    retryable: false,
  },
  IN_AUTHORITY_UNKNOWN: {
    meaning: 'Who signed is not named here as one whose word counts on this, so it is held.',
    hint: 'Name the DID under authorities in the configuration, or ask the right authority.',
    retryable: true,
  },
  IN_BOND_MISSING: {
    meaning: 'The party that would answer for goods in bond has no bond now, so it is held.',
    hint: 'Submit the bond that a surety signed, then the held credential again.',
    retryable: true,
  },
  IN_STANDING_MISSING: {
    meaning:
      'A party to goods in bond has no standing (AEO, CTPAT) that is asked for, so it is held.',
    hint: 'Submit the standing that customs signed, then the held credential again.',
    retryable: true,
  },
  IN_NOT_IN_FORCE: {
    meaning: 'The enrolment of the device begins later, so its credential is held.',
    hint: 'Wait for the day on which the enrolment begins, or have the device enrolled anew.',
    retryable: true,
  },
  IN_UPLINK: {
    meaning: 'The batch came by the uplink of a gateway other than the one it names; it is held.',
    hint: 'Connect the gateway under its own identity; nobody else may deliver for it.',
    retryable: true,
  },
  IN_FUTURE: {
    meaning:
      'It is dated further ahead of its receipt than clocks may differ: a batch is held up to a day, ' +
      'and with it only those of its device that are dated as late or later.',
    hint: "Set whichever clock is wrong, the gateway's or the ingester's; five minutes are allowed.",
    retryable: true,
  },
  IN_FORK: {
    meaning: 'The batch contradicts a stored one: same device, epoch and sequence, other content.',
    hint: 'Two signers share one key, or a disk was restored; revoke the key and enrol a new one.',
    retryable: false,
  },
  IN_CLONED: {
    meaning: 'Two gateways sign with the key of the device: a run of one goes on beside the other.',
    hint: 'Find the copy; then enrol a new key, or accept what is genuine (bondline-ingest accept).',
    retryable: false,
  },
  IN_QUARANTINE: {
    meaning: 'The key of the device signed two histories, so its batches are kept without effect.',
    hint: 'Enrol the device with a new key, or accept what is genuine (bondline-ingest accept).',
    retryable: false,
  },
  IN_ACT: {
    meaning: 'The act names a batch that is not doubtful, or was decided, or whose place is taken.',
    hint: 'Run bondline-ingest doubts, which lists what waits for a decision.',
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
  IN_LISTEN: {
    meaning: 'The address cannot be listened on.',
    hint: 'Check that the host name is one of this machine and that the port is permitted.',
    retryable: false,
  },
  IN_JOURNAL_ABSENT: {
    meaning: 'There is no journal yet in the data directory.',
    hint: 'Run the ingester once, or name the configuration that it runs with.',
    retryable: false,
  },
  IN_JOURNAL_DAMAGED: {
    meaning:
      'The disk, or somebody, changed the journal: an entry does not match its leaf hash, the entries are not those of the checkpoint that was signed last, or committed transactions stand in the WAL behind damage.',
    hint: 'Stop, keep journal.db and journal.db-wal as evidence, and restore a backup. Where only the WAL is damaged and there is no backup, "bondline-ingest rebuild" goes on with what is left.',
    retryable: false,
  },
  IN_JOURNAL_OTHER: {
    meaning:
      'The twins were made of entries that the journal does not have: it lost them, or is another.',
    hint: 'Keep both files as evidence and restore a backup; "bondline-ingest rebuild" goes on with this journal.',
    retryable: false,
  },
  IN_JOURNAL_FAILED: {
    meaning: 'The journal cannot be written; nothing is acknowledged and the ingester stops.',
    hint: 'Free disk space or repair the disk, then start again; gateways keep what is not receipted.',
    retryable: true,
  },
  IN_WORKER_LOST: {
    meaning: 'A worker thread ended by itself. Where none takes its place the ingester stops.',
    hint: 'Start again; report the lines above if it repeats.',
    retryable: true,
  },
  IN_POISON: {
    meaning:
      'The credential made the worker that judged it throw, end, take too much memory or come to no end.',
    hint: 'It is kept with its bytes and refused for good: report it with the lines of the log.',
    retryable: false,
  },
  IN_FAULT: {
    meaning: 'A mistake in the program that nobody caught; the process ends at once.',
    hint: 'Start it again, which verifies what was stored, and report the line above.',
    retryable: true,
  },
  IN_UNAPPLIED: {
    meaning: 'The fold could not take an entry of the journal, so it has no effect on any twin.',
    hint: 'The entry and its evidence are kept: report it with its position; a later version may fold it.',
    retryable: false,
  },
  IN_API_BUSY: {
    meaning: 'Too many questions wait for an answer of the API.',
    hint: 'Ask again in a moment, or ask for less at a time.',
    retryable: true,
  },
  IN_REQUEST: {
    meaning: 'A request to change trust does not have the form of one.',
    hint: 'Use bondline-ingest trust of the same version as the ingester.',
    retryable: false,
  },
  IN_REBUILD: {
    meaning: 'The journal could not be folded into twins.',
    hint: 'Report the line above; the journal itself was not changed.',
    retryable: false,
  },
  IN_TWIN_UNKNOWN: {
    meaning: 'There is no twin of this id, URI or label.',
    hint: 'Run bondline-ingest twin CONFIG without an id to see all.',
    retryable: false,
  },
  IN_CONTROL: {
    meaning: 'The running ingester did not take the command.',
    hint: 'Check that the process named in control.json still runs, or stop it and repeat.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;
