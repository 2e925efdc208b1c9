/** Mosquitto as the yard's broker: what a real broker keeps, sends again and forgets. */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PointDefinition } from '../../devices/profile.ts';
import type { Connection, SampleSet } from '../../gateway/driver.ts';
import { mqttDriver } from '../../gateway/drivers/mqtt.ts';
import { measureSample } from '../../gateway/measure.ts';
import { dialMqtt, type MqttClient } from '../../gateway/mqtt-client.ts';
import { driverContext, until } from '../support/driver-context.ts';
import { hasPeer } from '../support/peers.ts';
import { hasShared } from '../support/shared.ts';
import { recordingPath } from './meter-replay.ts';
import { type Mosquitto, startMosquitto } from './mosquitto-broker.ts';

const COLUMNS = ['pressure', 'temperature', 'voltage'] as const;
const FIELDS = [4, 5, 7] as const;
const never = new AbortController().signal;

const points: Record<string, PointDefinition> = Object.fromEntries(
  COLUMNS.map((name) => [
    name,
    { summary: name, type: 'bl:Test', unit: '', mqtt: { topic: 'telemetry', path: `v.${name}` } },
  ]),
);

/** One row of the recording: its time, and its numbers as they are written in the file. */
interface Row {
  readonly timeMs: number;
  readonly texts: readonly string[];
}

function readRows(): Row[] {
  const lines = readFileSync(recordingPath('leak-1.csv'), 'utf8').trim().split(/\r?\n/).slice(1);
  return lines.map((line) => {
    const cells = line.split(';');
    const time = `${cells[0]?.replace(' ', 'T')}Z`;
    return { timeMs: Date.parse(time), texts: FIELDS.map((field) => cells[field] ?? '') };
  });
}

/** The payload of a row, its numbers copied as text and never parsed. */
function payloadOf({ timeMs, texts }: Row): string {
  const members = COLUMNS.map((name, index) => `"${name}": ${texts[index]}`);
  return `{"timeMs": ${timeMs}, "v": {${members.join(', ')}}}`;
}

describe.skipIf(!hasShared || !hasPeer('mosquitto'))('a device behind Mosquitto', () => {
  let broker: Mosquitto;
  let publisher: MqttClient;
  const rows = hasShared ? readRows() : [];
  const connections: Connection[] = [];

  async function publish(topic: string, some: readonly Row[], retain = false): Promise<void> {
    const sent = some.map((row) =>
      publisher.publishAsync(`${topic}/telemetry`, payloadOf(row), { qos: 1, retain }),
    );
    await Promise.all(sent);
  }

  async function connectPublisher(): Promise<void> {
    publisher?.end(true);
    publisher = dialMqtt(broker.url, { clientId: 'reefer', clean: true });
    await until(() => publisher.connected);
  }

  async function open(topic: string): Promise<Connection> {
    const settings = { url: broker.url, topic };
    const connection = await mqttDriver.open(settings, points, driverContext(topic));
    connections.push(connection);
    return connection;
  }

  function expectRows(sets: readonly SampleSet[], expected: readonly Row[]): void {
    expect(sets).toHaveLength(expected.length);
    for (const [index, row] of expected.entries()) {
      const samples = sets[index]?.samples ?? [];
      expect(sets[index]?.missing).toBeUndefined();
      expect(samples.map(({ rawHex }) => Buffer.from(rawHex, 'hex').toString())).toEqual(row.texts);
      for (const [column, sample] of samples.entries()) {
        expect(sample.sourceTimeMs).toBe(row.timeMs);
        const definition = points[sample.point];
        const reading = definition && measureSample(sample, definition);
        expect(reading).toMatchObject({ value: Number(row.texts[column]), quality: 'good' });
      }
    }
  }

  beforeAll(async () => {
    broker = await startMosquitto();
    await connectPublisher();
  });
  afterEach(async () => {
    for (const connection of connections.splice(0)) await connection.close();
  });
  afterAll(async () => {
    publisher?.end(true);
    await broker?.stop();
  });

  it('gives every row of a recording once, in order, with the numbers as they were written', async () => {
    const sets: SampleSet[] = [];
    const connection = await open('all');
    await connection.subscribe?.(COLUMNS, async (set) => void sets.push(set));
    await until(() => connection.counters?.()['ups'] === 1);
    await publish('all', rows);
    await until(() => sets.length >= rows.length, 60_000);
    expectRows(sets, rows);
  });

  it('loses nothing while the gateway is away, and repeats nothing', async () => {
    const sets: SampleSet[] = [];
    const take = async (set: SampleSet) => void sets.push(set);
    const first = await open('away');
    await first.subscribe?.(COLUMNS, take);
    await until(() => first.counters?.()['ups'] === 1);
    await publish('away', rows.slice(0, 100));
    await until(() => sets.length === 100);
    await first.close();
    await publish('away', rows.slice(100, 200));
    const second = await open('away');
    await second.subscribe?.(COLUMNS, take);
    await until(() => sets.length === 200);
    await publish('away', rows.slice(200, 210));
    await until(() => sets.length >= 210);
    expectRows(sets, rows.slice(0, 210));
  });

  it('gets a message again until it is durable, and the others once', async () => {
    const sets: SampleSet[] = [];
    let refusals = 0;
    const connection = await open('again');
    await connection.subscribe?.(COLUMNS, async (set) => {
      if (sets.length === 20 && refusals < 2) {
        refusals += 1;
        throw new Error('no room');
      }
      sets.push(set);
    });
    await until(() => connection.counters?.()['ups'] === 1);
    await publish('again', rows.slice(0, 50));
    await until(() => sets.length >= 50, 30_000);
    expect(refusals).toBe(2);
    // What was on its way already when the store failed is durable before what failed.
    const timeOf = (set: SampleSet) => set.samples[0]?.sourceTimeMs ?? 0;
    expectRows(
      sets.toSorted((a, b) => timeOf(a) - timeOf(b)),
      rows.slice(0, 50),
    );
  });

  it('comes back after the broker was restarted, and gets what was waiting there', async () => {
    const sets: SampleSet[] = [];
    let release: () => void = () => undefined;
    const connection = await open('restart');
    await connection.subscribe?.(COLUMNS, (set) => {
      sets.push(set);
      if (sets.length !== 10) return Promise.resolve();
      return new Promise((resolve) => {
        release = resolve;
      });
    });
    await until(() => connection.counters?.()['ups'] === 1);
    await publish('restart', rows.slice(0, 30));
    // The tenth is on its way to the disk when the broker goes.
    await until(() => sets.length >= 10);
    await broker.restart();
    await until(() => connection.counters?.()['downs'] !== 0, 30_000);
    release();
    await until(() => sets.length >= 30, 60_000);
    expectRows(sets, rows.slice(0, 30));
    await until(() => (connection.counters?.()['redelivered'] ?? 0) >= 1);
    await connectPublisher();
    await publish('restart', rows.slice(30, 31));
    await until(() => sets.length === 31);
  });

  it('is read once from what the broker retains, beside a gateway that is running', async () => {
    const [row] = rows;
    if (!row) throw new Error('no rows');
    const sets: SampleSet[] = [];
    const running = await open('retained');
    await running.subscribe?.(COLUMNS, async (set) => void sets.push(set));
    await until(() => running.counters?.()['ups'] === 1);
    await publish('retained', [row], true);
    await until(() => sets.length === 1);
    const reader = await open('retained');
    expectRows([await reader.read(COLUMNS, never)], [row]);
    expect(running.counters?.()).toMatchObject({ ups: 1, downs: 0 });
    expect(sets).toHaveLength(1);
  });
});
