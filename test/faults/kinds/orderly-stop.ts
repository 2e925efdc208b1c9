/**
 * An ingester is told to stop (SIGTERM) at random instants under load, and started again: with its
 * broker inside, and with Mosquitto between it and the gateway. It ends in order; what it had
 * acknowledged is in its journal, and what is there was answered before it went.
 */
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { isNoticeMessage } from '../../../devices/credential/checkpoint.ts';
import { openReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import {
  credentialDigest,
  fingerprintOfDid,
  receiptTopic,
  uplinkTopic,
} from '../../../devices/envelope.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { Chance } from '../../sim/chance.ts';
import { eventually } from '../../support/eventually.ts';
import { startMosquitto } from '../../support/mosquitto.ts';
import { hasPeer } from '../../support/peers.ts';
import type { Fault, Shard, Tally } from '../fault.ts';
import { makeLightGateways } from '../net/light-fleet.ts';
import type { LightGateway } from '../net/light-gateway.ts';
import { startLoneIngester } from '../net/lone-ingester.ts';

/** Batches that are sent at once, without waiting for anything. */
const BATCHES = 400;
/** Between the first sign of life and the signal, milliseconds, at most. */
const LIFE_MS = 120;
/** What Mosquitto took from an ingester that is gone is here within this long, milliseconds. */
const LATE_MS = 10_000;

const counts = { short: 2, long: 200, shard: 20 };

export const orderlyStop: Fault = {
  name: 'orderly-stop',
  summary: 'the ingester is told to stop at random instants under load',
  unit: 'stops',
  counts,
  run: (shard) => run(shard, undefined),
};

export const orderlyStopMosquitto: Fault = {
  name: 'orderly-stop-mosquitto',
  summary: 'an ingester that reads from Mosquitto is told to stop under load',
  unit: 'stops',
  counts,
  obstacle: () => (hasPeer('mosquitto') ? undefined : 'Mosquitto is not on this machine'),
  async run(shard) {
    const mosquitto = await startMosquitto();
    try {
      return await run(shard, mosquitto.url);
    } finally {
      await mosquitto.stop();
    }
  },
};

/** What it says when it was too slow, or could not. */
const NOT_DRAINED = 'not all that was taken is stored and answered';

/** Batches by their digest. */
type Batches = Map<string, Uint8Array>;

/** @param broker Address of a broker between gateway and ingester; absent: the one inside. */
async function run({ count, directory, say, seed }: Shard, broker?: string): Promise<Tally> {
  const chance = new Chance(seed);
  const sources = broker === undefined ? [] : [mqttSource(broker)];
  const start = () => startLoneIngester(join(directory, 'ingester'), { sources });
  const tally = { lost: 0, doubled: 0 };
  const notes: string[] = [];
  const waiting: Batches = new Map();
  let answered = 0;
  let before = new Set<string>();
  let ingester = await start();
  const stop = async () => {
    const ended = await ingester.command.stop();
    if (ended !== 0) notes.push(`it ended with ${ended}`);
    notes.push(...ingester.command.said.split('\n').filter((line) => line.includes(NOT_DRAINED)));
  };
  try {
    const [gateway] = await makeLightGateways({
      ...{ count: 1, random: chance, ingestConfig: ingester.config },
      folder: join(directory, 'papers'),
    });
    if (gateway === undefined) throw new Error('there is no gateway');
    for (let round = 1; round <= count; round += 1) {
      await signUpTo(gateway, waiting);
      const way = await openWay(broker ?? ingester.mqtt, ingester.did, gateway);
      const rest = await underLoad(way, waiting, chance.fraction() * LIFE_MS);
      await stop();
      rest();
      const { doubled, stored } = storedIn(ingester.journalFile);
      const fresh = [...stored].filter((digest) => !before.has(digest));
      const isAnswered = (digest: string) => way.answered.has(digest);
      // The broker inside has ended with its ingester, and so has all that came from it.
      if (broker === undefined) await way.isGone;
      else await eventually(() => fresh.every(isAnswered), 'receipts', LATE_MS).catch(() => {});
      await way.end();
      const unanswered = fresh.filter((digest) => !isAnswered(digest));
      notes.push(...unanswered.map((digest) => `${digest} was stored and never answered`));
      notes.push(...way.troubles);
      // Mosquitto acknowledges what nobody has read yet; the gateway sends that again.
      const lost = broker === undefined ? [...way.acknowledged].filter((d) => !stored.has(d)) : [];
      notes.unshift(...lost.map((digest) => `${digest} was acknowledged and is nowhere`));
      tally.lost += lost.length;
      tally.doubled = doubled;
      answered += way.answered.size;
      before = stored;
      for (const digest of stored) waiting.delete(digest);
      if (round % 10 === 0) say(`${round} of ${count} stops`);
      ingester = await start();
    }
  } finally {
    await stop();
  }
  const wrong = notes.length - tally.lost;
  return { count, ...tally, wrong, notes: notes.slice(0, 20), figures: { answered } };
}

function mqttSource(url: string): string {
  return `{ source: mqtt, connection: { url: "${url}" } }`;
}

/** Signs what is missing to as many as are sent. */
async function signUpTo(gateway: LightGateway, waiting: Batches): Promise<void> {
  while (waiting.size < BATCHES) {
    const token = await gateway.sign();
    waiting.set(credentialDigest(token), token);
  }
}

/** A connection of a gateway, and what came of what was sent over it. */
async function openWay(url: string, ingester: string, gateway: LightGateway) {
  const fingerprint = fingerprintOfDid(gateway.did);
  const acknowledged = new Set<string>();
  const answered = new Set<string>();
  const troubles: string[] = [];
  const client = await connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0 });
  const isGone = new Promise<void>((gone) => client.once('close', () => gone()));
  client.on('error', () => undefined);
  client.on('message', (_topic, bytes) => {
    if (isNoticeMessage(bytes)) return;
    const receipt = openReceipt(bytes, ingester);
    if (isRefusal(receipt)) troubles.push(receipt.reason);
    else {
      for (const { digest, outcome } of receipt.results) {
        if (outcome === 'accepted') answered.add(digest);
        else troubles.push(`${digest} is ${outcome}`);
      }
    }
  });
  await client.subscribeAsync(receiptTopic(fingerprint), { qos: 1 });
  return {
    ...{ acknowledged, answered, isGone, troubles },
    send(digest: string, token: Uint8Array) {
      client.publish(uplinkTopic(fingerprint), Buffer.from(token), { qos: 1 }, (error) => {
        // What could not be sent any more is told of as an error.
        if (!error) acknowledged.add(digest);
      });
    },
    end: () => client.endAsync(true),
  };
}

/** Sends all, and resolves in the midst of it; goes on with the same until it is told to rest. */
async function underLoad(
  way: Awaited<ReturnType<typeof openWay>>,
  batches: Batches,
  afterMs: number,
): Promise<() => void> {
  for (const [digest, token] of batches) way.send(digest, token);
  await eventually(() => way.acknowledged.size > 0, 'the first acknowledgement');
  await new Promise((done) => setTimeout(done, afterMs));
  const again = [...batches];
  let at = 0;
  const timer = setInterval(() => {
    const [digest, token] = again[at % again.length] ?? [];
    if (digest !== undefined && token !== undefined) way.send(digest, token);
    at += 1;
  }, 1);
  return () => clearInterval(timer);
}

/** Digests of all batches of a journal, and how many stand in it twice. */
function storedIn(journalFile: string): { stored: Set<string>; doubled: number } {
  const journal = openJournalReader(journalFile);
  try {
    const digests = journal
      .read(0, journal.size())
      .filter(({ header }) => header.kind === 'batch')
      .map(({ header }) => header.digest);
    const stored = new Set(digests);
    return { stored, doubled: digests.length - stored.size };
  } finally {
    journal.close();
  }
}
