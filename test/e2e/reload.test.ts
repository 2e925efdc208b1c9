/**
 * A gateway under load whose configuration changes again and again: one device is changed, taken
 * away and added, while the ledgers of the others say that they lost nothing, and their sockets
 * that nobody hung up. The simulators keep the ledgers; the gateway has no say in it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestMultibase } from '../../devices/profile.ts';
import { batchPayload } from '../../ingest/apply-payload.ts';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import { readLedger } from '../../simulators/ledger.ts';
import { readExport } from '../../simulators/scenarios/ingester-api.ts';
import { countLost } from '../../simulators/scenarios/lost.ts';
import type { RunningCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { Site, siteOrganisation } from '../support/site.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-reload-'));
const container = 'MSKU9070323';

/** A cable between gateway and device that counts how often it is plugged in. */
async function cable(
  url: string,
): Promise<{ port: number; plugged: () => number; close: () => void }> {
  const { hostname, port } = new URL(url);
  let plugged = 0;
  const open = new Set<Socket>();
  const server: Server = createServer((near) => {
    plugged += 1;
    const far = dial(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    plugged: () => plugged,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

describe('a configuration that changes while the gateway runs', () => {
  let site: Site;
  let ingester: RunningCommand;
  let gateway: RunningCommand;
  const simulators: RunningCommand[] = [];
  const cables: Awaited<ReturnType<typeof cable>>[] = [];
  let devices: Record<'fc-1' | 'fc-2' | 'box-1', Record<string, unknown>>;
  const ledger = (name: string) => join(directory, `${name}.ledger`);

  beforeAll(async () => {
    // Simulators outlive the site, so they are started beside it.
    const { RunningCommand: Command } = await import('../support/commands.ts');
    const simulate = async (name: string, kind: string, ...more: string[]) => {
      const fixed = ['--attached', '--name', name, '--ledger', ledger(name)];
      const command = new Command('sim', ['device', kind, ...fixed, ...more]);
      simulators.push(command);
      const line = await cable(String((await command.ready())['url']));
      cables.push(line);
      return line;
    };
    const meter = await simulate('fc-1', 'liquid-flow-computer', '--every', '20');
    const other = await simulate('fc-2', 'liquid-flow-computer', '--every', '20');
    const yard = await simulate('box-1', 'reefer', '--every', '200', '--container', container);
    const flow = (name: string, port: number, everyMs: number) => ({
      name,
      profile: 'liquid-flow-computer',
      driver: 'modbus',
      connection: { host: '127.0.0.1', port, unitId: 1, timeoutMs: 2_000 },
      goods: `${siteOrganisation}/batch/`,
      everyMs,
      flushMs: 100,
      enrolment: `enrolments/${name}.jwt`,
    });
    devices = {
      'fc-1': flow('fc-1', meter.port, 50),
      'fc-2': flow('fc-2', other.port, 100),
      'box-1': {
        name: 'box-1',
        profile: 'reefer',
        driver: 'mqtt',
        connection: { url: `mqtt://127.0.0.1:${yard.port}`, topic: `yard/${container}` },
        goods: `${siteOrganisation}/batch/${container}`,
        everyMs: 200,
        flushMs: 100,
        enrolment: 'enrolments/box-1.jwt',
      },
    };
    const lines = Object.values(devices).map((device) => JSON.stringify(device));
    ({ site, ingester } = await Site.create({ directory, devices: lines, goods: 'batch/' }));
    gateway = await site.startGateway('--drain', '20');
  });

  afterAll(async () => {
    await site?.close();
    await Promise.all(simulators.map((simulator) => simulator.kill()));
    for (const line of cables) line.close();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Writes the configuration with these devices; returns its text. */
  function write(list: readonly Record<string, unknown>[]): string {
    const text = readFileSync(site.gatewayConfig, 'utf8');
    const head = text.slice(0, text.indexOf('devices:'));
    const lines = list.map((device) => `  - ${JSON.stringify(device)}`);
    const changed = `${head}devices:\n${lines.join('\n')}\n`;
    writeFileSync(site.gatewayConfig, changed);
    return changed;
  }

  /** Devices and their states in a line of status; none in a line of another kind. */
  const statesIn = ({ devices: list }: Readonly<Record<string, unknown>>): string =>
    Array.isArray(list)
      ? list.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`).join()
      : '';

  it('loses nothing of the devices that stay, and keeps their sockets', async () => {
    const { 'box-1': box, 'fc-1': one, 'fc-2': two } = devices;
    const state = (names: string[]) => {
      // Of the lines that are printed from now on.
      const sinceMs = Number(gateway.lines.at(-1)?.['timeMs'] ?? 0);
      return gateway.line(
        (line) => Number(line['timeMs']) > sinceMs && statesIn(line) === names.join(),
      );
    };
    await state(['fc-1 up', 'fc-2 up', 'box-1 up']);
    const before = cables.map((line) => line.plugged());

    for (let round = 0; round < 3; round += 1) {
      write([one, box]);
      gateway.child.kill('SIGHUP');
      await state(['fc-1 up', 'box-1 up']);
      write([one, { ...two, everyMs: 70 + round }, box]);
      gateway.child.kill('SIGHUP');
      await state(['fc-1 up', 'fc-2 up', 'box-1 up']);
    }
    // A file with a mistake, and one that needs a restart, change nothing, and it is said why.
    write([one, { ...two, everyMs: 'often' }, box]);
    await eventually(
      () => /gateway\.yaml:\d+:\d+: devices\[1\]\.everyMs/.test(gateway.said),
      'said',
    );
    // Nobody sends a signal: the change of the file is enough. The new device has no key.
    const text = write([one, { ...two, everyMs: 90 }, { ...two, name: 'fc-3' }, box]);
    await state(['fc-1 up', 'fc-2 up', 'fc-3 down', 'box-1 up']);
    expect(gateway.said).toContain('keygen');
    expect(cables[0]?.plugged()).toBe(before[0]);
    expect(cables[2]?.plugged()).toBe(before[2]);
    expect(cables[1]?.plugged()).toBeGreaterThan(Number(before[1]) + 3);

    // The values that are on their way when it stops are not what this is about.
    for (const simulator of simulators) simulator.child.stdin?.write('quiet\n');
    expect(await gateway.stop(), gateway.said).toBe(0);
    expect(gateway.lines.at(-1)).toMatchObject({ waiting: 0, dropped: 0 });

    const exported = await readExport(site.http, 0);
    // Each value that they served is there as a reading: a signed loss would not do.
    const readings = exported.filter(({ kind }) => kind === 'reading');
    for (const name of ['fc-1', 'box-1'] as const) {
      const served = readLedger(ledger(name)).map((entry) => ({ ...entry, device: name }));
      expect(served.length).toBeGreaterThan(50);
      expect(countLost(served, readings)).toMatchObject({ lost: 0 });
    }
    // A busy machine may leave out a poll and say so; nobody was away.
    const away = exported.filter(
      ({ kind, deviceLabel }) => kind === 'loss' && deviceLabel !== 'fc-2',
    );
    expect(
      away.map((loss) => ({ ...loss }) as { cause?: string }).map(({ cause }) => cause),
    ).not.toContain('not-running');
    expect(configurations().at(-1)).toBe(digestMultibase(Buffer.from(text)));
    expect(await ingester.stop()).toBe(0);
  }, 90_000);

  /** Digests of the configurations that batches name, in the order of the journal. */
  function configurations(): string[] {
    const reader = openJournalReader(site.journalFile);
    try {
      return reader
        .read(0, 1_000_000)
        .filter(({ header }) => header.kind === 'batch')
        .map((entry) => batchPayload(entry).credentialSubject['bl:configuration']);
    } finally {
      reader.close();
    }
  }
});
