/**
 * A key that is asked again where its token may come back: a token that was pulled out, or a
 * resource manager that starts anew, must not cost the readings that wait to be signed.
 */
import { EdgeError, errorCatalogue, explain } from '../devices/errors.ts';
import type { Signer } from '../devices/identity/signer.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';

/** How a key is waited for, and until when. */
export interface Patience {
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: AbortSignal;
}

/** Signs with `signer`, as `patiently` does. */
export function patientSigner(signer: Signer, patience: Patience): Signer {
  const { algorithm, did, keyId } = signer;
  return {
    did,
    keyId,
    algorithm,
    sign: (data) => patiently(did, () => signer.sign(data), patience),
  };
}

/**
 * Asks the key store; while it fails in a way that trying again can help, it waits, longer each
 * time, and says so. Rejects with the last failure when `stop` aborts, and at once with any other.
 */
export async function patiently<T>(
  device: string,
  ask: () => T | Promise<T>,
  { clock, log, stop }: Patience,
): Promise<T> {
  for (let waitMs: number = limits.keyRetryMs; ; waitMs = nextWaitMs(waitMs)) {
    try {
      const answer = await ask();
      if (waitMs > limits.keyRetryMs) log.info('the key signs again', { device });
      return answer;
    } catch (error) {
      if (!canHelp(error) || stop.aborted) throw error;
      log.error('the key cannot sign; it is asked again', {
        device,
        error: explain(error),
        waitMs,
      });
      await clock.sleep(waitMs, stop);
    }
  }
}

function nextWaitMs(waitMs: number): number {
  return Math.min(2 * waitMs, limits.keyRetryMaxMs);
}

function canHelp(error: unknown): boolean {
  return error instanceof EdgeError && errorCatalogue[error.code].retryable;
}
