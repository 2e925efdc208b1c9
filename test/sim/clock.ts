/**
 * Time that stands still until the simulation lets it go on. One true time drives all; each
 * machine has a clock of its own on top of it, which may be wrong, drift and jump.
 */
import { limits } from '../../devices/limits.ts';
import type { Clock } from '../../devices/runtime.ts';

interface Timer {
  readonly dueMs: number;
  /** Timers that are due together run in the order in which they were set. */
  readonly order: number;
  action: (() => void) | undefined;
}

/** The true time of a simulated world, milliseconds since 1970. */
export class World {
  /** Timers that fired since the beginning. */
  fired = 0;
  /** In quiet stretches, timers that only look whether something is due fire this much later. */
  slackMs = 0;
  #nowMs: number;
  #order = 0;
  /** A binary heap: the one that is due first is the first. */
  readonly #timers: Timer[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Timers that are set, and those that were cancelled and are not due yet. */
  get pending(): number {
    return this.#timers.length;
  }

  after(delayMs: number, action: () => void): () => void {
    this.#order += 1;
    const timer: Timer = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order,
      action,
    };
    this.#push(timer);
    return () => {
      timer.action = undefined;
    };
  }

  /** Lets time pass; everything that falls due happens at its own instant, in order. */
  async run(forMs: number): Promise<void> {
    const untilMs = this.#nowMs + forMs;
    for (;;) {
      await settle();
      const next = this.#take(untilMs);
      if (!next) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.fired += 1;
      next.action?.();
    }
    this.#nowMs = untilMs;
  }

  /** The next timer that is due by then and was not cancelled. */
  #take(untilMs: number): Timer | undefined {
    for (;;) {
      const [first] = this.#timers;
      if (first === undefined || first.dueMs > untilMs) return undefined;
      this.#pop();
      if (first.action) return first;
    }
  }

  #push(timer: Timer): void {
    const timers = this.#timers;
    let at = timers.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = timers[parent] as Timer;
      if (!isSooner(timer, above)) break;
      timers[at] = above;
      at = parent;
    }
    timers[at] = timer;
  }

  #pop(): void {
    const timers = this.#timers;
    const last = timers.pop();
    if (last === undefined || timers.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = timers[child + 1];
      let best = timers[child];
      if (best === undefined) break;
      if (right !== undefined && isSooner(right, best)) {
        child += 1;
        best = right;
      }
      if (!isSooner(best, last)) break;
      timers[at] = best;
      at = child;
    }
    timers[at] = last;
  }
}

function isSooner(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** Lets everything that is ready run to its next wait. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Timers of these lengths only look whether something is due: they may look less often. */
const LOOKS: ReadonlySet<number> = new Set([
  limits.forwardTickMs,
  limits.clockWatchMs,
  limits.tickMs,
]);

/** A machine's own clock. When the machine loses power, nothing that it planned happens. */
export class MachineClock implements Clock {
  readonly #world: World;
  readonly #bootMs: number;
  /** What the wall clock says beyond the true time, at the true time `#sinceMs`. */
  #skewMs: number;
  #sinceMs: number;
  /** Wall clock seconds too many in a true second. */
  #drift: number;
  #isDead = false;

  constructor(world: World, skewMs: number, drift = 0) {
    this.#world = world;
    this.#bootMs = world.nowMs;
    this.#sinceMs = world.nowMs;
    this.#skewMs = skewMs;
    this.#drift = drift;
  }

  /** How far the wall clock is ahead of the true time. */
  get skewMs(): number {
    return this.#skewMs + (this.#world.nowMs - this.#sinceMs) * this.#drift;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  nowMs(): number {
    // Whole milliseconds, as the machine's own clock gives them.
    return Math.floor(this.#world.nowMs + this.skewMs);
  }

  monotonicMs(): number {
    return this.#world.nowMs - this.#bootMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const laterMs = LOOKS.has(delayMs) ? this.#world.slackMs : 0;
    return this.#world.after(delayMs + laterMs, () => {
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

  /** From now on the wall clock gains so much in each true second (or loses). */
  driftBy(drift: number): void {
    this.#skewMs = this.skewMs;
    this.#sinceMs = this.#world.nowMs;
    this.#drift = drift;
  }

  die(): void {
    this.#isDead = true;
  }
}
