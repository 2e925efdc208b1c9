/** A device goes over to a new key while it is read: nothing is lost, nothing comes twice. */
import { describe, expect, it } from 'vitest';
import { openToken } from '../../../devices/credential/jws.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { profileDigest } from '../../../devices/profile.ts';
import { enrol, memoryOrganisation, memorySigner } from '../../support/identity.ts';
import { meter, Site, START } from './support/gateway-world.ts';

const organisation = memoryOrganisation('did:web:you.example', 'You');

/** The file of fc-1's enrolment for a key, which may replace another. */
async function enrolment(site: Site, device: string, supersedes?: string) {
  return enrol(organisation, {
    device,
    gateway: site.gatewayKey.did,
    label: 'fc-1',
    profile: { name: meter.name, digest: profileDigest(meter) },
    nowMs: site.world.nowMs,
    ...(supersedes !== undefined && { supersedes }),
  });
}

describe('a new key of a device', () => {
  it('takes over when its enrolment is at hand, without a value lost, doubled or out of order', async () => {
    const site = new Site();
    const sent: string[] = [];
    const by = new Map<string, string[]>();
    const sentOf = (did: string) => by.get(did) ?? [];
    const answer = site.uplink.onSend;
    site.uplink.onSend = (token) => {
      const opened = openToken(token, limits.credentialBytesMax);
      if (!isRefusal(opened)) {
        const did = opened.header.kid.split('#')[0] ?? '';
        sent.push(opened.digest);
        by.set(did, [...sentOf(did), opened.digest]);
      }
      answer?.(token);
    };
    site.uplink.connect();
    const first = await enrolment(site, site.did());
    site.files.set('fc-1.jwt', first.token);
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(5_300);

    const next = memorySigner();
    site.made.push(next);
    await site.world.run(2_000);
    expect(site.totals(next.did)).toEqual([]);
    const second = await enrolment(site, next.did, site.did());
    site.files.set('fc-1.jwt', second.token);
    await site.world.run(5_500);
    const looked = gateway.snapshot();
    await site.world.run(1);
    const { devices } = await looked;
    expect(devices[0]).toMatchObject({ name: 'fc-1', did: next.did, state: 'up' });
    const last = await site.stop(gateway);

    const [before, after] = [site.totals(), site.totals(next.did)];
    expect(before.length).toBeGreaterThanOrEqual(7);
    expect(after.length).toBeGreaterThanOrEqual(4);
    expect([...before, ...after]).toEqual(served);
    expect(last).toMatchObject({ waiting: 0, refused: 0 });
    // Its connection stayed, and nobody says that it was away.
    expect(site.device().opened).toBe(1);
    const ofBoth = site.batches.filter(({ device }) => [site.did(), next.did].includes(device));
    const losses = ofBoth.flatMap((batch) => batch.losses);
    expect(losses.filter(({ fromMs }) => fromMs > START)).toEqual([]);
    // Each batch names the enrolment of the key that signed it; the old one's come first.
    const order = ofBoth.map(({ device, enrolment: named }) => [device, named?.digest]);
    const digestOf = (token: Uint8Array) => credentialDigest(token);
    const cut = order.findIndex(([device]) => device === next.did);
    expect(order.slice(0, cut)).toEqual(
      order.slice(0, cut).map(() => [site.did(), digestOf(first.token)]),
    );
    expect(order.slice(cut)).toEqual(
      order.slice(cut).map(() => [next.did, digestOf(second.token)]),
    );
    // The ingester hears of the enrolment before anything that it is needed for.
    const announced = sent.indexOf(digestOf(second.token));
    expect(announced).toBeGreaterThanOrEqual(0);
    expect(ofBoth[cut]?.sequence).toBe(1);
    expect(announced).toBeLessThan(sent.indexOf(sentOf(next.did)[0] ?? ''));
  });

  it('waits for its key to be in the store, and never for a key that replaces another', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    const stranger = memorySigner();
    site.files.set('fc-1.jwt', (await enrolment(site, stranger.did, memorySigner().did)).token);
    await site.world.run(3_000);
    expect(site.lines.filter((line) => line.includes('of no use'))).toHaveLength(1);
    const next = memorySigner();
    site.files.set('fc-1.jwt', (await enrolment(site, next.did, site.did())).token);
    await site.world.run(3_000);
    expect(site.lines.filter((line) => line.includes('not in the key store'))).not.toEqual([]);
    expect(site.totals(next.did)).toEqual([]);
    // The key is there at the next look at anything new.
    site.made.push(next);
    site.files.set('fc-1.jwt', (await enrolment(site, next.did, site.did())).token);
    await site.world.run(3_000);
    await site.stop(gateway);
    expect(site.totals(next.did)).not.toEqual([]);
    expect([...site.totals(), ...site.totals(next.did)]).toEqual(served);
  });

  it('takes over during an outage too: what waits under the old key is brought afterwards', async () => {
    const site = new Site();
    const first = await enrolment(site, site.did());
    site.files.set('fc-1.jwt', first.token);
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(10_000);
    const next = memorySigner();
    site.made.push(next);
    const second = await enrolment(site, next.did, site.did());
    site.files.set('fc-1.jwt', second.token);
    await site.world.run(10_000);
    expect(site.batches).toEqual([]);
    const heard: string[] = [];
    const answer = site.uplink.onSend;
    site.uplink.onSend = (token) => {
      heard.push(credentialDigest(token));
      answer?.(token);
    };
    site.uplink.connect();
    await site.world.run(20_000);
    const last = await site.stop(gateway);
    expect([...site.totals(), ...site.totals(next.did)]).toHaveLength(served.length);
    expect(last).toMatchObject({ waiting: 0, refused: 0 });
    // Both enrolments go ahead, since batches of both keys wait.
    const both = [first, second].map(({ token }) => heard.indexOf(credentialDigest(token)));
    expect(Math.min(...both)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...both)).toBeLessThan(2);
  });
});
