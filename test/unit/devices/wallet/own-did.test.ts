/** Wallets whose identity is their key: they sign, and enrol once their lists have an address. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EnrolRequest } from '../../../../devices/credential/enrol-request.ts';
import { readEnrolment } from '../../../../devices/credential/enrolment-wire.ts';
import { openToken } from '../../../../devices/credential/jws.ts';
import { verifyCredential } from '../../../../devices/credential/verify.ts';
import { didOfPublicJwk } from '../../../../devices/identity/did-key.ts';
import { documentOfOwnDid } from '../../../../devices/identity/own-document.ts';
import { openDocuments } from '../../../../devices/io/documents.ts';
import { limits } from '../../../../devices/limits.ts';
import { systemRandom } from '../../../../devices/runtime.ts';
import { placeOfUrl } from '../../../../devices/wallet/place.ts';
import { createWallet, openWallet, type Wallet } from '../../../../devices/wallet/wallet.ts';
import { memorySigner } from '../../../support/identity.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { someProfile } from '../../../support/signed-batch.ts';

const clock = manualClock();
const context = { clock, random: systemRandom };
const URL_OF_LISTS = 'https://files.example/prairie';
const goods = 'did:web:goods.example';
const terms = {
  facility: { id: `${goods}/facility/a`, name: 'A', latitude: 43, longitude: -79 },
  scope: { goods: [`${goods}/heat/`] },
};

let folder: string;
let root: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wallet-own-'));
  root = join(folder, 'web');
  writeFileSync(join(folder, 'pass'), 'secret\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function create(method: 'key' | 'jwk', statusUrl?: string): Promise<Wallet> {
  const identity = { method, name: 'Prairie', passphraseFile: join(folder, 'pass') };
  const address = statusUrl === undefined ? {} : { statusUrl };
  return createWallet(join(folder, 'w'), { ...identity, ...address }, context);
}

function request(device = memorySigner().did): EnrolRequest {
  return {
    ...{ device, gateway: memorySigner().did, label: 'a', profile: someProfile },
    ...{ cadenceMs: 1000, heartbeatMs: 60_000, keyLocation: 'gateway-file', requestedMs: 0 },
  };
}

function verdict(token: Uint8Array): string {
  return verifyCredential(token, { documents: openDocuments(root), atMs: clock.nowMs() }).code;
}

const refused = (code: string) => expect.objectContaining({ code });

describe.each(['key', 'jwk'] as const)('a wallet with a did:%s', (method) => {
  it('enrols, suspends, reinstates and revokes, at the address that it was given', async () => {
    const wallet = await create(method, `${URL_OF_LISTS}/`);
    expect(wallet.did).toMatch(new RegExp(`^did:${method}:`));
    const [enrolled] = await wallet.enrol({ requests: [request()], terms });
    const token = enrolled?.token ?? new Uint8Array();
    const opened = openToken(token, limits.credentialBytesMax);
    if ('code' in opened) throw new Error(opened.reason);
    const index = enrolled?.member.index ?? -1;
    expect(readEnrolment(opened.payload)).toMatchObject({
      organisation: wallet.did,
      status: ['revocation', 'suspension'].map((purpose) => {
        return { purpose, list: `${URL_OF_LISTS}/${purpose}.jwt`, index };
      }),
    });
    expect(await wallet.publish(root, { form: 'both' })).toEqual([
      'prairie/did.json',
      ...['revocation.jwt', 'revocation.json', 'suspension.jwt', 'suspension.json'].map(
        (name) => `prairie/${name}`,
      ),
    ]);
    expect(readFileSync(join(root, 'prairie/did.json'), 'utf8')).toBe(
      JSON.stringify(documentOfOwnDid(wallet.did)),
    );
    expect(readFileSync(join(folder, 'w', 'did.json'), 'utf8')).toBe(
      JSON.stringify(documentOfOwnDid(wallet.did)),
    );
    expect(verdict(token)).toBe('VC_VALID');
    for (const [change, code] of [
      ['suspend', 'VC_SUSPENDED'],
      ['reinstate', 'VC_VALID'],
      ['revoke', 'VC_REVOKED'],
    ] as const) {
      clock.advance(1000);
      await wallet.setStatus([index], change);
      await wallet.publish(root);
      expect(verdict(token)).toBe(code);
    }
  });

  it('replaces keys of devices, not its own, and enrols no device with its own', async () => {
    const wallet = await create(method, URL_OF_LISTS);
    const old = request();
    await wallet.enrol({ requests: [old], terms });
    const next = { ...old, device: memorySigner().did, supersedes: old.device };
    const [enrolled] = await wallet.enrol({ requests: [next] });
    await wallet.publish(root);
    expect(verdict(enrolled?.token ?? new Uint8Array())).toBe('VC_VALID');
    await expect(wallet.rotate('compromised')).rejects.toEqual(refused('WALLET_NOT_WEB'));
    const own = didOfPublicJwk(wallet.keys[0]?.publicJwk ?? {});
    const asOwn = { requests: [request(own)], terms };
    await expect(wallet.enrol(asOwn)).rejects.toEqual(refused('WALLET_KEY_REUSED'));
  });

  it('without an address signs, and says what it needs to enrol and to publish', async () => {
    const wallet = await create(method);
    const payload = {
      '@context': ['https://www.w3.org/ns/credentials/v2'],
      type: ['VerifiableCredential'],
      issuer: wallet.did,
      credentialSubject: { name: 'lot 1' },
    };
    const token = await wallet.issue(JSON.stringify(payload));
    const order = { requests: [request()], terms };
    const refusal = refused('WALLET_STATUS_URL');
    await expect(wallet.enrol(order)).rejects.toEqual(refusal);
    await expect(wallet.publish(root)).rejects.toEqual(refusal);
    await wallet.setStatusUrl('https://elsewhere.example');
    await wallet.setStatusUrl(URL_OF_LISTS);
    await wallet.enrol(order);
    await wallet.setStatusUrl(`${URL_OF_LISTS}/`);
    // Enrolments name the address, so it stays.
    await expect(wallet.setStatusUrl('https://elsewhere.example')).rejects.toEqual(
      refused('CFG_USAGE'),
    );
    expect(openWallet(join(folder, 'w'), context).statusUrl).toBe(URL_OF_LISTS);
    await wallet.publish(root);
    expect(verdict(token)).toBe('VC_VALID');
  });
});

describe('the address of status lists', () => {
  it('follows from a did:web, which takes no other', async () => {
    const identity = { method: 'web', did: goods, name: 'Goods', statusUrl: URL_OF_LISTS } as const;
    const made = createWallet(
      join(folder, 'w'),
      { ...identity, passphraseFile: join(folder, 'pass') },
      context,
    );
    await expect(made).rejects.toEqual(refused('CFG_USAGE'));
  });

  it.each([
    ['https://files.example', ''],
    ['https://files.example/', ''],
    ['https://files.example:8443/a/b-2', 'a/b-2'],
  ])('may be %s', (url, statusFolder) => {
    expect(placeOfUrl(url)).toMatchObject({ statusFolder });
  });

  it.each([
    'http://files.example/a',
    'https://files.example/a?b=c',
    'https://files.example/a#b',
    'https://user@files.example/a',
    'https://files.example/a//b',
    'https://files.example/../a',
    'https://files.example/a/%2e%2e/b',
    'https://files.example/a b',
    'https://FILES.example/a',
    'https://files.example:443/a',
    `https://files.example/${Array(9).fill('a').join('/')}`,
    'files.example',
    '',
  ])('is never %j', (url) => {
    expect(placeOfUrl(url)).toBeUndefined();
  });
});
