import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EnrolRequest } from '../../../../devices/credential/enrol-request.ts';
import { readEnrolment } from '../../../../devices/credential/enrolment-wire.ts';
import { openToken } from '../../../../devices/credential/jws.ts';
import { verifyCredential } from '../../../../devices/credential/verify.ts';
import { openDocuments } from '../../../../devices/io/documents.ts';
import { limits } from '../../../../devices/limits.ts';
import { systemRandom } from '../../../../devices/runtime.ts';
import { createWallet, openWallet } from '../../../../devices/wallet/wallet.ts';
import { memorySigner } from '../../../support/identity.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { someProfile } from '../../../support/signed-batch.ts';

const clock = manualClock();
const context = { clock, random: systemRandom };
const did = 'did:web:mill.example';
const terms = {
  facility: { id: `${did}/facility/a`, name: 'A', latitude: 43, longitude: -79 },
  scope: { goods: [`${did}/heat/`] },
};

let folder = '';
let passphraseFile = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wallet-'));
  passphraseFile = join(folder, 'passphrase');
  writeFileSync(passphraseFile, 'secret\n');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function request(label: string): EnrolRequest {
  return {
    device: memorySigner().did,
    gateway: memorySigner().did,
    label,
    profile: someProfile,
    cadenceMs: 1000,
    heartbeatMs: 60_000,
    keyLocation: 'gateway-file',
    requestedMs: 0,
  };
}

function create(organisation = did) {
  const identity = { did: organisation, method: 'web', name: 'Mill', passphraseFile } as const;
  return createWallet(join(folder, 'w'), identity, context);
}

/** The verdict on a token with what the wallet published. */
function verdict(token: Uint8Array, root: string): string {
  const documents = openDocuments(root);
  return verifyCredential(token, { documents, atMs: clock.nowMs() }).code;
}

