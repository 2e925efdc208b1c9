/**
 * One device, two histories: another batch at a place that is taken (equivocation), or two epochs
 * that cannot both be true. It stays open: what was signed twice cannot be unsigned.
 */
import { forkedEpochs } from '../fold-history.ts';
import { evidenceMax, type Rule } from '../rule.ts';

export const fork: Rule = {
  name: 'fork',
  code: 'FORK',
  version: 1,
  summary: 'A device signed two different batches for one place in its history.',
  kinds: ['device'],
  evaluate({ history, incidents }) {
    const incident = incidents.get('FORK');
    const epochs = history === undefined ? [] : forkedEpochs(history);
    if (incident === undefined && epochs.length === 0) return undefined;
    const ranges = epochs.flatMap(({ ranges: [first] }) => (first === undefined ? [] : [first]));
    const sentences = [
      incident === undefined
        ? ''
        : `${incident.count} of its batches contradict stored ones (last: ${incident.reason}).`,
      epochs.length === 0
        ? ''
        : `Epochs ${epochs.map(({ counter }) => counter).join(', ')} cannot all follow one another.`,
    ];
    return {
      severity: 'critical',
      sinceMs: Math.min(
        incident?.firstMs ?? Number.POSITIVE_INFINITY,
        // It showed when the second of the epochs came.
        ...ranges
          .map(({ receivedMs }) => receivedMs)
          .sort((a, b) => a - b)
          .slice(1, 2),
      ),
      text: sentences.filter((sentence) => sentence !== '').join(' '),
      evidence: [...(incident?.positions ?? []), ...ranges.map(({ position }) => position)]
        .sort((a, b) => a - b)
        .slice(0, evidenceMax),
    };
  },
};
