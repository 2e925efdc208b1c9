/** The end of a journal after a run that did not end in order. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { credentialDigest } from '../../../devices/envelope.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import { verifyTail } from '../../../ingest/journal-tail.ts';
import { makeWorld, worldMs } from '../../support/trust-world.ts';

let directory: string;
let file: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'bondline-tail-'));
  file = join(directory, 'journal.db');
  const store = openJournalStore(file);
  const { device } = makeWorld();
  for (let sequence = 1; sequence <= 5; sequence += 1) {
    const bytes = await device.next(worldMs);
    const { counter: epochCounter, nonce: epochNonce } = device.epoch;
    const batch = { device: device.signer.did, epochCounter, epochNonce, sequence };
    const digest = credentialDigest(bytes);
    const header = {
      version: 1,
      tenant: 't',
      kind: 'batch',
      receivedMs: worldMs,
      digest,
      batch,
    } as const;
    store.append([{ header, bytes }]);
  }
  store.close();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('verifyTail', () => {
  it('finds a whole journal whole', () => {
    expect(verifyTail(file)).toBe(5);
  });

  it.each([
    ['an entry is missing', 'DELETE FROM entry WHERE position = 2'],
    [
      'an entry was changed',
      'UPDATE entry SET header = replace(header, \'"t"\', \'"u"\') WHERE position = 4',
    ],
    [
      'a column has another name by one bit',
      `PRAGMA writable_schema = ON;
       UPDATE sqlite_master SET sql = replace(sql, 'bytes BLOB', 'Bytes BLOB')
       WHERE name = 'entry'`,
    ],
    ['a batch is not in the index', 'DELETE FROM replay WHERE sequence = 3'],
    ['the index says another place', 'UPDATE replay SET position = 1 WHERE sequence = 4'],
    ['the index says another digest', 'UPDATE replay SET digest = zeroblob(32) WHERE sequence = 5'],
  ])('says that %s', (_, change) => {
    const db = new Database(file);
    db.unsafeMode(true);
    db.exec(change);
    db.close();
    expect(() => verifyTail(file)).toThrow(expect.objectContaining({ code: 'IN_JOURNAL_DAMAGED' }));
  });
});
