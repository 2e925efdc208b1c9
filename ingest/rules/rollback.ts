/**
 * Two epochs of a device that cannot both follow what they say: a disk was put back to an older
 * state, or copied. No batch contradicts another, so none is in doubt; a person has to look.
 */
import { forkedEpochs } from '../fold-holes.ts';
import { evidenceMax, type Rule } from '../rule.ts';

export const rollback: Rule = {
  name: 'rollback',
  code: 'ROLLBACK',
  version: 2,
  summary: 'A device went on from an older batch than its last: a restored disk, or a copied one.',
  kinds: ['device'],
  evaluate({ history }) {
    const epochs = history === undefined ? [] : forkedEpochs(history);
    if (epochs.length === 0) return undefined;
    const ranges = epochs.flatMap(({ ranges: [first] }) => (first === undefined ? [] : [first]));
    const counters = [...new Set(epochs.map(({ counter }) => counter))].join(', ');
    // It showed when the second of the epochs came.
    const [sinceMs = 0] = ranges
      .map(({ receivedMs }) => receivedMs)
      .sort((a, b) => a - b)
      .slice(1, 2);
    return {
      severity: 'warning',
      sinceMs,
      text:
        `Its gateway began anew from an older state (epochs ${counters}): a disk was restored ` +
        'or copied. What was signed in between may be missing.',
      evidence: ranges
        .map(({ position }) => position)
        .sort((a, b) => a - b)
        .slice(0, evidenceMax),
    };
  },
};
