/**
 * More than the ingester can take, from whoever likes to: strangers, gateways that send readings
 * without end, connections that announce much and send slowly, and what can only be refused. Memory
 * and disk stay within their bounds, and nobody else waits for it.
 */
import { mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { uplinkTopic } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import type { Ingest } from '../../../ingest/ingest.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner, type Organisation } from '../../support/identity.ts';
import { custodyStep, newId, northline } from '../../support/party.ts';
import { by, token } from '../../support/party-office.ts';
import { readingGroups } from '../../support/signed-batch.ts';
import { listUrl, makeWorld, type World } from '../../support/trust-world.ts';
import { addTallies, type Fault, nothingWrong, type Shard, type Tally } from '../fault.ts';
import { type Flooded, startFlooded } from '../flooded.ts';

export const flood: Fault = {
  name: 'flood',
  summary: 'strangers, floods of readings, slow packets and refusals at an ingester in one process',
  unit: 'floods',
  counts: { short: 4, long: 200, shard: 20 },
  alone: true,
  async run(shard) {
    let sum: Tally = nothingWrong;
    for (let round = 0; round < shard.count; round += 1) {
      const kind = KINDS[(shard.seed + round - 1) % KINDS.length] as Kind;
      sum = addTallies(sum, await strike(kind, shard, round));
    }
    return sum;
  },
};

/** One flood: returns what a promise forbids, in sentences, and what it measured. */
type Kind = (office: Office) => Promise<Seen>;

interface Seen {
  readonly notes: readonly string[];
  readonly figures?: Readonly<Record<string, number>>;
}

interface Office extends Flooded {
  readonly world: World;
  readonly nowMs: number;
}

const KINDS: readonly Kind[] = [strangers, readings, packets, refusals];

const REFUSED_DAY_BYTES = 256 * 1024;
/** The place of the device in the status list of its organisation. */
const REVOKED = 7;

async function strike(kind: Kind, { directory, say }: Shard, round: number): Promise<Tally> {
  say(`${round + 1}: ${kind.name}`);
  const world = makeWorld();
  const bounds = { gatewayDayBytes: REFUSED_DAY_BYTES, totalBytes: 64 * REFUSED_DAY_BYTES };
  const flooded = await startFlooded(emptyFolder(join(directory, String(round))), bounds);
  try {
    const nowMs = Date.now();
    const trusted = by[northline.id] as Organisation;
    const document = { name: 'did.json', bytes: world.document(trusted) };
    const status = [{ purpose: 'revocation', list: listUrl, index: REVOKED }] as const;
    const enrolment = { name: 'e.jwt', bytes: await world.enrolment({ status }, trusted) };
    const list = { name: 'list.jwt', bytes: await world.statusList([], {}, trusted) };
    const changes = await flooded.ingest.desk.add([document, list, enrolment], true);
    if (changes.some(({ result }) => result !== 'added')) throw new Error('nobody is enrolled');
    const { figures, notes } = await kind({ ...flooded, world, nowMs });
    return {
      ...{ count: 1, lost: 0, doubled: 0, wrong: notes.length },
      ...(notes.length > 0 && { notes }),
      ...(figures && { figures }),
    };
  } finally {
    await flooded.close();
  }
}

function emptyFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  return path;
}

/** How long a flood goes on, milliseconds. */
const FLOOD_MS = 2_000;

/** One whom nobody knows sends as fast as it can; a gateway goes on as if nothing were. */
async function strangers({ client, ingest, nowMs, world }: Office): Promise<Seen> {
  const honest = await client(world.fingerprint);
  const stranger = memorySigner().did.slice('did:key:'.length);
  const rude = await client(stranger);
  const beganMs = performance.now();
  const times: number[] = [];
  const notes: string[] = [];
  for (let sent = 0; performance.now() - beganMs < FLOOD_MS; ) {
    if (Object.keys(rude.mqtt.outgoing).length < 2_000) {
      for (let at = 0; at < 500; at += 1) rude.throwIn(garbage(`${sent++}`, 300));
    }
    const { ms, outcome } = await honest.send(await world.device.next(nowMs));
    times.push(ms);
    if (outcome !== 'accepted') notes.push(`a batch of a gateway was ${outcome}`);
  }
  const seconds = (performance.now() - beganMs) / 1_000;
  const { refused = 0, held = 0 } = ingest.health.snapshot().sites[stranger] ?? {};
  // What its rate gives it by default, and what one read of a socket brings over it.
  const most = 50 * (limits.rateBurstSeconds + seconds) + (64 * 1024) / 300 + 100;
  if (refused + held > most) {
    notes.push(`${refused + held} messages of a stranger were judged, at most ${most} may be`);
  }
  return { notes, figures: { honestP99Ms: quantile(times, 0.99) } };
}

