/** What an inspector takes from an outbox, and what lets rows go that a person carried back. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { signToken } from '../../../devices/credential/jws.ts';
import type { ReceiptResult } from '../../../devices/credential/receipt.ts';
import { composeReceipt } from '../../../devices/credential/receipt-wire.ts';
import { verifyCredential } from '../../../devices/credential/verify.ts';
import { fingerprintOfDid } from '../../../devices/envelope.ts';
import type { Signer } from '../../../devices/identity/signer.ts';
import { noDocuments } from '../../../devices/io/documents.ts';
import { digestMultibase } from '../../../devices/profile.ts';
import { silentLog } from '../../../devices/runtime.ts';
import { writeEvidence } from '../../../gateway/outbox-evidence.ts';
import type { OutboxStore } from '../../../gateway/outbox-store.ts';
import { readReceiptFile, settlementsOf } from '../../../gateway/receipt-file.ts';
import { placeReceipts, takeReceipts } from '../../../gateway/receipt-folder.ts';
import { memorySigner } from '../../support/identity.ts';
import { draftOf, openStore, type StoreWorld } from './support/outbox-world.ts';

const at = 1_767_225_600_000;
const ingester = memorySigner();
const gateway = memorySigner();
let directory = '';
let world: StoreWorld;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'outbox-evidence-'));
  world = openStore({ file: join(directory, 'outbox.db') });
  for (let n = 0; n < 5; n += 1) {
    await world.store.append([draftOf(world.device.did, at + 1_000 * n)]);
  }
});
afterEach(() => {
  world.store.close();
  rmSync(directory, { recursive: true, force: true });
});

const rowsOf = (store: OutboxStore) => store.peek({ after: 0, count: 100 });
const read = (file: string) =>
  JSON.parse(readFileSync(file, 'utf8')) as { credentials: string[]; gateway?: string };
const evidence = (more: object = {}) => {
  const file = join(directory, 'site.json');
  return writeEvidence({ db: world.db, file, enrolments: [], gateway: gateway.did, ...more });
};

it('is an evidence file of every batch, byte for byte, oldest first, behind the enrolments', () => {
  const enrolment = Buffer.from('an.enrolment.token');
  const exported = evidence({ enrolments: [enrolment] });
  expect(exported).toMatchObject({ batches: 5, papers: 0, damaged: [] });
  const { credentials, gateway: named } = read(exported.files[0] ?? '');
  const tokens = rowsOf(world.store).map(({ token }) => Buffer.from(token).toString());
  expect(credentials).toEqual([enrolment.toString(), ...tokens]);
  expect(named).toBe(gateway.did);
  const bytes = readFileSync(exported.files[0] ?? '');
  const { inner } = verifyCredential(bytes, { documents: noDocuments, atMs: at + 10_000 });
  // Without the enrolment nobody knows whose the device is, but its signatures are looked at.
  expect(inner).toHaveLength(6);
});

it('leaves out what is damaged and says so, and takes one device or a time alone', () => {
  world.db.exec('UPDATE batch SET readings = readings + 1 WHERE id = 2');
  const exported = evidence();
  expect(exported).toMatchObject({ batches: 4, damaged: [{ id: 2 }] });
  expect(read(exported.files[0] ?? '').credentials).toHaveLength(4);
  expect(evidence({ sinceMs: at + 2_000, untilMs: at + 3_000 }).batches).toBe(2);
  expect(evidence({ device: memorySigner().did }).batches).toBe(0);
});

async function receipt(signer: Signer, to: string, results: ReceiptResult[]): Promise<string> {
  const payload = composeReceipt({
    ...{ issuer: signer.did, gateway: fingerprintOfDid(to), issuedMs: at, results },
  });
  return Buffer.from(await signToken({ payload, signer, typ: 'bondline-receipt+jwt' })).toString();
}

it('only receipts of the pinned ingester for this gateway settle anything', async () => {
  const [row] = rowsOf(world.store);
  const results: ReceiptResult[] = [{ digest: row?.digest ?? '', outcome: 'accepted' }];
  const forged = await receipt(memorySigner(), gateway.did, results);
  const others = await receipt(ingester, memorySigner().did, results);
  const [header = '', payload = '', signature = ''] = forged.split('.');
  const genuine = await receipt(ingester, gateway.did, results);
  const broken = `${genuine.slice(0, -6)}AAAAAA`;
  const renamed = `${genuine.split('.')[0]}.${payload}.${signature}`;
  const pinned = { gateway: gateway.did, ingester: ingester.did };
  for (const text of [forged, others, broken, renamed, `${header}..`, '']) {
    const { refused, settlements } = settlementsOf([text], pinned);
    expect([settlements, refused.length]).toEqual([[], 1]);
  }
  expect(settlementsOf([genuine], pinned)).toEqual({ settlements: results, refused: [] });
});

it('a refusal of other bytes lets nothing go, one of these bytes does, and held stays', async () => {
  const [first, second, third] = rowsOf(world.store);
  const results: ReceiptResult[] = [
    { digest: first?.digest ?? '', outcome: 'refused', code: 'VC_X', bytes: `z${'Qm'.repeat(22)}` },
    {
      ...{ digest: second?.digest ?? '', outcome: 'refused', code: 'VC_X' },
      bytes: digestMultibase(second?.token ?? new Uint8Array()),
    },
    { digest: third?.digest ?? '', outcome: 'held', code: 'IN_X' },
  ];
  const text = await receipt(ingester, gateway.did, results.slice(1));
  const pinned = { gateway: gateway.did, ingester: ingester.did };
  const { settlements } = settlementsOf([text], pinned);
  world.store.settle([
    ...settlements,
    { digest: first?.digest ?? '', outcome: 'refused', bytes: digestMultibase(Buffer.from('x')) },
  ]);
  const left = rowsOf(world.store).map(({ id }) => id);
  expect(left).toEqual([1, 3, 4, 5]);
});

it('a file in the folder of the running gateway settles once, and a bad one settles nothing', async () => {
  const folder = join(directory, 'receipts');
  const [row] = rowsOf(world.store);
  const genuine = await receipt(ingester, gateway.did, [
    { digest: row?.digest ?? '', outcome: 'accepted' },
  ]);
  const forged = await receipt(memorySigner(), gateway.did, [
    { digest: rowsOf(world.store)[1]?.digest ?? '', outcome: 'accepted' },
  ]);
  const text = JSON.stringify({ bondlineReceipts: 1, receipts: [genuine, forged] });
  expect(readReceiptFile(Buffer.from(text))).toEqual([genuine, forged]);
  for (const bad of ['', '{}', '[]', '{"bondlineReceipts":2,"receipts":[]}']) {
    expect(readReceiptFile(Buffer.from(bad))).toBeUndefined();
  }
  placeReceipts(folder, Buffer.from(text));
  writeFileSync(join(folder, 'bad.json'), 'nonsense');
  const seen: unknown[] = [];
  const take = (isFull = false) =>
    takeReceipts({
      ...{ folder, gateway: gateway.did, ingester: ingester.did, log: silentLog },
      outbox: {
        settle: async (settlements) =>
          isFull ? { accepted: 0, refused: 0, undone: true } : world.store.settle(settlements),
      },
      onSettled: (settled) => seen.push(settled),
    });
  await take(true);
  expect(seen).toEqual([]);
  await take();
  await take();
  expect(rowsOf(world.store).map(({ id }) => id)).toEqual([2, 3, 4, 5]);
  expect(seen).toContainEqual({ accepted: 3, refused: 0 });
});
