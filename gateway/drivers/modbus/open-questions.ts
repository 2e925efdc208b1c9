/** The requests of a line that are waiting for their answers, under one timer for all of them. */
import type { Clock } from '../../../devices/runtime.ts';
import type { Asked } from './frame.ts';
import { type Answer, missing } from './question.ts';

/** What comes of a request; `alive` is a sign of life that says no value. */
export type Outcome = Answer | 'alive';

interface Open {
  readonly waitMs: number;
  readonly dueMs: number;
  readonly takesLife: boolean;
  readonly resolve: (outcome: Outcome) => void;
}

export class OpenQuestions {
  readonly #clock: Clock;
  readonly #open = new Map<Asked, Open>();
  /** When the timer wakes, monotonic; the first deadline is never earlier. */
  #wakesMs = Number.POSITIVE_INFINITY;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Opens a question for `waitMs` milliseconds. Resolves with what `settle` says of it, or that
   * nothing came. `takesLife`: a sign of life is enough for it.
   */
  open(asked: Asked, waitMs: number, takesLife: boolean): Promise<Outcome> {
    return new Promise((resolve) => {
      const dueMs = this.#clock.monotonicMs() + waitMs;
      this.#open.set(asked, { waitMs, dueMs, takesLife, resolve });
      // A timer that wakes too early costs less than one for every request.
      if (dueMs < this.#wakesMs) this.#wakeAt(dueMs, waitMs);
    });
  }

  /** Ends a question; one that is not open any more is left as it is. */
  settle(asked: Asked, outcome: Outcome): void {
    const open = this.#open.get(asked);
    if (open === undefined || (outcome === 'alive' && !open.takesLife)) return;
    this.#open.delete(asked);
    open.resolve(outcome);
  }

  /** Ends every question; returns which they were. */
  settleAll(outcome: Outcome): Asked[] {
    const all = [...this.#open.keys()];
    for (const asked of all) this.settle(asked, outcome);
    this.#cancel();
    this.#wakesMs = Number.POSITIVE_INFINITY;
    return all;
  }

  #wakeAt(atMs: number, delayMs: number): void {
    this.#cancel();
    this.#wakesMs = atMs;
    this.#cancel = this.#clock.after(delayMs, () => this.#wake());
  }

  #wake(): void {
    this.#wakesMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [asked, { dueMs, waitMs }] of [...this.#open]) {
      const detail = `no answer within ${Math.round(waitMs)} ms`;
      if (dueMs <= nowMs) this.settle(asked, missing('timeout', true, detail));
      else nextMs = Math.min(nextMs, dueMs);
    }
    if (nextMs < this.#wakesMs) this.#wakeAt(nextMs, Math.ceil(nextMs - nowMs));
  }
}
