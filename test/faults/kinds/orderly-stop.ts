/**
 * An ingester is told to stop (SIGTERM) at random instants under load, and started again. What it
 * had acknowledged to MQTT by then is in the journal, and its receipts came before it went.
 */
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
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
import type { Fault, Shard, Tally } from '../fault.ts';
import { makeLightGateways } from '../net/light-fleet.ts';
import type { LightGateway } from '../net/light-gateway.ts';
import { type LoneIngester, startLoneIngester } from '../net/lone-ingester.ts';

/** Batches that are sent at once, without waiting for anything. */
const BATCHES = 400;
/** Between the first acknowledgement and the signal, milliseconds, at most. */
const LIFE_MS = 120;

export const orderlyStop: Fault = {
  name: 'orderly-stop',
  summary: 'the ingester is told to stop at random instants under load',
  unit: 'stops',
  counts: { short: 2, long: 200, shard: 20 },
  run,
};

/** Batches by their digest. */
type Batches = Map<string, Uint8Array>;

async function run({ count, directory, say, seed }: Shard): Promise<Tally> {
  const chance = new Chance(seed);
  const folder = join(directory, 'ingester');
  const notes: string[] = [];
  const acknowledged = new Set<string>();
  const waiting: Batches = new Map();
  let ingester = await startLoneIngester(folder);
  try {
    const [gateway] = await makeLightGateways({
      ...{ count: 1, random: chance, ingestConfig: ingester.config },
      folder: join(directory, 'papers'),
    });
    if (gateway === undefined) throw new Error('there is no gateway');
    for (let round = 1; round <= count; round += 1) {
      await signUpTo(gateway, waiting);
      const told = await stopUnderLoad(ingester, gateway, waiting, chance.fraction() * LIFE_MS);
      if (told.ended !== 0) notes.push(`it ended with ${told.ended}`);
      for (const digest of told.acknowledged) {
        acknowledged.add(digest);
        waiting.delete(digest);
        if (!told.receipted.has(digest)) notes.push(`${digest} was taken and never answered`);
      }
      notes.push(...told.troubles);
      if (round % 10 === 0) say(`${round} of ${count} stops`);
      ingester = await startLoneIngester(folder);
    }
  } finally {
    await ingester.command.stop();
  }
  const { stored, doubled } = storedIn(ingester.journalFile);
  const lost = [...acknowledged].filter((digest) => !stored.has(digest));
  notes.unshift(...lost.map((digest) => `${digest} was acknowledged and is nowhere`));
  const wrong = notes.length - lost.length;
  const figures = { acknowledged: acknowledged.size };
  return { count, lost: lost.length, doubled, wrong, notes: notes.slice(0, 20), figures };
}

/** Signs what is missing to as many as are sent. */
async function signUpTo(gateway: LightGateway, waiting: Batches): Promise<void> {
  while (waiting.size < BATCHES) {
    const token = await gateway.sign();
    waiting.set(credentialDigest(token), token);
  }
}

/** Sends all, and tells the ingester to stop in the midst of it. */
async function stopUnderLoad(
  { command, did, mqtt }: LoneIngester,
  gateway: LightGateway,
  batches: Batches,
  afterMs: number,
) {
  const acknowledged = new Set<string>();
  const receipted = new Set<string>();
  const troubles: string[] = [];
  const fingerprint = fingerprintOfDid(gateway.did);
  const client = await connectAsync(mqtt, { protocolVersion: 4, reconnectPeriod: 0 });
  const isGone = new Promise<void>((gone) => client.once('close', () => gone()));
  client.on('error', () => undefined);
  client.on('message', (_topic, bytes) => {
    const receipt = openReceipt(bytes, did);
    if (isRefusal(receipt)) troubles.push(receipt.reason);
    else for (const { digest } of receipt.results) receipted.add(digest);
  });
  await client.subscribeAsync(receiptTopic(fingerprint), { qos: 1 });
  for (const [digest, token] of batches) {
    client.publish(uplinkTopic(fingerprint), Buffer.from(token), { qos: 1 }, (error) => {
      if (!error) acknowledged.add(digest);
    });
  }
  await eventually(() => acknowledged.size > 0, 'the first acknowledgement');
  await new Promise((done) => setTimeout(done, afterMs));
  const ended = await command.stop();
  await isGone;
  // What is still to be sent is told of as an error; that is no acknowledgement.
  const taken = [...acknowledged];
  await client.endAsync(true);
  return { acknowledged: taken, ended, receipted, troubles };
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
