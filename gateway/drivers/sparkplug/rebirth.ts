/**
 * When an edge node is asked to be born again: at once, and then, for as long as no birth comes, at
 * doubling intervals; however many reasons there are, it is never asked more often.
 */
import { limits } from '../../../devices/limits.ts';
import type { Clock } from '../../../devices/runtime.ts';

export interface Rebirth {
  /** A birth is wanted. Asks now, or when the interval is over. */
  want(): void;
  /** A birth came. */
  came(): void;
  /** A birth is wanted as if for the first time: asks now. */
  restart(): void;
  /** Nobody is there to be asked. */
  stop(): void;
}

export function createRebirth(clock: Clock, ask: () => void): Rebirth {
  let isWanted = false;
  let intervalMs: number = limits.sparkplugRebirthMs;
  let cancel: (() => void) | undefined;

  const askNow = () => {
    isWanted = true;
    cancel = clock.after(intervalMs, again);
    ask();
  };
  const again = () => {
    cancel = undefined;
    if (isWanted) {
      intervalMs = Math.min(2 * intervalMs, limits.sparkplugRebirthMsMax);
      askNow();
    } else {
      intervalMs = limits.sparkplugRebirthMs;
    }
  };
  const stop = () => {
    cancel?.();
    cancel = undefined;
    isWanted = false;
    intervalMs = limits.sparkplugRebirthMs;
  };
  return {
    want() {
      isWanted = true;
      if (cancel === undefined) askNow();
    },
    came() {
      isWanted = false;
    },
    restart() {
      stop();
      askNow();
    },
    stop,
  };
}
