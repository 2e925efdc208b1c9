/**
 * How far the gateway's clock can be believed: what the service that sets it says, or what the
 * operator stated; and what the gateway sees itself, which is each step of the wall clock against
 * the monotonic one.
 */
import type { ClockQuality } from '../devices/credential/batch.ts';
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import type { ClockAnswer } from './clock-sources/source.ts';

/** What the configuration says. */
export interface ClockStatement {
  /** `auto`: the service that sets the clock is asked. Otherwise the operator's word. */
  readonly source: ClockQuality['source'] | 'auto';
  readonly offsetMs?: number;
  readonly uncertaintyMs?: number;
  readonly chronySocket?: string;
}

/** Asks the services of this machine; never rejects. */
export type AskClock = (
  statement: ClockStatement,
  signal: AbortSignal,
) => Promise<ClockAnswer | undefined>;

export interface ClockWatch {
  /** Compares the two clocks, and asks again when it is time; call it often. */
  observe(): void;
  /** Steps since the start. */
  steps(): number;
  /** The quality to sign, for a device whose batch before was closed at `stepsBefore`. */
  quality(stepsBefore: number): ClockQuality;
  /** The configuration has changed. */
  state(statement: ClockStatement): void;
}

/** `ask` is absent where there is nobody to ask: then `auto` is `unknown`. */
export function createClockWatch(clock: Clock, first: ClockStatement, ask?: AskClock): ClockWatch {
  const difference = () => clock.nowMs() - clock.monotonicMs();
  let statement = first;
  let last = difference();
  let steps = 0;
  let answer: { readonly said: ClockAnswer; readonly atMs: number } | undefined;
  let askAtMs = Number.NEGATIVE_INFINITY;
  /** Counts what makes a question under way void. */
  let round = 0;
  let isAsking = false;

  function forget(): void {
    answer = undefined;
    round += 1;
    askAtMs = clock.monotonicMs();
  }

  function askWhenDue(): void {
    if (!ask || statement.source !== 'auto' || isAsking || clock.monotonicMs() < askAtMs) return;
    const asked = round;
    // The answer is as old as the question.
    const atMs = clock.monotonicMs();
    const over = new AbortController();
    const cancel = clock.after(limits.clockAnswerMs, () => over.abort());
    isAsking = true;
    askAtMs = atMs + limits.clockAskMs;
    void ask(statement, over.signal)
      .then((said) => {
        if (asked === round) answer = said && { said, atMs };
      })
      .finally(() => {
        cancel();
        isAsking = false;
      });
  }

  function observe(): void {
    const now = difference();
    if (Math.abs(now - last) > limits.clockStepMs) {
      steps += 1;
      // What was said of the clock was said of the one before the step.
      forget();
    }
    last = now;
    askWhenDue();
  }

  return {
    observe,
    steps: () => steps,
    state(next) {
      statement = next;
      forget();
    },
    quality(stepsBefore) {
      observe();
      return {
        ...(statement.source === 'auto' ? told(answer, clock) : stated(statement)),
        monotonicMs: Math.round(clock.monotonicMs()),
        steps: steps - stepsBefore,
      };
    },
  };
}

type Told = Omit<ClockQuality, 'monotonicMs' | 'steps'>;

/** The operator's word. */
function stated({ source, offsetMs, uncertaintyMs }: ClockStatement): Told {
  if (source === 'auto' || source === 'unknown') return { source: 'unknown' };
  return {
    source,
    toldBy: 'configuration',
    ...(offsetMs !== undefined && { offsetMs }),
    ...(uncertaintyMs !== undefined && { uncertaintyMs }),
  };
}

/** The service's word, less certain by what a clock drifts meanwhile (RFC 5905, PHI). */
function told(
  answer: { readonly said: ClockAnswer; readonly atMs: number } | undefined,
  clock: Clock,
): Told {
  if (!answer) return { source: 'unknown' };
  const ageMs = clock.monotonicMs() - answer.atMs;
  if (ageMs > limits.clockAnswerAgeMsMax) return { source: 'unknown' };
  const { uncertaintyMs, ...said } = answer.said;
  if (uncertaintyMs === undefined) return said;
  const driftMs = (ageMs * limits.clockDriftPpm) / 1_000_000;
  return { ...said, uncertaintyMs: Math.round((uncertaintyMs + driftMs) * 1_000) / 1_000 };
}
