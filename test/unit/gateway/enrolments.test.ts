import { describe, expect, it } from 'vitest';
import { credentialDigest } from '../../../devices/envelope.ts';
import { createLog } from '../../../devices/runtime.ts';
import { createEnrolments } from '../../../gateway/enrolments.ts';
import { MachineClock, World } from '../../sim/clock.ts';
import { enrol, memoryOrganisation, memorySigner } from '../../support/identity.ts';
import { someProfile } from '../../support/signed-batch.ts';

const START = 1_767_225_600_000;
const organisation = memoryOrganisation('did:web:northline.example', 'Northline');
const [gateway, device] = [memorySigner(), memorySigner()];

function start() {
  const clock = new MachineClock(new World(START), 0);
  const lines: string[] = [];
  const files = new Map<string, Uint8Array>();
  const enrolments = createEnrolments({
    devices: [
      { name: 'fc-1', did: device.did, profileDigest: someProfile.digest, path: '/fc-1.jwt' },
      { name: 'fc-2', did: memorySigner().did, profileDigest: someProfile.digest },
    ],
    gateway: gateway.did,
    readFile: (path) => files.get(path),
    log: createLog({ component: 't', level: 'info', clock, write: (line) => lines.push(line) }),
  });
  return { enrolments, files, lines };
}

const enrolled = (more: { device?: string; gateway?: string; digest?: string } = {}) =>
  enrol(organisation, {
    device: more.device ?? device.did,
    gateway: more.gateway ?? gateway.did,
    label: 'fc-1',
    profile: { ...someProfile, digest: more.digest ?? someProfile.digest },
    nowMs: START,
  });

describe('the enrolment of a device', () => {
  it('may appear later and change, and is read once', async () => {
    const t = start();
    expect(t.enrolments.refresh()).toBe(false);
    expect(t.enrolments.of(device.did)).toBeUndefined();
    const first = await enrolled();
    t.files.set('/fc-1.jwt', Buffer.concat([first.token, Buffer.from('\n')]));
    expect(t.enrolments.refresh()).toBe(true);
    expect(t.enrolments.refresh()).toBe(false);
    const digest = credentialDigest(first.token);
    expect(t.enrolments.of(device.did)).toEqual({ id: first.enrolment.id, digest });
    expect([...t.enrolments.tokens().keys()]).toEqual([digest]);
    const second = await enrolled();
    t.files.set('/fc-1.jwt', second.token);
    expect(t.enrolments.refresh()).toBe(true);
    expect(t.enrolments.of(device.did)?.id).toBe(second.enrolment.id);
    t.files.delete('/fc-1.jwt');
    expect(t.enrolments.refresh()).toBe(false);
    expect(t.enrolments.of(device.did)?.id).toBe(second.enrolment.id);
  });

  it('for another device, another gateway, or that is none, is said once and not used', async () => {
    const wrong = [
      (await enrolled({ device: memorySigner().did })).token,
      (await enrolled({ gateway: memorySigner().did })).token,
      Buffer.from('not a credential'),
    ];
    for (const token of wrong) {
      const t = start();
      t.files.set('/fc-1.jwt', token);
      expect(t.enrolments.refresh()).toBe(false);
      expect(t.enrolments.refresh()).toBe(false);
      expect(t.enrolments.of(device.did)).toBeUndefined();
      expect(t.enrolments.tokens().size).toBe(0);
      expect(t.lines.filter((line) => line.includes('of no use'))).toHaveLength(1);
    }
  });

  it('of another version of the profile is used, and the operator is told', async () => {
    const t = start();
    const other = `uEi${'A'.repeat(44)}`;
    t.files.set('/fc-1.jwt', (await enrolled({ digest: other })).token);
    expect(t.enrolments.refresh()).toBe(true);
    expect(t.lines.filter((line) => line.includes('another version'))).toHaveLength(1);
  });
});
