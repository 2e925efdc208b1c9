/**
 * The whole way from a device that was not written here to the twin: python3-pymodbus or libmodbus
 * replays a recording, a gateway process reads and signs it, the batches travel over the embedded
 * broker or over Mosquitto, and an ingester process keeps them. Each value must arrive bit-exact
 * with its raw words.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningCommand } from '../support/commands.ts';
import { hasPeer } from '../support/peers.ts';
import { hasShared } from '../support/shared.ts';
import { Site, siteOrganisation } from '../support/site.ts';
import {
  compileReplay,
  type ReplayPeer,
  type ReplayRow,
  readRecording,
  recordingPath,
  replayProfile,
  startPymodbus,
  startReplay,
} from './meter-replay.ts';
import { type Mosquitto, startMosquitto } from './mosquitto-broker.ts';

const RECORDING = 'leak-1.csv';
const BATCH_URI = `${siteOrganisation}/batch/SKAB-1`;

interface ExportedReading {
  kind: string;
  point: string;
  rawHex: string;
  value: number;
  quality: string;
}

function wholeWay(options: {
  start: (path: string, folder: string) => Promise<ReplayPeer>;
  mosquitto: boolean;
}): void {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-whole-'));
  let rows: ReplayRow[];
  let peer: ReplayPeer;
  let broker: Mosquitto | undefined;
  let site: Site;
  let gateway: RunningCommand;

  beforeAll(async () => {
    rows = readRecording(recordingPath(RECORDING));
    peer = await options.start(recordingPath(RECORDING), directory);
    if (options.mosquitto) broker = await startMosquitto();
    const device = {
      name: 'pump-loop',
      profile: replayProfile,
      driver: 'modbus',
      connection: { host: '127.0.0.1', port: peer.port, unitId: 1, timeoutMs: 10_000 },
      goods: BATCH_URI,
      everyMs: 10,
      flushMs: 100,
      enrolment: 'enrolments/pump-loop.jwt',
    };
    ({ site } = await Site.create({
      directory,
      devices: [JSON.stringify(device)],
      goods: 'batch/',
      ...(broker ? { broker: broker.url } : {}),
    }));
    gateway = await site.startGateway('--drain', '20');
  });

  afterAll(async () => {
    await site?.close();
    await broker?.stop();
    await peer?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('shows one row at a time in the twin, down to the raw words', async () => {
    const id = await twinId();
    const { attributes } = (await getJson(`${site.http}/api/twins/${id}`)) as TwinAnswer;
    // All attributes are of one sample time, so they must be of one row of the recording.
    const number = Number(attributes['row']?.value);
    const row = rows[number];
    expect(row?.number).toBe(number);
    for (const [point, { value }] of row?.values ?? []) {
      expect(Object.is(attributes[point]?.value, value), `row ${number} ${point}`).toBe(true);
    }
    const proof = (await getJson(`${site.http}/api/twins/${id}/proof/row`)) as ProofAnswer;
    expect(proof.ok).toBe(true);
    expect(proof.reading.rawHex).toBe(proof.reading.value.toString(16).padStart(8, '0'));
    expect(proof.organisation.did).toBe(siteOrganisation);
  });

  it('brings every row to the journal, each value bit-exact with its raw words', async () => {
    const points = Object.keys(replayProfile.points).length;
    await gateway.line((line) => Number(line['delivered']) >= rows.length * points, 120_000);
    const response = await fetch(`${site.http}/api/readings?from=0`);
    const readings = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as ExportedReading)
      .filter(({ kind, quality }) => kind === 'reading' && quality !== 'bad');
    for (const [point, expected] of expectedWords()) {
      const got = readings.filter((reading) => reading.point === point);
      expect(
        got.map(({ rawHex }) => rawHex),
        point,
      ).toEqual(expected.map(({ rawHex }) => rawHex));
      const same = got.every(({ value }, index) => Object.is(value, expected[index]?.value));
      expect(same, point).toBe(true);
    }
  });

  /** Waits until the goods have a twin. */
  async function twinId(): Promise<string> {
    for (;;) {
      const list = (await getJson(`${site.http}/api/twins`)) as {
        twins: { id: string; uri: string }[];
      };
      const found = list.twins.find(({ uri }) => uri === BATCH_URI);
      if (found) return found.id;
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  function expectedWords(): Map<string, { rawHex: string; value: number }[]> {
    const expected = new Map<string, { rawHex: string; value: number }[]>();
    for (const row of rows) {
      for (const [point, words] of row.values) {
        const list = expected.get(point) ?? [];
        expected.set(point, list);
        list.push(words);
      }
    }
    return expected;
  }
}

interface TwinAnswer {
  attributes: Record<string, { value: number }>;
}

interface ProofAnswer {
  ok: boolean;
  reading: { value: number; rawHex: string };
  organisation: { did: string };
}

async function getJson(url: string): Promise<unknown> {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  return response.json();
}

describe.skipIf(!hasShared || !hasPeer('pymodbus') || !hasPeer('mosquitto'))(
  'from pymodbus over Mosquitto',
  () => wholeWay({ start: (path) => startPymodbus(path), mosquitto: true }),
);

describe.skipIf(!hasShared || !hasPeer('libmodbus'))(
  'from libmodbus over the embedded broker',
  () =>
    wholeWay({
      start: (path, folder) => startReplay(compileReplay(folder), ['0', path]),
      mosquitto: false,
    }),
);
