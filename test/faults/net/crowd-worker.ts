/**
 * A thread with gateways that offer an ingester many times what it takes. It measures first what
 * that is. Then each keeps its window full of new batches, and sends them again and again beside
 * that, as one does that does not wait for receipts; what the line does not take stays with it.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { fingerprintOfDid, uplinkTopic } from '../../../devices/envelope.ts';
import { Chance } from '../../sim/chance.ts';
import { eventually } from '../../support/eventually.ts';
import { makeLightGateways } from './light-fleet.ts';
import type { LightGateway } from './light-gateway.ts';
import { connectPacket, publishPacket } from './mqtt-packets.ts';

export interface CrowdOrder {
  readonly gateways: number;
  readonly times: number;
  readonly seconds: number;
  readonly seed: number;
  readonly ingestConfig: string;
  readonly mqtt: string;
  readonly ingester: string;
  readonly folder: string;
}

/** What it tells at first, and at the end. */
export type CrowdReport =
  | { readonly batchesPerSecond: number }
  | {
      /** Messages that were due, and that the sockets took. */
      readonly offered: number;
      readonly written: number;
      /** New batches that were receipted, with their digests, and the slowest of a hundred. */
      readonly accepted: readonly string[];
      readonly troubles: readonly string[];
      readonly waiting: number;
    };

/** New batches of one gateway under way, as a gateway's own window is. */
const WINDOW = 64;
/** Batches of each gateway for the measurement. */
const MEASURED = 75;
const TICK_MS = 20;
/** What one socket may hold before it is written to no more, bytes. */
const HELD_BYTES = 256 * 1024;
const SETTLE_MS = 120_000;

const order = workerData as CrowdOrder;
const gateways = await makeLightGateways({
  ...{ count: order.gateways, random: new Chance(order.seed) },
  ...{ ingestConfig: order.ingestConfig, folder: order.folder },
});
for (const gateway of gateways) await gateway.open(order.mqtt, order.ingester);
await eventually(() => gateways.every(({ isUp }) => isUp), 'all gateways connected', 30_000);
const batchesPerSecond = await measure();
parentPort?.postMessage({ batchesPerSecond } satisfies CrowdReport);
const { offered, written } = await crowd((batchesPerSecond * order.times) / gateways.length);
const areSettled = () => gateways.every(({ waiting }) => waiting === 0);
await eventually(areSettled, 'receipts', SETTLE_MS).catch(() => undefined);
parentPort?.postMessage({
  ...{ offered, written },
  accepted: gateways.flatMap(({ accepted }) => [...accepted.keys()]),
  troubles: gateways.flatMap(({ troubles }) => troubles),
  waiting: gateways.reduce((sum, { waiting }) => sum + waiting, 0),
} satisfies CrowdReport);
for (const gateway of gateways) await gateway.close();

/** Batches a second, signed in advance, sent as fast as receipts come. */
async function measure(): Promise<number> {
  const prepared: Uint8Array[][] = [];
  for (const gateway of gateways) {
    const tokens: Uint8Array[] = [];
    for (let at = 0; at < MEASURED; at += 1) tokens.push(await gateway.sign());
    prepared.push(tokens);
  }
  const beganMs = performance.now();
  await Promise.all(
    gateways.map(async (gateway, at) => {
      const running = new Set<Promise<unknown>>();
      for (const token of prepared[at] ?? []) {
        const one: Promise<unknown> = gateway.keep(token).then(() => running.delete(one));
        running.add(one);
        if (running.size >= WINDOW / 2) await Promise.race(running);
      }
      await Promise.all(running);
    }),
  );
  return (MEASURED * gateways.length * 1_000) / (performance.now() - beganMs);
}

/** Offers `perSecond` messages of each gateway. */
async function crowd(perSecond: number): Promise<{ offered: number; written: number }> {
  const sums = { offered: 0, written: 0 };
  const { hostname: host, port } = new URL(order.mqtt);
  const lines = gateways.map((gateway) => {
    const socket = connect({ host, port: Number(port), noDelay: true });
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(connectPacket);
    return { gateway, socket };
  });
  const beganMs = performance.now();
  let beforeMs = beganMs;
  while (performance.now() - beganMs < order.seconds * 1_000) {
    await sleep(TICK_MS);
    const nowMs = performance.now();
    const due = Math.round((perSecond * (nowMs - beforeMs)) / 1_000);
    beforeMs = nowMs;
    for (const { gateway, socket } of lines) {
      sums.offered += due;
      const fresh = Math.min(due, WINDOW - gateway.waiting);
      for (let at = 0; at < fresh; at += 1) await make(gateway);
      sums.written += Math.max(0, fresh);
      if (socket.writableLength > HELD_BYTES) continue;
      const again = repeat(gateway, due - Math.max(0, fresh));
      for (const packet of again) socket.write(packet);
      sums.written += again.length;
    }
  }
  for (const { socket } of lines) socket.destroy();
  return sums;
}

async function make(gateway: LightGateway): Promise<void> {
  void gateway.keep(await gateway.sign());
}

function repeat(gateway: LightGateway, count: number): Buffer[] {
  const topic = uplinkTopic(fingerprintOfDid(gateway.did));
  const tokens = gateway.tokens();
  const packets = tokens
    .slice(0, count)
    .map((token, at) => publishPacket({ topic, id: at + 1, payload: Buffer.from(token) }));
  if (packets.length === 0) return [];
  return Array.from({ length: count }, (_, at) => packets[at % packets.length] as Buffer);
}
