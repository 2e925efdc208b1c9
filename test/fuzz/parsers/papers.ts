/** One device, its gateway and organisation, and what they say, the same in each run. */
import { composeBatch } from '../../../devices/credential/batch-wire.ts';
import type { Enrolment } from '../../../devices/credential/enrolment.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { readingGroups } from '../../support/signed-batch.ts';
import { steadyId, steadyMs, steadyOrganisation, steadySigner } from '../steady.ts';

const made = steadyOrganisation(40, 'did:web:northline.example');
export const organisation = { ...made, party: { id: made.did, name: 'Northline Pipelines' } };
export const gateway = steadySigner(1);
export const device = steadySigner(2);
const profile = { name: 'test-meter', digest: digestMultibase(Buffer.from('some')) };

export const enrolmentTerms: Enrolment = {
  id: steadyId(1),
  organisation: organisation.did,
  organisationName: organisation.party.name,
  device: device.did,
  gateway: gateway.did,
  label: 'fc-1',
  profile,
  facility: {
    id: `${organisation.did}/facility/neche`,
    name: 'Neche',
    unlocode: 'USNEC',
    portCode: '3404',
    latitude: 48.99929,
    longitude: -97.53103,
    accuracyM: 50,
  },
  cadenceMs: 1_000,
  heartbeatMs: 60_000,
  keyLocation: 'gateway-file',
  scope: { goods: [`${organisation.did}/batch/`] },
  validFromMs: steadyMs - 3_600_000,
  status: [],
};

/** A batch of the device with readings of two times and a loss, as JSON. */
export function batchPayload(): string {
  const groups = readingGroups({
    fromMs: steadyMs - 10_000,
    times: 2,
    points: 3,
    about: `${organisation.did}/batch/CDB-0284`,
  });
  return composeBatch(
    {
      device: device.did,
      gateway: gateway.did,
      profile,
      configuration: profile.digest,
      readPoint: enrolmentTerms.facility.id,
      clock: { source: 'ntp', offsetMs: 0.5, uncertaintyMs: 2, monotonicMs: 1234.5, steps: 0 },
      closedMs: steadyMs,
      groups,
      losses: [
        {
          fromMs: steadyMs - 5_000,
          toMs: steadyMs - 4_000,
          count: 3,
          cause: 'nonsense',
          points: ['point0'],
        },
      ],
    },
    { epoch: { counter: 1, nonce: 'ab'.repeat(16) }, sequence: 1 },
    { credential: steadyId(2), event: steadyId(3) },
  );
}
