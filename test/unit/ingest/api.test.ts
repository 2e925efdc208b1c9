import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Facility } from '../../../devices/credential/enrolment.ts';
import type { Reading } from '../../../devices/reading.ts';
import { systemClock } from '../../../devices/runtime.ts';
import type { Twin } from '../../../ingest/twin.ts';
import { eventually } from '../../support/eventually.ts';
import { TwinWorld, type WorldDevice } from '../../support/twin-world.ts';

const goods = 'did:web:northline.example/batch/284';
const facility: Facility = {
  id: 'did:web:northline.example/facility/neche',
  name: 'Neche meter station',
  latitude: 48.99929,
  longitude: -97.53103,
};

const flow = (value: number): Reading => ({
  point: 'flowRate',
  type: 'VolumeFlowRate',
  unit: 'B1',
  rawHex: '47ee0a00',
  quality: 'good',
  value,
});

let world: TwinWorld;
let meter: WorldDevice;

beforeEach(async () => {
  world = new TwinWorld();
  const organisation = world.organisation('did:web:northline.example', 'Northline Pipeline');
  meter = await world.enrol({
    organisation,
    label: 'fc-1',
    profile: 'liquid-flow-computer',
    facility,
    goods: ['did:web:northline.example/batch/'],
  });
  await world.start();
});

afterEach(async () => {
  await world.end();
});

