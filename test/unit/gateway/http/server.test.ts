/** The gateway's HTTP server: paths, probes, who may look. */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '../../../../devices/runtime.ts';
import { type StatusServer, serveStatus } from '../../../../gateway/http/server.ts';
import type { GatewaySnapshot } from '../../../../gateway/snapshot.ts';
import { deviceSnapshot, gatewaySnapshot } from '../../../support/gateway-snapshot.ts';

const servers: StatusServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(
  snapshot: () => Promise<GatewaySnapshot> = async () => gatewaySnapshot(),
  port = 0,
): Promise<string> {
  const server = await serveStatus({
    host: '127.0.0.1',
    port,
    snapshot,
    clock: systemClock,
    log: silentLog,
  });
  servers.push(server);
  return server.url;
}

/** Fetch sets the Host header itself; here it is the test's. */
function statusFor(url: string, host: string, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('the status server', () => {
  it('answers on every path, and says no to others', async () => {
    const url = await serve();
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/devices/fc-1', 'text/html'],
      ['/status.css', 'text/css'],
      ['/status.js', 'text/javascript'],
      ['/status.json', 'application/json'],
      ['/healthz', 'application/json'],
      ['/readyz', 'application/json'],
      ['/metrics', 'text/plain; version=0.0.4'],
    ]) {
      const answer = await fetch(`${url}${path}`);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(answer.headers.get('content-type')).toContain(type);
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    }
    expect((await fetch(`${url}/devices/fc-2`)).status).toBe(404);
    expect((await fetch(`${url}/devices/..%2f`)).status).toBe(404);
    expect((await fetch(`${url}/constructor`)).status).toBe(404);
    expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200);
  });

  it('says 503 on /healthz while a device is stale, and 200 again afterwards', async () => {
    let ageMs = 60_000;
    const url = await serve(async () => gatewaySnapshot({ devices: [deviceSnapshot({ ageMs })] }));
    const stale = await fetch(`${url}/healthz`);
    expect(stale.status).toBe(503);
    expect(await stale.json()).toMatchObject({ status: 'stale', stale: [{ name: 'fc-1' }] });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    ageMs = 10;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('says 503 when the gateway cannot say how it is, or does not in time', async () => {
    const failing = await serve(() => Promise.reject(new Error('disk')));
    expect((await fetch(`${failing}/readyz`)).status).toBe(503);
    const hanging = await serve(() => new Promise(() => undefined));
    expect((await fetch(`${hanging}/readyz`)).status).toBe(503);
  });

  it('answers only who means this machine', async () => {
    const url = await serve();
    const port = new URL(url).port;
    expect(await statusFor(url, `127.0.0.1:${port}`)).toBe(200);
    expect(await statusFor(url, `localhost:${port}`)).toBe(200);
    expect(await statusFor(url, `evil.example:${port}`)).toBe(403);
    expect(await statusFor(url, '192.0.2.1')).toBe(403);
  });

  it('takes another port where its own is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const url = await serve(undefined, port);
    expect(new URL(url).port).not.toBe(String(port));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    other.close();
  });

  it('keeps all digits of a 64-bit value', async () => {
    const [point] = deviceSnapshot().points;
    const device = deviceSnapshot({
      points: [
        { ...(point ?? { point: 'x', summary: '', unit: '' }), value: 18446744073709551615n },
      ],
    });
    const url = await serve(async () => gatewaySnapshot({ devices: [device] }));
    expect(await (await fetch(`${url}/status.json`)).text()).toContain('"18446744073709551615"');
  });
});
