/**
 * A gateway behind a line of 256 kbit/s, with a backlog: what is fresh arrives fresh all the same,
 * and packed batches make the line a wide one.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readBatch } from '../../devices/credential/batch-wire.ts';
import { openToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { limits } from '../../devices/limits.ts';
import { openJournalReader } from '../../ingest/journal-reader.ts';
import { type Rig, startRig } from '../support/rig.ts';
import type { Site } from '../support/site.ts';
import { type SlowLine, startSlowLine } from '../support/slow-line.ts';

/** 256 kbit/s. */
const BYTES_PER_SECOND = 32_000;
/** What fresh data may be old while a backlog drains. */
const FRESH_MS = 5_000;

let directory = '';
let rig: Rig;
let site: Site;
let line: SlowLine | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'slow-line-'));
  rig = await startRig(directory, 500);
  ({ site } = rig);
});
afterEach(async () => {
  await line?.close();
  line = undefined;
  await rig.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Changes the gateway's configuration as its file says it. */
function change(...changes: readonly (readonly [string | RegExp, string])[]): void {
  let text = readFileSync(site.gatewayConfig, 'utf8');
  for (const [from, to] of changes) text = text.replace(from, to);
  writeFileSync(site.gatewayConfig, text);
}

/** Readings of batches in the journal, and how old the oldest one of each batch was, by closing. */
function received(): {
  readonly closedMs: number;
  readonly ageMs: number;
  readonly readings: number;
}[] {
  const journal = openJournalReader(site.journalFile);
  try {
    return journal.read(0, 100_000).flatMap(({ bytes, header }) => {
      const opened = header.kind === 'batch' ? openToken(bytes, limits.batchBytesMax) : undefined;
      if (!opened || isRefusal(opened)) return [];
      const batch = readBatch(opened.payload);
      if (isRefusal(batch) || batch.groups.length === 0) return [];
      const oldestMs = Math.min(...batch.groups.map(({ timeMs }) => timeMs));
      const readings = batch.groups.reduce((sum, group) => sum + group.readings.length, 0);
      return [{ closedMs: batch.closedMs, ageMs: header.receivedMs - oldestMs, readings }];
    });
  } finally {
    journal.close();
  }
}

it('keeps live data fresh while a backlog drains, and drains faster with packed batches', async () => {
  // Nobody listens at the address of the ingester: a backlog of about a minute of the line.
  const { port: ingester } = new URL(site.mqtt);
  change([site.mqtt, 'mqtt://127.0.0.1:1']);
  let gateway = await site.startGateway('--drain', '0');
  await gateway.line((said) => Number(said['waiting']) > 12_000);
  await gateway.stop();

  line = await startSlowLine({ to: Number(ingester), bytesPerSecond: BYTES_PER_SECOND });
  change(
    ['mqtt://127.0.0.1:1', `mqtt://127.0.0.1:${line.port}`],
    ['"everyMs":20', '"everyMs":500'],
  );
  gateway = await site.startGateway('--drain', '0');
  const up = await gateway.line((said) => Number(said['delivered']) > 0);
  const upMs = Number(up['timeMs']);
  const isLive = ({ closedMs }: { readonly closedMs: number }) => closedMs > upMs;
  let later = up;
  while (received().filter(isLive).length <= 10) {
    const lastMs = Number(later['timeMs']);
    later = await gateway.line((said) => Number(said['timeMs']) > lastMs);
  }
  await gateway.stop();
  const plain = received();
  const live = plain.filter(isLive);
  expect(Math.max(...live.map(({ ageMs }) => ageMs))).toBeLessThan(FRESH_MS);
  expect(plain.length).toBeGreaterThan(live.length);
  expect(Number(later['waiting'])).toBeGreaterThan(1_000);

  change(['uplink: {', 'uplink: { compress: always,']);
  const before = received().reduce((sum, { readings }) => sum + readings, 0);
  gateway = await site.startGateway('--drain', '0');
  const again = Number((await gateway.line((said) => Number(said['delivered']) > 0))['timeMs']);
  const last = await gateway.line((said) => Number(said['timeMs']) > again + 4_000);
  await gateway.stop();
  const readings = received().reduce((sum, one) => sum + one.readings, 0) - before;
  const packedRate = (1_000 * readings) / (Number(last['timeMs']) - again);
  const plainSeconds = (Number(later['timeMs']) - upMs) / 1_000;
  expect(packedRate).toBeGreaterThan((3 * before) / plainSeconds);
}, 180_000);
