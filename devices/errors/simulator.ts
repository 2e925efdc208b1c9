/** Codes of the simulator side. */
import type { ErrorEntry } from '../errors.ts';

export const simulatorErrors = {} as const satisfies Record<string, ErrorEntry>;
