/** Codes of the ingest side. */
import type { ErrorEntry } from '../errors.ts';

export const ingestErrors = {} as const satisfies Record<string, ErrorEntry>;
