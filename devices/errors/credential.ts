/** Codes of the credential side. */
import type { ErrorEntry } from '../errors.ts';

export const credentialErrors = {} as const satisfies Record<string, ErrorEntry>;
