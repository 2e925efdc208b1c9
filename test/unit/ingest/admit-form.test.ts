/** What comes in a form that others may take, and that admission does not. */
import { beforeEach, describe, expect, it } from 'vitest';
import { openToken } from '../../../devices/credential/jws.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { conceal } from '../../../devices/credential/sd-jwt-issue.ts';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { systemRandom } from '../../../devices/runtime.ts';
import { admit } from '../../../ingest/admit.ts';
import { emptyTrust, foldTrust, type TrustBook } from '../../../ingest/trust.ts';
import { claim, envelope, presentation, token, vp } from '../../support/presented.ts';
import { listUrl, makeWorld, type World, worldMs } from '../../support/trust-world.ts';

let world: World;
let trust: TrustBook;

function judge(bytes: Uint8Array) {
  return admit({ bytes, gateway: world.fingerprint, receivedMs: worldMs }, trust, 'cbp');
}

beforeEach(() => {
  world = makeWorld();
  trust = emptyTrust();
  const bytes = world.document();
  const digest = digestMultibase(bytes);
  const common = { version: 1, tenant: 't', receivedMs: worldMs, digest } as const;
  const header = { ...common, kind: 'organisation' } as const;
  foldTrust(trust, { position: trust.position, header, bytes });
});

describe('admit', () => {
  it('refuses an enrolment whose kid is half a name, and one that hides its status', async () => {
    const { organisation } = world;
    const status = [{ purpose: 'revocation', list: listUrl, index: 7 }] as const;
    const opened = openToken(await world.enrolment({ status }), limits.credentialBytesMax);
    if (isRefusal(opened)) throw new Error(opened.reason);
    const made = (payload: object, header: object, tail = '') =>
      judge(Buffer.from(`${token(payload, header, organisation)}${tail}`));
    const fragment = organisation.signer.keyId.replace(organisation.did, '');
    expect(made(opened.payload, { kid: fragment })).toMatchObject({
      outcome: 'refused',
      code: 'VC_HEADER',
    });
    expect(made(opened.payload, { kid: fragment, iss: organisation.did }).outcome).toBe('accepted');
    const plain = { random: systemRandom, decoys: false };
    const paths = [['credentialStatus']];
    const { payload, disclosures } = conceal(opened.payloadText, paths, plain);
    const typ = { typ: 'vc+sd-jwt' };
    expect(made(JSON.parse(payload), typ, '~')).toMatchObject({
      outcome: 'refused',
      code: 'VC_CLAIMS_HIDDEN',
    });
    expect(made(JSON.parse(payload), typ, `~${disclosures.join('~')}~`).outcome).toBe('accepted');
  });

  it('takes nothing of a presentation, whether or not there are credentials in it', () => {
    const { organisation } = world;
    for (const verifiableCredential of [undefined, [], [envelope(token(claim()))]]) {
      const payload = presentation({ holder: organisation.did, verifiableCredential });
      const bytes = Buffer.from(token(payload, vp, organisation));
      expect(judge(bytes)).toMatchObject({ outcome: 'refused', code: 'VC_TYPE' });
      const asCredential = Buffer.from(token(payload, {}, organisation));
      expect(judge(asCredential)).toMatchObject({
        outcome: 'refused',
        code: 'IN_TYPE_UNSUPPORTED',
      });
    }
  });
});