/** What a custody step may wait, and when nobody waits for it any more, milliseconds. */
const CUSTODY_MS = 1_000;
const LATE_MS = 4_000;

/**
 * Gateways send readings until the queue is full; custody steps go past it, and a revocation, after
 * which nothing more of the device is taken.
 */
async function readings({ client, ingest, nowMs, raw, world }: Office): Promise<Seen> {
  const groups = readingGroups({ fromMs: nowMs - 60_000, times: 1, points: 1 });
  const known = await client(world.fingerprint);
  const packets: Buffer[] = [];
  for (let at = 0; at < 64; at += 1) {
    const batch = await world.device.next(nowMs, { groups });
    await known.send(batch);
    packets.push(publishPacket(uplinkTopic(world.fingerprint), batch));
  }
  const burst = Buffer.concat(packets);
  const officer = await client(memorySigner().did.slice('did:key:'.length));
  const rude = await Promise.all(Array.from({ length: 24 }, raw));
  for (const socket of rude) {
    socket.resume();
    socket.write(connectPacket);
    // Again whenever the other end has taken what was sent.
    const more = () => {
      while (!socket.destroyed && socket.write(burst));
    };
    socket.on('drain', more);
    more();
  }
  const full = limits.receiveQueueBytesMax / 2;
  await eventually(() => ingest.health.snapshot().queueBytes > full, 'a full queue', 30_000);
  const times: number[] = [];
  const notes: string[] = [];
  for (let at = 0; at < 100; at += 1) {
    const changes = { issuer: northline, event: newId(), validFromMs: nowMs - 1_000 };
    const step = await token(custodyStep({ ...changes, goods: `${northline.id}/batch/F-${at}` }));
    const late = pause(LATE_MS).then(() => ({ ms: LATE_MS }));
    const { ms } = await Promise.race([officer.send(step), late]);
    times.push(ms);
    // The 99th of a hundred is late by now, whatever comes.
    if (times.filter((one) => one > CUSTODY_MS).length > 1) break;
    await pause(5);
  }
  const { queueBytes } = ingest.health.snapshot();
  const revocationMs = await revoke(ingest, { nowMs, world });
  if (revocationMs > CUSTODY_MS)
    notes.push(`a revocation waited ${Math.round(revocationMs)} ms behind readings`);
  for (const socket of rude) socket.destroy();
  const after = await known.send(await world.device.next(nowMs, { groups }));
  if (after.outcome === 'accepted') notes.push('a batch was taken after its device was revoked');
  const p99Ms = quantile(times, 0.99);
  if (p99Ms > CUSTODY_MS)
    notes.push(`a custody step waited ${Math.round(p99Ms)} ms behind readings`);
  const bound = limits.receiveQueueBytesMax + limits.receiveReserveBytesMax;
  if (queueBytes > bound) notes.push(`${queueBytes} bytes wait, at most ${bound} may`);
  const figures = { custodyP99Ms: p99Ms, queueMiB: queueBytes / 2 ** 20, revocationMs };
  return { notes, figures };
}

/** Resolves with how long it took until the revocation was in the journal, milliseconds. */
async function revoke(
  { desk }: Ingest,
  { nowMs, world }: Pick<Office, 'nowMs' | 'world'>,
): Promise<number> {
  const trusted = by[northline.id] as Organisation;
  const bytes = await world.statusList([REVOKED], { validFromMs: nowMs }, trusted);
  const beganMs = performance.now();
  const [change] = await desk.add([{ name: 'list.jwt', bytes }], false);
  if (change?.result !== 'added') throw new Error(`the list is ${change?.result}`);
  return performance.now() - beganMs;
}

const CONNECTIONS = 1_000;
/** What each slow one sends of the packet that it announced. */
const SLOW_BYTES = 200 * 1024;

