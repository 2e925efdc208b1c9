/**
 * Custody steps while the web server with their signers' status lists is out of order: what waits,
 * what takes effect when it is back, and what never does.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import type { CustodyStep } from '../../../devices/credential/party/custody.ts';
import { documentDigest } from '../../../devices/credential/party/document.ts';
import { familyFor } from '../../../devices/credential/party/families.ts';
import { addProof } from '../../../devices/credential/proof/add-proof.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import type { JsonObject } from '../../../devices/credential/vcdm-values.ts';
import { fetchDocument } from '../../../devices/io/resolve/fetch-document.ts';
import { createResolver } from '../../../devices/io/resolve/resolver.ts';
import { limits } from '../../../devices/limits.ts';
import { formatTime, silentLog, systemClock, systemRandom } from '../../../devices/runtime.ts';
import { createInlineAdmitter } from '../../../ingest/admitter.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { rebuildTwins } from '../../../ingest/apply-rebuild.ts';
import { decodeState } from '../../../ingest/fold-codec.ts';
import { noRoutes } from '../../../ingest/fold-routes.ts';
import { createIngest, type Ingest } from '../../../ingest/ingest.ts';
import { createLocalJournal } from '../../../ingest/journal.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import { requestToSubmit, type Submitted } from '../../../ingest/party-submit.ts';
import { type StatusRefresh, startStatusRefresh } from '../../../ingest/status-refresh.ts';
import { type Twin, twinId } from '../../../ingest/twin.ts';
import { viewOf } from '../../../ingest/twin-view.ts';
import { openTwinsStore, type TwinsStore } from '../../../ingest/twins-store.ts';
import { eventually } from '../../support/eventually.ts';
import {
  type HttpsSite,
  type SiteCertificate,
  siteCertificate,
  startHttpsSite,
} from '../../support/https-site.ts';
import { memoryOrganisation, memorySigner, type Organisation } from '../../support/identity.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { custodyStep, newId } from '../../support/party.ts';
import { worldMs } from '../../support/trust-world.ts';

const HOSTS = ['northline.example', 'lakeside.example', 'prairie.example'] as const;
let certificate: SiteCertificate;
let site: HttpsSite;
/** What the web servers have, by host and path; everything else is an outage. */
let published: Map<string, Uint8Array>;
let clock: ManualClock;
let folder: string;
let store: JournalStore;
let twins: TwinsStore;
let applier: Applier;
let ingest: Ingest;
let refresh: StatusRefresh | undefined;
let northline: Organisation;
let lakeside: Organisation;
let prairie: Organisation;
let goods: string;

beforeAll(async () => {
  certificate = await siteCertificate(HOSTS);
});

