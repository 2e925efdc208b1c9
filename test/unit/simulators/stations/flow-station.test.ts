import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../../devices/runtime.ts';
import { memoryLedger } from '../../../../simulators/ledger.ts';
import type { RunningStation, StationOptions } from '../../../../simulators/station.ts';
import { startFlowStation } from '../../../../simulators/stations/flow-station.ts';
import { startRegisters } from '../../../../simulators/stations/registers.ts';
import { type ManualClock, manualClock } from '../../../support/manual-clock.ts';
import { rawClient } from '../../../support/raw-client.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-station-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const running = new Set<RunningStation>();
afterEach(async () => {
  for (const station of running) await station.close();
  running.clear();
});

async function start(clock: ManualClock, change: Partial<StationOptions> = {}) {
  const ledger = memoryLedger();
  const station = await startFlowStation({
    host: '127.0.0.1',
    port: 0,
    seed: 1,
    name: 'fc-1',
    ledger,
    pace: 1,
    everyMs: 1_000,
    clock,
    log: silentLog,
    ...change,
  });
  running.add(station);
  return { station, ledger };
}

async function stop(station: RunningStation): Promise<void> {
  running.delete(station);
  await station.close();
}

/** Reads 4-byte registers of a unit. */
async function read(station: RunningStation, address: number, quantity = 1, unitId = 1) {
  const client = await rawClient(Number(station.ready['port']));
  const request = Buffer.from([0, 1, 0, 0, 0, 6, unitId, 3, 0, 0, 0, quantity]);
  request.writeUInt16BE(address, 8);
  client.send(request.toString('hex'));
  const head = Buffer.from(await client.take(9), 'hex');
  const bytes = head.readUInt8(7) === 3 ? await client.take(head.readUInt8(8)) : '';
  client.end();
  return Buffer.from(bytes, 'hex');
}

const pulses = async (station: RunningStation) => (await read(station, 5102)).readUInt32BE();

describe('a meter station', () => {
  it('moves its registers with the clock, and not without', async () => {
    const clock = manualClock();
    const { station } = await start(clock);
    const before = await pulses(station);
    expect(await pulses(station)).toBe(before);
    clock.advance(10_000);
    // 300,000 barrels a day at 8.4 pulses a barrel are about 29 pulses a second.
    const counted = (await pulses(station)) - before;
    expect(counted).toBeGreaterThan(250);
    expect(counted).toBeLessThan(350);
  });

  it('goes as many times faster as it is paced', async () => {
    const clock = manualClock();
    const { station } = await start(clock, { pace: 60 });
    const before = await pulses(station);
    clock.advance(10_000);
    expect((await pulses(station)) - before).toBeGreaterThan(60 * 250);
  });

  it('stands still when told to be quiet, and still answers', async () => {
    const clock = manualClock();
    const { station, ledger } = await start(clock);
    clock.advance(1_000);
    station.quiet();
    const before = await pulses(station);
    clock.advance(10_000);
    expect(await pulses(station)).toBe(before);
    expect(ledger.entries.filter(({ point }) => point === 'pulsesTotal')).toHaveLength(2);
  });

  it('serves its hourly and daily archives by record index', async () => {
    const clock = manualClock();
    const { station, ledger } = await start(clock, { everyMs: 60_000 });
    expect(await read(station, 701, 1)).toHaveLength(0);
    clock.advance(2 * 3_600_000);
    const record = await read(station, 701, 2);
    expect(record).toHaveLength(13 * 4);
    expect([record.readFloatBE(0), record.readFloatBE(4)]).toEqual([10_126, 20_000]);
    expect(await read(station, 701, 3)).toHaveLength(0);
    expect(await read(station, 702, 1)).toHaveLength(0);
    expect(ledger.entries).toEqual([]);
  });

  it('keeps several meters apart, by unit id and by name', async () => {
    const { station, ledger } = await start(manualClock(), { units: 2 });
    expect(station.ready['units']).toEqual([
      { unitId: 1, device: 'fc-1-1' },
      { unitId: 2, device: 'fc-1-2' },
    ]);
    const first = await read(station, 5102, 1, 1);
    expect(first.equals(await read(station, 5102, 1, 2))).toBe(false);
    expect(ledger.entries.map(({ device }) => device)).toEqual(['fc-1-1', 'fc-1-2']);
  });
});

describe('a meter station that was off', () => {
  it('goes on from what it kept and has not gone back', async () => {
    const folder = join(directory, 'kept');
    const clock = manualClock();
    const first = await start(clock, { directory: folder });
    clock.advance(30_000);
    const before = await pulses(first.station);
    await stop(first.station);
    clock.advance(5_000);
    const second = await start(clock, { directory: folder, seed: 99 });
    const after = await pulses(second.station);
    expect(after - before).toBeGreaterThan(100);
    expect(after - before).toBeLessThan(300);
  });

  it('shows no total that is lower than one it served before it was killed', async () => {
    const folder = join(directory, 'killed');
    const clock = manualClock();
    const killed = await start(clock, { directory: folder, everyMs: 100 });
    clock.advance(2_900);
    const before = await pulses(killed.station);
    // The last save is up to a second old; the process ends without another.
    const second = await start(clock, { directory: folder, everyMs: 100 });
    expect(await pulses(second.station)).toBeGreaterThanOrEqual(before);
  });

  it('refuses to start from a state that it cannot read', async () => {
    for (const text of [
      '{',
      '{"version":2,"profile":"liquid-flow-computer","devices":{}}',
      'null',
    ]) {
      const folder = mkdtempSync(join(directory, 'bad-'));
      writeFileSync(join(folder, 'liquid-flow-computer.state.json'), text);
      await expect(start(manualClock(), { directory: folder })).rejects.toMatchObject({
        code: 'SIM_STATE_UNREADABLE',
      });
    }
  });
});

describe('registers for load', () => {
  it('hold floats in pairs that all change at every step', async () => {
    const clock = manualClock();
    const station = await startRegisters({
      host: '127.0.0.1',
      port: 0,
      seed: 1,
      name: 'load',
      ledger: memoryLedger(),
      pace: 1,
      everyMs: 100,
      clock,
      log: silentLog,
      units: 3,
      registers: 8,
    });
    running.add(station);
    const floats = async () => {
      const bytes = await read(station, 0, 8, 3);
      return [0, 4, 8, 12].map((at) => bytes.readFloatBE(at));
    };
    expect(await floats()).toEqual([0, 1, 2, 3]);
    clock.advance(300);
    expect(await floats()).toEqual([0.75, 1.75, 2.75, 3.75]);
  });
});
