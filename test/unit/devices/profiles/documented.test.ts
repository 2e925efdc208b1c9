/** The page of the profiles is true, and every profile can be named in a configuration. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeviceProfile, Protocol } from '../../../../devices/profile.ts';
import { profiles } from '../../../../devices/profiles/registry.ts';
import { readGatewayConfig } from '../../../../gateway/gateway.ts';
import { projectRoot } from '../../../support/commands.ts';

const page = readFileSync(join(projectRoot, 'docs', 'drivers', 'profiles.md'), 'utf8');

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bondline-profiles-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Mistakes of a configuration with this `devices:` list. */
function mistakesOf(devices: string) {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(
    file,
    `gateway: { name: docs, organisation: 'did:web:you.example', data: ./data }
keys: { store: file, path: keys.json, passphraseFile: passphrase }
facility: 'did:web:you.example/facility/one'
uplink:
  sink: mqtt
  ingester: 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'
  connection: { url: 'mqtt://127.0.0.1:1883' }
${devices}`,
  );
  const result = readGatewayConfig(file);
  return result.ok ? [] : result.mistakes;
}

it('the page lists every profile, with its protocol and what it reports on', () => {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .map(([, name = '', , protocol = '', reportsOn = '']) => ({ name, protocol, reportsOn }));
  const known = Object.values(profiles)
    .map(({ name, protocol, reportsOn }: DeviceProfile) => ({ name, protocol, reportsOn }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  expect(rows).toEqual(known);
});

it('the examples of the page pass the check', () => {
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) expect(mistakesOf(example)).toEqual([]);
});

/** As little as a connection may be. */
const connections: Readonly<Partial<Record<Protocol, string>>> = {
  modbus: '{ host: 127.0.0.1 }',
  mqtt: "{ url: 'mqtt://127.0.0.1:1883', topic: yard/one }",
  opcua: "{ url: 'opc.tcp://127.0.0.1:4840' }",
};

describe.each(Object.values(profiles).map(({ name }) => name))('%s', (name) => {
  it('passes the check of its driver, wherever its points stand', () => {
    const { protocol = 'mqtt' } = profiles[name] ?? {};
    const goods = "goods: 'did:web:you.example/goods/'";
    const device = `{ name: one, profile: ${name}, driver: ${protocol}, ${goods}, connection: ${connections[protocol]} }`;
    expect(mistakesOf(`devices:\n  - ${device}\n`)).toEqual([]);
  });
});
