import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { steelLine } from '../../../../devices/profiles/steel-line.ts';
import { silentLog, systemClock } from '../../../../devices/runtime.ts';
import { opcuaDriver } from '../../../../gateway/drivers/opcua.ts';
import { memoryLedger } from '../../../../simulators/ledger.ts';
import { startSteelMill } from '../../../../simulators/stations/steel-mill.ts';
import { driverContext } from '../../../support/driver-context.ts';
import { eventually } from '../../../support/eventually.ts';
import { collector, freshFolder, keys, testSettings } from '../../../support/opcua-device.ts';

/** A heat in about a third of a second. */
const PACE = 8_000;

async function mill(directory: string) {
  const ledger = memoryLedger();
  const running = await startSteelMill({
    host: '127.0.0.1',
    port: 0,
    seed: 7,
    name: 'line-1',
    ledger,
    directory,
    pace: PACE,
    everyMs: 20,
    clock: systemClock,
    log: silentLog,
  });
  const got = collector();
  const settings = testSettings(String(running.ready['url']), {
    rootPath: 'SteelLine',
    serverCertificate: String(running.ready['certificate']),
  });
  const context = driverContext('line-1', { dataDirectory: `${directory}/gateway` });
  const connection = await opcuaDriver.open(settings, steelLine.points, context);
  await connection.subscribe?.(Object.keys(steelLine.points), got.deliver);
  const texts = (point: string) =>
    got.of(point).map(({ rawHex }) => Buffer.from(rawHex, 'hex').toString());
  return { running, ledger, got, connection, texts };
}

describe('a steel mill', () => {
  it('taps heats and finishes pieces, serves all of it, and is still when told to be', async () => {
    const { running, ledger, got, connection, texts } = await mill(freshFolder());
    await eventually(() => texts('heatId').length >= 3 && texts('pieceId').length >= 12, 'heats');
    running.quiet();
    const last = got.of('castHeatId').at(-1)?.sourceTimeMs;
    await connection.close();
    expect(keys(got.samples)).toEqual(keys(ledger.entries));
    expect(got.missing).toEqual([]);
    // Each piece is one of the six of its heat.
    for (const [index, piece] of texts('pieceId').entries()) {
      expect(piece).toMatch(new RegExp(`^${texts('pieceHeatId')[index]}-0[1-6]$`));
    }
    expect(last).toBeDefined();
    await running.close();
  });

  it('that was off gives no number twice, and keeps its certificate', async () => {
    const directory = freshFolder();
    const first = await mill(directory);
    await eventually(() => first.texts('pieceId').length >= 2, 'pieces');
    const certificate = readFileSync(String(first.running.ready['certificate']), 'utf8');
    await first.connection.close();
    await first.running.close();
    const second = await mill(directory);
    await eventually(() => second.texts('pieceId').length >= 2, 'pieces again');
    await second.connection.close();
    await second.running.close();
    const pieces = [...first.texts('pieceId'), ...second.texts('pieceId')];
    expect(new Set(pieces).size).toBe(pieces.length);
    expect([...pieces].sort()).toEqual(pieces);
    expect(readFileSync(String(second.running.ready['certificate']), 'utf8')).toBe(certificate);
  });
});
