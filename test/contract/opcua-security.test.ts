/** Sessions with node-opcua's server in every policy and mode, as every kind of user. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { loadOpcua } from '../../gateway/drivers/opcua/library.ts';
import { type OpenSession, openSecured } from '../../gateway/drivers/opcua/link.ts';
import { openPki } from '../../gateway/drivers/opcua/security.ts';
import type { OpcuaSettings } from '../../gateway/drivers/opcua/settings.ts';
import { keptCertificates, placeCertificate } from '../../gateway/drivers/opcua/trust-list.ts';
import { driverContext } from '../support/driver-context.ts';
import {
  makeCertificate,
  makeRevocationList,
  writeIdentity,
} from '../support/opcua-certificates.ts';
import { freshFolder, testSettings } from '../support/opcua-device.ts';
import {
  type SecureServer,
  type SecureServerOptions,
  startSecureServer,
} from '../support/opcua-secure-server.ts';

/** One gateway's folder, so that its key is made once. */
const directory = join(freshFolder(), 'pki');
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(options: SecureServerOptions = {}): Promise<SecureServer> {
  const server = await startSecureServer(options);
  closers.push(() => server.close());
  return server;
}

/** Opens a session; the lines that were logged come with it. */
async function open(
  server: SecureServer,
  more: Partial<OpcuaSettings> = {},
  folder = directory,
): Promise<OpenSession & { readonly lines: readonly string[] }> {
  const context = driverContext('line-1');
  const opcua = await loadOpcua(silentLog);
  const pki = await openPki({ opcua, directory: folder, clock: systemClock, log: context.log });
  const opened = await openSecured({
    opcua,
    pki,
    settings: testSettings(server.url, more),
    pinned: undefined,
    clock: systemClock,
    context,
    signal: AbortSignal.timeout(15_000),
  });
  closers.push(() => opened.close());
  return { ...opened, lines: context.lines };
}

async function works({ session }: OpenSession): Promise<void> {
  // The server's state, OPC 10000-5 §6.3.
  const state = await session.read({ nodeId: 'i=2259', attributeId: 13 });
  expect(state.value.value).toBe(0);
}

function trust(server: SecureServer, folder = directory): void {
  placeCertificate(folder, server.identity.certificate, 'trusted');
}

const POLICIES = ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'] as const;
const MODES = ['Sign', 'SignAndEncrypt'] as const;
const CASES = POLICIES.flatMap((securityPolicy) =>
  MODES.map((securityMode) => ({ securityPolicy, securityMode })),
);

describe('each policy and mode', () => {
  it.each(CASES)('$securityPolicy $securityMode, as anyone', async (security) => {
    const { securityMode, securityPolicy } = security;
    const user = await makeCertificate({ name: 'a user', uri: 'urn:bondline:test:user' });
    const folder = freshFolder();
    const files = writeIdentity(folder, user);
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'Stahl & Öl\nsecond line');
    const server = await start({
      modes: [securityMode],
      policies: [securityPolicy],
      users: { mill: 'Stahl & Öl' },
    });
    trust(server);
    await works(await open(server, security));
    const name = await open(server, { ...security, user: { name: 'mill', passwordFile } });
    await works(name);
    const { certificateFile: certFile, privateKeyFile: keyFile } = files;
    await works(await open(server, { ...security, user: { certFile, keyFile } }));
    const sessions = server.server.engine.currentSessionCount;
    expect(sessions).toBe(3);
    writeFileSync(passwordFile, 'wrong');
    await expect(
      open(server, { ...security, user: { name: 'mill', passwordFile } }),
    ).rejects.toMatchObject({ code: 'GW_OPCUA_USER_REFUSED' });
  });
});

describe('no security', () => {
  const none = { securityMode: 'None', securityPolicy: 'None', insecure: true } as const;

  it('is said at every connection', async () => {
    const server = await start({ modes: ['None'], policies: ['None'] });
    for (let time = 0; time < 2; time += 1) {
      const { lines, ...opened } = await open(server, none);
      await works(opened);
      expect(lines.join()).toContain('neither signed nor encrypted, as configured');
    }
  });

  it('lets a password out only encrypted, and only to a server that is trusted', async () => {
    const server = await start({
      modes: ['None', 'SignAndEncrypt'],
      policies: ['None', 'Basic256Sha256'],
      identity: await makeCertificate({ name: 'plain server' }),
      users: { mill: 'secret' },
    });
    const passwordFile = join(freshFolder(), 'password');
    writeFileSync(passwordFile, 'secret\n');
    const user = { name: 'mill', passwordFile };
    await expect(open(server, { ...none, user })).rejects.toMatchObject({
      code: 'GW_OPCUA_CERTIFICATE_REFUSED',
    });
    trust(server);
    await works(await open(server, { ...none, user }));
    // The same server, once it would take a password as it is.
    for (const endpoint of server.server.endpoints.flatMap((one) => one.endpointDescriptions())) {
      for (const policy of endpoint.userIdentityTokens ?? []) {
        policy.securityPolicyUri = 'http://opcfoundation.org/UA/SecurityPolicy#None';
      }
    }
    await expect(open(server, { ...none, user })).rejects.toMatchObject({
      code: 'GW_OPCUA_USER_REFUSED',
      message: expect.stringContaining('the password would travel readable'),
    });
  });
});

