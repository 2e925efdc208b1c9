/**
 * A key that is asked again where its token may come back: a token that was pulled out, or a
 * resource manager that starts anew, must not cost the readings that wait to be signed.
 */
import { EdgeError, errorCatalogue, explain } from '../devices/errors.ts';
import type { Signer } from '../devices/identity/signer.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';

/**
 * Signs with `signer`; while it fails in a way that trying again can help, it waits, longer each
 * time, and says so. Rejects with the last failure when `stop` aborts, and at once with any other.
 */
export function patientSigner(
  signer: Signer,
  options: { readonly clock: Clock; readonly log: Log; readonly stop: AbortSignal },
): Signer {
  const { clock, log, stop } = options;
  const { algorithm, did, keyId } = signer;
  return {
    did,
    keyId,
    algorithm,
    async sign(data) {
      for (let waitMs: number = limits.keyRetryMs; ; waitMs = nextWaitMs(waitMs)) {
        try {
          const signature = await signer.sign(data);
          if (waitMs > limits.keyRetryMs) log.info('the key signs again', { device: did });
          return signature;
        } catch (error) {
          if (!canHelp(error) || stop.aborted) throw error;
          log.error('the key cannot sign; it is asked again', {
            device: did,
            error: explain(error),
            waitMs,
          });
          await clock.sleep(waitMs, stop);
        }
      }
    },
  };
}

function nextWaitMs(waitMs: number): number {
  return Math.min(2 * waitMs, limits.keyRetryMaxMs);
}

function canHelp(error: unknown): boolean {
  return error instanceof EdgeError && errorCatalogue[error.code].retryable;
}
