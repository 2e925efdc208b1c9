/** Simulated registers behind a gateway, read as fast as a fault or a measurement likes. */
import { RunningCommand } from './commands.ts';
import { siteOrganisation } from './site.ts';

export interface Registers {
  readonly meters: RunningCommand;
  /** Items of `devices` in a gateway's configuration. */
  readonly devices: readonly string[];
}

export async function startRegisters(options: {
  readonly devices: number;
  readonly points: number;
  readonly everyMs: number;
  readonly flushMs: number;
}): Promise<Registers> {
  const units = ['--units', String(options.devices)];
  const meters = new RunningCommand('sim', ['device', 'registers', ...units, '--attached']);
  const { port } = new URL(String((await meters.ready())['url']));
  const devices = Array.from({ length: options.devices }, (_, at) =>
    deviceOf(at, Number(port), options),
  );
  return { meters, devices };
}

function deviceOf(
  index: number,
  port: number,
  { everyMs, flushMs, points }: { points: number; everyMs: number; flushMs: number },
): string {
  const pairs = Array.from({ length: points }, (_, at) => [
    `p${at}`,
    {
      ...{ summary: `Register pair ${at}`, type: 'Dimensionless', unit: 'C62' },
      modbus: {
        ...{ table: 'holding', address: 2 * at },
        encoding: { type: 'float32', order: 'ABCD' },
      },
    },
  ]);
  const profile = { name: 'registers', summary: 'Register pairs', source: 'test' };
  return JSON.stringify({
    name: `meter-${index}`,
    driver: 'modbus',
    connection: { host: '127.0.0.1', port, unitId: index + 1, timeoutMs: 1_000 },
    goods: `${siteOrganisation}/batch/1`,
    ...{ everyMs, flushMs, enrolment: `enrolments/meter-${index}.jwt` },
    profile: {
      ...{ ...profile, protocol: 'modbus', reportsOn: 'pipeline-batch' },
      points: Object.fromEntries(pairs),
    },
  });
}
