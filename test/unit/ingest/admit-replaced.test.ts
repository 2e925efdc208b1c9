/** A thread of admission that takes the place of a lost one knows whom to trust no more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ReceiptResult } from '../../../devices/credential/receipt.ts';
import { openReceipt } from '../../../devices/credential/receipt-wire.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import { credentialDigest } from '../../../devices/envelope.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import { startAdmitPool } from '../../../ingest/admit-pool.ts';
import { createIngest } from '../../../ingest/ingest.ts';
import { startJournal } from '../../../ingest/journal.ts';
import { openJournalReader } from '../../../ingest/journal-reader.ts';
import { eventually } from '../../support/eventually.ts';
import { memorySigner } from '../../support/identity.ts';
import { poisonPoint } from '../../support/poison.ts';
import { listUrl, makeWorld } from '../../support/trust-world.ts';

it('keeps what a revoked key signs in doubt, after a message ended the thread that heard of it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'admit-replaced-'));
  const journalFile = join(directory, 'journal.db');
  const world = makeWorld();
  const signer = memorySigner();
  const journal = await startJournal(journalFile);
  const admitter = startAdmitPool({
    ...{ workers: 1, tenant: 'cbp', journalFile, poisons: [] },
    ...{ clock: systemClock, log: silentLog },
    module: new URL('../../support/poison-worker.ts', import.meta.url),
  });
  const results: ReceiptResult[] = [];
  const failures: unknown[] = [];
  const ingest = createIngest({
    ...{ tenant: 'cbp', journal, admitter, signer, clock: systemClock, log: silentLog },
    reply: async (_gateway, bytes) => {
      const receipt = openReceipt(bytes, signer.did);
      if (isRefusal(receipt)) throw new Error(receipt.reason);
      results.push(...receipt.results);
    },
    wake: () => undefined,
    failed: (error) => failures.push(error),
  });
  /** As what it came into the journal. */
  const send = async (changes: { readPoint?: string } = {}) => {
    const nowMs = systemClock.nowMs();
    const bytes = await world.device.next(nowMs, changes);
    void ingest.receive({ bytes, gateway: world.fingerprint, receivedMs: nowMs });
    const digest = credentialDigest(bytes);
    await eventually(() => results.find((one) => one.digest === digest), 'a receipt', 30_000);
    const reader = openJournalReader(journalFile);
    const entries = reader.read(0, reader.size());
    reader.close();
    return entries.find(({ header }) => header.digest === digest)?.header.kind;
  };
  const add = (bytes: Uint8Array) => ingest.desk.add([{ name: 'given', bytes }], false);
  try {
    const validFromMs = systemClock.nowMs() - 60_000;
    await add(world.document());
    await add(await world.statusList([], { validFromMs }));
    const status = [{ purpose: 'revocation', list: listUrl, index: 7 }] as const;
    await add(await world.enrolment({ status }));
    expect(await send()).toBe('batch');
    await add(await world.statusList([7], { validFromMs: validFromMs + 1 }));
    expect(await send()).toBe('doubtful');
    // The one thread ends; all that stand by from now on have learnt from the journal.
    expect(await send({ readPoint: poisonPoint('exit') })).toBe('refusal');
    expect(await send()).toBe('doubtful');
    expect(failures).toEqual([]);
  } finally {
    await ingest.drain();
    await admitter.close();
    await journal.close();
    rmSync(directory, { recursive: true, force: true });
  }
}, 60_000);
