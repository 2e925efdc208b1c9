/**
 * What the machine could do at most for one batch: node:crypto ES256 verify, JSON.parse and one
 * transaction with synchronous=FULL of the same bytes. No project code, so that a slow project
 * cannot hide behind a slow bound.
 */
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { median } from './figure.ts';

const ROUNDS = 5;
const ROUND_MS = 400;

/** How often `action` runs in a second on one core: the median of several rounds. */
export function ratePerSecond(action: (index: number) => void): number {
  for (let i = 0; i < 50; i += 1) action(i);
  const rates: number[] = [];
  let index = 50;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < ROUND_MS) {
      action(index);
      index += 1;
      count += 1;
    }
    rates.push((count * 1000) / (performance.now() - start));
  }
  return median(rates);
}

/** Raw ES256 over `bytes`, per second and core. */
export function cryptoRates(bytes: Uint8Array): { verify: number; sign: number } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = { key: pair.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const signature = sign('sha256', bytes, signer);
  const key = createPublicKey(pair.publicKey.export({ type: 'spki', format: 'pem' }));
  const verifier = { key, dsaEncoding: 'ieee-p1363' } as const;
  return {
    verify: ratePerSecond(() => {
      if (!verify('sha256', bytes, verifier, signature)) throw new Error('verify failed');
    }),
    sign: ratePerSecond(() => {
      sign('sha256', bytes, signer);
    }),
  };
}

/** Batches a second that one core can verify, parse and store durably, with nothing else to do. */
export function batchBound(token: Uint8Array): number {
  const text = Buffer.from(token).toString('latin1');
  const [, payload = ''] = text.split('.');
  const signingInput = Buffer.from(text.slice(0, text.lastIndexOf('.')));
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signature = sign('sha256', signingInput, {
    key: pair.privateKey,
    dsaEncoding: 'ieee-p1363',
  });
  const verifier = { key: pair.publicKey, dsaEncoding: 'ieee-p1363' } as const;
  const folder = mkdtempSync(join(tmpdir(), 'bondline-bound-'));
  const db = new Database(join(folder, 'bound.db'));
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE entry (position INTEGER PRIMARY KEY, bytes BLOB NOT NULL)');
    const insert = db.prepare('INSERT INTO entry (bytes) VALUES (?)');
    insert.run(token);
    db.pragma('synchronous = FULL'); // It falls back to NORMAL after the first write in WAL.
    return ratePerSecond(() => {
      if (!verify('sha256', signingInput, verifier, signature)) throw new Error('verify failed');
      JSON.parse(Buffer.from(payload, 'base64url').toString());
      insert.run(token);
    });
  } finally {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
