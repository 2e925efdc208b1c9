import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sample, Value } from '../../../../devices/reading.ts';
import { systemClock } from '../../../../devices/runtime.ts';
import { decode } from '../../../../gateway/decode.ts';
import type { SampleSet } from '../../../../gateway/driver.ts';
import { opcuaDriver } from '../../../../gateway/drivers/opcua.ts';
import { memoryLedger } from '../../../../simulators/ledger.ts';
import type { OpcuaServer } from '../../../../simulators/servers/opcua.ts';
import { driverContext } from '../../../support/driver-context.ts';
import { eventually } from '../../../support/eventually.ts';
import {
  allPoints,
  collector,
  connectTo,
  freshFolder,
  isUp,
  keys,
  startTestDevice,
  testProfile,
  testSettings,
} from '../../../support/opcua-device.ts';

/** One gateway's folder, so that its key is made once. */
const dataDirectory = freshFolder();
const ledger = memoryLedger();
const STARTED_MS = systemClock.nowMs();
let server: OpcuaServer;

beforeAll(async () => {
  server = await startTestDevice({
    directory: freshFolder(),
    ledger,
    security: {
      modes: ['None', 'Sign', 'SignAndEncrypt'],
      policies: ['None', 'Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'],
    },
  });
});

afterAll(() => server.close());

/** The newest value as the gateway reads it. */
function lastOf(samples: readonly Sample[]): Value | undefined {
  const last = samples.at(-1);
  return last && decode(last.rawHex, last.encoding);
}

/** Writes one value of every variable; `step` makes them differ. */
function writeAll(target: OpcuaServer, step: number, timeMs: number): void {
  target.write('flag', step % 2 === 0, timeMs);
  target.write('tiny', -step % 128, timeMs);
  target.write('small', step, timeMs);
  target.write('whole', -step * 1_000, timeMs);
  target.write('counter', 2n ** 64n - 1n - BigInt(step), timeMs);
  target.write('balance', -(2n ** 63n) + BigInt(step), timeMs);
  target.write('level', step / 3, timeMs);
  target.write('mass', step / 7, timeMs);
  target.write('name', `Bramme ${step} °C`, timeMs);
  target.write('changed', timeMs, timeMs);
}

describe('each security setting', () => {
  it.each([
    ['SignAndEncrypt', 'Basic256Sha256'],
    ['Sign', 'Basic256Sha256'],
    ['SignAndEncrypt', 'Aes128_Sha256_RsaOaep'],
    ['SignAndEncrypt', 'Aes256_Sha256_RsaPss'],
    ['None', 'None'],
  ] as const)('%s with %s brings values', async (securityMode, securityPolicy) => {
    const { connection, context } = await connectTo(server, dataDirectory, {
      securityMode,
      securityPolicy,
    });
    server.write('small', 4_711, 1_700_000_000_000);
    const set = await connection.read(['small'], new AbortController().signal);
    expect(set).toEqual({
      samples: [
        expect.objectContaining({
          point: 'small',
          rawHex: '6712',
          encoding: { type: 'uint16', order: 'DCBA' },
          quality: 'good',
          sourceTimeMs: 1_700_000_000_000,
          serverTimeMs: expect.any(Number),
        }),
      ],
    });
    const warned = context.lines.some((line) => line.includes('neither signed nor encrypted'));
    expect(warned).toBe(securityMode === 'None');
    await connection.close();
  });
});

