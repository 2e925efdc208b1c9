import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { profileDigest } from '../../../devices/profile.ts';
import { enrol, memoryOrganisation } from '../../support/identity.ts';
import { counted } from './support/fake-field.ts';
import { meter, Site, START } from './support/gateway-world.ts';

describe('a gateway', () => {
  it('brings every value served to the ingester, in order and once', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(10_500);
    expect(served.length).toBeGreaterThanOrEqual(10);
    const last = await site.stop(gateway);
    expect(site.totals()).toEqual(served);
    expect(last).toMatchObject({
      site: 'neche',
      sampled: 2 * served.length,
      signed: 2 * served.length,
      delivered: 2 * served.length,
      waiting: 0,
      refused: 0,
    });
    const [batch] = site.batches.filter(({ device }) => device === site.did());
    expect(batch?.groups[0]?.about).toBe('did:web:you.example/batch/284');
    expect(batch?.readPoint).toBe('did:web:you.example/facility/one');
    expect(site.device().closed).toBe(true);
  });

  it('signs what a silent device did not say, and lets the others go on', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve('fc-1');
    await site.world.run(30_500);
    const last = await site.stop(gateway);
    expect(served.length).toBeGreaterThanOrEqual(30);
    const silent = site.batches.filter(({ device }) => device === site.did(1));
    expect(silent.map(({ groups }) => groups.length)).toEqual(silent.map(() => 0));
    const losses = silent.flatMap((batch) => batch.losses);
    const sum = (list: readonly { count: number }[]) => list.reduce((n, { count }) => n + count, 0);
    const lost = sum(losses);
    expect(sum(site.batches.flatMap((batch) => batch.losses))).toBe(last.lossesSigned);
    expect(lost).toBeGreaterThanOrEqual(2 * 30);
    expect(new Set(losses.map(({ cause }) => cause))).toEqual(new Set(['absent']));
    expect(Math.min(...losses.map(({ fromMs }) => fromMs))).toBeLessThanOrEqual(START + 2);
    expect(last.devices).toMatchObject([
      { name: 'fc-1', state: 'up' },
      { name: 'fc-2', state: 'down', reason: 'absent' },
    ]);
  });

  it('keeps all through an outage, and sends what is live first when it is over', async () => {
    const site = new Site();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(600_000);
    const before = await site.status(gateway);
    expect(before).toMatchObject({ uplink: false, delivered: 0 });
    expect(before.waiting).toBe(before.signed);
    site.uplink.connect();
    await site.world.run(5_000);
    const last = await site.stop(gateway);
    expect(last).toMatchObject({ waiting: 0, delivered: 2 * served.length });
    expect([...site.totals()].sort((a, b) => Number(a) - Number(b))).toEqual(served);
  });

  it('goes on after a restart, and signs the time between', async () => {
    const site = new Site();
    const { mkdtempSync, rmSync } = await import('node:fs');
    const directory = mkdtempSync('/tmp/gateway-');
    site.uplink.connect();
    const first = await site.start(`${directory}/outbox.db`);
    site.serve();
    await site.world.run(5_500);
    await site.stop(first);
    const ended = site.world.nowMs;
    await site.world.run(60_000);
    site.batches.splice(0);
    const second = await site.start(`${directory}/outbox.db`);
    await site.world.run(2_000);
    await site.stop(second);
    rmSync(directory, { recursive: true });
    const [batch] = site.batches.filter(({ device }) => device === site.did());
    expect(batch).toMatchObject({ sequence: 1, epoch: { counter: 2 } });
    const gap = batch?.losses.find(({ cause }) => cause === 'not-running');
    expect(gap?.fromMs).toBeLessThanOrEqual(ended);
    expect(gap?.toMs).toBeGreaterThanOrEqual(ended + 60_000);
    expect(gap?.count).toBeGreaterThanOrEqual(2 * 60);
  });

  it('holds back what the ingester holds until its enrolment arrives', async () => {
    const site = new Site();
    site.outcome = 'held';
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(20_000);
    const before = await site.status(gateway);
    expect(before.held).toBe(before.waiting);
    expect(before.waiting).toBeGreaterThanOrEqual(2 * 19);
    expect(before.delivered).toBe(0);
    // Held batches are tried singly: far fewer sends than batches.
    expect(site.uplink.sent.length).toBeLessThan(40);

    const organisation = memoryOrganisation('did:web:you.example', 'You');
    const { enrolment, token } = await enrol(organisation, {
      device: site.did(),
      gateway: site.gatewayKey.did,
      label: 'fc-1',
      profile: { name: meter.name, digest: profileDigest(meter) },
      nowMs: START,
    });
    site.outcome = 'accepted';
    site.files.set('fc-1.jwt', token);
    await site.world.run(3_000);
    const last = await site.stop(gateway);
    expect(last).toMatchObject({ waiting: 0, held: 0, delivered: 2 * served.length });
    const named = site.batches.filter((batch) => batch.enrolment?.id === enrolment.id);
    expect(named.length).toBeGreaterThan(0);
    expect(site.batches.filter((b) => b.device === site.did(1) && b.enrolment)).toEqual([]);
  });

  it('stops with what waits kept, when the drain is over', async () => {
    const site = new Site();
    site.outcome = 'silence';
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(3_500);
    const begun = site.world.nowMs;
    let endedMs = 0;
    const stopped = gateway.stop(2_000).then((line) => {
      endedMs = site.world.nowMs;
      return line;
    });
    await site.world.run(10_000);
    const last = await stopped;
    expect(endedMs - begun).toBeGreaterThanOrEqual(2_000);
    expect(endedMs - begun).toBeLessThan(2_500);
    expect(last.waiting).toBe(2 * served.length);
  });

  it('finishes the poll in flight when it stops, and signs it', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    site.device().answer = async () => {
      await site.clock.sleep(500);
      const now = site.clock.nowMs();
      return { samples: [counted('batch', 1, now), counted('total', 77, now)] };
    };
    await site.world.run(1_100);
    await site.stop(gateway);
    expect(site.totals()).toEqual([77]);
  });

  it('says that it failed when the outbox can keep nothing', async () => {
    const site = new Site();
    const gateway = await site.start();
    site.serve();
    let failure: unknown;
    void gateway.failed.then((error) => {
      failure = error;
    });
    site.store?.db.close();
    await site.world.run(5_000);
    expect(String(failure)).toMatch(/not open/);
  });
});

describe('a device that speaks by itself', () => {
  it('is answered only when what it said is on disk', async () => {
    const site = new Site({ push: true });
    const gateway = await site.start();
    let acknowledged = false;
    const now = site.clock.nowMs();
    void site
      .device()
      .publish({ samples: [counted('total', 5, now)] })
      .then(() => {
        acknowledged = true;
      });
    await site.world.run(1);
    expect(acknowledged).toBe(false);
    expect(site.store?.store.stats().rows).toBe(0);
    // Its source waits for it, so the batch does not wait for the flush interval.
    await site.world.run(limits.hurriedFlushMs + limits.outboxCommitMs + 1);
    expect(acknowledged).toBe(true);
    expect(site.store?.store.stats()).toMatchObject({ rows: 1, readings: 1 });
    await site.stop(gateway, 100);
  });

  it('is not told that a message is durable when it is not', async () => {
    const site = new Site({ push: true });
    await site.start();
    site.store?.db.close();
    const published = site.device().publish({ samples: [counted('total', 5, 0)] });
    const outcome = expect(published).rejects.toThrow();
    await site.world.run(1_000);
    await outcome;
  });
});
