/** Operating errors: one class, and one catalogue of stable codes with a hint for the operator. */
import { backupErrors } from './errors/backup.ts';
import { configErrors } from './errors/config.ts';
import { credentialErrors } from './errors/credential.ts';
import { databaseErrors } from './errors/database.ts';
import { gatewayErrors } from './errors/gateway.ts';
import { ingestErrors } from './errors/ingest.ts';
import { keyStoreErrors } from './errors/key-store.ts';
import { networkErrors } from './errors/network.ts';
import { simulatorErrors } from './errors/simulator.ts';
import { uplinkErrors } from './errors/uplink.ts';
import { walletErrors } from './errors/wallet.ts';

/** What an operator can look up about a code. */
export interface ErrorEntry {
  /** What it means, one sentence. */
  readonly meaning: string;
  /** What to do about it. */
  readonly hint: string;
  /** Whether trying again without changing anything can help. */
  readonly retryable: boolean;
}

/** Every code of every part; the reference page is generated from it. */
export const errorCatalogue = {
  ...backupErrors,
  ...configErrors,
  ...credentialErrors,
  ...databaseErrors,
  ...gatewayErrors,
  ...ingestErrors,
  ...networkErrors,
  ...keyStoreErrors,
  ...simulatorErrors,
  ...uplinkErrors,
  ...walletErrors,
} as const;

export type ErrorCode = keyof typeof errorCatalogue;

/**
 * An operating failure. The message says what we were doing and never repeats its cause.
 * `code` is stable; meaning, hint and retryability stand in the catalogue.
 */
export class EdgeError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'EdgeError';
    this.code = code;
  }

  get entry(): ErrorEntry {
    return errorCatalogue[this.code];
  }
}

/** One line for an operator: code, what we were doing, the causes outermost first, what to do. */
export function explain(error: unknown): string {
  const parts: string[] = [];
  let at: unknown = error;
  for (let depth = 0; at instanceof Error && depth < 5; depth += 1) {
    parts.push(at.message);
    at = at.cause;
  }
  if (parts.length === 0) parts.push(String(error));
  if (!(error instanceof EdgeError)) return parts.join(': ');
  return `${error.code}: ${parts.join(': ')}. ${error.entry.hint}`;
}
