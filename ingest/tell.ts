/** Counts what became of credentials, and tells a person what is new, at a bounded rate. */
import { limits } from '../devices/limits.ts';
import type { Log } from '../devices/runtime.ts';
import type { Health } from './health.ts';
import type { HeldBook } from './held.ts';
import type { Outcome } from './record.ts';

/** Takes the outcomes of one commit. */
export type Teller = (outcomes: readonly Outcome[], nowMs: number) => void;

const NOT_KEPT =
  'refused for good and only counted: as many bytes of refusals are kept as the bound allows';

/**
 * Says each reason of each gateway at most once in `limits.tellMs`, with how often it came in
 * between: a flood of bad credentials must not become a flood of lines.
 */
export function createTeller(options: {
  readonly health: Health;
  readonly held: HeldBook;
  readonly log: Log;
}): Teller {
  const { health, held, log } = options;
  const said = new Map<string, { atMs: number; unsaid: number }>();

  const say = (what: string, outcome: Outcome, nowMs: number) => {
    const { gateway, device, reason, result } = outcome;
    const key = `${gateway} ${result.code} ${outcome.isCounted === true}`;
    const before = said.get(key);
    if (before !== undefined && nowMs - before.atMs < limits.tellMs) {
      before.unsaid += 1;
      return;
    }
    said.delete(key);
    said.set(key, { atMs: nowMs, unsaid: 0 });
    const [oldest] = said.keys();
    if (said.size > limits.heldDevicesMax && oldest !== undefined) said.delete(oldest);
    const more = before?.unsaid || undefined;
    log.warn(what, { code: result.code, gateway, device, reason, position: result.position, more });
  };

  return (outcomes, nowMs) => {
    const [oldest] = outcomes;
    if (oldest !== undefined) health.gauge({ commitMs: nowMs - oldest.receivedMs });
    for (const outcome of outcomes) {
      const { gateway, result, reason = '', device = '', readings, known, kind } = outcome;
      const { isCounted = false } = outcome;
      const { code = '' } = result;
      if (result.outcome === 'held') {
        held.hold({ device, gateway, code, reason }, nowMs);
        health.count(gateway, { held: 1 });
        say('held', outcome, nowMs);
        continue;
      }
      held.release(device, gateway);
      if (known) health.count(gateway, { known: 1 });
      else if (kind === 'batch') health.count(gateway, { accepted: 1, verifiedReadings: readings });
      else if (kind === 'doubtful') {
        health.count(gateway, { doubtful: 1 });
        say('kept without effect until an officer accepts it', outcome, nowMs);
      } else if (result.outcome === 'refused') {
        if (code === 'IN_POISON') health.poison();
        health.count(gateway, { refused: 1, refusedNotKept: isCounted ? 1 : 0 });
        say(isCounted ? NOT_KEPT : 'refused for good', outcome, nowMs);
      }
    }
  };
}
