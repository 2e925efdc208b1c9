/** Status lists and DID documents at the addresses where a real web server has them, or has not. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import { familyFor } from '../../../devices/credential/party/families.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import { documentOfOwnDid } from '../../../devices/identity/own-document.ts';
import { limits } from '../../../devices/limits.ts';
import { type Log, silentLog } from '../../../devices/runtime.ts';
import type { Ingest } from '../../../ingest/ingest.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import type { StatusRefresh } from '../../../ingest/status-refresh.ts';
import type { EntryHeader } from '../../../ingest/store.ts';
import { eventually } from '../../support/eventually.ts';
import {
  type HttpsSite,
  type SiteCertificate,
  siteCertificate,
  startHttpsSite,
} from '../../support/https-site.ts';
import { memoryOrganisation, memorySigner, type Organisation } from '../../support/identity.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { ticket } from '../../support/party.ts';
import { lookAtSite, quietIngest } from '../../support/quiet-ingest.ts';
import { makeWorld, type World, worldMs } from '../../support/trust-world.ts';

const HOST = 'northline.example';
let certificate: SiteCertificate;
let site: HttpsSite;
/** What the site has, by path; everything else is an outage. */
let published: Map<string, Uint8Array>;
let world: World;
let organisation: Organisation;
let clock: ManualClock;
let store: JournalStore;
let ingest: Ingest;
let refresh: StatusRefresh | undefined;
let warnings: string[];
let url: string;

beforeAll(async () => {
  certificate = await siteCertificate([HOST]);
});

beforeEach(async () => {
  published = new Map();
  site = await startHttpsSite(certificate, ({ url: path = '' }, response) => {
    const bytes = published.get(path);
    response.statusCode = bytes === undefined ? 503 : 200;
    response.end(bytes);
  });
  world = makeWorld();
  organisation = memoryOrganisation(`did:web:${HOST}%3A${site.port}`, 'Northline');
  url = `https://${HOST}:${site.port}/status/1`;
  clock = manualClock(worldMs);
  warnings = [];
  store = openJournalStore(':memory:');
  ingest = quietIngest(store, { clock });
});
afterEach(async () => {
  await refresh?.stop();
  await ingest.drain();
  store.close();
  await site.close();
});

function look(): StatusRefresh {
  const warn: Log['warn'] = (_message, fields) =>
    warnings.push(`${fields?.['of']} ${fields?.['code']}`);
  refresh = lookAtSite(ingest, { certificate, clock, log: { ...silentLog, warn } });
  return refresh;
}

function list(revoked: readonly number[], changes: object = {}): Promise<Uint8Array> {
  const payload = composeStatusList({
    id: url,
    issuer: organisation.did,
    purpose: 'revocation',
    encodedList: encodeStatusList(statusBits(revoked)),
    validFromMs: Math.floor(clock.nowMs()),
    ...changes,
  });
  return signToken({ payload, signer: organisation.signer, typ: 'vc+jwt' });
}

async function enrol(): Promise<void> {
  const status = [{ purpose: 'revocation', list: url, index: 7 }] as const;
  const given = [
    { name: 'did.json', bytes: world.document(organisation) },
    { name: 'e', bytes: await world.enrolment({ status }, organisation) },
  ];
  for (const { result } of await ingest.desk.add(given, false)) expect(result).toBe('added');
}

const headers = (): EntryHeader[] => store.read(0, 1_000).map(({ header }) => header);
const inForce = () => ingest.trust.statusLists.get(url);

/** What became of a batch, or of other bytes, that come now. */
async function send(given?: Uint8Array): Promise<EntryHeader | undefined> {
  const bytes = given ?? (await world.device.next(clock.nowMs()));
  const before = store.size();
  const { accepted, doubtful, held, refused } = ingest.health.snapshot();
  const sum = accepted + doubtful + held + refused;
  ingest.receive({ bytes, gateway: world.fingerprint, receivedMs: clock.nowMs() });
  await eventually(() => {
    const now = ingest.health.snapshot();
    // What parties sign is stored, but no batch that is counted.
    const isStored = given !== undefined && store.size() > before;
    return isStored || now.accepted + now.doubtful + now.held + now.refused > sum;
  }, 'a verdict');
  return store
    .read(before, 10)
    .map(({ header }) => header)
    .at(-1);
}

/** It stands in the journal without effect, and says why. */
function expectRevoked(header: EntryHeader | undefined): void {
  expect(['refusal', 'doubtful']).toContain(header?.kind);
  expect(header?.reason).toMatch(/revoked in/);
}

