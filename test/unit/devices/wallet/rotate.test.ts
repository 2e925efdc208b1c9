/** Keys that replace others: a device's, with and without the old one's word, and one's own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  composeEnrolRequest,
  type EnrolRequest,
  openEnrolRequest,
} from '../../../../devices/credential/enrol-request.ts';
import { readEnrolment } from '../../../../devices/credential/enrolment-wire.ts';
import { openToken } from '../../../../devices/credential/jws.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import { verifyCredential } from '../../../../devices/credential/verify.ts';
import { didOfPublicJwk } from '../../../../devices/identity/did-key.ts';
import type { Signer } from '../../../../devices/identity/signer.ts';
import { openDocuments } from '../../../../devices/io/documents.ts';
import { limits } from '../../../../devices/limits.ts';
import { systemClock, systemRandom } from '../../../../devices/runtime.ts';
import { createWallet, openWallet, type Wallet } from '../../../../devices/wallet/wallet.ts';
import { memorySigner } from '../../../support/identity.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { someProfile } from '../../../support/signed-batch.ts';

const did = 'did:web:mill.example';
const clock = manualClock();
const context = { clock, random: systemRandom };
const terms = {
  facility: { id: `${did}/facility/a`, name: 'A', latitude: 43, longitude: -79 },
  scope: { goods: [`${did}/heat/`], owner: { id: 'did:web:own.example', name: 'Own' } },
  validUntilMs: clock.nowMs() + 1_000_000_000,
};
const asked = {
  ...{ label: 'a', profile: someProfile, cadenceMs: 1000, heartbeatMs: 60_000, requestedMs: 0 },
  keyLocation: 'gateway-file',
} as const;

let folder = '';
let wallet: Wallet;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wallet-rotate-'));
  writeFileSync(join(folder, 'pass'), 'secret\n');
  mkdirSync(join(folder, 'web'));
  const identity = { did, method: 'web', name: 'Mill', passphraseFile: join(folder, 'pass') };
  wallet = await createWallet(join(folder, 'w'), { ...identity, method: 'web' }, context);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Superseded = Parameters<typeof composeEnrolRequest>[1]['superseded'];

/** A request as it comes over, or the reason why it is none. */
async function requested(
  device: Signer,
  gateway: Signer,
  superseded?: Superseded,
  label = 'a',
): Promise<EnrolRequest> {
  const signers = { device, gateway, ...(superseded && { superseded }) };
  const request = openEnrolRequest(await composeEnrolRequest({ ...asked, label }, signers));
  if (isRefusal(request)) throw new Error(request.reason);
  return request;
}

function read(token: Uint8Array) {
  const opened = openToken(token, limits.credentialBytesMax);
  const enrolment = isRefusal(opened) ? opened : readEnrolment(opened.payload);
  if (isRefusal(opened) || isRefusal(enrolment)) throw new Error('not an enrolment');
  return { ...enrolment, kid: opened.header.kid };
}

function verdict(token: Uint8Array): string {
  const documents = openDocuments(join(folder, 'web'));
  return verifyCredential(token, { documents, atMs: clock.nowMs() }).code;
}

const refused = (code: string) => expect.objectContaining({ code });

