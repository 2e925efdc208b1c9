/** A small world for tests of admission: an organisation, a gateway, a device and its papers. */
import { randomUUID } from 'node:crypto';
import type { Enrolment } from '../../devices/credential/enrolment.ts';
import { composeEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { signToken } from '../../devices/credential/jws.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../devices/credential/status-list.ts';
import { fingerprintOfDid } from '../../devices/envelope.ts';
import { memoryOrganisation, memorySigner, type Organisation } from './identity.ts';
import { BatchMaker, someProfile } from './signed-batch.ts';

export const worldMs = 1_767_225_600_000;

export const listUrl = 'https://northline.example/status/1';

export interface World {
  readonly organisation: Organisation;
  readonly gateway: string;
  readonly fingerprint: string;
  readonly device: BatchMaker;
  document(organisation?: Organisation): Uint8Array;
  /** What an enrolment of the device says, by the world's organisation. */
  terms(): Enrolment;
  enrolment(changes?: Partial<Enrolment>, by?: Organisation): Promise<Uint8Array>;
  statusList(revoked: readonly number[], changes?: object, by?: Organisation): Promise<Uint8Array>;
}

export function makeWorld(): World {
  const organisation = memoryOrganisation('did:web:northline.example', 'Northline');
  const gateway = memorySigner().did;
  const device = new BatchMaker(memorySigner(), gateway);
  const termsOf = (by: Organisation): Enrolment => ({
    id: `urn:uuid:${randomUUID()}`,
    organisation: by.did,
    organisationName: by.name,
    device: device.signer.did,
    gateway,
    label: 'fc-1',
    profile: someProfile,
    facility: {
      id: `${by.did}/facility/neche`,
      name: 'Neche',
      latitude: 48.99929,
      longitude: -97.53103,
    },
    cadenceMs: 1000,
    heartbeatMs: 60_000,
    keyLocation: 'gateway-file',
    scope: { goods: ['did:web:northline.example/batch/'] },
    validFromMs: worldMs - 3_600_000,
    status: [],
  });
  return {
    organisation,
    gateway,
    fingerprint: fingerprintOfDid(gateway),
    device,
    document: (of = organisation) => Buffer.from(JSON.stringify(of.document)),
    terms: () => termsOf(organisation),
    enrolment(changes = {}, by = organisation) {
      const enrolment: Enrolment = { ...termsOf(by), ...changes };
      return signToken({
        payload: composeEnrolment(enrolment),
        signer: by.signer,
        typ: 'vc+jwt',
      });
    },
    statusList(set, changes = {}, by = organisation) {
      const list = {
        id: listUrl,
        issuer: by.did,
        purpose: 'revocation',
        encodedList: encodeStatusList(statusBits(set)),
        validFromMs: worldMs,
        ...changes,
      };
      const payload = composeStatusList(list);
      return signToken({ payload, signer: by.signer, typ: 'vc+jwt' });
    },
  };
}
