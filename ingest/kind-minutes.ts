/** Conditions that kinds note minute by minute, and how rules read a run of such minutes. */
import type { Minute, TwinState } from './fold-state.ts';

/** Minutes in which a container's cargo air was beyond its limit. */
export const excursionPath = '@excursion';

/** Air may be this far from the set point before it counts (domain.md section 7, tolerance). */
export const toleranceCelsius = 2;

/** Minutes, by receipt, in which a device's batches claimed a time that cannot be. */
export const clockPath = '@clock';

/** Minutes, by receipt, in which a device's own time could not be believed. */
export const deviceClockPath = '@device-clock';

/** How far a claimed time may be ahead of its receipt, or behind an older one (CLOCK). */
export const clockToleranceMs = 5_000;

export const minuteMs = 60_000;

/** The first minute of the newest run of minutes in which the condition held. */
export function runStart(state: TwinState, path: string): Minute | undefined {
  let start: Minute | undefined;
  for (const minute of state.minutes.get(path) ?? []) {
    if (!minute.held) start = undefined;
    else start ??= minute;
  }
  return start;
}
