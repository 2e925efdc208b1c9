/** The evidence that the ingester hands out: the very bytes, and those that belong together. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import { systemClock } from '../../../devices/runtime.ts';
import { memoryOrganisation, type Organisation } from '../../support/identity.ts';
import { TwinWorld } from '../../support/twin-world.ts';

const mill = 'did:web:mill.example';
const facility = { id: `${mill}/f`, name: 'F', latitude: 43, longitude: -79, accuracyM: 9 };
const listUrl = 'https://mill.example/status';

interface Evidence {
  readonly bondlineEvidence: number;
  readonly credentials: readonly string[];
  readonly documents: readonly unknown[];
  readonly documentTexts: readonly string[];
}

let world: TwinWorld;
let organisation: Organisation;

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

async function evidence(path: string): Promise<Evidence | number> {
  const response = await fetch(`${world.api.address}/api/evidence/${path}`);
  return response.ok ? ((await response.json()) as Evidence) : response.status;
}

async function list(url: string, validFromMs: number): Promise<Uint8Array> {
  const encodedList = encodeStatusList(statusBits([]));
  const payload = composeStatusList({
    id: url,
    issuer: mill,
    purpose: 'revocation',
    encodedList,
    validFromMs,
  });
  const token = await signToken({ payload, signer: organisation.signer, typ: 'vc+jwt' });
  world.put('status', token);
  return token;
}

const enrol = () =>
  world.enrol({
    organisation,
    label: 'line-1',
    profile: 'steel-line',
    goods: [`${mill}/`],
    facility,
    status: [{ purpose: 'revocation', list: listUrl, index: 7 }],
  });

beforeEach(async () => {
  world = new TwinWorld();
  organisation = world.organisation(mill, 'Mill');
  await world.start();
});

afterEach(() => world.end());

it('brings a batch with its enrolment, the newest list of it, and the document of then', async () => {
  world.organisation('did:web:other.example', 'Other');
  const nowMs = Math.round(systemClock.nowMs());
  await list(listUrl, nowMs - 2_000);
  await list('https://mill.example/other', nowMs - 2_000);
  const device = await enrol();
  const enrolledAt = world.journal.size() - 1;
  const again = await enrol();
  const { token, position } = await world.batch(device, []);
  // What comes later: the list counts, a document does not.
  const newest = await list(listUrl, nowMs - 1_000);
  const later = Buffer.from(JSON.stringify(memoryOrganisation(mill, 'Mill').document));
  world.put('organisation', later);
  const enrolment = text(world.journal.read(enrolledAt, 1)[0]?.bytes ?? new Uint8Array());
  const pinned = JSON.stringify(organisation.document);
  const wanted = {
    bondlineEvidence: 1,
    credentials: [text(token), enrolment, text(newest)],
    documents: [JSON.parse(pinned)],
    documentTexts: [pinned],
  };
  // Named by its position, or by the digest that the batch names.
  expect(await evidence(`${position}?enrolment=${enrolledAt}`)).toEqual(wanted);
  expect(await evidence(`${position}`)).toEqual(wanted);
  // A position that is no enrolment names none.
  expect(await evidence(`${position}?enrolment=${position}`)).toEqual(wanted);
  expect(again.enrolmentDigest).not.toBe(device.enrolmentDigest);
});

it('brings an enrolment by itself, and nothing for what is neither', async () => {
  await list(listUrl, Math.round(systemClock.nowMs()));
  await enrol();
  const position = world.journal.size() - 1;
  const found = (await evidence(`${position}`)) as Evidence;
  expect(found.credentials).toHaveLength(2);
  expect(found.documents).toHaveLength(1);
  expect(await evidence('0')).toBe(404);
  expect(await evidence('1')).toBe(404);
  expect(await evidence('999')).toBe(404);
  expect(await evidence('-1')).toBe(404);
  expect(await evidence('x')).toBe(404);
});
