/**
 * Cargo air was beyond its limit too long: continuously for thirty observed minutes. A minute
 * without a reading is unknown: it neither clears nor accrues (domain.md section 7, gap rule).
 */
import type { Minute } from '../fold-state.ts';
import { excursionPath, minuteMs, toleranceCelsius } from '../kind-minutes.ts';
import { evidenceMax, type Rule } from '../rule.ts';

/** domain.md section 7, TEMP_EXC: continuously for so many minutes; hysteresis: one full window. */
const WINDOW_MINUTES = 30;

export const temperatureExcursion: Rule = {
  name: 'temp-exc',
  code: 'TEMP_EXC',
  version: 1,
  summary: 'The air of a container was beyond its limit for thirty minutes.',
  kinds: ['container'],
  evaluate(state) {
    const excursion = openExcursion(state.minutes.get(excursionPath) ?? []);
    if (excursion === undefined) return undefined;
    const { minutes, last } = excursion;
    const [first] = minutes;
    return {
      severity: 'critical',
      sinceMs: (first?.minute ?? 0) * minuteMs,
      text:
        `The cargo's air was more than ${toleranceCelsius} °C off its set point for ` +
        `${minutes.length} observed minutes${last.held && !last.failed ? '' : ', and is back since'}.`,
      evidence: minutes
        .map(({ position }) => position)
        .filter((position, index, all) => position >= 0 && all.indexOf(position) === index)
        .slice(0, evidenceMax),
    };
  },
};

/** The newest excursion that is long enough and after which no full window was within limits. */
function openExcursion(
  all: readonly Minute[],
): { readonly minutes: readonly Minute[]; readonly last: Minute } | undefined {
  let run: Minute[] = [];
  let open: Minute[] = [];
  let within = 0;
  for (const minute of all) {
    // A minute counts as beyond only when every reading in it was.
    if (minute.held && !minute.failed) {
      run.push(minute);
      within = 0;
      if (run.length >= WINDOW_MINUTES) open = run;
    } else {
      run = [];
      within += 1;
      if (within >= WINDOW_MINUTES) open = [];
    }
  }
  const last = all.at(-1);
  return open.length === 0 || last === undefined ? undefined : { minutes: open, last };
}
