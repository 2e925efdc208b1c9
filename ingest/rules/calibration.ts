/**
 * The calibration that a device's enrolment pins is not here, or did not hold when the device last
 * spoke. What it says is kept; how far it can be relied on is in doubt.
 */
import { calibrationAt, type Use } from '../../devices/credential/party/in-force.ts';
import type { TwinState } from '../fold-state.ts';
import type { Rule } from '../rule.ts';
import { newestEnrolment } from '../twin-statement.ts';

const WORDS = {
  absent: 'is not here',
  unfit: 'is about another device',
  'not-yet': 'began to hold later',
  expired: 'was over',
  revoked: 'was revoked',
  suspended: 'was suspended',
  unknown: 'has a status that is not known',
} as const;

export const calibration: Rule = {
  name: 'calibration',
  code: 'CALIBRATION',
  version: 2,
  summary: 'A device spoke without the calibration that its enrolment names.',
  kinds: ['device'],
  evaluate(state) {
    const record = newestEnrolment(state);
    const pinned = record?.enrolment.calibration;
    // Without a reading nothing was used yet.
    if (record === undefined || pinned === undefined || state.observedMs === 0) return undefined;
    const { device } = record.enrolment;
    const statement = state.papers.get(pinned)?.calibration;
    const known = statement && { statement, digest: pinned };
    const found = calibrationAt(known, device, useOf(state, pinned));
    if (found.holds) return undefined;
    return {
      severity: found.why === 'absent' || found.why === 'unknown' ? 'notice' : 'warning',
      sinceMs: state.papers.get(pinned)?.untilMs ?? record.enrolment.validFromMs,
      text: `When it last spoke, its calibration certificate ${WORDS[found.why]}.`,
      evidence: [record.position],
    };
  },
};

/** At the time of the newest reading, by what status lists said when its batch was admitted. */
function useOf({ history, observedMs: atMs }: TwinState, pinned: string): Use {
  const noted = history?.newest?.stamp.calibration;
  const status = noted?.digest === pinned ? noted.status : undefined;
  return {
    atMs,
    statusOf({ purpose }) {
      if (status === 'unknown') return undefined;
      const said = purpose === 'revocation' ? 'revoked' : 'suspended';
      return { isSet: status === said, isStale: false };
    },
  };
}
