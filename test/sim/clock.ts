/**
 * Time that stands still until the simulation lets it go on. One true time drives all; each
 * machine has a clock of its own on top of it, which may be wrong and may jump.
 */
import type { Clock } from '../../devices/runtime.ts';

interface Timer {
  readonly dueMs: number;
  /** Timers that are due together run in the order in which they were set. */
  readonly order: number;
  readonly action: () => void;
}

/** The true time of a simulated world, milliseconds since 1970. */
export class World {
  #nowMs: number;
  #order = 0;
  #timers: Timer[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    this.#order += 1;
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets time pass; everything that falls due happens at its own instant, in order. */
  async run(forMs: number): Promise<void> {
    const untilMs = this.#nowMs + forMs;
    for (;;) {
      await settle();
      const next = this.#next(untilMs);
      if (!next) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.action();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > untilMs) continue;
      const isSooner =
        !first ||
        timer.dueMs < first.dueMs ||
        (timer.dueMs === first.dueMs && timer.order < first.order);
      if (isSooner) first = timer;
    }
    return first;
  }
}

/** Lets everything that is ready run to its next wait. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A machine's own clock. When the machine loses power, nothing that it planned happens. */
export class MachineClock implements Clock {
  readonly #world: World;
  readonly #bootMs: number;
  #skewMs: number;
  #isDead = false;

  constructor(world: World, skewMs: number) {
    this.#world = world;
    this.#bootMs = world.nowMs;
    this.#skewMs = skewMs;
  }

  nowMs(): number {
    // Whole milliseconds, as the machine's own clock gives them.
    return Math.floor(this.#world.nowMs) + this.#skewMs;
  }

  monotonicMs(): number {
    return this.#world.nowMs - this.#bootMs;
  }

  after(delayMs: number, action: () => void): () => void {
    return this.#world.after(delayMs, () => {
      if (!this.#isDead) action();
    });
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        cancel();
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.after(delayMs, done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }

  /** Steps the wall clock; the monotonic one does not notice. */
  step(byMs: number): void {
    this.#skewMs += byMs;
  }

  die(): void {
    this.#isDead = true;
  }
}
