import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { toJson } from '../../../../gateway/commands/device-line.ts';
import { runRead } from '../../../../gateway/commands/read.ts';
import { captureGateway } from '../../../support/gateway-command.ts';
import { startBroker } from '../../../support/mqtt-broker.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-read-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What `read` prints of a device that says `payload`. */
async function read(payload: string, ...args: readonly string[]): Promise<string> {
  const broker = await startBroker();
  broker.retained.push({ topic: 'yard/box/log', payload });
  const config = join(directory, 'gateway.yaml');
  writeFileSync(
    config,
    `gateway: { name: site, organisation: "did:web:site.example", data: ./data }
keys: { store: file, path: none.json, passphraseFile: none }
facility: did:web:site.example/facility/one
uplink:
  sink: mqtt
  ingester: did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169
  connection: { url: "mqtt://127.0.0.1:1" }
devices:
  - name: box
    driver: mqtt
    connection: { url: "${broker.url}", topic: yard/box }
    profile:
      name: box
      summary: A box.
      source: Its manual.
      protocol: mqtt
      reportsOn: container
      points:
        air:
          summary: Air.
          type: Temperature
          unit: CEL
          mqtt: { topic: log, path: air }
`,
  );
  let text = '';
  try {
    text = (await captureGateway(runRead, [config, ...args])).out;
  } finally {
    await broker.close();
  }
  return text;
}

it('shows the time that a device states, and none where it is no time that there is', async () => {
  expect(await read('{"air":4.5,"timeMs":1795262400000}')).toMatch(/4\.5 .*2026-11-21T/);
  // A safe integer, and beyond what any calendar here has.
  const odd = '{"air":4.5,"timeMs":8900000000000000}';
  expect(await read(odd)).toMatch(/^box +air .*4\.5 /m);
  const [reading] = JSON.parse(await read(odd, '--json')).readings;
  expect(reading).toMatchObject({ point: 'air', value: 4.5 });
  expect(reading).not.toHaveProperty('sourceTimeMs');
});

it('gives the time of a server to programs, where it is another than the source’s', () => {
  const fixed = { point: 'air', type: 'Temperature', unit: 'CEL', rawHex: '00', value: 1 } as const;
  const reading = { ...fixed, quality: 'good' } as const;
  const line = { device: 'box', point: 'air', sourceTimeMs: 1_000 };
  const said = (json: object): unknown => JSON.parse(JSON.stringify(json));
  const dated = said(toJson({ ...line, reading: { ...reading, serverTimeMs: 1_004 } }));
  expect(dated).toMatchObject({ sourceTimeMs: 1_000, serverTimeMs: 1_004 });
  expect(said(toJson({ ...line, reading }))).not.toHaveProperty('serverTimeMs');
});
