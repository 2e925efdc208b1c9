/**
 * What suites of whole processes are done to: a simulated meter, a gateway that reads it fast, an
 * ingester.
 */
import { mkdirSync } from 'node:fs';
import { RunningCommand } from './commands.ts';
import { Site, type SiteOptions, siteOrganisation } from './site.ts';

export interface Rig {
  readonly site: Site;
  readonly meter: RunningCommand;
  /** As it was started first. */
  readonly ingester: RunningCommand;
  /** Ends everything that still runs. */
  close(): Promise<void>;
}

/**
 * Starts a meter and an ingester that has enrolled it; the gateway is started by whoever asks.
 *
 * @param directory A folder of its own, which the caller removes.
 * @param flushMs How long the gateway may collect readings for one batch.
 * @param more Further lines of the ingester's configuration.
 */
export async function startRig(
  directory: string,
  flushMs = 40,
  more: Pick<SiteOptions, 'ingestLines'> = {},
): Promise<Rig> {
  mkdirSync(directory, { recursive: true });
  const args = ['--port', '0', '--attached', '--directory', directory];
  const meter = new RunningCommand('sim', ['device', 'liquid-flow-computer', ...args]);
  const { port } = new URL(String((await meter.ready())['url']));
  const device = {
    name: 'fc-1',
    profile: 'liquid-flow-computer',
    driver: 'modbus',
    connection: { host: '127.0.0.1', port: Number(port), unitId: 1, timeoutMs: 1_000 },
    goods: `${siteOrganisation}/batch/`,
    everyMs: 20,
    flushMs,
    enrolment: 'enrolments/fc-1.jwt',
  };
  const devices = [JSON.stringify(device)];
  const { site, ingester } = await Site.create({
    ...{ directory, devices, goods: 'batch/', ...more },
    like: 'fc-1',
  });
  return {
    site,
    meter,
    ingester,
    async close() {
      await site.close();
      await meter.kill();
    },
  };
}
