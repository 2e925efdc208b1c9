/** Keys that are somebody else's already: by hand, over the uplink, and in one breath. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Enrolment } from '../../../devices/credential/enrolment.ts';
import { composeEnrolment } from '../../../devices/credential/enrolment-wire.ts';
import { signToken } from '../../../devices/credential/jws.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import { didOfPublicJwk } from '../../../devices/identity/did-key.ts';
import { createChunkJudge } from '../../../ingest/admitter.ts';
import { createLocalJournal } from '../../../ingest/journal.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import { createRecorder, type Recorder } from '../../../ingest/record.ts';
import { createTrustDesk, type TrustDesk } from '../../../ingest/trust-change.ts';
import { memoryOrganisation, memorySigner, type Organisation } from '../../support/identity.ts';
import { BatchMaker } from '../../support/signed-batch.ts';
import { makeWorld, worldMs } from '../../support/trust-world.ts';

const mill = memoryOrganisation('did:web:mill.example', 'Mill');
const pipeline = memoryOrganisation('did:web:pipeline.example', 'Pipeline');
const list = 'https://mill.example/status/revocation';
const world = makeWorld();
const newDid = (): string => memorySigner().did;

/** The DID of the key that signs for an organisation, as if it were a device's. */
function keyOf({ document }: Organisation): string {
  const [method] = document['verificationMethod'] as { publicKeyJwk: Record<string, string> }[];
  return didOfPublicJwk(method?.publicKeyJwk ?? {});
}

function enrolment(by: Organisation, changes: Partial<Enrolment>): Promise<Uint8Array> {
  const { did: organisation, name: organisationName } = by;
  const own = { id: `urn:uuid:${randomUUID()}`, organisation, organisationName };
  const payload = composeEnrolment({ ...world.terms(), ...own, ...changes });
  return signToken({ payload, signer: by.signer, typ: 'vc+jwt' });
}

function statusList(revoked: readonly number[], validFromMs: number): Promise<Uint8Array> {
  const encodedList = encodeStatusList(statusBits(revoked));
  const own = { id: list, issuer: mill.did, purpose: 'revocation', encodedList, validFromMs };
  return signToken({ payload: composeStatusList(own), signer: mill.signer, typ: 'vc+jwt' });
}

let store: JournalStore;
let recorder: Recorder;
let desk: TrustDesk;
let judge: ReturnType<typeof createChunkJudge>;

beforeEach(async () => {
  store = openJournalStore(':memory:');
  judge = createChunkJudge('cbp', store);
  recorder = createRecorder({
    tenant: 'cbp',
    journal: createLocalJournal(store),
    admitter: { trust: (news) => judge.trust(news) },
    appended() {},
  });
  desk = createTrustDesk({ tenant: 'cbp', recorder, nowMs: () => worldMs });
  await byHand(...[mill, pipeline].map(({ document }) => Buffer.from(JSON.stringify(document))));
});

afterEach(() => store.close());

/** What became of each, the same words for every way: `accepted`, or the code. */
type Way = (...tokens: readonly Uint8Array[]) => Promise<readonly string[]>;

const byHand: Way = async (...tokens) => {
  const given = tokens.map((bytes, at) => ({ name: `${at}`, bytes }));
  const changes = await desk.add(given, false);
  return changes.map(({ code, result }) => code ?? (result === 'added' ? 'accepted' : result));
};

const inOneBreath: Way = async (...tokens) => {
  let offset = 0;
  const items = tokens.map(({ length }) => {
    const item = { gateway: world.fingerprint, receivedMs: worldMs, offset, length };
    offset += length;
    return item;
  });
  const buffer = new ArrayBuffer(offset);
  for (const [at, bytes] of tokens.entries()) {
    new Uint8Array(buffer).set(bytes, items[at]?.offset);
  }
  // All are judged before any of them is stored.
  const outcomes = await recorder.record([judge.judge({ buffer, items })]);
  return outcomes.map(({ result }) => result.code ?? result.outcome);
};

const oneByOne: Way = async (...tokens) => {
  const all: string[] = [];
  for (const token of tokens) all.push(...(await inOneBreath(token)));
  return all;
};

