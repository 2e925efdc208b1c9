/** Status lists that a real wallet published, as tokens and with proofs inside. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../devices/runtime.ts';
import { createWallet, type Wallet } from '../../../devices/wallet/wallet.ts';
import { createLocalJournal } from '../../../ingest/journal.ts';
import { type JournalStore, openJournalStore } from '../../../ingest/journal-store.ts';
import { createRecorder, type Recorder } from '../../../ingest/record.ts';
import { enrolmentsOf, standingOf } from '../../../ingest/trust.ts';
import { createTrustDesk, type TrustDesk } from '../../../ingest/trust-change.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { makeWorld } from '../../support/trust-world.ts';

const HOST = 'northline.example';
const did = `did:web:${HOST}`;
const url = `https://${HOST}/status/revocation.jwt`;

let folder: string;
let clock: ManualClock;
let wallet: Wallet;
let store: JournalStore;
let recorder: Recorder;
let desk: TrustDesk;
let device: string;
let index: number;

function start(): void {
  recorder = createRecorder({
    tenant: 'cbp',
    journal: createLocalJournal(store),
    admitter: { trust() {} },
    appended() {},
  });
  desk = createTrustDesk({ tenant: 'cbp', recorder, nowMs: () => clock.nowMs() });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trust-status-'));
  const passphraseFile = join(folder, 'passphrase');
  writeFileSync(passphraseFile, 'secret\n');
  clock = manualClock();
  const identity = { did, method: 'web', name: 'Northline', passphraseFile } as const;
  wallet = await createWallet(join(folder, 'w'), identity, { clock, random: systemRandom });
  store = openJournalStore(':memory:');
  start();
  const { device: key, facility, gateway, label, profile, scope } = makeWorld().terms();
  device = key;
  const asked = { device, gateway, label, profile, cadenceMs: 1000, heartbeatMs: 60_000 };
  const request = { ...asked, keyLocation: 'gateway-file', requestedMs: 0 } as const;
  const [enrolled] = await wallet.enrol({ requests: [request], terms: { facility, scope } });
  index = enrolled?.member.index ?? -1;
  const published = await publish();
  await add(published('.well-known/did.json'), enrolled?.token ?? new Uint8Array());
});

afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Publishes both forms of both lists a second later; gives a file by its path. */
async function publish(form: 'jwt' | 'both' = 'both'): Promise<(path: string) => Buffer> {
  clock.advance(1000);
  const root = mkdtempSync(join(folder, 'web-'));
  await wallet.publish(root, { form });
  return (path) => readFileSync(join(root, path));
}

function add(...documents: readonly Uint8Array[]) {
  const given = documents.map((bytes, at) => ({ name: `${at}`, bytes }));
  return desk.add(given, false);
}

function state(): string {
  const [one] = enrolmentsOf(recorder.trust, device);
  return one ? standingOf(recorder.trust, one, clock.nowMs()).state : 'none';
}

const lists = ['status/revocation', 'status/suspension'];

