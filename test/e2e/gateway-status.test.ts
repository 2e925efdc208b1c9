/**
 * The gateway's own page and probes beside a real device: red when the data are stale though the
 * process lives, green again when the device answers; looked at in a browser, by keyboard.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { mustRun, RunningCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { hasPeer } from '../support/peers.ts';

const directory = mkdtempSync(join(tmpdir(), 'bondline-status-'));
let simulator: RunningCommand;
let gateway: RunningCommand;
let browser: Browser | undefined;
let url = '';

async function simulate(port: number): Promise<number> {
  const ledger = join(directory, 'ledger.jsonl');
  const args = ['device', 'liquid-flow-computer', '--attached', '--name', 'fc-1'];
  simulator = new RunningCommand('sim', [...args, '--ledger', ledger, '--port', String(port)]);
  return Number((await simulator.ready())['port']);
}

beforeAll(async () => {
  const port = await simulate(0);
  const config = join(directory, 'gateway.yaml');
  writeFileSync(join(directory, 'passphrase'), 'a passphrase for one test only\n', { mode: 0o600 });
  writeFileSync(
    config,
    `gateway: { name: neche, organisation: 'did:web:site.example', data: ./data }
keys: { store: file, path: keys.json, passphraseFile: passphrase }
facility: 'did:web:site.example/facility/neche'
uplink:
  sink: mqtt
  ingester: 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'
  connection: { url: 'mqtt://127.0.0.1:9' }
http: { port: 0 }
devices:
  - name: fc-1
    profile: liquid-flow-computer
    driver: modbus
    connection: { host: 127.0.0.1, port: ${port}, timeoutMs: 500 }
    goods: 'did:web:site.example/batch/'
    everyMs: 200
`,
  );
  await mustRun('gateway', ['keygen', config]);
  gateway = new RunningCommand('gateway', ['run', config, '--json', '--attached', '--drain', '0']);
  url = String((await gateway.ready())['http']);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await gateway?.stop();
  await simulator?.kill();
  rmSync(directory, { recursive: true, force: true });
});

const statusOf = async (path: string) => (await fetch(`${url}${path}`)).status;

describe('the probes and metrics of a running gateway', () => {
  it('are green while data come, and metrics hold the newest values', async () => {
    await eventually(async () => (await statusOf('/healthz')) === 200, 'fresh data');
    expect(await statusOf('/readyz')).toBe(200);
    const metrics = await eventually(async () => {
      const text = await (await fetch(`${url}/metrics`)).text();
      return text.includes('point="temperature"') && text;
    }, 'a value');
    expect(metrics).toMatch(/bondline_gateway_device_up\{device="fc-1",driver="modbus"\} 1/);
    expect(metrics).toMatch(/bondline_gateway_point_value\{device="fc-1",point="temperature"/);
    expect(metrics).toMatch(/bondline_gateway_uplink_up 0/);
  });

  it('turn red when the device falls silent though the gateway lives, and green again', async () => {
    const { port } = simulator.lines[0] ?? {};
    await simulator.kill();
    const red = await eventually(async () => {
      const answer = await fetch(`${url}/healthz`);
      return answer.status === 503 && answer.json();
    }, 'stale data');
    expect(red).toMatchObject({ status: 'stale', stale: [{ name: 'fc-1' }] });
    expect(await statusOf('/readyz')).toBe(200);
    await simulate(Number(port));
    await eventually(async () => (await statusOf('/healthz')) === 200, 'fresh data', 40_000);
  }, 90_000);
});

describe.skipIf(!hasPeer('chromium'))('the status page in a browser', () => {
  it('is live, and leads to a device by keyboard, without a request to anybody else', async () => {
    browser = await launchBrowser();
    const page = await browser.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(url);
    await page.waitForSelector('#live.good');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/devices/fc-1');
    await page.waitForSelector('#live.good');
    const pulses = () =>
      page.locator('tr', { hasText: 'pulsesTotal' }).locator('td').nth(1).innerText();
    const before = await pulses();
    await eventually(async () => (await pulses()) !== before, 'a value that moves');
    expect(
      asked.filter((address) => !address.startsWith(url) && !address.startsWith('data:')),
    ).toEqual([]);
    expect(complaints).toEqual([]);
  }, 60_000);
});