describe.each([
  ['by hand', byHand],
  ['over the uplink, one by one', oneByOne],
  ['over the uplink, in one breath', inOneBreath],
] as const)('an enrolment %s is refused', (_, give) => {
  const refused = ['accepted', 'IN_KEY_REUSED'];

  it('when another organisation has enrolled the device', async () => {
    const device = newDid();
    const both = await Promise.all([mill, pipeline].map((by) => enrolment(by, { device })));
    expect(await give(...both)).toEqual(refused);
  });

  it('when its device is a gateway', async () => {
    const gateway = newDid();
    const first = await enrolment(mill, { device: newDid(), gateway });
    const second = await enrolment(mill, { device: gateway, gateway: newDid() });
    expect(await give(first, second)).toEqual(refused);
  });

  it('when its gateway is a device', async () => {
    const device = newDid();
    const first = await enrolment(mill, { device });
    const second = await enrolment(pipeline, { device: newDid(), gateway: device });
    expect(await give(first, second)).toEqual(refused);
  });

  it('when its device or its gateway has a key of the ingester', async () => {
    const [receipts, authority] = [newDid(), newDid()];
    recorder.learnOwn([receipts]);
    recorder.learnOwn([authority]);
    const tokens = [
      await enrolment(mill, { device: receipts }),
      await enrolment(mill, { device: newDid(), gateway: authority }),
    ];
    expect(await give(...tokens)).toEqual(['IN_KEY_REUSED', 'IN_KEY_REUSED']);
  });

  it('when its device is its own gateway', async () => {
    const device = newDid();
    expect(await give(await enrolment(mill, { device, gateway: device }))).toEqual([
      'IN_KEY_REUSED',
    ]);
  });

  it.each([
    ['its own', mill],
    ['another', pipeline],
  ])('when its device or its gateway has the key of %s organisation', async (_name, owner) => {
    const key = keyOf(owner);
    const tokens = [
      await enrolment(mill, { device: key }),
      await enrolment(mill, { device: newDid(), gateway: key }),
    ];
    expect(await give(...tokens)).toEqual(['IN_KEY_REUSED', 'IN_KEY_REUSED']);
  });
});

describe.each([
  ['by hand', byHand],
  ['over the uplink', oneByOne],
] as const)('an enrolment %s is accepted', (_, give) => {
  it('when the same organisation enrols its device anew, or one gateway has several', async () => {
    const [device, gateway] = [newDid(), newDid()];
    const tokens = [
      await enrolment(mill, { device, gateway }),
      await enrolment(mill, { device, gateway, label: 'fc-2' }),
      await enrolment(pipeline, { device: newDid(), gateway }),
    ];
    expect(await give(...tokens)).toEqual(['accepted', 'accepted', 'accepted']);
  });

  it('from the millisecond on in which the other organisation’s has ended', async () => {
    const device = newDid();
    const ends = { device, validUntilMs: worldMs };
    expect(await give(await enrolment(mill, ends))).toEqual(['accepted']);
    expect(await give(await enrolment(pipeline, { device }))).toEqual(['IN_KEY_REUSED']);
    desk = createTrustDesk({ tenant: 'cbp', recorder, nowMs: () => worldMs + 1 });
    expect(await byHand(await enrolment(pipeline, { device }))).toEqual(['accepted']);
  });

  it('once the other organisation has revoked it, or is not trusted any more', async () => {
    const status = [{ purpose: 'revocation', list, index: 9 }] as const;
    const [sold, left] = [newDid(), newDid()];
    await byHand(await statusList([], worldMs - 2));
    expect(await give(await enrolment(mill, { device: sold, status }))).toEqual(['accepted']);
    expect(await give(await enrolment(mill, { device: left }))).toEqual(['accepted']);
    const again = () => enrolment(pipeline, { device: sold });
    expect(await give(await again())).toEqual(['IN_KEY_REUSED']);
    await byHand(await statusList([9], worldMs - 1));
    expect(await give(await again())).toEqual(['accepted']);
    const other = () => enrolment(pipeline, { device: left });
    expect(await give(await other())).toEqual(['IN_KEY_REUSED']);
    await desk.remove(mill.did);
    expect(await give(await other())).toEqual(['accepted']);
  });
});

describe('a batch of a key with which the ingester itself signs', () => {
  it('is refused, even where that key was enrolled while none ran', async () => {
    const enrolledOne = async () => {
      const maker = new BatchMaker(memorySigner(), world.gateway);
      await byHand(await enrolment(mill, { device: maker.signer.did, gateway: maker.gateway }));
      return maker;
    };
    const [own, other] = [await enrolledOne(), await enrolledOne()];
    recorder.learnOwn([own.signer.did]);
    const said = [own, other].map(async (maker) => oneByOne(await maker.next(worldMs)));
    expect((await Promise.all(said)).flat()).toEqual(['IN_KEY_REUSED', 'accepted']);
  });
});