describe('a subscription', () => {
  it('brings every value and event bit by bit as the server sent it', async () => {
    const served = ledger.entries.length;
    const got = collector();
    const { connection } = await connectTo(server, dataDirectory);
    await connection.subscribe?.(allPoints, got.deliver);
    await isUp(connection);
    for (let step = 1; step <= 40; step += 1) {
      writeAll(server, step, 1_700_000_000_000 + step);
      if (step % 10 === 0) {
        const fields = { tapped: `26${step}`, weight: step * 1.25, coils: 4_000_000_000 + step };
        server.raise('TappedEventType', fields, 1_700_000_000_500 + step);
      }
    }
    await eventually(
      () => got.of('small').some(({ rawHex }) => rawHex === '2800'),
      'the last step',
    );
    await eventually(() => got.of('tapped').length === 4, 'the last event');
    await connection.close();
    expect(keys(got.samples)).toEqual(keys(ledger.entries.slice(served)));
    expect(got.missing).toEqual([]);
    expect(Object.fromEntries(allPoints.map((point) => [point, lastOf(got.of(point))]))).toEqual({
      flag: true,
      tiny: -40,
      small: 40,
      whole: -40_000,
      counter: 2n ** 64n - 41n,
      balance: -(2n ** 63n) + 40n,
      level: Math.fround(40 / 3),
      mass: 40 / 7,
      name: 'Bramme 40 °C',
      // 100 ns since 1601.
      changed: (1_700_000_000_040n + 11_644_473_600_000n) * 10_000n,
      tapped: '2640',
      weight: 50,
      coils: 4_000_000_040,
    });
    expect(got.of('tapped').map(({ rawHex, sourceTimeMs }) => [rawHex, sourceTimeMs])).toEqual(
      [10, 20, 30, 40].map((step) => [
        Buffer.from(`26${step}`).toString('hex'),
        1_700_000_000_500 + step,
      ]),
    );
    // The server received the events now by its own clock, years after their sources' times.
    for (const { serverTimeMs } of got.of('tapped')) {
      expect(serverTimeMs).toBeGreaterThanOrEqual(Math.floor(STARTED_MS));
      expect(serverTimeMs).toBeLessThanOrEqual(systemClock.nowMs());
    }
  });

  it('says uncertain and bad as the server does, and never repeats a good value', async () => {
    const got = collector();
    const { connection } = await connectTo(server, dataDirectory);
    server.write('level', 21.5, 1_000);
    await connection.subscribe?.(['level'], got.deliver);
    await eventually(() => got.samples.length >= 1, 'the first value');
    server.write('level', 22, 2_000, 'UncertainSensorNotAccurate');
    server.write('level', null, 3_000, 'BadSensorFailure');
    server.write('level', 23, 4_000, 'GoodLocalOverride');
    server.write('level', 24, 5_000);
    await eventually(() => got.samples.length >= 5, 'all values');
    expect(got.samples.map((sample) => [sample.rawHex, sample.quality, sample.status])).toEqual([
      ['0000ac41', 'good', undefined],
      ['0000b041', 'uncertain', 'opcua:UncertainSensorNotAccurate'],
      ['', 'bad', 'opcua:BadSensorFailure'],
      ['0000b841', 'forced', 'opcua:GoodLocalOverride'],
      ['0000c041', 'good', undefined],
    ]);
    expect(got.samples.map(({ sourceTimeMs }) => sourceTimeMs)).toEqual([
      1_000, 2_000, 3_000, 4_000, 5_000,
    ]);
    await connection.close();
  });

  it('keeps the values of an event together, apart from those of another', async () => {
    const sets: SampleSet[] = [];
    const { connection } = await connectTo(server, dataDirectory);
    await connection.subscribe?.(['tapped', 'coils'], async (set) => void sets.push(set));
    await isUp(connection);
    server.raise('TappedEventType', { tapped: 'A', weight: 1, coils: 1 }, 10_000);
    server.raise('TappedEventType', { tapped: 'B', weight: 2, coils: 2 }, 10_000);
    await eventually(() => sets.length >= 2, 'both events');
    // The weight was not asked for, but comes with its event.
    expect(sets.map((set) => set.samples.map(({ point }) => point))).toEqual([
      ['tapped', 'weight', 'coils'],
      ['tapped', 'weight', 'coils'],
    ]);
    expect(sets.map((set) => set.samples[0]?.rawHex)).toEqual(['41', '42']);
    await connection.close();
  });

  it('delivers what was sent before it ends, and nothing afterwards', async () => {
    const served = ledger.entries.length;
    const got = collector();
    const { connection } = await connectTo(server, dataDirectory, { publishingMs: 20 });
    await connection.subscribe?.(['small'], got.deliver);
    await isUp(connection);
    for (let step = 0; step < 200; step += 1) server.write('small', step, 50_000 + step);
    await connection.close();
    expect(keys(got.samples)).toEqual(keys(ledger.entries.slice(served)));
    const before = got.samples.length;
    server.write('small', 9, 60_000);
    await connection.close();
    expect(got.samples.length).toBe(before);
  });

  it('asks nothing more of a server than the gateway can store', async () => {
    const release: (() => void)[] = [];
    let waiting = 0;
    const got = collector(() => {
      waiting += 1;
      return new Promise((resolve) => release.push(resolve));
    });
    const { connection } = await connectTo(server, dataDirectory, { publishingMs: 10 });
    await connection.subscribe?.(['small'], got.deliver);
    await isUp(connection);
    // Every write comes in a notification of its own, since the one before has been asked for.
    let step = 0;
    await eventually(() => {
      step += 1;
      server.write('small', step, 70_000 + step);
      return step > 60;
    }, 'sixty writes');
    expect(waiting).toBeLessThanOrEqual(4);
    expect(got.samples.length).toBe(0);
    const flowing = eventually(() => {
      for (const resolve of release.splice(0)) resolve();
      return got.samples.some(({ sourceTimeMs }) => sourceTimeMs === 70_000 + step);
    }, 'the last write');
    await flowing;
    const times = got.samples
      .map(({ sourceTimeMs }) => sourceTimeMs)
      .filter((at) => (at ?? 0) > 70_000);
    expect(new Set(times).size).toBe(step);
    await connection.close();
  });
});

describe('a read', () => {
  it('gives what there is and names what is not', async () => {
    const points = {
      ...testProfile.points,
      ghost: { summary: 'Nowhere.', type: 'bl:Text', unit: '', opcua: { path: 'Area/Ghost' } },
    };
    const context = driverContext('line-1', { dataDirectory });
    const settings = testSettings(server.url, { serverCertificate: server.certificateFile });
    const connection = await opcuaDriver.open(settings, points, context);
    const set = await connection.read(['small', 'ghost', 'tapped'], AbortSignal.timeout(10_000));
    expect(set.missing).toEqual({ points: ['ghost'], cause: 'refused' });
    expect(set.samples.map(({ point, status }) => [point, status])).toEqual([
      ['tapped', 'opcua:event-field'],
      ['small', undefined],
    ]);
    await connection.close();
  });
});
