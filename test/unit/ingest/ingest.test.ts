/** The stages together, in one process over a journal in memory and a clock that stands still. */
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../../devices/credential/receipt.ts';
import { openReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { packToken } from '../../../devices/credential/wire-pack.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { type Admitter, createInlineAdmitter, type JudgedChunk } from '../../../ingest/admitter.ts';
import { createIngest, type Ingest } from '../../../ingest/ingest.ts';
import { createLocalJournal, type OpenJournal } from '../../../ingest/journal.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { BatchMaker, readingGroups } from '../../support/signed-batch.ts';
import { listUrl, makeWorld, type World, worldMs } from '../../support/trust-world.ts';

const signer = memorySigner();

let world: World;
let clock: ManualClock;
let journal: OpenJournal;
let ingest: Ingest;
let receipts: Receipt[];
let sizes: number[];
let failures: unknown[];
let isDropping = false;

function start(changes: { journal?: OpenJournal; admitter?: Admitter } = {}): Ingest {
  return createIngest({
    tenant: 'cbp',
    journal: changes.journal ?? journal,
    admitter: changes.admitter ?? createInlineAdmitter('cbp'),
    signer,
    clock,
    log: silentLog,
    async reply(_gateway, bytes) {
      if (isDropping) return;
      const receipt = openReceipt(bytes, signer.did);
      if (isRefusal(receipt)) throw new Error(receipt.reason);
      receipts.push(receipt);
    },
    wake: (size) => sizes.push(size),
    failed: (error) => failures.push(error),
  });
}

function send(bytes: Uint8Array, gateway = world.fingerprint) {
  return ingest.receive({ bytes, gateway, receivedMs: clock.nowMs() });
}

/** The last result for a credential, once there are `count` of them. */
function resultOf(bytes: Uint8Array, count = 1) {
  const digest = credentialDigest(bytes);
  return eventually(() => {
    const all = receipts.flatMap(({ results }) => results).filter((one) => one.digest === digest);
    return all.length >= count ? all.at(-1) : undefined;
  }, 'a receipt');
}

beforeEach(() => {
  world = makeWorld();
  clock = manualClock(worldMs);
  journal = createLocalJournal(openJournalStore(':memory:'));
  receipts = [];
  sizes = [];
  failures = [];
  ingest = start();
});
afterEach(async () => {
  await ingest.drain();
  await journal.close();
});

const document = () => ({ name: 'did.json', bytes: world.document() });

describe('ingest', () => {
  it('answers each credential with a signed receipt that names its place in the log', async () => {
    await ingest.desk.add([document()], false);
    const enrolment = await world.enrolment();
    const batch = await world.device.next(worldMs, {
      groups: readingGroups({ fromMs: worldMs, times: 2, points: 3 }),
    });
    send(enrolment);
    send(batch);
    send(Buffer.from('garbage'));
    expect(await resultOf(enrolment)).toMatchObject({ outcome: 'accepted', position: 1 });
    const accepted = await resultOf(batch);
    expect(accepted).toMatchObject({ outcome: 'accepted', position: 2 });
    expect(await resultOf(Buffer.from('garbage'))).toMatchObject({
      outcome: 'refused',
      code: 'VC_MALFORMED',
      position: 3,
    });
    expect(receipts.every(({ gateway }) => gateway === world.fingerprint)).toBe(true);
    expect(sizes.at(-1)).toBe(4);
    expect(ingest.health.snapshot()).toMatchObject({
      accepted: 1,
      verifiedReadings: 6,
      refused: 1,
      held: 0,
      positions: 4,
      queueBytes: 0,
      sites: { [world.fingerprint]: { accepted: 1, verifiedReadings: 6, refused: 1 } },
    });
  });

  it('takes a batch out of its packed form before anything else is done with it', async () => {
    await ingest.desk.add([document(), { name: 'e', bytes: await world.enrolment() }], false);
    const groups = readingGroups({ fromMs: worldMs, times: 2, points: 3 });
    const batch = await world.device.next(worldMs, { groups });
    const packed = packToken(batch) as Uint8Array;
    send(packed);
    const accepted = await resultOf(batch);
    expect(accepted).toMatchObject({ outcome: 'accepted' });
    const [entry] = await journal.read(accepted.position ?? -1, 1);
    expect(Buffer.from(entry?.bytes ?? [])).toEqual(Buffer.from(batch));
    // The same as it is, or in another packing, is known.
    send(batch);
    expect(await resultOf(batch, 2)).toMatchObject({ position: accepted.position });
    expect(receipts.every(({ takesPacked }) => takesPacked)).toBe(true);
    expect(ingest.health.snapshot()).toMatchObject({ accepted: 1, refused: 0, queueBytes: 0 });
  });

  it('refuses what says that it is packed and is none, and keeps its bytes', async () => {
    const bomb = Buffer.concat([
      Buffer.from([1, 64]),
      Buffer.alloc(64),
      deflateRawSync(Buffer.alloc(16 * 1024 * 1024, 65)),
    ]);
    send(bomb);
    const refused = await resultOf(bomb);
    expect(refused).toMatchObject({ outcome: 'refused', code: 'VC_PACKED' });
    const [entry] = await journal.read(refused.position ?? -1, 1);
    expect(Buffer.from(entry?.bytes ?? [])).toEqual(bomb);
  });

  it('gives identical bytes the same receipt again and changes nothing', async () => {
    await ingest.desk.add([document(), { name: 'e', bytes: await world.enrolment() }], false);
    const good = await world.device.next(worldMs);
    const bad = Buffer.from('garbage');
    for (const bytes of [good, bad]) {
      send(bytes);
      const first = await resultOf(bytes);
      const size = await journal.size();
      send(bytes);
      expect(await resultOf(bytes, 2)).toEqual(first);
      expect(await journal.size()).toBe(size);
    }
    expect(ingest.health.snapshot()).toMatchObject({ accepted: 1, refused: 1, known: 2 });
  });

  it('gives a gateway the receipt that was dropped on its way, once it sends again', async () => {
    await ingest.desk.add([document(), { name: 'e', bytes: await world.enrolment() }], false);
    const batch = await world.device.next(worldMs);
    isDropping = true;
    void send(batch);
    await eventually(() => ingest.health.snapshot().accepted === 1, 'the batch');
    expect(receipts).toEqual([]);
    isDropping = false;
    void send(batch);
    expect(await resultOf(batch)).toMatchObject({ outcome: 'accepted', position: 2 });
    expect(await journal.size()).toBe(3);
  });

  it('keeps a contradiction as evidence and refuses it', async () => {
    await ingest.desk.add([document(), { name: 'e', bytes: await world.enrolment() }], false);
    const twin = new BatchMaker(world.device.signer, world.gateway);
    const place = { epoch: world.device.epoch };
    const first = await world.device.next(worldMs);
    const second = await twin.next(worldMs, {}, place);
    send(first);
    send(second);
    expect(await resultOf(first)).toMatchObject({ outcome: 'accepted' });
    expect(await resultOf(second)).toMatchObject({ outcome: 'refused', code: 'IN_FORK' });
    const [entry] = await journal.read(3, 1);
    expect(entry?.header).toMatchObject({ kind: 'equivocation', code: 'IN_FORK' });
  });

  it('holds what is not enrolled, journals nothing of it, and shows who waits', async () => {
    const batch = await world.device.next(worldMs);
    send(batch);
    const held = await resultOf(batch);
    expect(held).toEqual({
      digest: credentialDigest(batch),
      outcome: 'held',
      code: 'IN_NOT_ENROLLED',
    });
    expect(await journal.size()).toBe(0);
    expect(ingest.held.list()).toMatchObject([
      { device: world.device.signer.did, gateway: world.fingerprint, count: 1 },
    ]);
    await ingest.desk.add([document(), { name: 'e', bytes: await world.enrolment() }], false);
    send(batch);
    expect(await resultOf(batch, 2)).toMatchObject({ outcome: 'accepted', position: 2 });
    expect(ingest.held.list()).toEqual([]);
  });

  it('lets an enrolment count for the batches that came right behind it', async () => {
    await ingest.desk.add([document()], false);
    const enrolment = await world.enrolment();
    const batches = [await world.device.next(worldMs), await world.device.next(worldMs)];
    for (const bytes of [enrolment, ...batches]) send(bytes);
    for (const bytes of batches) {
      expect(await resultOf(bytes)).toMatchObject({ outcome: 'accepted' });
    }
    expect(ingest.held.list()).toEqual([]);
  });

  it('judges again what was judged before a revocation was journalled', async () => {
    const status = [{ purpose: 'revocation', list: listUrl, index: 7 }] as const;
    const list = { name: 's', bytes: await world.statusList([]) };
    const enrolment = { name: 'e', bytes: await world.enrolment({ status }) };
    // An admitter whose answer is on its way while the revocation is journalled.
    const inner = createInlineAdmitter('cbp');
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const admitter: Admitter = {
      ...inner,
      async admit(chunk): Promise<JudgedChunk> {
        const judged = await inner.admit(chunk);
        await gate;
        return judged;
      },
    };
    ingest = start({ admitter });
    await ingest.desk.add([document(), list, enrolment], false);
    const batch = await world.device.next(worldMs);
    send(batch);
    await eventually(() => ingest.health.snapshot().positions === 3, 'trust');
    const revoked = await world.statusList([7], { validFromMs: worldMs + 1 });
    await ingest.desk.add([{ name: 's2', bytes: revoked }], false);
    release();
    expect(await resultOf(batch)).toMatchObject({ outcome: 'refused', code: 'VC_REVOKED' });
  });

  it('keeps the order of a gateway over many chunks', async () => {
    await ingest.desk.add([document(), { name: 'e', bytes: await world.enrolment() }], false);
    const batches: Uint8Array[] = [];
    for (let index = 0; index < 3 * limits.admitChunk + 1; index += 1) {
      batches.push(await world.device.next(worldMs + index));
    }
    for (const bytes of batches) send(bytes);
    await resultOf(batches.at(-1) as Uint8Array);
    const entries = await journal.read(2, 1000);
    expect(entries.map(({ header }) => header.batch?.sequence)).toEqual(
      batches.map((_, index) => index + 1),
    );
  });

  it('tells a source to wait beyond the bound, and to go on below half of it', async () => {
    const size = limits.credentialBytesMax;
    const fits = Math.floor(limits.receiveQueueBytesMax / (size + limits.messageOverheadBytes));
    const rooms = Array.from({ length: fits + 1 }, () => send(Buffer.alloc(size, 0x61)));
    expect(rooms.slice(0, -1).every((room) => room === undefined)).toBe(true);
    const room = rooms.at(-1);
    expect(room).toBeInstanceOf(Promise);
    await room;
    expect(ingest.health.snapshot().queueBytes).toBeLessThanOrEqual(
      limits.receiveQueueBytesMax / 2,
    );
  });

  it('acknowledges nothing when the journal fails, and says so once', async () => {
    const failing: OpenJournal = {
      ...journal,
      append: () => Promise.reject(new Error('disk full')),
    };
    ingest = start({ journal: failing });
    const bytes = Buffer.from('garbage');
    send(bytes);
    await eventually(() => failures.length > 0, 'the failure');
    send(bytes);
    await ingest.drain();
    expect(failures).toHaveLength(1);
    expect(receipts).toEqual([]);
  });

  it('stores and receipts what it took before it drained, and takes nothing after', async () => {
    const bytes = Buffer.from('garbage');
    send(bytes);
    await ingest.drain();
    expect(receipts).toHaveLength(1);
    expect(send(Buffer.from('late'))).toBeInstanceOf(Promise);
    expect(await journal.size()).toBe(1);
  });

  it('ticks only while something is enrolled', async () => {
    clock.advance(limits.tickMs);
    await Promise.resolve();
    expect(await journal.size()).toBe(0);
    await ingest.desk.add([document(), { name: 'e', bytes: await world.enrolment() }], false);
    await eventually(() => clock.pending() > 0, 'the next tick');
    clock.advance(limits.tickMs);
    const size = await eventually(async () => (await journal.size()) === 3 && 3, 'the tick');
    const [tick] = await journal.read(size - 1, 1);
    expect(tick?.header).toMatchObject({ kind: 'tick', receivedMs: worldMs + 2 * limits.tickMs });
  });

  it('journals rules only when they differ from the last', async () => {
    await ingest.activateRules(Buffer.from('{"routes":[]}'));
    expect(await journal.size()).toBe(1);
    const store = openJournalStore(':memory:');
    const same = createLocalJournal(store);
    await same.append(await journal.read(0, 1));
    const again = createLocalJournal(store);
    ingest = start({ journal: again });
    await ingest.activateRules(Buffer.from('{"routes":[]}'));
    expect(await again.size()).toBe(1);
    await ingest.activateRules(Buffer.from('{"routes":[1]}'));
    expect(await again.size()).toBe(2);
  });
});

describe('trust desk', () => {
  it('takes documents in any order, and knows them again', async () => {
    const list = { name: 's', bytes: await world.statusList([]) };
    const enrolment = { name: 'e', bytes: await world.enrolment() };
    const given = [enrolment, list, document(), { name: 'x', bytes: Buffer.from('x') }];
    const changes = await ingest.desk.add(given, false);
    expect(changes.map(({ kind, result }) => [kind, result])).toEqual([
      ['organisation', 'added'],
      ['status', 'added'],
      ['enrolment', 'added'],
      ['unknown', 'refused'],
    ]);
    const again = await ingest.desk.add(given.slice(0, 3), false);
    expect(again.map(({ result }) => result)).toEqual(['known', 'known', 'known']);
    expect(await journal.size()).toBe(3);
    expect(ingest.desk.list()).toMatchObject({
      organisations: [{ did: world.organisation.did }],
      statusLists: [{ id: listUrl }],
      enrolments: [{ device: world.device.signer.did, label: 'fc-1' }],
    });
  });

  it('takes a changed document only when a person confirms it', async () => {
    await ingest.desk.add([document()], false);
    const changed = {
      name: 'did.json',
      bytes: Buffer.concat([world.document(), Buffer.from('\n')]),
    };
    expect(await ingest.desk.add([changed], false)).toMatchObject([
      { result: 'confirm', code: 'IN_CONFIRM' },
    ]);
    expect(await journal.size()).toBe(1);
    expect(await ingest.desk.add([changed], true)).toMatchObject([{ result: 'added' }]);
    expect(await journal.size()).toBe(2);
  });

  it('refuses an older status list, and one that the organisation did not sign', async () => {
    await ingest.desk.add([document(), { name: 's', bytes: await world.statusList([1]) }], false);
    const older = await world.statusList([], { validFromMs: worldMs - 1 });
    const stranger = makeWorld();
    const forged = await stranger.statusList([], { issuer: world.organisation.did });
    const changes = await ingest.desk.add(
      [
        { name: 'older', bytes: older },
        { name: 'forged', bytes: forged },
      ],
      false,
    );
    expect(changes).toMatchObject([
      { name: 'older', result: 'refused', code: 'IN_LIST_OLDER' },
      { name: 'forged', result: 'refused', code: 'VC_SIGNATURE' },
    ]);
  });

  it('ends the trust in an organisation, once', async () => {
    await ingest.desk.add([document(), { name: 'e', bytes: await world.enrolment() }], false);
    const { did } = world.organisation;
    expect(await ingest.desk.remove(did)).toMatchObject({ result: 'removed', position: 2 });
    expect(await ingest.desk.remove(did)).toMatchObject({ result: 'refused' });
    const batch = await world.device.next(worldMs);
    send(batch);
    expect(await resultOf(batch)).toMatchObject({ outcome: 'held' });
    expect(await ingest.desk.add([document()], false)).toMatchObject([{ result: 'added' }]);
    send(batch);
    expect(await resultOf(batch, 2)).toMatchObject({ outcome: 'accepted' });
  });
});
