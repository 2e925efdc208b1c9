/**
 * Promise: omission shows, also at the end of a history. A device of which nothing came for its
 * heartbeat and the grace is alerted of, and no other one.
 */
import { limits } from '../../devices/limits.ts';
import type { TwinState } from '../../ingest/fold-state.ts';
import type { Twin } from '../../ingest/twin.ts';
import type { AppliedWorld } from './applied.ts';

/** Twins of devices as they were told last, and up to which tick they were looked at. */
export interface Heard {
  /** By DID. */
  readonly states: Map<string, TwinState>;
  nowMs: number;
  /** How many were found silent. */
  silent: number;
}

export function nothingHeard(): Heard {
  return { states: new Map(), nowMs: 0, silent: 0 };
}

/** After each transaction of the twins; `isFound` at a start, when no twin is told. */
export function checkSilence(
  heard: Heard,
  applied: AppliedWorld,
  {
    changed,
    heartbeatMs,
    isFound,
    view,
  }: {
    readonly changed: readonly TwinState[];
    /** As each enrolment says. */
    readonly heartbeatMs: number;
    readonly isFound: boolean;
    readonly view: (state: TwinState) => Twin;
  },
): string[] {
  // What was told before may have gone with the disk.
  if (isFound) heard.states.clear();
  for (const state of changed) if (state.kind === 'device') heard.states.set(state.uri, state);
  const { nowMs } = applied;
  // Only a tick changes who is silent, or a batch that ends it.
  const looked = nowMs === heard.nowMs ? changed : heard.states.values();
  heard.nowMs = nowMs;
  return [...looked].flatMap((state) => {
    const last = applied.devices.get(state.uri)?.last;
    if (state.kind !== 'device' || last === undefined) return [];
    const isOverdue = nowMs >= last.receivedMs + heartbeatMs + limits.staleGraceMs;
    const isAlerted = view(state).alerts.some(({ code }) => code === 'SILENT');
    if (isOverdue) heard.silent += 1;
    if (isOverdue === isAlerted) return [];
    return [
      `${state.uri.slice(-8)} is ${isOverdue ? 'silent and nobody' : 'not silent and it'} says so`,
    ];
  });
}