describe('a status list that is published', () => {
  it('is found, taken and said in the journal; what it says counts from then on', async () => {
    await enrol();
    expect(await send()).toBeUndefined();
    published.set('/status/1', await list([]));
    await look().first;
    expect(headers().map(({ kind }) => kind)).toEqual([
      'organisation',
      'enrolment',
      'status',
      'tick',
    ]);
    const [tick] = store.read(3, 1);
    expect(JSON.parse(Buffer.from(tick?.bytes ?? []).toString())).toEqual({
      atMs: worldMs,
      checked: [{ list: url, digest: inForce()?.digest }],
    });
    const digests = [store.read(1, 1), store.read(0, 1), store.read(2, 1)].flat();
    expect(await send()).toMatchObject({
      kind: 'batch',
      documents: digests.map(({ header }) => header.digest),
    });
    published.set('/status/1', await list([7], { validFromMs: worldMs + 1 }));
    clock.advance(limits.statusRefreshMs);
    await eventually(
      () => headers().filter(({ kind }) => kind === 'status').length === 2,
      'a list',
    );
    expectRevoked(await send());
  });

  it('is looked for within its ttl, and its first entry is its last while it is the same', async () => {
    await enrol();
    published.set('/status/1', await list([]));
    await look().first;
    const size = store.size();
    const asked = () => site.requests.filter((one) => one.endsWith('/status/1')).length;
    for (let round = 2; round < 5; round += 1) {
      await eventually(() => {
        clock.advance(1_000);
        return asked() >= round;
      }, `look ${round}`);
    }
    expect(
      headers()
        .slice(size)
        .filter(({ kind }) => kind !== 'tick'),
    ).toEqual([]);
    expect(JSON.stringify(store.read(size, 100).map(({ bytes }) => String(bytes)))).not.toContain(
      'checked',
    );
  });

  it('marks telemetry in the millisecond after it was not found for 300 s, until it is', async () => {
    await enrol();
    published.set('/status/1', await list([]));
    await look().first;
    const good = published.get('/status/1') as Uint8Array;
    published.clear();
    clock.advance(limits.statusStaleMs);
    const last = await send();
    expect(last).toMatchObject({ kind: 'batch' });
    expect(last?.standing).toBeUndefined();
    clock.advance(1);
    expect(await send()).toMatchObject({ kind: 'batch', standing: 'stale' });
    await eventually(() => warnings.includes(`${url} NET_STATUS`), 'a warning');
    published.set('/status/1', good);
    const checks = () => store.listChecks();
    await eventually(() => {
      clock.advance(limits.statusRefreshMs);
      return (checks()[0]?.atMs ?? 0) > worldMs;
    }, 'the list again');
    const back = await send();
    expect(back).toMatchObject({ kind: 'batch' });
    expect(back?.standing).toBeUndefined();
  });

  it('lets nobody through who was revoked before the outage, nor stops others when it ends', async () => {
    await enrol();
    published.set('/status/1', await list([7], { validUntilMs: worldMs + 1_000 }));
    await look().first;
    published.clear();
    clock.advance(limits.statusStaleMs * 2);
    expectRevoked(await send());
  });

  it('that has ended and is not found any more marks telemetry and holds nobody', async () => {
    await enrol();
    published.set('/status/1', await list([], { validUntilMs: worldMs + 1_000 }));
    await look().first;
    clock.advance(2_000);
    expect(await send()).toMatchObject({ kind: 'batch', standing: 'stale' });
  });

  it.each([
    ['another name', () => list([], { id: 'https://northline.example/status/2' })],
    ['another issuer', () => list([], { issuer: 'did:web:rival.example' })],
    ['no list', () => world.enrolment({}, organisation)],
  ])('is not taken with %s', async (_what, make) => {
    await enrol();
    published.set('/status/1', await make());
    await look().first;
    expect(inForce()).toBeUndefined();
    expect(headers().map(({ kind }) => kind)).toEqual(['organisation', 'enrolment']);
  });

  it('is not replaced by one that is older', async () => {
    await enrol();
    published.set('/status/1', await list([7]));
    await look().first;
    published.set('/status/1', await list([], { validFromMs: worldMs - 60_000 }));
    clock.advance(limits.statusRefreshMs);
    await eventually(() => warnings.includes(`${url} IN_LIST_OLDER`), 'a warning');
    expectRevoked(await send());
  });
});

