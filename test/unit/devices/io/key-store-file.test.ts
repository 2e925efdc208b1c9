import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { publicKeyOfDid } from '../../../../devices/identity/did-key.ts';
import { openFileKeyStore } from '../../../../devices/io/key-store-file.ts';
import { manualClock } from '../../../support/manual-clock.ts';

let folder = '';
let path = '';
let passphrase = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  path = join(folder, 'keys.json');
  passphrase = join(folder, 'passphrase');
  writeFileSync(passphrase, 'correct horse\n');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (file = passphrase) => openFileKeyStore(path, file, manualClock(1000));

/** Code of the error with which a promise rejects. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
  return 'none';
}

describe('the file key store', () => {
  it('keeps several keys, which sign after it is opened again', async () => {
    const first = await open();
    expect(first.list()).toEqual([]);
    const gateway = await first.create('gateway', 'ES256');
    const edwards = await first.create('fc-1', 'EdDSA');
    expect(gateway).toMatchObject({ label: 'gateway', algorithm: 'ES256', createdMs: 1000 });
    await first.close();

    const again = await open();
    expect(again.list()).toEqual([gateway, edwards]);
    const data = Buffer.from('data');
    for (const { label, did } of again.list()) {
      const signer = await again.signer(label);
      const signature = signer.sign(data);
      // At once, not by a promise: the outbox signs inside a transaction.
      if (!(signature instanceof Uint8Array)) throw new Error('the signature is a promise');
      const { key, algorithm, keyId } = publicKeyOfDid(did);
      expect(signer).toMatchObject({ did, keyId, algorithm });
      expect(signature).toHaveLength(64);
      const sha = algorithm === 'ES256' ? 'sha256' : null;
      expect(verify(sha, data, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    }
    await again.close();
  });

  it('names a key as it is told to', async () => {
    const store = await open();
    const name = { did: 'did:web:mill.example', keyId: 'did:web:mill.example#key-1' };
    const stored = await store.create('organisation', 'ES256', name);
    expect(stored).toMatchObject(name);
    expect(await store.signer('organisation')).toMatchObject(name);
    expect(() => createPublicKey({ key: stored.publicJwk, format: 'jwk' })).not.toThrow();
  });

  it('shows private keys to nobody: not in the file, not in the list, not to other accounts', async () => {
    const store = await open();
    await store.create('gateway', 'ES256');
    const file = JSON.parse(readFileSync(path, 'utf8'));
    expect(Object.keys(file.keys[0].publicJwk).sort()).toEqual(['crv', 'kty', 'x', 'y']);
    expect(Object.keys(file.keys[0].privateKey).sort()).toEqual(['data', 'iv', 'tag']);
    // PKCS #8 of any EC key contains its OID; ciphertext does not.
    const sealed = Buffer.from(file.keys[0].privateKey.data, 'base64url').toString('hex');
    expect(sealed).not.toContain('2a8648ce3d0201');
    expect(JSON.stringify(store.list())).not.toContain('privateKey');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('says one thing to a wrong passphrase, and changes nothing', async () => {
    const store = await open();
    await store.create('gateway', 'ES256');
    await store.close();
    const before = readFileSync(path);
    writeFileSync(passphrase, 'wrong horse\n');
    expect(await codeOf(open())).toBe('KEY_PASSPHRASE_WRONG');
    expect(readFileSync(path).equals(before)).toBe(true);
    writeFileSync(passphrase, 'correct horse');
    expect(await codeOf(open())).toBe('none');
  });

  it('knows a passphrase file that is missing or empty', async () => {
    expect(await codeOf(open(join(folder, 'absent')))).toBe('KEY_PASSPHRASE_UNREADABLE');
    writeFileSync(passphrase, '\nsecond line');
    expect(await codeOf(open())).toBe('KEY_PASSPHRASE_UNREADABLE');
  });

  it('never overwrites a key, also one that another process made meanwhile', async () => {
    const one = await open();
    await one.create('gateway', 'ES256');
    const other = await open();
    const added = await other.create('fc-1', 'ES256');
    expect(await codeOf(one.create('fc-1', 'ES256'))).toBe('KEY_LABEL_TAKEN');
    await one.create('fc-2', 'ES256');
    const all = (await open()).list();
    expect(all.map(({ label }) => label)).toEqual(['gateway', 'fc-1', 'fc-2']);
    expect(all[1]).toEqual(added);
    expect(await codeOf((await open()).signer('fc-9'))).toBe('KEY_NOT_FOUND');
  });

  it.each<[string, (file: KeyFile) => void]>([
    ['its label', (file) => Object.assign(file.keys[0] ?? {}, { label: 'other' })],
    ['its name', (file) => Object.assign(file.keys[0] ?? {}, { did: 'did:web:thief.example' })],
    ['its public key', (file) => swapPublic(file)],
    ['its private key', (file) => swapPrivate(file)],
  ])('does not open a key of which someone changed %s', async (_, change) => {
    const store = await open();
    await store.create('gateway', 'ES256');
    await store.create('fc-1', 'ES256');
    await store.close();
    const file = JSON.parse(readFileSync(path, 'utf8')) as KeyFile;
    change(file);
    writeFileSync(path, JSON.stringify(file));
    const changed = await open();
    const [first] = changed.list();
    expect(await codeOf(changed.signer(first?.label ?? ''))).toBe('KEY_STORE_DAMAGED');
  });

  it.each([
    ['not JSON', 'x', 'KEY_STORE_DAMAGED'],
    ['another file', '{}', 'KEY_STORE_DAMAGED'],
    ['of a newer version', '{"bondlineKeyStore":2}', 'KEY_STORE_NEWER'],
  ])('refuses a file that is %s, and leaves it alone', async (_, content, code) => {
    writeFileSync(path, content);
    expect(await codeOf(open())).toBe(code);
    expect(readFileSync(path, 'utf8')).toBe(content);
  });

  it('refuses a file that asks for more memory than a gateway has', async () => {
    const store = await open();
    await store.create('gateway', 'ES256');
    const file = JSON.parse(readFileSync(path, 'utf8'));
    file.kdf.N = 2 ** 24;
    writeFileSync(path, JSON.stringify(file));
    expect(await codeOf(open())).toBe('KEY_STORE_DAMAGED');
  });

  it('says that it cannot write, and keeps the old file', async () => {
    const store = await openFileKeyStore(join(folder, 'no', 'such', 'folder', 'k'), passphrase);
    expect(await codeOf(store.create('gateway', 'ES256'))).toBe('KEY_STORE_UNWRITABLE');
    expect(store.list()).toEqual([]);
  });

  it('leaves nothing else behind in the folder', async () => {
    const store = await open();
    await store.create('gateway', 'ES256');
    await store.create('fc-1', 'ES256');
    expect(readdirSync(folder).sort()).toEqual(['keys.json', 'passphrase']);
  });
});

interface KeyFile {
  readonly keys: { publicJwk: object; privateKey: object }[];
}

function swapPublic({ keys }: KeyFile): void {
  Object.assign(keys[0] ?? {}, { publicJwk: keys[1]?.publicJwk });
}

function swapPrivate({ keys }: KeyFile): void {
  Object.assign(keys[0] ?? {}, { privateKey: keys[1]?.privateKey });
}
