/**
 * What a silent unit may cost the others on its line. The line learns how often each unit is read
 * and how long its answers take; the time that is left over is its slack. A unit that was silent
 * is tried again only within the slack, so that no other misses a cycle for it.
 */
import { limits } from '../../../devices/limits.ts';
import type { Clock } from '../../../devices/runtime.ts';

/** One device on a line. */
export interface Seat {
  /** Its last question had an answer. */
  answers: boolean;
  /** Its last question had none. */
  isSilent: boolean;
  /** Longest answer so far, milliseconds. */
  slowestMs: number;
  startMs: number | undefined;
  /** Between the starts of its last reads, and on the wire in each of them, milliseconds. */
  periods: number[];
  busy: number[];
  busyNowMs: number;
}

/** Reads that are remembered; a jittery one does not move the shortest or longest for long. */
const READS = 4;
/** Of the time left over; the rest is for what the line itself and we are late by. */
const SHARE = 0.8;

export class LineSlack {
  readonly #clock: Clock;
  readonly #seats = new Set<Seat>();
  #lostSinceMs = 0;
  #lostMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(): Seat {
    const seat = newSeat();
    this.#seats.add(seat);
    return seat;
  }

  /** For a question that belongs to no device, which the line does not remember. */
  guest(): Seat {
    return newSeat();
  }

  leave(seat: Seat): void {
    this.#seats.delete(seat);
  }

  /** A device begins to read all its points. */
  begin(seat: Seat): void {
    const nowMs = this.#clock.monotonicMs();
    if (seat.startMs !== undefined) {
      keep(seat.periods, nowMs - seat.startMs);
      keep(seat.busy, seat.busyNowMs);
    }
    seat.startMs = nowMs;
    seat.busyNowMs = 0;
  }

  answered(seat: Seat, tookMs: number): void {
    seat.answers = true;
    seat.isSilent = false;
    seat.slowestMs = Math.max(seat.slowestMs, tookMs);
    seat.busyNowMs += tookMs;
  }

  silent(seat: Seat, tookMs: number): void {
    seat.answers = false;
    seat.isSilent = true;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - tookMs - this.#lostSinceMs >= this.#periodMs(seat)) {
      this.#lostSinceMs = nowMs - tookMs;
      this.#lostMs = 0;
    }
    this.#lostMs += tookMs;
  }

  /** Whether any other unit is known to answer on this line. */
  othersAnswer(seat: Seat): boolean {
    for (const other of this.#seats) if (other !== seat && other.answers) return true;
    return false;
  }

  /**
   * How long to wait for the answer to a question, milliseconds; `undefined` when it is not to be
   * asked now, because a silent unit has already cost this cycle what it may.
   */
  waitMs(seat: Seat, timeoutMs: number, isRetry: boolean): number | undefined {
    if (!seat.isSilent && !isRetry) return timeoutMs;
    const periodMs = this.#periodMs(seat);
    if (periodMs === Number.POSITIVE_INFINITY) return timeoutMs;
    const isSpent = this.#clock.monotonicMs() - this.#lostSinceMs < periodMs && this.#lostMs > 0;
    const leastMs = Math.min(timeoutMs, Math.max(limits.modbusProbeMsMin, 2 * seat.slowestMs));
    const slackMs = SHARE * (periodMs - this.#busyMs(seat));
    if (!isSpent) return Math.max(leastMs, Math.min(timeoutMs, slackMs));
    const leftMs = slackMs - this.#lostMs;
    return leftMs < leastMs ? undefined : Math.min(timeoutMs, leftMs);
  }

  /** The shortest period of the others that answer. */
  #periodMs(seat: Seat): number {
    let shortest = Number.POSITIVE_INFINITY;
    for (const other of this.#seats) {
      if (other !== seat && other.answers) shortest = Math.min(shortest, ...other.periods);
    }
    return shortest;
  }

  /** What the others need of the line in one period. */
  #busyMs(seat: Seat): number {
    let sum = 0;
    for (const other of this.#seats) {
      if (other !== seat && other.answers) sum += Math.max(other.busyNowMs, ...other.busy);
    }
    return sum;
  }
}

function newSeat(): Seat {
  return {
    answers: false,
    isSilent: false,
    slowestMs: 0,
    startMs: undefined,
    periods: [],
    busy: [],
    busyNowMs: 0,
  };
}

function keep(values: number[], value: number): void {
  values.push(value);
  if (values.length > READS) values.shift();
}
