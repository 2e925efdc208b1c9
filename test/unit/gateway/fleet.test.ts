import { describe, expect, it } from 'vitest';
import { digestMultibase } from '../../../devices/profile.ts';
import { counted } from './support/fake-field.ts';
import { Site, START } from './support/gateway-world.ts';

describe('a gateway whose configuration changes', () => {
  const digest = (text: string) => digestMultibase(Buffer.from(text));

  it('keeps what stays the same connected, and loses none of its values', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    const [first, second] = [site.device('fc-1'), site.device('fc-2')];
    await site.world.run(3_300);
    const config = site.config({ everyMs: 500 });
    const devices = new Map(site.keys.map(({ did }, index) => [`fc-${index + 1}`, did]));
    site.devices.delete('fc-2');
    const reloaded = gateway.reload({ config, configText: 'another text', devices });
    await site.world.run(3_000);
    await reloaded;
    expect(first.closed).toBe(false);
    expect(second.closed).toBe(true);
    expect(site.device('fc-2')).not.toBe(second);
    await site.world.run(3_000);
    await site.stop(gateway);
    expect(site.totals()).toEqual(served);
    const named = (did: string) =>
      site.batches.filter(({ device }) => device === did).map((batch) => batch.configuration);
    const texts = ['the text of the configuration', 'another text'].map(digest);
    for (const did of [site.did(0), site.did(1)]) expect([...new Set(named(did))]).toEqual(texts);
  });

  it('goes on without a device that has no key yet, and takes it in when it has one', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    const config = site.config({ name: 'fc-3' });
    const known = new Map([['fc-1', site.did(0)]]);
    const change = async (devices: ReadonlyMap<string, string>) => {
      const reloaded = gateway.reload({ config, configText: 'three', devices });
      await site.world.run(3_000);
      await reloaded;
    };
    await change(known);
    const [, absent] = (await site.status(gateway)).devices;
    expect(absent).toMatchObject({ name: 'fc-3', state: 'down' });
    expect(absent?.reason).toContain('bondline-gateway keygen');
    await change(new Map([...known, ['fc-3', site.did(1)]]));
    expect(site.devices.has('fc-3')).toBe(true);
    await site.stop(gateway);
    expect(site.batches.some(({ device }) => device === site.did(1))).toBe(true);
  });
});

describe('a device that reports by exception', () => {
  it('is accounted for: what is sampled is signed or said to be left out', async () => {
    const site = new Site();
    site.uplink.connect();
    const report = { total: { deadband: { absolute: 3 }, maxSilenceMs: 60_000 } };
    const gateway = await site.start(undefined, site.config({ report }));
    const served = site.serve('fc-2');
    await site.world.run(20_500);
    const last = await site.stop(gateway);
    // The count goes up by one: each fourth moved by more than three.
    expect(site.totals(site.did(1))).toEqual(served.filter((count) => count % 4 === 1));
    expect(last.suppressed).toBeGreaterThan(10);
    expect(last.sampled).toBe(last.signed + last.suppressed);
    const said = site.batches.reduce((sum, batch) => sum + (batch.suppressed ?? 0), 0);
    expect(said).toBe(last.suppressed);
    expect(last.lossesSigned).toBe(
      site.batches.flatMap((b) => b.losses).reduce((n, l) => n + l.count, 0),
    );
  });

  it('signs the first value after it was away', async () => {
    const site = new Site();
    site.uplink.connect();
    const report = {
      total: { deadband: { absolute: 1_000 } },
      batch: { deadband: { absolute: 0 } },
    };
    const gateway = await site.start(undefined, site.config({ report }));
    site.serve('fc-2');
    await site.world.run(5_000);
    const { answer } = site.device('fc-2');
    site.device('fc-2').answer = (points) => ({
      samples: [],
      missing: { points, cause: 'timeout' },
    });
    await site.world.run(3_000);
    site.device('fc-2').answer = answer;
    await site.world.run(5_000);
    await site.stop(gateway);
    expect(site.totals(site.did(1))).toEqual([1, expect.any(Number)]);
  });
});

describe('what can be seen of a gateway', () => {
  it('is what devices said last, without asking them', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    const served = site.serve();
    await site.world.run(5_500);
    const count = served.length;
    const looked = gateway.snapshot();
    await site.world.run(1);
    const snapshot = await looked;
    expect(served).toHaveLength(count);
    expect(snapshot).toMatchObject({
      site: 'neche',
      uplink: { up: true },
      configuration: digestMultibase(Buffer.from('the text of the configuration')),
      clock: { source: 'unknown', steps: 0 },
      counters: { sampled: 2 * count },
    });
    expect(snapshot.devices.map(({ name, state }) => [name, state])).toEqual([
      ['fc-1', 'up'],
      ['fc-2', 'down'],
    ]);
    const [one, two] = snapshot.devices;
    expect(one?.points[1]).toMatchObject({ point: 'total', value: count, quality: 'good' });
    expect(one?.ageMs).toBeLessThan(1_000);
    expect(two).not.toHaveProperty('ageMs');
    expect(two?.points[1]).toEqual({ point: 'total', summary: '', unit: '' });
    await site.stop(gateway);
  });
});

describe('clocks', () => {
  it('edge 33 (thingsboard-gateway #879): a device that says 2000-01-01 is signed as in doubt', async () => {
    const site = new Site({ push: true });
    site.uplink.connect();
    const gateway = await site.start();
    const say = async (sourceTimeMs: number, value: number) => {
      const sample = { ...counted('total', value, site.clock.nowMs()), sourceTimeMs };
      void site.device().publish({ samples: [sample] });
      await site.world.run(1_000);
    };
    await say(site.clock.nowMs() - 5, 1);
    await say(Date.UTC(2000, 0, 1), 2);
    await say(site.clock.nowMs() - 5, 3);
    await site.stop(gateway);
    const groups = site.batches.flatMap((batch) => batch.groups);
    expect(groups.map(({ deviceClock }) => deviceClock)).toEqual([undefined, 'jumped', undefined]);
    expect(groups[1]).toMatchObject({
      timeMs: Date.UTC(2000, 0, 1),
      gatewayTimeMs: expect.any(Number),
    });
    expect(groups[1]?.gatewayTimeMs).toBeGreaterThan(START);
  });

  it('a step of the gateway’s own clock shows in the next batch', async () => {
    const site = new Site();
    site.uplink.connect();
    const gateway = await site.start();
    site.serve();
    await site.world.run(3_100);
    const before = site.batches.length;
    site.clock.step(-3_600_000);
    await site.world.run(3_000);
    await site.stop(gateway);
    const steps = site.batches
      .filter(({ device }) => device === site.did())
      .map((b) => b.clock.steps);
    expect(steps.reduce((sum, count) => sum + count, 0)).toBe(1);
    expect(site.batches.slice(0, before).every((batch) => batch.clock.steps === 0)).toBe(true);
  });
});

it('edge 24 (device-modbus-go #684): a device is asked every 10 ms, exactly', async () => {
  const site = new Site();
  site.uplink.connect();
  const gateway = await site.start(undefined, site.config({ everyMs: 10, flushMs: 10 }));
  const served = site.serve('fc-2');
  await site.world.run(2_000);
  expect(served.length).toBeGreaterThanOrEqual(199);
  expect(served.length).toBeLessThanOrEqual(201);
  await site.stop(gateway);
  expect(site.totals(site.did(1))).toEqual(served);
});
