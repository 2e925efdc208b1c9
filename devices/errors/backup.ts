/** Codes of copies of an ingester: making, checking and restoring them. */
import type { ErrorEntry } from '../errors.ts';

export const backupErrors = {
  IN_BACKUP_OCCUPIED: {
    meaning: 'The folder of the backup is there already and has something in it.',
    hint: 'Name a folder that is not there yet.',
    retryable: false,
  },
  IN_BACKUP_DAMAGED: {
    meaning: 'The backup is not what was written: a file, the journal or its twins do not agree.',
    hint: 'Take another backup; keep this one for examination. Nothing was restored.',
    retryable: false,
  },
  IN_RESTORE_OCCUPIED: {
    meaning: 'The data directory is not empty, so nothing is restored into it.',
    hint: 'Name an empty one as ingester.data; keep the old one, whose newest entries may be readable.',
    retryable: false,
  },
  IN_EVIDENCE: {
    meaning: 'The file is no evidence file, or is larger than one may be.',
    hint: 'Give what bondline-gateway outbox export or the console wrote.',
    retryable: false,
  },
  IN_CHECKPOINT: {
    meaning: 'The file holds no checkpoint of a journal that its signatures prove.',
    hint: 'Give what bondline-ingest checkpoint wrote, or the kept.jwt of a gateway.',
    retryable: false,
  },
  IN_CHECKPOINT_NONE: {
    meaning: 'No checkpoint of the journal has been signed yet.',
    hint: 'Run the ingester for ten seconds.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;
