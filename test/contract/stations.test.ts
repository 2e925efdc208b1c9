/**
 * What a simulated station notes in its ledger is what a gateway's driver brings home: the same
 * points with the same bytes in the same order. Both sides encode by rules of their own, so a
 * mistake of either shows here.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { liquidFlowComputer } from '../../devices/profiles/liquid-flow-computer.ts';
import { reefer } from '../../devices/profiles/reefer.ts';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import type { SampleSet } from '../../gateway/driver.ts';
import { modbusDriver } from '../../gateway/drivers/modbus.ts';
import { mqttDriver } from '../../gateway/drivers/mqtt.ts';
import { measure, planMeasurement } from '../../gateway/measure.ts';
import { memoryLedger } from '../../simulators/ledger.ts';
import { truckCorridor } from '../../simulators/scenarios/border/places.ts';
import type { StartStation, StationOptions } from '../../simulators/station.ts';
import { startFlowStation } from '../../simulators/stations/flow-station.ts';
import { startReeferYard } from '../../simulators/stations/reefer-yard.ts';
import { driverContext, until } from '../support/driver-context.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(station: StartStation, change: Partial<StationOptions>) {
  const ledger = memoryLedger();
  const running = await station({
    host: '127.0.0.1',
    port: 0,
    seed: 5,
    name: 'fc-1',
    ledger,
    pace: 1,
    everyMs: 20,
    clock: systemClock,
    log: silentLog,
    ...change,
  });
  closing.push(() => running.close());
  return { running, ledger };
}

const told = (values: readonly { readonly point: string; readonly rawHex: string }[]) =>
  values.map(({ point, rawHex }) => `${point} ${rawHex}`);

describe('a flow computer', () => {
  it('is read by the Modbus driver byte for byte, and every value is good', async () => {
    const { running, ledger } = await start(startFlowStation, { batchBarrels: 1 });
    const names = Object.keys(liquidFlowComputer.points);
    const settings = {
      host: '127.0.0.1',
      port: Number(running.ready['port']),
      unitId: 1,
      timeoutMs: 2_000,
    };
    const context = driverContext('fc-1');
    const connection = await modbusDriver.open(settings, liquidFlowComputer.points, context);
    closing.push(() => connection.close());
    const plan = planMeasurement(liquidFlowComputer, 'did:web:x.example/batch/');
    const samples: SampleSet['samples'][number][] = [];
    const batches = new Set<string | undefined>();
    const memory = new Map<string, string>();
    // Several batches pass, one a few hundred milliseconds.
    while (batches.size < 3) {
      const set = await connection.read(names, AbortSignal.timeout(5_000));
      expect(set.missing).toBeUndefined();
      samples.push(...set.samples);
      for (const group of measure(set, plan, memory)) {
        batches.add(group.about);
        for (const reading of group.readings) {
          expect([reading.point, reading.quality]).toEqual([reading.point, 'good']);
        }
      }
    }
    const numbers = [...batches].map((uri) => Number(uri?.replace('did:web:x.example/batch/', '')));
    expect(numbers[0]).toBe(284);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(numbers);
    expect(told(samples)).toEqual(told(ledger.entries));
    expect(new Set(samples.map(({ point }) => point)).size).toBe(names.length);
  });
});

describe('a container', () => {
  it('is heard by the MQTT driver token for token, and every value is good', async () => {
    const { running, ledger } = await start(startReeferYard, {
      containers: [{ container: 'XBLU2600031', startKm: 908 }],
      route: JSON.stringify(truckCorridor),
    });
    const settings = { url: String(running.ready['url']), topic: 'yard/XBLU2600031' };
    const context = driverContext('XBLU2600031');
    const connection = await mqttDriver.open(settings, reefer.points, context);
    closing.push(() => connection.close());
    const plan = planMeasurement(reefer, 'urn:epc:id:bic:XBLU2600031');
    const samples: SampleSet['samples'][number][] = [];
    const names = Object.keys(reefer.points);
    await connection.subscribe?.(names, async (set) => {
      samples.push(...set.samples);
      for (const group of measure(set, plan, new Map())) {
        expect(group.about).toBe('urn:epc:id:bic:XBLU2600031');
        for (const reading of group.readings) {
          expect([reading.point, reading.quality]).toEqual([reading.point, 'good']);
        }
      }
    });
    await until(() => samples.length >= 20 * names.length);
    running.quiet();
    await until(() => samples.length === ledger.entries.length);
    expect(told(samples)).toEqual(told(ledger.entries));
    expect(samples.every(({ sourceTimeMs }) => sourceTimeMs !== undefined)).toBe(true);
  });
});
