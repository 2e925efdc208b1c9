/** `bondline-gateway lint` beside every kind of simulated device: it finds nothing to blame. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stations } from '../../simulators/stations/registry.ts';
import { mustRun, RunningCommand, runCli } from '../support/commands.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-lint-'));
const running: RunningCommand[] = [];
const container = 'MSKU9070323';

afterAll(async () => {
  await Promise.all(running.map((command) => command.kill()));
  rmSync(directory, { recursive: true, force: true });
});

/** Goods as an organisation would write them. */
const goodsOf = (kind: string) =>
  kind === 'reefer' ? `urn:epc:id:bic:${container}` : 'did:web:site.example/';

type Ready = Readonly<Record<string, unknown>>;

/** How each kind is started, and configured. */
const kinds: Readonly<Record<string, { args: string[]; device: (ready: Ready) => object }>> = {
  'liquid-flow-computer': {
    args: ['--pace', '20'],
    device: ({ host, port }) => ({
      profile: 'liquid-flow-computer',
      driver: 'modbus',
      connection: { host, port },
    }),
  },
  reefer: {
    args: ['--container', container, '--every', '200'],
    device: ({ url }) => ({
      profile: 'reefer',
      driver: 'mqtt',
      connection: { url, topic: `yard/${container}` },
    }),
  },
  'steel-line': {
    args: ['--directory', join(directory, 'mill'), '--pace', '20', '--every', '200'],
    device: ({ certificate, url }) => ({
      profile: 'steel-line',
      driver: 'opcua',
      connection: { url, serverCertificate: certificate },
    }),
  },
  registers: {
    args: [],
    device: ({ url }) => ({
      driver: 'modbus',
      connection: { host: '127.0.0.1', port: Number(new URL(String(url)).port) },
      profile: {
        name: 'registers',
        summary: 'Floats in pairs of registers.',
        source: 'The simulator',
        protocol: 'modbus',
        reportsOn: 'pipeline-batch',
        points: Object.fromEntries(
          [0, 2, 4, 6].map((address) => [
            `float${address}`,
            {
              summary: 'A number',
              type: 'bl:Number',
              unit: 'C62',
              modbus: { table: 'holding', address, encoding: { type: 'float32' } },
            },
          ]),
        ),
      },
    }),
  },
};

describe('lint beside a simulated device that is configured as it is', () => {
  it('knows every kind', () => {
    expect(Object.keys(kinds).sort()).toEqual(Object.keys(stations).sort());
  });

  it.each(Object.keys(kinds))(
    '%s: finds nothing wrong',
    async (kind) => {
      const { args, device } = kinds[kind] ?? expect.fail(kind);
      const simulator = new RunningCommand('sim', ['device', kind, '--attached', ...args]);
      running.push(simulator);
      const config = join(directory, `${kind}.yaml`);
      writeFileSync(join(directory, 'passphrase'), 'for one test only\n', { mode: 0o600 });
      const ready = await simulator.ready();
      writeFileSync(
        config,
        JSON.stringify({
          gateway: { name: 'site', organisation: 'did:web:site.example', data: `./${kind}-data` },
          keys: { store: 'file', path: `${kind}-keys.json`, passphraseFile: 'passphrase' },
          facility: 'did:web:site.example/facility/one',
          uplink: {
            sink: 'mqtt',
            ingester: 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169',
            connection: { url: 'mqtt://127.0.0.1:9' },
          },
          devices: [{ name: 'one', everyMs: 200, goods: goodsOf(kind), ...device(ready) }],
        }),
      );
      await mustRun('gateway', ['check', config]);
      const { code, err, out } = await runCli('gateway', ['lint', config, '--wait', '8']);
      expect(out + err).toContain('nothing looks wrong');
      expect(code, out + err).toBe(0);
    },
    60_000,
  );
});
