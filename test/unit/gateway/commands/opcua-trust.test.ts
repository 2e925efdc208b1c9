import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../devices/limits.ts';
import { systemClock } from '../../../../devices/runtime.ts';
import { runOpcuaTrust } from '../../../../gateway/commands/opcua-trust.ts';
import {
  keepRefused,
  keptCertificates,
  readTrustList,
} from '../../../../gateway/drivers/opcua/trust-list.ts';
import { captureGateway } from '../../../support/gateway-command.ts';
import {
  type Identity,
  makeCertificate,
  makeRevocationList,
} from '../../../support/opcua-certificates.ts';
import { freshFolder } from '../../../support/opcua-device.ts';

const START_MS = Date.UTC(2026, 10, 22);

const clock = { ...systemClock, nowMs: () => START_MS };
const trust = async (...args: string[]) => (await captureGateway(runOpcuaTrust, args, clock)).out;

function digitsOf({ certificate }: Identity): string {
  return certificate.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** A data directory with one refused certificate. */
async function site(): Promise<{ data: string; pki: string; server: Identity }> {
  const data = freshFolder();
  const pki = join(data, 'pki');
  const server = await makeCertificate({ name: 'mill' });
  const refusal = { url: 'opc.tcp://mill:4840', reason: 'is not trusted by anyone here' };
  keepRefused(pki, server.certificate, { ...refusal, nowMs: START_MS });
  return { data, pki, server };
}

function shelves(pki: string): string[] {
  return keptCertificates(pki).map(({ shelf }) => shelf);
}

describe('bondline-gateway opcua-trust', () => {
  it('lists what was refused, why, and the exact command that trusts it', async () => {
    const { data, server } = await site();
    const shown = await trust(data, 'list');
    const command = `bondline-gateway opcua-trust ${data} add ${digitsOf(server).slice(0, 24)}`;
    for (const word of [
      server.certificate.fingerprint256,
      'subject      CN=mill',
      'issuer       itself',
      'refused since 2026-11-22T00:00:00.000Z',
      'shown by opc.tcp://mill:4840, it is not trusted by anyone here',
      command,
    ]) {
      expect(shown).toContain(word);
    }
    const { certificates, own } = JSON.parse(await trust(data, 'list', '--json'));
    expect(own).toEqual([]);
    expect(certificates).toEqual([
      {
        fingerprint: server.certificate.fingerprint256,
        subject: 'CN=mill',
        issuer: 'CN=mill',
        notBefore: new Date(server.certificate.validFrom).toISOString(),
        notAfter: new Date(server.certificate.validTo).toISOString(),
        state: 'refused',
        since: '2026-11-22T00:00:00.000Z',
        url: 'opc.tcp://mill:4840',
        reason: 'is not trusted by anyone here',
        last: '2026-11-22T00:00:00.000Z',
        command,
      },
    ]);
  });

  it('adds by the first digits, with colons or without, and removes again', async () => {
    const { data, pki, server } = await site();
    expect(await trust(data, 'add', server.certificate.fingerprint256.slice(0, 14))).toContain(
      'trusted from the next attempt on',
    );
    expect(shelves(pki)).toEqual(['trusted']);
    expect(readTrustList(pki).trusted[0]?.raw).toEqual(server.certificate.raw);
    expect(JSON.parse(await trust(data, 'remove', digitsOf(server), '--json'))).toMatchObject({
      done: 'removed',
      fingerprint: server.certificate.fingerprint256,
    });
    expect(readTrustList(pki).trusted).toEqual([]);
    // It can be put back, or forgotten.
    expect(shelves(pki)).toEqual(['refused']);
    expect(await trust(data, 'list')).toContain('refused      it was removed by hand');
    await trust(data, 'remove', digitsOf(server));
    expect(shelves(pki)).toEqual([]);
    expect(readdirSync(join(pki, 'rejected'))).toEqual([]);
  });

  it('adds authorities, issuers and revocation lists from files', async () => {
    const { data, pki } = await site();
    const root = await makeCertificate({ name: 'root', authority: true });
    const middle = await makeCertificate({ name: 'middle', authority: true, issuer: root });
    const leaf = await makeCertificate({ name: 'leaf', issuer: middle });
    const file = (name: string, content: string | Buffer) => {
      writeFileSync(join(data, name), content);
      return join(data, name);
    };
    await trust(data, 'add', file('root.der', root.certificate.raw));
    await trust(data, 'add', file('middle.pem', middle.certificate.toString()), '--issuer');
    const crl = await makeRevocationList(middle, [leaf.certificate]);
    expect(await trust(data, 'add', file('middle.crl', crl))).toContain('with 1 certificates');
    const { issuers, revocations, trusted } = readTrustList(pki);
    expect(trusted.map(({ subject }) => subject)).toEqual(['CN=root']);
    expect(issuers.map(({ subject }) => subject)).toEqual(['CN=middle']);
    expect(revocations).toHaveLength(1);
    expect(await trust(data, 'list')).toContain('1 revoked');
    await expect(trust(data, 'add', file('notes.txt', 'hello'))).rejects.toMatchObject({
      code: 'GW_OPCUA_CERTIFICATE_UNREADABLE',
    });
  });

  it('refuses what is not there, too short, or not clear', async () => {
    const { data, server } = await site();
    const digits = digitsOf(server);
    const unknown = { code: 'GW_OPCUA_CERTIFICATE_UNKNOWN' };
    await expect(trust(data, 'add', 'mill.pem')).rejects.toMatchObject(unknown);
    await expect(trust(data, 'remove', `${digits.slice(0, 62)}zz`)).rejects.toMatchObject(unknown);
    const other = (digits.startsWith('0') ? '1' : '0').repeat(8);
    await expect(trust(data, 'add', other)).rejects.toMatchObject(unknown);
    const usage = { code: 'CFG_USAGE' };
    await expect(trust(data, 'add', digits.slice(0, 7))).rejects.toMatchObject(usage);
    await expect(trust(data, 'add')).rejects.toMatchObject(usage);
    await expect(trust(data, 'list', 'more')).rejects.toMatchObject(usage);
    await expect(trust(data, 'forget', digits)).rejects.toMatchObject(usage);
  });
});

describe('the folder', () => {
  it('keeps a bounded number of refused certificates, the newest', async () => {
    const pki = join(freshFolder(), 'pki');
    const issued: Identity[] = [];
    for (let count = 0; count < limits.opcuaRefusedMax + 3; count += 1) {
      const key = issued[0] && { key: issued[0] };
      issued.push(await makeCertificate({ name: `number ${count}`, ...key }));
      const { certificate } = issued.at(-1) as Identity;
      keepRefused(pki, certificate, { url: 'opc.tcp://x', reason: 'no', nowMs: START_MS + count });
    }
    const kept = keptCertificates(pki);
    expect(kept).toHaveLength(limits.opcuaRefusedMax);
    expect(kept[0]?.certificate.subject).toBe(`CN=number ${limits.opcuaRefusedMax + 2}`);
    expect(kept.at(-1)?.certificate.subject).toBe('CN=number 3');
    expect(readdirSync(join(pki, 'rejected'))).toHaveLength(2 * limits.opcuaRefusedMax);
  });

  it('remembers the first and the last time, and writes the same reason once a minute', async () => {
    const { pki, server } = await site();
    const say = (reason: string, nowMs: number) =>
      keepRefused(pki, server.certificate, { url: 'opc.tcp://b', reason, nowMs });
    const refusal = () => keptCertificates(pki)[0]?.refusal;
    say('is not trusted by anyone here', START_MS + 1_000);
    expect(refusal()).toMatchObject({ firstMs: START_MS, lastMs: START_MS });
    say('expired', START_MS + 2_000);
    expect(refusal()).toMatchObject({
      firstMs: START_MS,
      lastMs: START_MS + 2_000,
      reason: 'expired',
    });
    say('expired', START_MS + 2_000 + limits.deviceComplaintMs);
    expect(refusal()?.lastMs).toBe(START_MS + 2_000 + limits.deviceComplaintMs);
  });

  it('edge 28 (Industrial-IoT #430): rubbish in it trusts nothing and hinders nothing', async () => {
    const { data, pki, server } = await site();
    for (const folder of ['trusted/certs', 'trusted/crl', 'issuers/certs', 'rejected']) {
      mkdirSync(join(pki, folder), { recursive: true });
      writeFileSync(join(pki, folder, 'rubbish.pem'), 'rubbish');
    }
    const note = readdirSync(join(pki, 'rejected')).find((name) => name.endsWith('.json')) ?? '';
    writeFileSync(join(pki, 'rejected', note), '{"url":');
    expect(readTrustList(pki)).toEqual({ trusted: [], issuers: [], revocations: [] });
    expect(shelves(pki)).toEqual(['refused']);
    await trust(data, 'add', digitsOf(server));
    expect(shelves(pki)).toEqual(['trusted']);
    rmSync(pki, { recursive: true });
    expect(await trust(data, 'list')).toContain('no server certificate was trusted or refused yet');
  });
});
