/** What every key store must do; each implementation runs this suite over a store of its own. */
import { createPublicKey, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openToken, signToken, verifyToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { publicKeyOfDid } from '../../devices/identity/did-key.ts';
import type { Algorithm, KeyStore, Signer, StoredKey } from '../../devices/io/key-store.ts';

/** A place where keys are kept, which outlives the stores that are opened on it. */
export interface KeyStorePlace {
  /** Opens it, as a process does after a restart. */
  open(): Promise<KeyStore>;
  /** Opens it with another passphrase or PIN than the one it was made with. */
  openWrongly(): Promise<KeyStore>;
  /** Everything of it that a thief of the disk gets. */
  bytes(): Buffer;
  readonly algorithms: readonly Algorithm[];
  close(): Promise<void>;
}

export function isSignedBy(key: StoredKey, data: Uint8Array, signature: Uint8Array): boolean {
  const publicKey = createPublicKey({ key: { ...key.publicJwk }, format: 'jwk' });
  return key.algorithm === 'ES256'
    ? verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)
    : verify(null, data, publicKey, signature);
}

export function testKeyStore(name: string, makePlace: () => Promise<KeyStorePlace>): void {
  describe(`key store ${name}`, () => {
    let place: KeyStorePlace;
    const stores: KeyStore[] = [];
    beforeEach(async () => {
      place = await makePlace();
    });
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
      await place.close();
    });

    const open = async () => {
      const store = await place.open();
      stores.push(store);
      return store;
    };
    const text = (value: string) => Buffer.from(value);

    it('is empty at first, and makes keys that sign under their own did:key', async () => {
      const store = await open();
      expect(store.list()).toEqual([]);
      for (const algorithm of place.algorithms) {
        const made = await store.create(`key-${algorithm}`, algorithm);
        expect(publicKeyOfDid(made.did)?.keyId).toBe(made.keyId);
        const signer = await store.signer(`key-${algorithm}`);
        expect(signer).toMatchObject({ did: made.did, keyId: made.keyId, algorithm });
        const signature = await signer.sign(text('a reading'));
        expect(signature).toHaveLength(64);
        expect(isSignedBy(made, text('a reading'), signature)).toBe(true);
        expect(isSignedBy(made, text('another reading'), signature)).toBe(false);
      }
      expect(store.list().map(({ label }) => label)).toEqual(
        place.algorithms.map((algorithm) => `key-${algorithm}`),
      );
    });

    it('signs tokens that verify under the key that its DID names', async () => {
      const store = await open();
      for (const algorithm of place.algorithms) {
        const { did } = await store.create(algorithm, algorithm);
        const signer = await store.signer(algorithm);
        const token = await signToken({ payload: JSON.stringify({ a: 1 }), signer, typ: 'vc+jwt' });
        const opened = openToken(token, token.length);
        const key = publicKeyOfDid(did);
        if (isRefusal(opened) || !key) throw new Error('the token opens');
        expect(verifyToken(opened, key)).toBe(true);
      }
    });

    it('finds its keys again after a restart, with the names that they were given', async () => {
      const first = await open();
      const did = 'did:web:you.example:one%3A8443';
      const own = await first.create('gateway', 'ES256');
      const named = await first.create('organisation', 'ES256', { did, keyId: `${did}#key-1` });
      expect(named).toMatchObject({ did, keyId: `${did}#key-1` });
      await first.close();

      const second = await open();
      expect(sorted(second.list())).toEqual(sorted([own, named]));
      const signer = await second.signer('organisation');
      expect(signer).toMatchObject({ did, keyId: `${did}#key-1` });
      expect(isSignedBy(named, text('x'), await signer.sign(text('x')))).toBe(true);
    });

    it('never makes a second key of a label, and says so', async () => {
      const store = await open();
      const made = await store.create('fc-1', 'ES256');
      await expect(store.create('fc-1', 'ES256')).rejects.toMatchObject({
        code: 'KEY_LABEL_TAKEN',
      });
      expect(store.list()).toEqual([made]);
    });

    it('says that a label has no key, and goes on', async () => {
      const store = await open();
      await expect(store.signer('nobody')).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' });
      const made = await store.create('fc-1', 'ES256');
      const signature = await (await store.signer('fc-1')).sign(text('x'));
      expect(isSignedBy(made, text('x'), signature)).toBe(true);
    });

    it('opens keys that another has made since, and does not make their labels again', async () => {
      const one = await open();
      const other = await open();
      const made = await other.create('late', 'ES256');
      expect((await one.signer('late')).did).toBe(made.did);
      expect(one.list()).toEqual([made]);
      const last = await other.create('last', 'ES256');
      expect(one.list()).toEqual([made]);
      expect(sorted(await one.look())).toEqual(sorted([made, last]));
      await expect(one.create('last', 'ES256')).rejects.toMatchObject({ code: 'KEY_LABEL_TAKEN' });
      expect(sorted(one.list())).toEqual(sorted([made, last]));
    });

    it('answers many that ask at once, each with its own signature', async () => {
      const store = await open();
      const keys = [await store.create('a', 'ES256'), await store.create('b', 'ES256')];
      const signers = await Promise.all(keys.map(({ label }) => store.signer(label)));
      const asked = Array.from({ length: 40 }, async (_, index) => {
        const data = text(`reading ${index}`);
        const [key, signer] = [keys[index % 2], signers[index % 2]];
        if (!key || !signer) throw new Error('two keys');
        return isSignedBy(key, data, await signer.sign(data));
      });
      expect(await Promise.all(asked)).toEqual(asked.map(() => true));
    });

    it('takes data of any length', async () => {
      const store = await open();
      for (const algorithm of place.algorithms) {
        const made = await store.create(algorithm, algorithm);
        const signer = await store.signer(algorithm);
        for (const length of [1, 64, 65_536]) {
          const data = Buffer.alloc(length, 7);
          expect(isSignedBy(made, data, await signer.sign(data))).toBe(true);
        }
      }
    });

    it('refuses a wrong passphrase or PIN, changes nothing, and still takes the right one', async () => {
      const store = await open();
      const made = await store.create('fc-1', 'ES256');
      await store.close();
      const code = expect.stringMatching(/^KEY_(PASSPHRASE|PIN)_WRONG$/);
      await expect(place.openWrongly()).rejects.toMatchObject({ code });
      expect((await open()).list()).toEqual([made]);
    });

    it('hands no private key out: neither by its methods nor in its file', async () => {
      const store = await open();
      await store.create('fc-1', 'ES256');
      const signer: Signer = await store.signer('fc-1');
      const methods = ['close', 'create', 'list', 'look', 'place', 'signer'];
      // Numbers beside the keys, where a store keeps some, are none of them.
      const given = Object.keys(store).filter((name) => name !== 'counters');
      expect(given.sort()).toEqual(methods);
      expect(Object.keys(signer).sort()).toEqual(['algorithm', 'did', 'keyId', 'sign']);
      // PKCS #8 of P-256: the version and the algorithm stand before the secret number.
      const head = Buffer.from('020100301306072a8648ce3d020106082a8648ce3d030107', 'hex');
      const bytes = place.bytes();
      expect(bytes.length).toBeGreaterThan(100);
      expect(bytes.includes(head)).toBe(false);
      expect(bytes.includes(head.toString('base64').slice(0, 24))).toBe(false);
      expect(bytes.includes('PRIVATE KEY')).toBe(false);
    });

    it('can be closed twice', async () => {
      const store = await open();
      await store.close();
      await store.close();
    });
  });
}

function sorted(keys: readonly StoredKey[]): StoredKey[] {
  return [...keys].sort((a, b) => a.label.localeCompare(b.label));
}