describe('the key of a device', () => {
  it('is replaced with the old one’s word: terms go on, and the old one stays good', async () => {
    const [gateway, old, next] = [memorySigner(), memorySigner(), memorySigner()];
    const [first] = await wallet.enrol({ requests: [await requested(old, gateway)], terms });
    const [second] = await wallet.enrol({ requests: [await requested(next, gateway, old)] });
    if (!first || !second) throw new Error('both were asked for');
    const { device, supersedes, facility, scope, validUntilMs } = read(second.token);
    expect({ device, supersedes }).toEqual({ device: next.did, supersedes: old.did });
    expect({ facility, scope, validUntilMs }).toEqual(terms);
    await wallet.publish(join(folder, 'web'));
    expect([verdict(first.token), verdict(second.token)]).toEqual(['VC_VALID', 'VC_VALID']);
    expect(second.member).toMatchObject({ label: 'a', supersedes: old.did });
  });

  it('is replaced without the old one’s word only if both sides say that it is lost', async () => {
    const [gateway, old, next] = [memorySigner(), memorySigner(), memorySigner()];
    const [first] = await wallet.enrol({ requests: [await requested(old, gateway)], terms });
    const request = await requested(next, gateway, { did: old.did, lost: true });
    await expect(wallet.enrol({ requests: [request] })).rejects.toEqual(
      refused('WALLET_ROTATION_REFUSED'),
    );
    expect(wallet.members).toHaveLength(1);
    const [second] = await wallet.enrol({ requests: [request], isLostAccepted: true });
    if (!first || !second) throw new Error('both were asked for');
    await wallet.publish(join(folder, 'web'));
    expect([verdict(first.token), verdict(second.token)]).toEqual(['VC_REVOKED', 'VC_VALID']);
    // What is revoked has no place that it could hand on.
    const again = await requested(memorySigner(), gateway, { did: old.did, lost: true });
    await expect(wallet.enrol({ requests: [again], isLostAccepted: true })).rejects.toEqual(
      refused('WALLET_ROTATION_REFUSED'),
    );
  });

  it('is never replaced by who does not own its place', async () => {
    const [gateway, old] = [memorySigner(), memorySigner()];
    await wallet.enrol({ requests: [await requested(old, gateway)], terms });
    const stranger = memorySigner();
    const attempts: EnrolRequest[] = [
      await requested(memorySigner(), gateway, stranger),
      await requested(memorySigner(), memorySigner(), old),
      await requested(memorySigner(), gateway, old, 'b'),
      // No key is replaced, so that there are no terms to go on.
      await requested(memorySigner(), gateway),
    ];
    for (const request of attempts) {
      await expect(wallet.enrol({ requests: [request] })).rejects.toEqual(
        refused('WALLET_ROTATION_REFUSED'),
      );
    }
    expect(wallet.members).toHaveLength(1);
  });
});

describe('a request to replace a key', () => {
  /** One signature around a request, as `composeEnrolRequest` makes it, of the keys given. */
  async function forged(outer: Signer, payload: object): Promise<Uint8Array> {
    const head = { alg: 'ES256', typ: 'bondline-enrol-request+jwt', kid: outer.keyId };
    const input = [head, payload]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const signature = Buffer.from(await outer.sign(Buffer.from(input))).toString('base64url');
    return Buffer.from(`${input}.${signature}`);
  }

  it('without the old key’s signature is no request, whoever else signs', async () => {
    const [gateway, old, next, other] = Array.from({ length: 4 }, () => memorySigner());
    if (!gateway || !old || !next || !other) throw new Error('four keys');
    const core = { device: next.did, gateway: gateway.did, ...asked, supersedes: old.did };
    const inner = Buffer.from(await forged(gateway, core)).toString('latin1');
    const wrap = (signer: Signer, request: string) =>
      forged(signer, { device: signer.did, request });
    const reasonOf = (bytes: Uint8Array): string => {
      const opened = openEnrolRequest(bytes);
      return isRefusal(opened) ? opened.reason : 'accepted';
    };
    const text = async (token: Promise<Uint8Array>) => Buffer.from(await token).toString('latin1');
    expect(reasonOf(await wrap(next, inner))).toMatch(/did not sign, and is not said to be lost/);
    expect(reasonOf(await wrap(next, await text(wrap(other, inner))))).toMatch(/did not sign/);
    expect(reasonOf(await wrap(next, await text(wrap(old, inner))))).toBe('accepted');
    // In the name of the old key, by another.
    const stolen = await text(forged(other, { device: old.did, request: inner }));
    expect(reasonOf(await wrap(next, stolen))).toMatch(/in the name of another/);
    const lost = Buffer.from(await forged(gateway, { ...core, lost: true })).toString('latin1');
    expect(reasonOf(await wrap(next, lost))).toBe('accepted');
    expect(reasonOf(await wrap(next, await text(wrap(old, lost))))).toMatch(/does not name|sign/);
    const nobody = { device: next.did, gateway: gateway.did, ...asked, lost: true };
    const unnamed = Buffer.from(await forged(gateway, nobody)).toString('latin1');
    expect(reasonOf(await wrap(next, unnamed))).toMatch(/lost key is not named/);
  });
});