beforeEach(async () => {
  published = new Map();
  site = await startHttpsSite(certificate, ({ url, headers }, response) => {
    const bytes = published.get(`${String(headers.host).split(':')[0]}${url}`);
    response.statusCode = bytes === undefined ? 503 : 200;
    response.end(bytes);
  });
  [northline, lakeside, prairie] = HOSTS.map((host) =>
    memoryOrganisation(`did:web:${host}%3A${site.port}`, host.split('.')[0] ?? ''),
  ) as [Organisation, Organisation, Organisation];
  goods = `${northline.did}/batch/CDB-0284`;
  clock = manualClock(worldMs);
  folder = mkdtempSync(join(tmpdir(), 'bondline-pending-'));
  store = openJournalStore(join(folder, 'journal.db'));
  twins = openTwinsStore(join(folder, 'twins.db'));
  applier = new Applier({ journal: store, store: twins, plugins: foldPlugins });
  startAgain();
  const documents = [northline, lakeside, prairie].map(({ did, document }) => {
    return { name: did, bytes: Buffer.from(JSON.stringify(document)) };
  });
  await ingest.desk.add(documents, false);
});
afterEach(async () => {
  await refresh?.stop();
  await ingest.drain();
  twins.close();
  store.close();
  await site.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An ingester on what the journal has. */
function startAgain(): void {
  const journal = createLocalJournal(store);
  ingest = createIngest({
    tenant: 'cbp',
    journal,
    checks: journal.found.checks,
    admitter: createInlineAdmitter('cbp', store),
    signer: memorySigner(),
    clock,
    log: silentLog,
    reply: async () => {},
    wake: () => {},
    failed: (error) => expect.unreachable(String(error)),
  });
}

/** Looks for the lists; resolves when each was looked for once. */
async function look(): Promise<void> {
  await refresh?.stop();
  const settings = {
    clock: systemClock,
    allowPrivate: ['127.0.0.1'],
    authorities: certificate.cert,
    lookup: async () => ['127.0.0.1'],
  };
  refresh = startStatusRefresh({
    trust: ingest.trust,
    desk: ingest.desk,
    fetch: (from, signal) => fetchDocument(from, { ...settings, signal }),
    resolver: (signal) => createResolver({ ...settings, signal }),
    clock,
    random: systemRandom,
    log: silentLog,
    failed: (error) => expect.unreachable(String(error)),
  });
  await refresh.first;
}

const urlOf = ({ did }: Organisation) =>
  `https://${did.slice('did:web:'.length).replace('%3A', ':')}/status/1`;

/** Puts a list on the organisation's web server. */
async function publish(by: Organisation, revoked: readonly number[] = []): Promise<void> {
  const payload = composeStatusList({
    id: urlOf(by),
    issuer: by.did,
    purpose: 'revocation',
    encodedList: encodeStatusList(statusBits(revoked)),
    validFromMs: Math.floor(clock.nowMs()),
  });
  const bytes = await signToken({ payload, signer: by.signer, typ: 'vc+jwt' });
  published.set(`${by.name}.example/status/1`, bytes);
}

const partyOf = ({ did, name }: Organisation) => ({ id: did, name });

/** A transfer that both have signed; `index` is its entry in the releaser's list. */
async function transfer(
  from: Organisation,
  to: Organisation,
  changes: Partial<CustodyStep> & { index?: number } = {},
): Promise<{ readonly bytes: Uint8Array; readonly id: string; readonly digest: string }> {
  const { index = 7, ...rest } = changes;
  const step = custodyStep({
    issuer: partyOf(from),
    from: partyOf(from),
    to: partyOf(to),
    goods,
    atMs: clock.nowMs(),
    validFromMs: clock.nowMs(),
    status: [{ purpose: 'revocation', list: urlOf(from), index }],
    ...rest,
  });
  let document = JSON.parse(familyFor(step).compose(step)) as JsonObject;
  let previousProof: string | undefined;
  for (const { signer } of [from, to]) {
    const id = `urn:uuid:${randomUUID()}`;
    const over = previousProof === undefined ? {} : { previousProof };
    const created = formatTime(clock.nowMs());
    document = await addProof(document, signer, {
      ...{ id, purpose: 'assertionMethod', created },
      ...over,
    });
    previousProof = id;
  }
  const digest = documentDigest(document);
  return { bytes: Buffer.from(JSON.stringify(document)), id: step.id, digest };
}

async function submit({ bytes }: { readonly bytes: Uint8Array }): Promise<Submitted> {
  const answer = await ingest.submit(requestToSubmit([{ name: 'step', bytes }]));
  return answer.submitted[0] as Submitted;
}

/** The goods as an officer sees them now. */
function shown(): Twin {
  applier.drain();
  const state = twins.load(twinId('cbp', 'pipeline-batch', goods));
  if (state === undefined) throw new Error('there is no twin of the goods');
  const { nowMs } = twins.meta();
  return viewOf(decodeState(state), { plugins: foldPlugins, routes: noRoutes, nowMs });
}

const possessor = () => shown().control.possessor?.party;
const acts = () =>
  store.readKinds(['act']).map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));

/** Both lists were found at their address, where they are looked for from now on. */
async function known(): Promise<void> {
  for (const one of [northline, lakeside]) await publish(one);
  // A list is looked for once a stored credential names it, so the first one comes by hand.
  const lists = [...published].map(([name, bytes]) => ({ name, bytes }));
  await ingest.desk.add(lists, false);
  await submit(await transfer(northline, prairie, { index: 1, goods: `${goods}-other` }));
  await submit(await transfer(lakeside, prairie, { index: 1, goods: `${goods}-other` }));
  await look();
  expect(ingest.trust.checks.size).toBe(2);
}

/** Both servers fall silent for longer than lists may be believed. */
async function outage(): Promise<void> {
  published.clear();
  clock.advance(limits.statusStaleMs + 1);
}

function expectRebuilt(): void {
  applier.drain();
  const rebuilt = rebuildTwins({
    journalFile: join(folder, 'journal.db'),
    twinsFile: join(folder, 'twins.db'),
  });
  expect(rebuilt).toMatchObject({ equal: true, differences: [] });
}

