/** Batches are missing in a device's history: a sequence hole, or an epoch that follows nothing. */
import { formatTime } from '../../devices/runtime.ts';
import type { Hole } from '../fold-history.ts';
import { missingCount, openHoles } from '../fold-holes.ts';
import { evidenceMax, type Rule } from '../rule.ts';

/** Holes that the sentence names; the count says how many there are. */
const NAMED = 3;

export const gap: Rule = {
  name: 'gap',
  code: 'GAP',
  version: 2,
  summary: 'Batches of a device are missing; closes when they arrive.',
  kinds: ['device'],
  evaluate({ history }) {
    if (history === undefined) return undefined;
    const holes = openHoles(history);
    const missing = missingCount(history);
    if (holes.length === 0 && missing === 0) return undefined;
    const named = holes.slice(0, NAMED).map(describe).join('; ');
    const more = holes.length > NAMED ? `; and ${holes.length - NAMED} more` : '';
    const count = missing === 1 ? '1 batch is missing' : `${missing} batches are missing`;
    return {
      severity: 'warning',
      sinceMs: Math.min(...holes.map(({ sinceMs }) => sinceMs)),
      text: `${missing === 0 ? 'Batches are missing' : count}: ${named}${more}.`,
      evidence: holes
        .map(({ position }) => position)
        .sort((a, b) => a - b)
        .slice(0, evidenceMax),
    };
  },
};

function describe(hole: Hole): string {
  return `${which(hole)}${when(hole)}`;
}

function which({ counter, from, to, some }: Hole): string {
  if (from === undefined || to === undefined) return `the end of epoch ${counter}`;
  if (some) return `epoch ${counter}, some of the sequences ${from} to ${to}`;
  return from === to
    ? `epoch ${counter}, sequence ${from}`
    : `epoch ${counter}, sequences ${from} to ${to}`;
}

/** The time in which they were closed, by the batches beside them. */
function when({ afterMs, beforeMs }: Hole): string {
  if (beforeMs === undefined) return '';
  const before = formatTime(beforeMs);
  return afterMs === undefined ? ` (before ${before})` : ` (${formatTime(afterMs)} to ${before})`;
}