describe('a key that is in use elsewhere', () => {
  it('is not enrolled: of another device, a gateway, the organisation, or in the same act', async () => {
    const [gateway, device] = [memorySigner(), memorySigner()];
    await wallet.enrol({ requests: [await requested(device, gateway)], terms });
    const same = memorySigner();
    const own = JSON.parse(readFileSync(join(folder, 'w', 'wallet.json'), 'utf8')).keys[0];
    const base = await requested(memorySigner(), gateway, undefined, 'b');
    const attempts: EnrolRequest[][] = [
      [{ ...base, device: device.did }],
      [await requested(device, memorySigner())],
      [{ ...base, device: gateway.did }],
      [{ ...base, gateway: device.did }],
      [{ ...base, device: base.gateway }],
      [{ ...base, device: didOfPublicJwk(own.publicJwk) }],
      [
        await requested(same, gateway, undefined, 'b'),
        await requested(same, gateway, undefined, 'c'),
      ],
    ];
    for (const requests of attempts) {
      await expect(wallet.enrol({ requests, terms })).rejects.toEqual(refused('WALLET_KEY_REUSED'));
    }
    expect(wallet.members).toHaveLength(1);
    // The same device at the same gateway may be enrolled anew, e.g. for other goods.
    await wallet.enrol({ requests: [await requested(device, gateway)], terms });
    expect(wallet.members).toHaveLength(2);
  });
});

describe('the organisation’s own key', () => {
  it('is replaced: devices are enrolled anew, and the old one’s word holds until it expires', async () => {
    const gateway = memorySigner();
    const devices = await Promise.all(
      ['a', 'b', 'c'].map((label) => requested(memorySigner(), gateway, undefined, label)),
    );
    const before = await wallet.enrol({ requests: devices, terms });
    await wallet.setStatus([before[1]?.member.index ?? -1], 'revoke');
    const expiresMs = clock.nowMs() + 60_000;
    const after = await wallet.rotate({ expiresMs });
    expect(after.map(({ member }) => member.label)).toEqual(['a', 'c']);
    await wallet.publish(join(folder, 'web'));
    const kids = [before[0], after[0]].map((one) => read(one?.token ?? new Uint8Array()).kid);
    expect(kids).toEqual([`${did}#key-1`, `${did}#key-2`]);
    const { facility, scope } = read(after[0]?.token ?? new Uint8Array());
    expect({ facility, scope }).toEqual({ facility: terms.facility, scope: terms.scope });
    const both = () => [before[0], after[0]].map((one) => verdict(one?.token ?? new Uint8Array()));
    expect(both()).toEqual(['VC_VALID', 'VC_VALID']);
    clock.advance(60_001);
    expect(both()).toEqual(['VC_KEY_EXPIRED', 'VC_VALID']);
    const document = JSON.parse(readFileSync(join(folder, 'web/.well-known/did.json'), 'utf8'));
    expect(document).toMatchObject({
      authentication: [`${did}#key-2`],
      assertionMethod: [`${did}#key-1`, `${did}#key-2`],
    });
    expect(document.verificationMethod[0]).toHaveProperty('expires');
    expect(document.verificationMethod[1]).not.toHaveProperty('expires');
  });

  it('is replaced for the newest key of each device, not for those that were replaced', async () => {
    const [gateway, old, next] = [memorySigner(), memorySigner(), memorySigner()];
    await wallet.enrol({ requests: [await requested(old, gateway)], terms });
    await wallet.enrol({ requests: [await requested(next, gateway, old)] });
    const after = await wallet.rotate('compromised');
    expect(after.map(({ member }) => member.device)).toEqual([next.did]);
    expect(read(after[0]?.token ?? new Uint8Array()).supersedes).toBe(old.did);
  });

  it('that others may have is revoked at once', async () => {
    const [first] = await wallet.enrol({
      requests: [await requested(memorySigner(), memorySigner())],
      terms,
    });
    const [second] = await wallet.rotate('compromised');
    await wallet.publish(join(folder, 'web'));
    const codes = [first, second].map((one) => verdict(one?.token ?? new Uint8Array()));
    expect(codes).toEqual(['VC_KEY_REVOKED', 'VC_VALID']);
    // A second rotation leaves the end of the first as it is.
    await wallet.rotate({ expiresMs: clock.nowMs() + 1 });
    await wallet.publish(join(folder, 'web'));
    expect(verdict(first?.token ?? new Uint8Array())).toBe('VC_KEY_REVOKED');
  });
});

describe('two commands at once', () => {
  it('change the wallet one after the other, and neither forgets the other’s devices', async () => {
    const gateway = memorySigner();
    const live = { clock: systemClock, random: systemRandom };
    const labels = ['a', 'b', 'c', 'd'];
    await Promise.all(
      labels.map(async (label) => {
        const request = await requested(memorySigner(), gateway, undefined, label);
        return openWallet(join(folder, 'w'), live).enrol({ requests: [request], terms });
      }),
    );
    const { members } = openWallet(join(folder, 'w'), live);
    expect(members.map(({ label }) => label).sort()).toEqual(labels);
    expect(new Set(members.map(({ index }) => index)).size).toBe(labels.length);
  });
});
