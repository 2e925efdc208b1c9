/** What every peer that replays the recording must see come true on our side. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PointDefinition } from '../../devices/profile.ts';
import type { Connection } from '../../gateway/driver.ts';
import { createModbusDriver } from '../../gateway/drivers/modbus.ts';
import { measure, planMeasurement } from '../../gateway/measure.ts';
import { driverContext, until } from '../support/driver-context.ts';
import {
  REPLAY_REGISTERS,
  type ReplayPeer,
  type ReplayRow,
  readRecording,
  replayProfile,
} from './meter-replay.ts';

const never = new AbortController().signal;
const points = Object.keys(replayProfile.points);

/** Declares the tests; `start` starts the peer on the recording at `path`. */
export function replayContract(path: string, start: (path: string) => Promise<ReplayPeer>): void {
  let peer: ReplayPeer;
  let rows: ReplayRow[];
  let connection: Connection;

  beforeAll(async () => {
    rows = readRecording(path);
    peer = await start(path);
    const settings = { host: '127.0.0.1', port: peer.port, unitId: 1, timeoutMs: 10_000 };
    connection = await createModbusDriver().open(
      settings,
      replayProfile.points,
      driverContext('pump-loop'),
    );
  });

  afterAll(async () => {
    await connection?.close();
    expect(await peer?.stop()).toBe(0);
  });

  it('reads every row once, each value bit-exact with its raw words', async () => {
    expect(rows.length).toBeGreaterThan(700);
    expect(peer.rows).toBe(rows.length);
    const plan = planMeasurement(replayProfile, undefined);
    for (const row of rows) {
      const set = await connection.read(points, never);
      expect(set.missing).toBeUndefined();
      const [group, ...others] = measure(set, plan, new Map());
      expect(others).toEqual([]);
      const readings = new Map(group?.readings.map((reading) => [reading.point, reading]));
      expect(readings.get('row')).toMatchObject({ value: row.number, quality: 'good' });
      for (const [point, { value, rawHex }] of row.values) {
        const reading = readings.get(point);
        expect(reading, `row ${row.number} ${point}`).toMatchObject({ rawHex, quality: 'good' });
        expect(Object.is(reading?.value, value), `row ${row.number} ${point}`).toBe(true);
      }
    }
    // The peer's own book, which comes over a pipe, agrees row by row with what arrived.
    await until(() => peer.served.size === rows.length);
    for (const row of rows) expect(peer.served.get(row.number)).toBe(expectedHex(row));
  });

  it('takes the exception at the end of the recording for a bad value, not for a number', async () => {
    const { samples, missing } = await connection.read(points, never);
    expect(missing).toBeUndefined();
    expect(samples).toHaveLength(points.length);
    for (const sample of samples) {
      expect(sample).toMatchObject({ rawHex: '', quality: 'bad', status: 'modbus:exception:4' });
    }
  });

  it('needed one request a row, on one connection', () => {
    expect(connection.counters?.()).toEqual({
      requests: rows.length + 1,
      connects: 1,
      timeouts: 0,
      retries: 0,
      exceptions: 1,
      foreignFrames: 0,
      corruptFrames: 0,
      backupUses: 0,
      orderRequests: 0,
    });
  });

  it('signs what the peer does not have as bad, and reads the rest', async () => {
    const { row, voltage } = replayProfile.points;
    const encoding = { type: 'uint16', order: 'ABCD' } as const;
    const modbus = { table: 'holding', address: REPLAY_REGISTERS, encoding } as const;
    const beyond: PointDefinition = { summary: '', type: 'bl:Count', unit: '', modbus };
    if (!row || !voltage) throw new Error('the profile lost a point');
    const other = await createModbusDriver().open(
      { host: '127.0.0.1', port: peer.port, unitId: 1, timeoutMs: 10_000 },
      { row, voltage, beyond },
      driverContext('beyond'),
    );
    const { samples, missing } = await other.read(['row', 'voltage', 'beyond'], never);
    await other.close();
    expect(missing).toBeUndefined();
    const last = rows.at(-1);
    expect(Object.fromEntries(samples.map((s) => [s.point, s.rawHex || s.status]))).toEqual({
      row: last?.number.toString(16).padStart(8, '0'),
      voltage: last?.values.get('voltage')?.rawHex,
      beyond: 'modbus:exception:2',
    });
  });
}

function expectedHex(row: ReplayRow): string {
  const words = [...row.values.values()].map(({ rawHex }) => rawHex);
  return [row.number.toString(16).padStart(8, '0'), ...words].join('');
}
