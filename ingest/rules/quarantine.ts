/** A device's key signed two histories: what it signs has no effect until that is decided. */
import type { Rule } from '../rule.ts';

export const quarantine: Rule = {
  name: 'quarantine',
  code: 'QUARANTINE',
  version: 1,
  summary: 'The key of a device is in two hands; closes when an officer or a new key ends it.',
  kinds: ['device'],
  evaluate({ doubt }) {
    const { quarantine: open } = doubt ?? {};
    if (open === undefined || open.supersededBy !== undefined) return undefined;
    return {
      severity: 'critical',
      sinceMs: open.sinceMs,
      text:
        'Its key signed two histories, so what it signs has no effect until an officer lifts ' +
        'the quarantine or the device is enrolled with a new key.',
      evidence: [open.position],
    };
  },
};
