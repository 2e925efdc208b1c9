/** Judges how gateways come back after a broker was away: one by one, and not again and again. */
import { limits } from '../../../devices/limits.ts';
import type { Outage } from './light-gateway.ts';

export interface Comeback {
  readonly notes: readonly string[];
  /** Largest share of the gateways whose first wait was drawn from the same tenth of its range. */
  readonly herdShare: number;
  /** From the first of them back to the last, milliseconds. */
  readonly spreadMs: number;
  /** Most attempts of one gateway. */
  readonly attempts: number;
}

/** Fewer say nothing of how they are spread. */
const CROWD = 15;
/** Of draws that are spread evenly, so many do not fall into one tenth. */
const HERD_SHARE_MAX = 0.6;
/** Timers may be this early. */
const TIMER_MS = 20;

/** Pure: the outages of many gateways which one restart caused. */
export function judgeComeback(outages: readonly Outage[]): Comeback {
  const notes: string[] = [];
  const firsts = outages.flatMap(({ waitsMs: [first] }) => first ?? []);
  const width = (limits.reconnectMs / 2) * 0.1;
  const herd = Math.max(
    0,
    ...firsts.map((from) => firsts.filter((ms) => ms >= from && ms < from + width).length),
  );
  const herdShare = herd / Math.max(1, firsts.length);
  if (firsts.length >= CROWD && herdShare > HERD_SHARE_MAX) {
    notes.push(`${herd} of ${firsts.length} gateways came back at the same time`);
  }
  for (const { backMs, lostMs, triedMs } of outages) {
    if (backMs === undefined) continue;
    const most = attemptsMax(backMs - lostMs);
    if (triedMs.length <= most) continue;
    const awayMs = Math.round(backMs - lostMs);
    notes.push(
      `a gateway tried ${triedMs.length} times in ${awayMs} ms, at most ${most} are right`,
    );
  }
  const back = outages.flatMap(({ backMs }) => backMs ?? []);
  return {
    ...{ notes: notes.slice(0, 3), herdShare },
    spreadMs: back.length === 0 ? 0 : Math.max(...back) - Math.min(...back),
    attempts: Math.max(0, ...outages.map(({ triedMs }) => triedMs.length)),
  };
}

/** Attempts in so long when each wait doubles, and is drawn from its upper half. */
function attemptsMax(awayMs: number): number {
  const waited = (attempts: number) => (limits.reconnectMs / 2) * (2 ** attempts - 1);
  let attempts = 1;
  while (waited(attempts + 1) <= awayMs + TIMER_MS) attempts += 1;
  return attempts;
}
