/** No name, address or answer leads a fetch into our own network: 0 connections, by a sensor. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchDocument } from '../../devices/io/resolve/fetch-document.ts';
import { systemClock } from '../../devices/runtime.ts';
import { siteCertificate, startHttpsSite } from '../support/https-site.ts';
import { attempts, REDIRECTS } from './inward.ts';
import { type Sensor, startSensor } from './sensor.ts';

/** The one inward address that an operator has allowed. */
const ALLOWED = '127.0.0.3';
let sensor: Sensor;
const counted = new Set<string>();

beforeAll(async () => {
  sensor = await startSensor([ALLOWED]);
});

afterAll(async () => {
  await sensor.close();
});

describe('a fetch that is to be led inwards', () => {
  it('is refused, whatever the spelling and the answer', async () => {
    const documents: string[] = [];
    for (const { kind, place, run } of attempts(sensor.port)) {
      counted.add(`${kind} @ ${place}`);
      const found = await run();
      if (!('code' in found)) documents.push(`${kind} @ ${place}`);
    }
    expect(documents).toEqual([]);
    expect(sensor.inward()).toEqual([]);
    // Rebinding names were looked up once, and what was found then was dialled: the sensor sees.
    expect(new Set(sensor.outward())).toEqual(new Set(['9.9.9.9']));
  });

  it('is not led on by a server that may be asked', async () => {
    const { cert, key } = await siteCertificate(['mill.example']);
    const leads = REDIRECTS.flatMap(([status, headers]) =>
      ['127.0.0.1', '[::1]', '127.0.0.2', 'localhost'].map((host) => ({ status, headers, host })),
    );
    let next = 0;
    const site = await startHttpsSite({ cert, key, address: ALLOWED }, (_, response) => {
      const { status, headers, host } = leads[next] ?? { status: 500, headers: {}, host: '' };
      const to = `https://${host}:${sensor.port}/did.json`;
      const named = Object.entries(headers).map(([name, text]) => [name, `${text}${to}`] as const);
      response.writeHead(status, Object.fromEntries(named)).end('{}');
    });
    const options = { clock: systemClock, authorities: cert, allowPrivate: [ALLOWED] };
    for (; next < leads.length; next += 1) {
      const { status, host } = leads[next] ?? {};
      counted.add(`led on by ${next} @ ${host}`);
      const url = `https://mill.example:${site.port}/did.json`;
      const found = await fetchDocument(url, { ...options, lookup: async () => [ALLOWED] });
      expect('code' in found, `${status} to ${host}`).toBe(status !== 200);
    }
    await site.close();
    expect(site.connections()).toBe(leads.length);
  });

  it('never arrives', () => {
    console.log(`${counted.size} ways inwards, ${sensor.arrived()} connections`);
    expect(counted.size).toBeGreaterThan(1_500);
    expect(sensor.arrived()).toBe(0);
    expect(sensor.inward()).toEqual([]);
  });

  it('would be noticed', async () => {
    const url = `https://mill.example:${sensor.port}/did.json`;
    const allowed = { clock: systemClock, allowPrivate: ['127.0.0.2'] };
    const found = await fetchDocument(url, { ...allowed, lookup: async () => ['127.0.0.2'] });
    expect(found).toHaveProperty('code', 'NET_TLS');
    expect(sensor.arrived()).toBe(1);
    expect(sensor.inward()).toEqual(['127.0.0.2']);
  });
});