describe('a custody step while its status lists are not to be had', () => {
  it('counts in the last millisecond of the 300 s, and is pending in the next', async () => {
    await known();
    published.clear();
    clock.advance(limits.statusStaleMs);
    expect(await submit(await transfer(northline, lakeside))).not.toHaveProperty('standing');
    clock.advance(1);
    const late = await submit(await transfer(northline, prairie));
    expect(late).toMatchObject({ outcome: 'accepted', standing: 'pending' });
    expect(store.read(late.position ?? -1, 1)[0]?.header.standing).toBe('pending');
  });

  it('is pending for the lists of the receiver too', async () => {
    await known();
    clock.advance(limits.statusStaleMs + 1);
    published.delete('lakeside.example/status/1');
    await eventually(() => {
      clock.advance(limits.statusRefreshMs);
      return (ingest.trust.checks.get(urlOf(northline)) ?? 0) > worldMs + limits.statusStaleMs;
    }, "the releaser's list");
    const step = await submit(await transfer(northline, lakeside));
    expect(step.standing).toBe('pending');
    expect(await submit(await transfer(northline, prairie))).not.toHaveProperty('standing');
  });

  it('waits at its place, is shown so, and counts there when the server is back', async () => {
    await known();
    await outage();
    const first = await transfer(northline, lakeside);
    const { position } = await submit(first);
    const { id, digest } = first;
    const previous = { id, digest };
    await submit(await transfer(lakeside, prairie, { previous }));
    // It came later, so it must not overtake: the first claim has its place.
    await submit(await transfer(northline, prairie, { index: 8 }));
    expect(possessor()).toBeUndefined();
    expect(shown().pending?.map(({ act, to, position: at }) => ({ act, to, at }))).toMatchObject([
      { act: 'transfer', to: 'lakeside', at: position },
      { act: 'transfer', to: 'prairie' },
      { act: 'transfer', to: 'prairie' },
    ]);
    for (const one of [northline, lakeside]) await publish(one);
    await look();
    expect(acts().map(({ effect }) => effect)).toEqual(['take', 'take', 'take']);
    expect(possessor()).toBe(prairie.did);
    expect(shown()).not.toHaveProperty('pending');
    // The later claim to the first place is evidence, as it would have been without the outage.
    expect(shown().alerts).toMatchObject([{ code: 'CUSTODY' }]);
    expectRebuilt();
  });

  it('is void when the server is back and says that it is revoked; the evidence stays', async () => {
    await known();
    await outage();
    const { position } = await submit(await transfer(northline, lakeside));
    await submit(await transfer(northline, prairie, { index: 8 }));
    await publish(northline, [7]);
    await publish(lakeside);
    await look();
    expect(acts()).toMatchObject([
      { effect: 'void', reason: expect.stringContaining('VC_REVOKED: revoked in') },
      { effect: 'take' },
    ]);
    expect(possessor()).toBe(prairie.did);
    const [alert] = shown().alerts;
    expect(alert).toMatchObject({ code: 'CUSTODY', evidence: [position] });
    expect(alert?.text).toContain('VC_REVOKED');
    expect(store.read(position ?? -1, 1)[0]?.header.kind).toBe('party');
    expectRebuilt();
  });

  it('is void when the key that signed it was revoked before it came', async () => {
    await known();
    await outage();
    await submit(await transfer(northline, lakeside));
    const document = structuredClone(northline.document) as unknown as {
      verificationMethod: { revoked?: string }[];
    };
    const [method] = document.verificationMethod;
    if (method !== undefined) method.revoked = formatTime(worldMs + 1_000);
    const bytes = Buffer.from(JSON.stringify(document));
    await ingest.desk.add([{ name: 'did.json', bytes }], true);
    expect(acts()).toMatchObject([
      { effect: 'void', reason: expect.stringContaining('VC_KEY_REVOKED') },
    ]);
    expect(possessor()).toBeUndefined();
    expectRebuilt();
  });

  it('goes on waiting while one of its servers stays away, also across a restart', async () => {
    await known();
    await outage();
    await submit(await transfer(northline, lakeside));
    await publish(northline);
    await look();
    expect(acts()).toEqual([]);
    await refresh?.stop();
    await ingest.drain();
    startAgain();
    await publish(lakeside);
    await look();
    expect(acts()).toMatchObject([{ effect: 'take' }]);
    expect(possessor()).toBe(lakeside.did);
    expectRebuilt();
  });

  it('counts, or never does, when an officer says so', async () => {
    await known();
    await outage();
    const first = await submit(await transfer(northline, lakeside));
    const second = await submit(await transfer(northline, prairie, { index: 8 }));
    const say = (step: number | undefined, effect: string) =>
      ingest.decide({ step, effect, officer: 'A. Officer', reason: 'asked by telephone' });
    expect(await say(first.position, 'void')).toMatchObject({ step: first.position });
    expect(await say(second.position, 'take')).toMatchObject({ effect: 'take' });
    expect(possessor()).toBe(prairie.did);
    expect(shown().alerts[0]?.text).toContain('asked by telephone');
    expect(acts()).toMatchObject([{ officer: 'A. Officer', step: first.digest }, {}]);
    await expect(say(first.position, 'take')).rejects.toMatchObject({ code: 'IN_ACT' });
    await expect(say(0, 'take')).rejects.toMatchObject({ code: 'IN_ACT' });
    expectRebuilt();
  });

  it('is judged in pages, so that many of them hold up nothing', async () => {
    await known();
    await outage();
    const count = limits.pendingStepsPage + 5;
    for (let index = 0; index < count; index += 1) {
      const other = { id: newId(), goods: `${goods}-${index}` };
      await submit(await transfer(northline, prairie, other));
    }
    await publish(northline);
    await look();
    expect(acts()).toHaveLength(limits.pendingStepsPage);
    clock.advance(limits.statusRefreshMs);
    await eventually(() => acts().length === count, 'the rest');
    expectRebuilt();
  });
});
