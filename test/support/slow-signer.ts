/** A key that takes its time, as the one in a TPM does: one signature after the other. */
import type { Signer } from '../../devices/identity/signer.ts';
import type { Clock } from '../../devices/runtime.ts';

/** Keys that share one slow token. */
export class SlowToken {
  /** Signatures that were made, and the most that waited at one time. */
  signatures = 0;
  waitingMax = 0;
  readonly #clock: Clock;
  readonly #signMs: number;
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, signMs: number) {
    this.#clock = clock;
    this.#signMs = signMs;
  }

  /** The same key, in the token. */
  hold(signer: Signer): Signer {
    return { ...signer, sign: (data) => this.#sign(signer, data) };
  }

  #sign(signer: Signer, data: Uint8Array): Promise<Uint8Array> {
    this.#waiting += 1;
    this.waitingMax = Math.max(this.waitingMax, this.#waiting);
    const done = this.#tail.then(async () => {
      await this.#clock.sleep(this.#signMs);
      this.#waiting -= 1;
      this.signatures += 1;
      return signer.sign(data);
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }
}