it('a kind of user that the server does not take is said with those that it does', async () => {
  const server = await start({ anonymous: false });
  trust(server);
  await expect(open(server)).rejects.toMatchObject({
    code: 'GW_OPCUA_USER_REFUSED',
    message: 'logging in with anonymous: the server takes only: UserName, Certificate',
  });
});

it('files of a user that cannot be read are named', async () => {
  const server = await start();
  trust(server);
  const user = { name: 'mill', passwordFile: '/nonexistent/password' };
  await expect(open(server, { user })).rejects.toMatchObject({
    code: 'GW_OPCUA_USER_UNREADABLE',
    message: 'reading /nonexistent/password',
  });
});

it('a server that only has policies with SHA-1 is refused with the reason', async () => {
  const server = await start({ policies: ['Basic128Rsa15'] });
  trust(server);
  await expect(open(server)).rejects.toMatchObject({
    code: 'GW_OPCUA_ENDPOINT_MISSING',
    message: expect.stringContaining(
      'which offers SignAndEncrypt/Basic128Rsa15; Basic128Rsa15 is refused: Node refuses RSA',
    ),
  });
});

describe('edge 29 (node-opcua #637): a server is never believed because it answers', () => {
  it('its certificate is refused, kept with the command, and counts once a person adds it', async () => {
    const folder = join(freshFolder(), 'pki');
    const server = await start({ identity: await makeCertificate({ name: 'unknown server' }) });
    const refusal = await open(server, {}, folder).catch((error: unknown) => error);
    const [kept] = keptCertificates(folder);
    expect(kept?.certificate.raw).toEqual(server.identity.certificate.raw);
    expect(kept?.refusal).toMatchObject({ url: server.url });
    const digits = server.identity.certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    expect(String(refusal)).toContain(
      `to trust it: bondline-gateway opcua-trust ${join(folder, '..')} add ${digits.slice(0, 24)}`,
    );
    trust(server, folder);
    await works(await open(server, {}, folder));
    expect(keptCertificates(folder).map(({ shelf }) => shelf)).toEqual(['trusted']);
  });

  it('an authority that a person trusted vouches for it, with a list of what it revoked', async () => {
    const folder = join(freshFolder(), 'pki');
    const root = await makeCertificate({ name: 'site root', authority: true });
    const identity = await makeCertificate({ name: 'chained server', issuer: root });
    const server = await start({ identity, behind: [root] });
    await expect(open(server, {}, folder)).rejects.toThrow(
      'is not trusted, nor is who signed it: CN=site root',
    );
    // Both are kept: a person chooses whom to trust.
    expect(keptCertificates(folder)).toHaveLength(2);
    placeCertificate(folder, root.certificate, 'trusted');
    await expect(open(server, {}, folder)).rejects.toThrow(
      'there is no revocation list of CN=site root',
    );
    const tolerant = await open(server, { tolerate: ['no-crl'] }, folder);
    await works(tolerant);
    expect(tolerant.lines.join()).toContain('is tolerated');
    const crl = join(folder, 'trusted', 'crl', 'root.crl');
    writeFileSync(crl, await makeRevocationList(root, []));
    await works(await open(server, {}, folder));
    writeFileSync(crl, await makeRevocationList(root, [identity.certificate]));
    await expect(open(server, { tolerate: ['no-crl'] }, folder)).rejects.toThrow(
      /was revoked on .* by CN=site root/,
    );
  });

  it('edge 30 (node-opcua #1148): expired and for another host it is refused, or tolerated aloud', async () => {
    const folder = join(freshFolder(), 'pki');
    const identity = await makeCertificate({
      name: 'old server',
      ip: ['192.0.2.1'],
      notBeforeMs: Date.UTC(2020, 0, 1),
      notAfterMs: Date.UTC(2024, 0, 1),
    });
    const server = await start({ identity });
    placeCertificate(folder, identity.certificate, 'trusted');
    await expect(open(server, {}, folder)).rejects.toThrow(
      'expired on 2024-01-01T00:00:00.000Z; it is for another host: it names 192.0.2.1, and',
    );
    await expect(open(server, { tolerate: ['expired'] }, folder)).rejects.toThrow('another host');
    const opened = await open(server, { tolerate: ['expired', 'host'] }, folder);
    await works(opened);
    expect(opened.lines.filter((line) => line.includes('is tolerated'))).toHaveLength(2);
  });
});
