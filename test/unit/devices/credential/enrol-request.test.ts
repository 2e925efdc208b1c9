import { describe, expect, it } from 'vitest';
import {
  composeEnrolRequest,
  openEnrolRequest,
} from '../../../../devices/credential/enrol-request.ts';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import { memorySigner } from '../../../support/identity.ts';
import { someProfile } from '../../../support/signed-batch.ts';

const device = memorySigner();
const gateway = memorySigner();
const typ = 'bondline-enrol-request+jwt';
const asked = {
  label: 'fc-1',
  profile: someProfile,
  cadenceMs: 1000,
  heartbeatMs: 60_000,
  keyLocation: 'gateway-file',
  requestedMs: 1_763_766_000_000,
} as const;

/** A request put together by hand, so that one thing can be wrong. */
function made(
  request: object,
  by = { outer: device, inner: gateway },
  named = device.did,
): Uint8Array {
  const inner = signTokenNow({ payload: JSON.stringify(request), signer: by.inner, typ });
  const payload = { device: named, request: Buffer.from(inner).toString('latin1') };
  return signTokenNow({ payload: JSON.stringify(payload), signer: by.outer, typ });
}

const good = { device: device.did, gateway: gateway.did, ...asked };

describe('an enrolment request', () => {
  it('comes back with both keys proven', async () => {
    const bytes = await composeEnrolRequest(asked, { device, gateway });
    expect(openEnrolRequest(bytes)).toEqual(good);
    expect(openEnrolRequest(made(good))).toEqual(good);
  });

  it("cannot ask for another's device: whoever asks must have its key", () => {
    const thief = memorySigner();
    const stolen = { outer: thief, inner: gateway };
    expect(openEnrolRequest(made(good, stolen))).toMatchObject({ code: 'VC_ISSUER' });
    expect(openEnrolRequest(made(good, stolen, thief.did))).toMatchObject({ code: 'VC_ISSUER' });
    const named = { outer: { ...thief, keyId: device.keyId }, inner: gateway };
    expect(openEnrolRequest(made(good, named))).toMatchObject({ code: 'VC_SIGNATURE' });
  });

  it("cannot name another's gateway", () => {
    const other = { outer: device, inner: memorySigner() };
    expect(openEnrolRequest(made(good, other))).toMatchObject({ code: 'VC_ISSUER' });
  });

  it('is not anything else that the keys signed', () => {
    const payload = JSON.stringify(good);
    const credential = signTokenNow({ payload, signer: device, typ: 'vc+jwt' });
    expect(openEnrolRequest(credential)).toMatchObject({ code: 'VC_TYPE' });
    const alone = signTokenNow({ payload, signer: device, typ });
    expect(openEnrolRequest(alone)).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it.each([
    ['a label that is a path', { label: '../fc' }],
    ['no profile', { profile: undefined }],
    ['a cadence of zero', { cadenceMs: 0 }],
    ['an unknown member', { admin: true }],
  ])('is refused with %s', (_, changes) => {
    expect(openEnrolRequest(made({ ...good, ...changes }))).toMatchObject({ code: 'VC_SCHEMA' });
  });
});
