/**
 * A device's key is replaced while its gateway runs under load, with the commands that a person
 * would type. The simulator's ledger says that nothing was lost; the journal, that nothing was
 * refused and that the goods' twin goes on under the new key.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import { readLedger } from '../../simulators/ledger.ts';
import { readExport } from '../../simulators/scenarios/ingester-api.ts';
import { countLost } from '../../simulators/scenarios/lost.ts';
import { mustRun, RunningCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { Site, siteOrganisation } from '../support/site.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-rotation-'));
const ledger = join(directory, 'fc-1.ledger');
const at = (name: string) => join(directory, name);

describe('a key that is replaced under load', () => {
  let site: Site;
  let gateway: RunningCommand;
  let meter: RunningCommand;

  beforeAll(async () => {
    const fixed = ['--attached', '--name', 'fc-1', '--ledger', ledger, '--every', '20'];
    meter = new RunningCommand('sim', ['device', 'liquid-flow-computer', ...fixed]);
    const { hostname: host, port } = new URL(String((await meter.ready())['url']));
    const device = {
      name: 'fc-1',
      profile: 'liquid-flow-computer',
      driver: 'modbus',
      connection: { host, port: Number(port), unitId: 1 },
      goods: `${siteOrganisation}/batch/`,
      everyMs: 50,
      flushMs: 100,
      enrolment: 'enrolments/fc-1.jwt',
    };
    const devices = [JSON.stringify(device)];
    ({ site } = await Site.create({ directory, devices, goods: 'batch/' }));
    gateway = await site.startGateway('--drain', '20');
  });

  afterAll(async () => {
    await site?.close();
    await meter?.kill();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Batches in the journal by the device that signed them, oldest signer first. */
  function batchesBySigner(): [string, number][] {
    const reader = openJournalReader(site.journalFile);
    try {
      const counts = new Map<string, number>();
      for (const { header } of reader.read(0, 1_000_000)) {
        const { batch } = header;
        if (header.kind === 'batch' && batch) {
          counts.set(batch.device, (counts.get(batch.device) ?? 0) + 1);
        }
      }
      return [...counts];
    } finally {
      reader.close();
    }
  }

  it('loses no reading and has none refused; the twin of the goods goes on', async () => {
    await gateway.line((line) => Number(line['delivered']) > 200);
    const requests = at('again');
    await mustRun('gateway', [
      ...['enrol-request', site.gatewayConfig, '--rotate', 'fc-1', '--out', requests],
    ]);
    await mustRun('wallet', [
      ...['rotate', at('wallet'), '--request', join(requests, 'fc-1.jwt')],
      ...['--out', at('enrolments')],
    ]);
    await eventually(() => (batchesBySigner()[1]?.[1] ?? 0) > 5, 'batches by the new key', 30_000);
    meter.child.stdin?.write('quiet\n');
    expect(await gateway.stop(), gateway.said).toBe(0);
    expect(gateway.lines.at(-1)).toMatchObject({ waiting: 0, dropped: 0, refused: 0 });

    expect(batchesBySigner()).toHaveLength(2);
    const exported = await readExport(site.http, 0);
    const served = readLedger(ledger).map((entry) => ({ ...entry, device: 'fc-1' }));
    expect(served.length).toBeGreaterThan(200);
    // A signed loss would not do: each value is there as a reading.
    const readings = exported.filter(({ kind }) => kind === 'reading');
    expect(countLost(served, readings)).toMatchObject({ lost: 0 });
    const answer = await fetch(`${site.http}/api/twins`);
    const { twins } = (await answer.json()) as { twins: { kind: string; id: string }[] };
    expect(twins.filter(({ kind }) => kind === 'pipeline-batch').length).toBeGreaterThan(0);
    expect(twins.filter(({ kind }) => kind === 'device')).toHaveLength(2);
  }, 90_000);
});
