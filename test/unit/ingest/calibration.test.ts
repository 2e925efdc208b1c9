/** A calibration certificate that its laboratory takes back, while its device goes on speaking. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import { familyFor } from '../../../devices/credential/party/families.ts';
import {
  composeStatusList,
  encodeStatusList,
  statusBits,
} from '../../../devices/credential/status-list.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { limits } from '../../../devices/limits.ts';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { rebuildTwins } from '../../../ingest/apply-rebuild.ts';
import { decodeState } from '../../../ingest/fold-codec.ts';
import { noRoutes } from '../../../ingest/fold-routes.ts';
import type { Ingest } from '../../../ingest/ingest.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import { requestToSubmit } from '../../../ingest/party-submit.ts';
import type { EntryHeader } from '../../../ingest/store.ts';
import { twinId } from '../../../ingest/twin.ts';
import { viewOf } from '../../../ingest/twin-view.ts';
import { openTwinsStore, type TwinsStore } from '../../../ingest/twins-store.ts';
import { eventually } from '../../support/eventually.ts';
import { memoryOrganisation } from '../../support/identity.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { calibration } from '../../support/party.ts';
import { quietIngest } from '../../support/quiet-ingest.ts';
import { readingGroups } from '../../support/signed-batch.ts';
import { makeWorld, type World, worldMs } from '../../support/trust-world.ts';

const laboratory = memoryOrganisation('did:web:laboratory.example', 'Prairie Metrology');
const urlOf = (purpose: string) => `https://laboratory.example/status/${purpose}`;
let world: World;
let clock: ManualClock;
let folder: string;
let store: JournalStore;
let twins: TwinsStore;
let applier: Applier;
let ingest: Ingest;
let certificate: Uint8Array;

beforeEach(async () => {
  world = makeWorld();
  clock = manualClock(worldMs);
  folder = mkdtempSync(join(tmpdir(), 'bondline-calibration-'));
  store = openJournalStore(join(folder, 'journal.db'));
  twins = openTwinsStore(join(folder, 'twins.db'));
  applier = new Applier({ journal: store, store: twins, plugins: foldPlugins });
  const authorities = { customs: [], sureties: [], laboratories: [laboratory.did] };
  ingest = quietIngest(store, { clock, authorities });
  const statement = calibration({
    issuer: { id: laboratory.did, name: laboratory.name },
    device: world.device.signer.did,
    calibratedMs: worldMs - 1_000,
    validFromMs: worldMs - 1_000,
    validUntilMs: worldMs + 86_400_000,
    status: (['revocation', 'suspension'] as const).map((purpose) => {
      return { purpose, list: urlOf(purpose), index: 7 };
    }),
  });
  const payload = familyFor(statement).compose(statement);
  certificate = await signToken({ payload, signer: laboratory.signer, typ: 'vc+jwt' });
  const pinned = credentialDigest(certificate);
  await add(world.document());
  await add(world.document(laboratory));
  await publish('revocation', []);
  await publish('suspension', []);
  await add(await world.enrolment({ calibration: pinned }));
});
afterEach(async () => {
  await ingest.drain();
  twins.close();
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function add(bytes: Uint8Array): Promise<void> {
  const [change] = await ingest.desk.add([{ name: 'file', bytes }], false);
  expect(change).toMatchObject({ result: 'added' });
}

async function publish(
  purpose: 'revocation' | 'suspension',
  set: readonly number[],
  changes: { readonly validUntilMs?: number } = {},
): Promise<void> {
  const payload = composeStatusList({
    id: urlOf(purpose),
    issuer: laboratory.did,
    purpose,
    encodedList: encodeStatusList(statusBits(set)),
    validFromMs: clock.nowMs(),
    ...changes,
  });
  await add(await signToken({ payload, signer: laboratory.signer, typ: 'vc+jwt' }));
}

async function submit(): Promise<void> {
  const answer = await ingest.submit(requestToSubmit([{ name: 'c', bytes: certificate }]));
  expect(answer.submitted).toMatchObject([{ outcome: 'accepted' }]);
}

/** The header of a batch that comes a second later, with a reading of the device itself. */
async function speak(): Promise<EntryHeader | undefined> {
  clock.advance(1_000);
  const groups = readingGroups({ fromMs: clock.nowMs(), times: 1, points: 1 });
  const bytes = await world.device.next(clock.nowMs(), { groups });
  const before = store.size();
  ingest.receive({ bytes, gateway: world.fingerprint, receivedMs: clock.nowMs() });
  await eventually(() => store.size() > before, 'a batch');
  return store.read(before, 1)[0]?.header;
}

/** What the twin of the device says of its calibration; the same as when it is folded anew. */
function said(): readonly string[] {
  applier.drain();
  const rebuilt = rebuildTwins({
    journalFile: join(folder, 'journal.db'),
    twinsFile: join(folder, 'twins.db'),
  });
  expect(rebuilt).toMatchObject({ equal: true, differences: [] });
  const state = twins.load(twinId('cbp', 'device', world.device.signer.did)) ?? '';
  const { nowMs } = twins.meta();
  const { alerts } = viewOf(decodeState(state), { plugins: foldPlugins, routes: noRoutes, nowMs });
  return alerts.filter(({ code }) => code === 'CALIBRATION').map(({ text }) => text);
}

const WHEN = 'When it last spoke, its calibration certificate';

describe('a calibration that a laboratory takes back', () => {
  it('was revoked from the next batch on, and not in the one before', async () => {
    await submit();
    expect(await speak()).not.toHaveProperty('calibration');
    expect(said()).toEqual([]);
    await publish('revocation', [7]);
    expect(said()).toEqual([]);
    const header = await speak();
    const digest = credentialDigest(certificate);
    expect(header).toMatchObject({ kind: 'batch', calibration: { digest, status: 'revoked' } });
    expect(said()).toEqual([`${WHEN} was revoked.`]);
  });

  it('was suspended until it is reinstated', async () => {
    await submit();
    await publish('suspension', [7]);
    await speak();
    expect(said()).toEqual([`${WHEN} was suspended.`]);
    clock.advance(1_000);
    await publish('suspension', []);
    expect(said()).toEqual([`${WHEN} was suspended.`]);
    await speak();
    expect(said()).toEqual([]);
  });

  it('has a status that is not known once its list is over, or not found for too long', async () => {
    await submit();
    clock.advance(1_000);
    await publish('revocation', [], { validUntilMs: clock.nowMs() + 1_000 });
    await speak();
    expect(said()).toEqual([]);
    await speak();
    expect(said()).toEqual([`${WHEN} has a status that is not known.`]);
    await publish('revocation', []);
    await speak();
    expect(said()).toEqual([]);
    await ingest.desk.miss([urlOf('revocation')]);
    clock.advance(limits.statusStaleMs - 1_000);
    await speak();
    expect(said()).toEqual([]);
    await speak();
    expect(said()).toEqual([`${WHEN} has a status that is not known.`]);
  });

  it('says nothing of the status of one that is not here', async () => {
    await publish('revocation', [7]);
    expect(await speak()).not.toHaveProperty('calibration');
    expect(said()).toEqual([`${WHEN} is not here.`]);
  });
});
