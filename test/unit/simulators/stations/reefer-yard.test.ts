import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '../../../../devices/runtime.ts';
import { memoryLedger } from '../../../../simulators/ledger.ts';
import { truckCorridor } from '../../../../simulators/scenarios/border/places.ts';
import type { RunningStation, StationOptions } from '../../../../simulators/station.ts';
import { startReeferYard } from '../../../../simulators/stations/reefer-yard.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-yard-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const containers = [
  { container: 'XBLU2600010', startKm: 12 },
  { container: 'XBLU2600031', startKm: 908 },
];

async function start(change: Partial<StationOptions> = {}) {
  const ledger = memoryLedger();
  const station = await startReeferYard({
    host: '127.0.0.1',
    port: 0,
    seed: 1,
    name: 'yard',
    ledger,
    pace: 1,
    everyMs: 20,
    clock: systemClock,
    log: silentLog,
    containers,
    route: JSON.stringify(truckCorridor),
    ...change,
  });
  closing.push(() => station.close());
  return { station, ledger };
}

async function listen(station: RunningStation, filter = 'yard/+/telemetry') {
  const client = await connectAsync(String(station.ready['url']), { clientId: 'g', clean: false });
  closing.push(() => client.endAsync(true));
  const messages: { topic: string; text: string }[] = [];
  client.on('message', (topic, payload) => messages.push({ topic, text: payload.toString() }));
  await client.subscribeAsync(filter, { qos: 1 });
  return messages;
}

describe('a yard', () => {
  it('publishes what its ledger says, value for value and in order', async () => {
    const { station, ledger } = await start();
    const messages = await listen(station);
    await expect.poll(() => messages.length).toBeGreaterThan(20);
    station.quiet();
    await expect.poll(() => ledger.entries.length - messages.length * 13).toBe(0);
    for (const { container } of containers) {
      const mine = messages.filter(({ topic }) => topic === `yard/${container}/telemetry`);
      const told = mine.map(({ text }) => /"latitude":([^,]+)/.exec(text)?.[1]);
      const noted = ledger.entries
        .filter(({ device, point }) => device === container && point === 'latitude')
        .map(({ rawHex }) => Buffer.from(rawHex, 'hex').toString());
      expect(noted).toEqual(told);
    }
  });

  it('says what a gateway must be told, and starts containers where it was asked to', async () => {
    const { station } = await start({ topicPrefix: 'depot' });
    expect(station.ready).toMatchObject({
      prefix: 'depot',
      devices: [
        { device: 'XBLU2600010', topic: 'depot/XBLU2600010' },
        { device: 'XBLU2600031', topic: 'depot/XBLU2600031' },
      ],
    });
    const messages = await listen(station, 'depot/XBLU2600031/telemetry');
    await expect.poll(() => messages.length).toBeGreaterThan(0);
    const { position, deviceId } = JSON.parse(messages[0]?.text ?? '{}');
    expect(deviceId).toBe('XBLU2600031');
    // Three kilometres before the crossing.
    expect(position.latitude).toBeGreaterThan(31.27);
    expect(position.latitude).toBeLessThan(31.34);
  });

  it('goes on from where its containers were', async () => {
    const folder = join(directory, 'kept');
    const first = await start({ directory: folder, pace: 6_000 });
    const before = await listen(first.station, 'yard/XBLU2600010/telemetry');
    await expect.poll(() => before.length).toBeGreaterThan(20);
    for (const close of closing.splice(0).reverse()) await close();
    const second = await start({ directory: folder });
    const after = await listen(second.station, 'yard/XBLU2600010/telemetry');
    await expect.poll(() => after.length).toBeGreaterThan(0);
    const [last, next] = [before.at(-1), after[0]].map((m) => JSON.parse(m?.text ?? '{}').position);
    expect(Math.abs(next.latitude - last.latitude)).toBeLessThan(0.05);
    // It started near 24.9 degrees north and was paced to leave.
    expect(next.latitude).toBeGreaterThan(24.95);
  });

  it.each([
    ['a wrong check digit', { containers: [{ container: 'MSKU9070322', startKm: 0 }] }],
    ['no container', { containers: [] }],
  ])('does not start with %s', async (_, change) => {
    await expect(start(change)).rejects.toMatchObject({ code: 'SIM_CONTAINER_INVALID' });
  });

  it('does not start without a route', async () => {
    await expect(start({ route: '{}' })).rejects.toMatchObject({ code: 'SIM_ROUTE_INVALID' });
  });
});
