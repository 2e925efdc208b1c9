/**
 * The way over a network that nobody trusts, with the commands that a person would type: the
 * ingester invites, the gateway joins, gets its certificate and delivers, by MQTT and by HTTPS,
 * and neither keeps a reading in the clear on its disk.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RunningCommand } from '../support/commands.ts';
import { Site, siteOrganisation } from '../support/site.ts';

/** What a plain database would show: a member of every batch, and where all of them begin. */
const CLEAR = [
  'sensor_reporting',
  'SQLite format 3',
  Buffer.from('{"@context"').toString('base64'),
];

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe.each(['mqtt', 'https'] as const)('mutual TLS over %s', (secure) => {
  let directory: string;
  let site: Site;
  let meter: RunningCommand;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'bondline-uplink-'));
    meter = new RunningCommand('sim', ['device', 'liquid-flow-computer', '--attached']);
    const { hostname: host, port } = new URL(String((await meter.ready())['url']));
    const device = {
      name: 'fc-1',
      profile: 'liquid-flow-computer',
      driver: 'modbus',
      connection: { host, port: Number(port), unitId: 1 },
      goods: `${siteOrganisation}/batch/`,
      flushMs: 200,
      enrolment: 'enrolments/fc-1.jwt',
    };
    const devices = [JSON.stringify(device)];
    ({ site } = await Site.create({ directory, devices, goods: 'batch/', secure }));
  });

  afterEach(async () => {
    await site?.close();
    await meter?.kill();
    if (directory) rmSync(directory, { recursive: true, force: true });
  });

  it('delivers what was signed, and keeps nothing in the clear', async () => {
    const gateway = await site.startGateway();
    await gateway.line((line) => Number(line['delivered']) > 50);
    const twins = (await (await fetch(`${site.http}/api/twins`)).json()) as { twins: unknown[] };
    expect(twins.twins.length).toBeGreaterThan(0);
    const kept = ['ingest-data', 'gateway-data'].flatMap((name) =>
      filesBelow(join(directory, name)),
    );
    expect(kept.filter((file) => file.endsWith('.db')).length).toBeGreaterThanOrEqual(3);
    for (const file of kept) {
      const content = readFileSync(file, 'latin1');
      for (const text of CLEAR) expect(content.includes(text), `${file}: ${text}`).toBe(false);
    }
  });
});
