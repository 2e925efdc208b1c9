/** Codes of the gateway side. */
import type { ErrorEntry } from '../errors.ts';

export const gatewayErrors = {} as const satisfies Record<string, ErrorEntry>;
