/**
 * A world for tests of pending custody steps: parties whose status lists are on real web servers
 * that can fall silent, and an ingester on files. Importing it makes it anew before each test.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { signToken } from '../../devices/credential/jws.ts';
import type { CustodyStep } from '../../devices/credential/party/custody.ts';
import { documentDigest } from '../../devices/credential/party/document.ts';
import { familyFor } from '../../devices/credential/party/families.ts';
import { addProof } from '../../devices/credential/proof/add-proof.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../devices/credential/status-list.ts';
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';
import { limits } from '../../devices/limits.ts';
import { formatTime } from '../../devices/runtime.ts';
import { Applier } from '../../ingest/apply-engine.ts';
import { foldPlugins } from '../../ingest/apply-plugins.ts';
import { rebuildTwins } from '../../ingest/apply-rebuild.ts';
import { decodeState } from '../../ingest/fold-codec.ts';
import { noRoutes } from '../../ingest/fold-routes.ts';
import type { Ingest } from '../../ingest/ingest.ts';
import { type JournalStore, openJournalStore } from '../../ingest/journal-store.ts';
import { requestToSubmit, type Submitted } from '../../ingest/party-submit.ts';
import type { StatusRefresh } from '../../ingest/status-refresh.ts';
import { type Twin, twinId } from '../../ingest/twin.ts';
import { viewOf } from '../../ingest/twin-view.ts';
import { openTwinsStore, type TwinsStore } from '../../ingest/twins-store.ts';
import {
  type HttpsSite,
  type SiteCertificate,
  siteCertificate,
  startHttpsSite,
} from './https-site.ts';
import { memoryOrganisation, type Organisation } from './identity.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';
import { custodyStep } from './party.ts';
import { lookAtSite, quietIngest } from './quiet-ingest.ts';
import { worldMs } from './trust-world.ts';

const HOSTS = [
  'northline.example',
  'lakeside.example',
  'prairie.example',
  'surety.example',
] as const;
let certificate: SiteCertificate;
let site: HttpsSite;
/** What the web servers have, by host and path; everything else is an outage. */
export let published: Map<string, Uint8Array>;
export let clock: ManualClock;
let folder: string;
export let store: JournalStore;
let twins: TwinsStore;
let applier: Applier;
export let ingest: Ingest;
export let refresh: StatusRefresh | undefined;
export let northline: Organisation;
export let lakeside: Organisation;
export let prairie: Organisation;
export let surety: Organisation;
export let goods: string;

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
  [northline, lakeside, prairie, surety] = HOSTS.map((host) =>
    memoryOrganisation(`did:web:${host}%3A${site.port}`, host.split('.')[0] ?? ''),
  ) as [Organisation, Organisation, Organisation, Organisation];
  goods = `${northline.did}/batch/CDB-0284`;
  clock = manualClock(worldMs);
  folder = mkdtempSync(join(tmpdir(), 'bondline-pending-'));
  store = openJournalStore(join(folder, 'journal.db'));
  twins = openTwinsStore(join(folder, 'twins.db'));
  applier = new Applier({ journal: store, store: twins, plugins: foldPlugins });
  startAgain();
  const documents = [northline, lakeside, prairie, surety].map(({ did, document }) => {
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
export function startAgain(): void {
  const authorities = { customs: [], sureties: [surety.did], laboratories: [] };
  ingest = quietIngest(store, { clock, authorities });
}

/** Looks for the lists; resolves when each was looked for once. */
export async function look(): Promise<void> {
  await refresh?.stop();
  refresh = lookAtSite(ingest, { certificate, clock });
  await refresh.first;
}

export const urlOf = ({ did }: Organisation) =>
  `https://${did.slice('did:web:'.length).replace('%3A', ':')}/status/1`;

/** Puts a list on the organisation's web server. */
export async function publish(by: Organisation, revoked: readonly number[] = []): Promise<void> {
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

export const partyOf = ({ did, name }: Organisation) => ({ id: did, name });

/** A transfer that both have signed; `index` is its entry in the releaser's list. */
export async function transfer(
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

export async function submit({ bytes }: { readonly bytes: Uint8Array }): Promise<Submitted> {
  const answer = await ingest.submit(requestToSubmit([{ name: 'step', bytes }]));
  return answer.submitted[0] as Submitted;
}

/** The goods as an officer sees them now. */
export function shown(): Twin {
  applier.drain();
  const state = twins.load(twinId('cbp', 'pipeline-batch', goods));
  if (state === undefined) throw new Error('there is no twin of the goods');
  const { nowMs } = twins.meta();
  return viewOf(decodeState(state), { plugins: foldPlugins, routes: noRoutes, nowMs });
}

export const possessor = () => shown().control.possessor?.party;
export const acts = () =>
  store.readKinds(['act']).map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()));

/** Both lists were found at their address, where they are looked for from now on. */
export async function known(): Promise<void> {
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
export async function outage(): Promise<void> {
  published.clear();
  clock.advance(limits.statusStaleMs + 1);
}

export function expectRebuilt(): void {
  applier.drain();
  const rebuilt = rebuildTwins({
    journalFile: join(folder, 'journal.db'),
    twinsFile: join(folder, 'twins.db'),
  });
  expect(rebuilt).toMatchObject({ equal: true, differences: [] });
}