/** A thousand connections announce packets: half of them huge ones, half the largest and slowly. */
async function packets({ client, ingest, nowMs, raw, world }: Office): Promise<Seen> {
  const notes: string[] = [];
  const honest = await client(world.fingerprint);
  const all: Socket[] = [];
  for (let at = 0; at < CONNECTIONS; at += 50) {
    all.push(...(await Promise.all(Array.from({ length: 50 }, raw))));
  }
  const open = (some: readonly Socket[]) => some.filter(({ destroyed }) => !destroyed);
  const [huge, slow] = [all.slice(0, CONNECTIONS / 2), all.slice(CONNECTIONS / 2)];
  for (const socket of huge) {
    socket.resume();
    socket.write(Buffer.from('10ffffff7f', 'hex'));
  }
  const soon = (look: () => boolean, what: string) =>
    eventually(look, what, 10_000).catch((error: Error) => notes.push(error.message));
  // Others end too, since they never say who they are; but not for this reason.
  const guarded = () => ingest.health.snapshot().tooLarge === huge.length;
  await soon(guarded, 'the end of each connection that announces 256 MiB');
  const part = Buffer.alloc(SLOW_BYTES, 0x61);
  const most = Math.floor(limits.unfinishedBytesMax / SLOW_BYTES);
  for (const socket of slow) {
    socket.resume();
    socket.write(connectPacket);
    socket.write(publishPacket('bondline/v1/zSlow/up', Buffer.alloc(1_000_000)).subarray(0, 100));
    socket.write(part);
  }
  await soon(() => open(slow).length <= most, `no more than ${most} slow packets held`);
  const { ms, outcome } = await honest.send(await world.device.next(nowMs));
  if (outcome !== 'accepted') notes.push(`a batch of a gateway was ${outcome}`);
  return { notes, figures: { honestMs: ms, slowLeft: open(slow).length } };
}

/**
 * A gateway sends what can only be refused: as much is kept as the bound allows, all is counted.
 */
async function refusals({ client, ingest, journal, nowMs, world }: Office): Promise<Seen> {
  const notes: string[] = [];
  const rude = await client(world.fingerprint);
  await rude.send(await world.device.next(nowMs));
  const size = 4 * 1024;
  const count = Math.ceil((4 * REFUSED_DAY_BYTES) / size);
  const sent = Array.from({ length: count }, (_, at) => rude.send(garbage(`${at}`, size)));
  const outcomes = await Promise.all(sent);
  const others = outcomes.filter(({ outcome }) => outcome !== 'refused').length;
  if (others > 0) notes.push(`${others} of ${count} bad messages were not refused`);
  const atMs = Date.now() + limits.refusalSummaryMs + 1_000;
  const bytes = Buffer.from(JSON.stringify({ atMs }));
  const header = { version: 1, tenant: 'flood', kind: 'tick', receivedMs: atMs } as const;
  await journal.append([{ header: { ...header, digest: digestMultibase(bytes) }, bytes }]);
  const entries = await journal.read(0, 100_000);
  const kept = entries.filter((entry) => entry.header.kind === 'refusal');
  const keptBytes = kept.reduce((sum, entry) => sum + entry.bytes.length, 0);
  if (keptBytes > REFUSED_DAY_BYTES) {
    notes.push(`${keptBytes} bytes of refusals are kept, at most ${REFUSED_DAY_BYTES} may be`);
  }
  let counted = 0;
  for (const entry of entries.filter(({ header: { kind } }) => kind === 'refusals')) {
    const { refused } = JSON.parse(Buffer.from(entry.bytes).toString()) as {
      refused: { count: number }[];
    };
    counted += refused.reduce((sum, one) => sum + one.count, 0);
  }
  if (kept.length + counted !== count) {
    notes.push(`${count} were refused, ${kept.length} are kept and ${counted} counted`);
  }
  const { refused, refusedNotKept } = ingest.health.snapshot();
  if (refused !== count || refusedNotKept !== counted) {
    notes.push(`health tells of ${refused} refused and ${refusedNotKept} not kept`);
  }
  return { notes, figures: { refusalsKept: kept.length, refusalsCounted: counted } };
}

/** Bytes that look like a token of a batch and are none; each name gives others. */
function garbage(name: string, size: number): Buffer {
  const payload = { type: ['VerifiableCredential', 'SensorBatchCredential'], name };
  const text = `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.`;
  return Buffer.from(text.padEnd(size, 'A'));
}

/** CONNECT of MQTT 3.1.1 with a clean session and the keep-alive of a minute, without a name. */
const connectPacket = Buffer.from('100c00044d5154540402003c0000', 'hex');

/** PUBLISH with QoS 1. */
function publishPacket(topic: string, payload: Uint8Array): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.from([0, name.length, ...name, 0, 1]);
  const digits: number[] = [];
  for (let left = head.length + payload.length; ; left >>>= 7) {
    digits.push(left < 0x80 ? left : (left & 0x7f) | 0x80);
    if (left < 0x80) break;
  }
  return Buffer.concat([Buffer.from([0x32, ...digits]), head, payload]);
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