const say = (...values: number[]) =>
  world.batch(
    meter,
    values.map((value, at) => ({
      timeMs: Math.round(systemClock.nowMs()) - values.length + at,
      about: goods,
      readings: [flow(value)],
    })),
  );

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${world.api.address}${path}`);
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}

async function batchTwin(): Promise<Twin> {
  await world.settled();
  const { twins } = await get<{ twins: Twin[] }>('/api/twins?kind=pipeline-batch');
  const [twin] = twins;
  if (twin === undefined) throw new Error('there is no pipeline batch');
  return twin;
}

describe('/api/twins', () => {
  it('lists, by kind too, and gives one by its id', async () => {
    await say(121_785.5);
    const twin = await batchTwin();
    expect(twin.attributes['flowRate']?.value).toBe(121_785.5);
    expect(await get(`/api/twins/${encodeURIComponent(twin.id)}`)).toEqual(twin);
    const all = await get<{ position: number; twins: Twin[] }>('/api/twins');
    expect(all.position).toBe(world.journal.size());
    expect(all.twins.map(({ kind }) => kind).sort()).toEqual([
      'device',
      'facility',
      'pipeline-batch',
    ]);
  });

  it('gives pages', async () => {
    await say(1);
    await world.settled();
    const seen: string[] = [];
    let after = '';
    for (let page = 0; page < 4; page += 1) {
      const list = await get<{ next?: string; twins: Twin[] }>(`/api/twins?count=1&after=${after}`);
      seen.push(...list.twins.map(({ id }) => id));
      if (list.next === undefined) break;
      after = list.next;
    }
    expect(new Set(seen).size).toBe(3);
  });

  it('answers 404 for what is not there', async () => {
    for (const path of ['/api/twins/urn:uuid:none', '/api/entries/999', '/api/entries/x', '/no']) {
      expect((await fetch(`${world.api.address}${path}`)).status, path).toBe(404);
    }
  });
});

describe('/api/twins/:id/proof/:attribute', () => {
  const proofOf = async (attribute: string) => {
    const twin = await batchTwin();
    return get<Record<string, never>>(`/api/twins/${twin.id}/proof/${attribute}`);
  };

  it('goes from the value to raw words, credential, device, enrolment and organisation', async () => {
    const { token, position } = await say(1, 121_785.5);
    const proof = await proofOf('flowRate');
    expect(proof).toMatchObject({
      ok: true,
      reading: { point: 'flowRate', rawHex: '47ee0a00', value: 121_785.5, element: 1, report: 0 },
      credential: {
        position,
        token: Buffer.from(token).toString('latin1'),
        leaf: world.journal.leaf(position),
        epoch: 1,
        sequence: 1,
      },
      device: { did: meter.signer.did, label: 'fc-1', keyLocation: 'gateway-file' },
      enrolment: { id: meter.enrolment.id, digest: meter.enrolmentDigest, position: 1 },
      organisation: { did: 'did:web:northline.example', position: 0 },
    });
  });

  it('proves place and control as well', async () => {
    await say(1);
    expect(await proofOf('@place')).toMatchObject({ ok: true });
    expect(await proofOf('@possessor')).toMatchObject({
      ok: true,
      credential: { id: meter.enrolment.id },
    });
  });

  it('says which check fails when a token in the journal does not verify', async () => {
    const { token } = await say(1);
    const [head, payload] = Buffer.from(token).toString('latin1').split('.');
    const forged = Buffer.from(`${head}.${payload}.${Buffer.alloc(64, 1).toString('base64url')}`);
    // Admission would never store it; that is what the proof is there to show.
    meter.sequence += 1;
    world.put('batch', forged, {
      gateway: 'g',
      batch: {
        device: meter.signer.did,
        epochCounter: 1,
        epochNonce: 'f'.repeat(32),
        sequence: 1,
      },
    });
    const proof = await proofOf('flowRate');
    expect(proof).toMatchObject({ ok: false });
    const checks: { text: string; ok: boolean }[] = proof['credential']?.['checks'] ?? [];
    const failed = checks.filter(({ ok }) => !ok).map(({ text }) => text);
    expect(failed).toEqual([expect.stringContaining('the signature verifies')]);
  });
});

describe('/api/readings', () => {
  it('gives every reading and signed loss as stored, one line each', async () => {
    await say(1, 2);
    await world.batch(meter, [], {
      losses: [{ fromMs: 1_000, toMs: 2_000, count: 3, cause: 'timeout', points: ['flowRate'] }],
    });
    const read = async (query: string) =>
      (await (await fetch(`${world.api.address}/api/readings${query}`)).text())
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const lines = await read('?from=0');
    expect(lines).toMatchObject([
      { position: 2, kind: 'reading', deviceLabel: 'fc-1', point: 'flowRate', rawHex: '47ee0a00' },
      { position: 2, value: 2, unit: 'B1', quality: 'good', device: meter.signer.did },
      { position: 3, kind: 'loss', fromMs: 1_000, toMs: 2_000, count: 3, points: ['flowRate'] },
    ]);
    expect(await read('?from=3')).toHaveLength(1);
    expect(await read('?from=0&count=3')).toHaveLength(2);
    expect(await read('?from=4')).toEqual([]);
  });

  it("gives a server's time where a reading has one", async () => {
    const timeMs = Math.round(systemClock.nowMs()) - 1_000;
    const readings = [{ ...flow(1), serverTimeMs: timeMs + 4 }, flow(2)];
    await world.batch(meter, [{ timeMs, about: goods, readings }]);
    const text = await (await fetch(`${world.api.address}/api/readings`)).text();
    const [dated, plain] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(dated).toMatchObject({ value: 1, timeMs, serverTimeMs: timeMs + 4 });
    expect(plain).toMatchObject({ value: 2, timeMs });
    expect(plain).not.toHaveProperty('serverTimeMs');
  });

  it('goes on over more entries than are read at a time', async () => {
    for (let at = 0; at < 300; at += 1) await say(at);
    const text = await (await fetch(`${world.api.address}/api/readings`)).text();
    const values = text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { value: number }).value);
    expect(values).toEqual(Array.from({ length: 300 }, (_, at) => at));
  });
});

/** Reads a live stream until it is ended. */
function follow(headers: Record<string, string> = {}, query = '') {
  const seen = { text: '', ended: false };
  const outgoing = request(`${world.api.address}/events${query}`, { headers }, (response) => {
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      seen.text += text;
    });
    response.on('close', () => {
      seen.ended = true;
    });
  });
  outgoing.on('error', () => {
    seen.ended = true;
  });
  outgoing.end();
  const twins = () =>
    [...seen.text.matchAll(/^event: twin\ndata: (.*)$/gm)].map(
      ([, json]) => JSON.parse(json ?? '') as Twin,
    );
  const lastId = () => [...seen.text.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1];
  return { seen, twins, lastId, close: () => outgoing.destroy() };
}

describe('/events', () => {
  it('sends what changes, and resumes without a hole after the last id', async () => {
    const first = follow();
    await eventually(() => first.lastId() !== undefined, 'the first events');
    await say(1);
    const live = await eventually(
      () => first.twins().find(({ kind }) => kind === 'pipeline-batch'),
      'the batch',
    );
    expect(live.attributes['flowRate']?.value).toBe(1);
    await eventually(() => Number(first.lastId()) === world.journal.size(), 'the position');
    const lastId = String(first.lastId());
    first.close();

    await say(2);
    await world.settled();
    const second = follow({ 'last-event-id': lastId });
    await eventually(() => Number(second.lastId()) === world.journal.size(), 'what was missed');
    const missed = second.twins();
    // The facility was not touched, so it is not sent again.
    expect(missed.map(({ kind }) => kind).sort()).toEqual(['device', 'pipeline-batch']);
    const batch = missed.find(({ kind }) => kind === 'pipeline-batch');
    expect(batch?.attributes['flowRate']?.value).toBe(2);
    second.close();
    await eventually(() => world.feed.subscribers() === 0, 'the subscribers to be forgotten');
  });

  it('sends a page that knew another journal back to its list', async () => {
    await world.settled();
    const beyond = world.journal.size() + 1;
    const headers = { 'last-event-id': String(beyond) };
    expect((await fetch(`${world.api.address}/events`, { headers })).status).toBe(204);
  });

  it('resumes over a restart of the ingester', async () => {
    await say(1);
    await world.settled();
    const position = world.journal.size();
    const { port } = world.api;
    await world.stop();
    await say(2);
    await world.start({ port });
    const stream = follow({}, `?after=${position}`);
    const batch = await eventually(
      () =>
        stream.twins().find(({ kind, attributes }) => {
          return kind === 'pipeline-batch' && attributes['flowRate']?.value === 2;
        }),
      'the value that came while it was down',
    );
    expect(batch.position).toBe(position);
    stream.close();
  });
});

describe('operations', () => {
  it('/api/status counts, and measures from sample to visible twin for each gateway', async () => {
    await say(1, 2);
    await world.settled();
    const status = await get<Record<string, unknown>>('/api/status');
    const latency = { p50: expect.any(Number), p99: expect.any(Number), count: 2 };
    expect(status).toMatchObject({
      accepted: 1,
      verifiedReadings: 2,
      refused: 0,
      held: 0,
      positions: 3,
      applied: 3,
      latencyMs: latency,
    });
    const [site] = Object.values(status['sites'] as Record<string, unknown>);
    expect(site).toMatchObject({ accepted: 1, verifiedReadings: 2, latencyMs: latency });
  });

  it('/api/held shows who waits', async () => {
    world.held = [
      {
        device: 'did:key:zDn',
        gateway: 'g',
        count: 2,
        code: 'IN_NOT_ENROLLED',
        reason: 'not enrolled',
        firstMs: 1,
        lastMs: 2,
      },
    ];
    expect(await get('/api/held')).toEqual({ held: world.held });
    expect(await get('/healthz')).toEqual({ ok: true });
  });

  it('POST /api/trust needs the token', async () => {
    const post = (token: string) =>
      fetch(`${world.api.address}/api/trust`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ remove: 'did:web:x.example' }),
      });
    for (const wrong of ['', 'wrong', `${world.token}x`]) {
      expect((await post(wrong)).status).toBe(401);
    }
    expect(world.trustChanges).toEqual([]);
    expect((await post(world.token)).status).toBe(200);
    expect(world.trustChanges).toEqual([{ remove: 'did:web:x.example' }]);
  });

  it('answers only to its own name, and forbids what the page does not need', async () => {
    const { port } = world.api;
    const status = await new Promise<number>((resolve, reject) => {
      const headers = { host: 'rebound.example' };
      request({ host: '127.0.0.1', port, path: '/api/twins', headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(421);
    const { headers } = await fetch(`${world.api.address}/`);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
  });

  it('names the code of a port that is taken', async () => {
    const second = new TwinWorld();
    try {
      const { port } = world.api;
      await expect(second.start({ port })).rejects.toMatchObject({ code: 'IN_PORT_TAKEN' });
    } finally {
      await second.end();
    }
  });
});