describe('lists of a wallet', () => {
  it.each(['jwt', 'json'])('that come as .%s say who counts and who is revoked', async (form) => {
    expect(state()).toBe('held');
    const earlier = await publish();
    const first = await add(...lists.map((path) => earlier(`${path}.${form}`)));
    expect(first).toMatchObject(lists.map(() => ({ kind: 'status', result: 'added' })));
    expect(state()).toBe('active');
    await wallet.setStatus([index], 'revoke');
    const later = await publish();
    await add(later(`status/revocation.${form}`));
    expect(state()).toBe('revoked');
    // What the journal has, a restart reads.
    start();
    expect(state()).toBe('revoked');
  });

  it.each([
    ['jwt', 'json'],
    ['json', 'jwt'],
  ])('as .%s are replaced by newer ones as .%s, and by no older ones', async (one, other) => {
    const earlier = await publish();
    await add(...lists.map((path) => earlier(`${path}.${one}`)));
    await wallet.setStatus([index], 'suspend');
    const during = await publish();
    expect(await add(during(`status/suspension.${other}`))).toMatchObject([{ result: 'added' }]);
    expect(state()).toBe('held');
    const [older] = await add(earlier(`status/suspension.${one}`));
    expect(older).toMatchObject({ result: 'refused', code: 'IN_LIST_OLDER' });
    expect(state()).toBe('held');
    await wallet.setStatus([index], 'reinstate');
    const later = await publish();
    await add(later(`status/suspension.${one}`));
    expect(state()).toBe('active');
    // A list that was never taken, and is older than the one in force.
    const [late] = await add(during(`status/suspension.${one}`));
    expect(late).toMatchObject({ result: 'refused', code: 'IN_LIST_OLDER' });
    expect(state()).toBe('active');
  });

  it('in their other form tell nothing new, so that a look at their address finds them', async () => {
    const files = await publish();
    const [json] = await add(files('status/revocation.json'));
    const size = store.size();
    const [jwt] = await add(files('status/revocation.jwt'));
    expect(jwt).toMatchObject({ result: 'known', position: json?.position });
    expect(store.size()).toBe(size);
    const found = await desk.refresh(url, files('status/revocation.jwt'));
    expect(found).toMatchObject({ result: 'known' });
    expect(recorder.trust.checks.get(url)).toBe(clock.nowMs());
  });

  it('are refreshed from JSON too, and a revocation in it bites', async () => {
    const earlier = await publish();
    await add(...lists.map((path) => earlier(`${path}.jwt`)));
    await wallet.setStatus([index], 'revoke');
    const later = await publish();
    const json = later('status/revocation.json');
    expect(await desk.refresh(url, json)).toMatchObject({ result: 'added', kind: 'status' });
    expect(state()).toBe('revoked');
    expect(await desk.refresh(url, json)).toMatchObject({ result: 'known' });
    const elsewhere = await desk.refresh(`${url}?other`, json);
    expect(elsewhere).toMatchObject({ result: 'refused', code: 'VC_STATUS_INVALID' });
  });
});

describe('a list with a proof inside is refused', () => {
  const list = async () => JSON.parse((await publish())('status/revocation.json').toString());
  const bytesOf = (value: object) => Buffer.from(JSON.stringify(value));

  it('when a bit was lifted', async () => {
    const before = await list();
    await wallet.setStatus([index], 'revoke');
    const signed = await list();
    const { encodedList } = before.credentialSubject;
    const forged = { ...signed, credentialSubject: { ...signed.credentialSubject, encodedList } };
    const [change] = await add(bytesOf(forged));
    expect(change).toMatchObject({ result: 'refused', code: 'VC_SIGNATURE' });
  });

  it('without its proof, as a list and as a document', async () => {
    const { proof: _proof, ...bare } = await list();
    const [change] = await add(bytesOf(bare));
    expect(change).toMatchObject({ result: 'refused' });
    expect(await desk.refresh(url, bytesOf(bare))).toMatchObject({
      result: 'refused',
      code: 'VC_UNSECURED',
    });
    expect(recorder.trust.statusLists.size).toBe(0);
  });

  it('when another signed it, whom we trust or not', async () => {
    const signed = await list();
    const forged = { ...signed, issuer: 'did:web:other.example' };
    const [change] = await add(bytesOf(forged));
    expect(change).toMatchObject({ result: 'refused', code: 'IN_ORGANISATION_UNKNOWN' });
  });

  it('after it has ended', async () => {
    const root = mkdtempSync(join(folder, 'web-'));
    await wallet.publish(root, { form: 'both', validUntilMs: clock.nowMs() + 1000 });
    const ended = ['json', 'jwt'].map((form) => readFileSync(join(root, `${lists[0]}.${form}`)));
    clock.advance(1001);
    for (const change of await add(...ended)) {
      expect(change).toMatchObject({ result: 'refused', code: 'VC_EXPIRED' });
    }
  });

  it('with members said twice', async () => {
    const text = JSON.stringify(await list());
    const twice = Buffer.from(text.replace('{', '{"issuer":"did:web:other.example",'));
    const [change] = await add(twice);
    expect(change).toMatchObject({ result: 'refused' });
    expect(recorder.trust.statusLists.size).toBe(0);
  });
});