describe('a wallet', () => {
  it('enrols devices, and what it published proves them', async () => {
    const wallet = await create();
    const root = join(folder, 'web');
    const asked = [request('a'), request('b')];
    const enrolled = await wallet.enrol({ requests: asked, terms });
    expect(await wallet.publish(root)).toEqual([
      '.well-known/did.json',
      'status/revocation.jwt',
      'status/suspension.jwt',
    ]);
    expect(enrolled).toHaveLength(2);
    for (const [at, { token, member }] of enrolled.entries()) {
      const opened = openToken(token, limits.credentialBytesMax);
      if ('code' in opened) throw new Error(opened.reason);
      expect(member).toMatchObject({ digest: opened.digest, device: asked[at]?.device });
      expect(readEnrolment(opened.payload)).toMatchObject({
        organisation: did,
        organisationName: 'Mill',
        device: asked[at]?.device,
        gateway: asked[at]?.gateway,
        status: [
          { purpose: 'revocation', list: 'https://mill.example/status/revocation.jwt' },
          { purpose: 'suspension', list: 'https://mill.example/status/suspension.jwt' },
        ],
        ...terms,
      });
      expect(verdict(token, root)).toBe('VC_VALID');
    }
  });

  it('suspends, reinstates and revokes one device and no other, when it publishes', async () => {
    const wallet = await create();
    const root = join(folder, 'web');
    const [one, other] = await wallet.enrol({ requests: [request('a'), request('b')], terms });
    if (!one || !other) throw new Error('two were asked for');
    await wallet.publish(root);
    const both = (): string[] => [verdict(one.token, root), verdict(other.token, root)];

    await wallet.setStatus([one.member.index], 'suspend');
    expect(both()).toEqual(['VC_VALID', 'VC_VALID']);
    await wallet.publish(root);
    expect(both()).toEqual(['VC_SUSPENDED', 'VC_VALID']);
    await wallet.setStatus([one.member.index], 'reinstate');
    await wallet.publish(root);
    expect(both()).toEqual(['VC_VALID', 'VC_VALID']);
    await wallet.setStatus([one.member.index], 'revoke');
    await wallet.publish(root);
    expect(both()).toEqual(['VC_REVOKED', 'VC_VALID']);
    await expect(wallet.setStatus([one.member.index], 'reinstate')).rejects.toThrow(/revoked/);
  });

  it('remembers all of it when it is opened again, and never gives an entry twice', async () => {
    const wallet = await create();
    // Chance that always draws the same number: the entry must differ all the same.
    const stuck = { clock, random: { ...systemRandom, bytes: (n: number) => new Uint8Array(n) } };
    const again = openWallet(join(folder, 'w'), stuck);
    await again.enrol({ requests: [request('a'), request('b')], terms });
    const third = openWallet(join(folder, 'w'), stuck);
    await third.enrol({ requests: [request('c')], terms });
    const members = openWallet(join(folder, 'w'), context).members;
    expect(members.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(members.map(({ label }) => label)).toEqual(['a', 'b', 'c']);
    expect(wallet.did).toBe(did);
  });

  it('lies where its DID says on the web', async () => {
    const wallet = await create('did:web:group.example:mills:one');
    const root = join(folder, 'web');
    expect(await wallet.publish(root)).toEqual([
      'mills/one/did.json',
      'mills/one/status/revocation.jwt',
      'mills/one/status/suspension.jwt',
    ]);
    const [enrolled] = await wallet.enrol({ requests: [request('a')], terms });
    expect(verdict(enrolled?.token ?? new Uint8Array(), root)).toBe('VC_VALID');
  });

  it('publishes lists that end, if it is told when', async () => {
    const wallet = await create();
    const root = join(folder, 'web');
    const [enrolled] = await wallet.enrol({ requests: [request('a')], terms });
    const token = enrolled?.token ?? new Uint8Array();
    await wallet.publish(root, { validUntilMs: clock.nowMs() + 1000 });
    expect(verdict(token, root)).toBe('VC_VALID');
    clock.advance(1001);
    expect(verdict(token, root)).toBe('VC_STATUS_INVALID');
  });

  it('publishes lists with a proof inside besides, and keeps those up to date', async () => {
    const wallet = await create();
    const [enrolled] = await wallet.enrol({ requests: [request('a')], terms });
    const token = enrolled?.token ?? new Uint8Array();
    const root = join(folder, 'both');
    const paths = ['revocation', 'suspension'].flatMap((purpose) =>
      ['jwt', 'json'].map((ending) => `status/${purpose}.${ending}`),
    );
    await wallet.publish(root, { form: 'both' });
    clock.advance(1000);
    await wallet.setStatus([enrolled?.member.index ?? -1], 'suspend');
    // Nobody asks for the second form now, but it stands there and would go on saying "active".
    expect(await wallet.publish(root)).toEqual(['.well-known/did.json', ...paths]);
    const list = join(root, 'status/suspension.json');
    expect(verdict(readFileSync(list), root)).toBe('VC_VALID');
    for (const ending of ['jwt', 'json']) {
      const alone = join(folder, ending);
      cpSync(join(root, '.well-known'), alone, { recursive: true });
      for (const path of paths.filter((one) => one.endsWith(ending))) {
        cpSync(join(root, path), join(alone, path));
      }
      expect(verdict(token, alone)).toBe('VC_SUSPENDED');
    }
    // A list whose proof does not hold says nothing.
    const alone = join(folder, 'json/status/suspension.json');
    const forged = readFileSync(alone, 'utf8').replace(/"encodedList": "u/, '"encodedList": "uH');
    writeFileSync(alone, forged);
    expect(verdict(token, join(folder, 'json'))).not.toBe('VC_VALID');
  });

  it('is never overwritten, and is finished when its making was cut off', async () => {
    await create();
    await expect(create()).rejects.toMatchObject({ code: 'WALLET_EXISTS' });
    const before = readFileSync(join(folder, 'w', 'did.json'), 'utf8');
    rmSync(join(folder, 'w', 'wallet.json'));
    await create();
    expect(readFileSync(join(folder, 'w', 'did.json'), 'utf8')).toBe(before);
    expect(statSync(join(folder, 'w', 'wallet.json')).mode & 0o777).toBe(0o600);
  });

  it('signs nothing with a wrong passphrase, and remembers nothing', async () => {
    await create();
    const wrong = join(folder, 'wrong');
    writeFileSync(wrong, 'guess\n');
    const wallet = openWallet(join(folder, 'w'), context, wrong);
    await expect(wallet.enrol({ requests: [request('a')], terms })).rejects.toMatchObject({
      code: 'KEY_PASSPHRASE_WRONG',
    });
    expect(openWallet(join(folder, 'w'), context).members).toEqual([]);
  });

  it('is made for a did:web only, and is not found where there is none', async () => {
    await expect(create('did:key:z6Mk')).rejects.toMatchObject({ code: 'DID_INVALID' });
    expect(readdirSync(folder)).toEqual(['passphrase']);
    expect(() => openWallet(folder, context)).toThrow(
      expect.objectContaining({ code: 'WALLET_MISSING' }),
    );
    writeFileSync(join(folder, 'wallet.json'), '{"bondlineWallet":2}');
    expect(() => openWallet(folder, context)).toThrow(
      expect.objectContaining({ code: 'DOC_INVALID' }),
    );
  });
});