describe('a status list that only something held names', () => {
  /** A ticket of an organisation whose status is in a list, signed by a key of `signer`. */
  function signedTicket(of: Organisation, list: string, signer = of.signer): Promise<Uint8Array> {
    const party = { id: of.did, name: of.name };
    const closedMs = clock.nowMs() - 60_000;
    const times = { openedMs: closedMs - 1, closedMs, validFromMs: closedMs };
    const status = [{ purpose: 'revocation', list, index: 7 }] as const;
    const statement = ticket({ issuer: party, carrier: party, ...times, status });
    const payload = familyFor(statement).compose(statement);
    return signToken({ payload, signer, typ: 'vc+jwt' });
  }
  const asked = (path: string) => site.requests.some((one) => one.endsWith(path));
  const trustIt = () =>
    ingest.desk.add([{ name: 'did.json', bytes: world.document(organisation) }], false);

  it('is looked for once a trusted organisation has proven what it names', async () => {
    await trustIt();
    const given = await signedTicket(organisation, url);
    expect(await send(given)).toBeUndefined();
    published.set('/status/1', await list([]));
    await look().first;
    expect(inForce()).toBeDefined();
    expect(await send(given)).toMatchObject({ kind: 'party' });
    // From then on it is one that something stored names.
    expect(store.namedLists(10)).toMatchObject([{ list: url }]);
  });

  it('is looked for while the ingester runs, and says who is revoked', async () => {
    await trustIt();
    await look().first;
    published.set('/status/1', await list([7]));
    const given = await signedTicket(organisation, url);
    expect(await send(given)).toBeUndefined();
    await eventually(() => {
      clock.advance(limits.statusRefreshMsMin);
      return inForce() !== undefined;
    }, 'the list');
    expectRevoked(await send(given));
  });

  it('is never looked for because a stranger, or a forger, says so', async () => {
    await trustIt();
    const stranger = memoryOrganisation('did:web:stranger.example', 'Stranger');
    await send(await signedTicket(stranger, `${url}-stranger`));
    await send(await signedTicket(organisation, `${url}-forged`, stranger.signer));
    await send(await signedTicket(organisation, url));
    await look().first;
    expect(asked('/status/1')).toBe(true);
    expect(asked('-stranger')).toBe(false);
    expect(asked('-forged')).toBe(false);
    expect([...ingest.trust.wanted.values()].map((lists) => [...lists])).toEqual([[url]]);
  });

  it('is looked for at a bounded number of addresses, while its organisation is trusted', async () => {
    await trustIt();
    for (let n = 0; n < limits.statusListsWantedMax + 2; n += 1) {
      await send(await signedTicket(organisation, `${url}-${n}`));
    }
    await look().first;
    const lists = site.requests.filter((one) => one.includes('/status/'));
    expect(new Set(lists).size).toBe(limits.statusListsWantedMax);
    expect(asked('/status/1-1')).toBe(false);
    expect(asked(`/status/1-${limits.statusListsWantedMax + 1}`)).toBe(true);
    await ingest.desk.remove(organisation.did);
    expect(ingest.trust.wanted.size).toBe(0);
  });
});

describe('the list of an organisation that is its key', () => {
  it('is found at the address that its enrolments name; its document is never asked for', async () => {
    const signer = memorySigner();
    const document = documentOfOwnDid(signer.did) ?? {};
    organisation = { did: signer.did, name: 'Prairie', signer, document };
    await enrol();
    expect(await send()).toBeUndefined();
    published.set('/status/1', await list([]));
    await look().first;
    expect(await send()).toMatchObject({ kind: 'batch' });
    expect(new Set(site.requests)).toEqual(
      new Set(site.requests.filter((one) => one.endsWith('/status/1'))),
    );
    expect(warnings).toEqual([]);
    published.set('/status/1', await list([7], { validFromMs: worldMs + 1 }));
    clock.advance(limits.statusRefreshMs);
    await eventually(
      () => headers().filter(({ kind }) => kind === 'status').length === 2,
      'a list',
    );
    expectRevoked(await send());
  });
});

describe('what is not on the web', () => {
  it('never grows old: a list that came by hand alone and has no address there', async () => {
    url = 'urn:uuid:6d1d0d2e-3f5b-4f0e-9b64-0c6a8a5f7c11';
    await enrol();
    await ingest.desk.add([{ name: 's', bytes: await list([]) }], false);
    await look().first;
    clock.advance(limits.statusStaleMs * 10);
    const header = await send();
    expect(header).toMatchObject({ kind: 'batch' });
    expect(header?.standing).toBeUndefined();
    expect(warnings).toEqual([]);
  });
});

describe('the DID document that an organisation publishes', () => {
  it('is only told of when it is not the pinned one', async () => {
    await enrol();
    published.set('/.well-known/did.json', Buffer.from(`${world.document(organisation)} `));
    await look().first;
    expect(warnings).toEqual([`${organisation.did} IN_CONFIRM`]);
    expect(headers().filter(({ kind }) => kind === 'organisation')).toHaveLength(1);
  });

  it('is passed over in silence when it is', async () => {
    await enrol();
    published.set('/.well-known/did.json', world.document(organisation));
    await look().first;
    expect(site.requests.some((one) => one.endsWith('/.well-known/did.json'))).toBe(true);
    expect(warnings).toEqual([]);
  });
});
