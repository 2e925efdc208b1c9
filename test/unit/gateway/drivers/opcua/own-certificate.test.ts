import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import { type Clock, silentLog, systemClock } from '../../../../../devices/runtime.ts';
import {
  alternativeNames,
  permits,
  signatureAlgorithm,
} from '../../../../../gateway/drivers/opcua/certificate.ts';
import { loadOpcua } from '../../../../../gateway/drivers/opcua/library.ts';
import { openLink, openSecured } from '../../../../../gateway/drivers/opcua/link.ts';
import { openPki, type Pki } from '../../../../../gateway/drivers/opcua/security.ts';
import { placeCertificate } from '../../../../../gateway/drivers/opcua/trust-list.ts';
import { driverContext, type TestContext } from '../../../../support/driver-context.ts';
import { eventually } from '../../../../support/eventually.ts';
import { keyOf, makeCertificate } from '../../../../support/opcua-certificates.ts';
import { freshFolder, testSettings } from '../../../../support/opcua-device.ts';
import { startSecureServer } from '../../../../support/opcua-secure-server.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 22);

interface Opened {
  readonly pki: Pki;
  readonly context: TestContext;
  readonly directory: string;
}

/** Opens a folder at `nowMs()`; a key of the test's own saves the time to find one. */
async function openAt(
  nowMs: () => number,
  directory = join(freshFolder(), 'pki'),
): Promise<Opened> {
  const keyFile = join(directory, 'own', 'private', 'private_key.pem');
  if (!existsSync(keyFile)) {
    mkdirSync(join(directory, 'own', 'private'), { recursive: true });
    writeFileSync(keyFile, keyOf('gateway'));
  }
  const clock = { ...systemClock, nowMs };
  const context = driverContext('line-1', { clock });
  const opcua = await loadOpcua(silentLog);
  const pki = await openPki({ opcua, directory, clock, log: context.log });
  return { pki, context, directory };
}

function ownFile(directory: string): string {
  return join(directory, 'own', 'certs', 'gateway.pem');
}

function fingerprintOf(file: string): string {
  return new X509Certificate(readFileSync(file)).fingerprint256;
}

describe('our own certificate', () => {
  it('is made as OPC 10000-6 §6.2.2 wants it', async () => {
    const { context, pki } = await openAt(() => START_MS);
    const [own] = await pki.own();
    const certificate = own?.certificate as X509Certificate;
    const { dns, uris } = alternativeNames(certificate);
    expect(uris).toEqual([`urn:${hostname()}:bondline-gateway`]);
    expect(dns).toEqual([hostname()]);
    expect(certificate.ca).toBe(false);
    for (const use of ['digitalSignature', 'keyEncipherment', 'dataEncipherment'] as const) {
      expect(permits(certificate, use), use).toBe(true);
    }
    // OPC 10000-6: a certificate that signed itself must be allowed to.
    expect(permits(certificate, 'keyCertSign')).toBe(true);
    expect(certificate.keyUsage).toContain('1.3.6.1.5.5.7.3.2');
    // SHA-256 with RSA.
    expect(signatureAlgorithm(certificate)).toBe('1.2.840.113549.1.1.11');
    expect(certificate.validFromDate.getTime()).toBe(START_MS - DAY_MS);
    expect(certificate.validToDate.getTime()).toBe(
      START_MS + limits.opcuaOwnCertificateDays * DAY_MS,
    );
    expect(pki.states()).toEqual([
      {
        use: 'own certificate for OPC UA',
        subject: expect.stringContaining('CN=Bondline gateway'),
        fingerprint: certificate.fingerprint256,
        notAfterMs: certificate.validToDate.getTime(),
      },
    ]);
    expect(context.lines.join()).toContain('a certificate for OPC UA was made');
  });

  it('is renewed sixty days before it expires, with the same key and the same name', async () => {
    let nowMs = START_MS;
    const { context, directory, pki } = await openAt(() => nowMs);
    const [first] = await pki.own();
    const endMs = first?.certificate.validToDate.getTime() ?? 0;
    nowMs = endMs - limits.opcuaRenewDays * DAY_MS;
    expect((await pki.own()).map(({ certificate }) => certificate.fingerprint256)).toEqual([
      first?.certificate.fingerprint256,
    ]);
    nowMs += 1_000;
    const [renewed, before, ...others] = await pki.own();
    expect(others).toEqual([]);
    expect(before?.certificate.raw).toEqual(first?.certificate.raw);
    expect(renewed?.file).toBe(ownFile(directory));
    expect(renewed?.certificate.publicKey.equals(first?.certificate.publicKey as never)).toBe(true);
    expect(renewed?.certificate.subjectAltName).toBe(first?.certificate.subjectAltName);
    expect(renewed?.certificate.validToDate.getTime()).toBeGreaterThan(endMs + 1_000 * DAY_MS);
    expect(context.lines.filter((line) => line.includes('was renewed'))).toHaveLength(1);
    // Once renewed it stays, and the one before goes when it has expired, though its file is kept.
    expect((await pki.own())[0]?.certificate.raw).toEqual(renewed?.certificate.raw);
    nowMs = endMs + 1;
    expect(await pki.own()).toHaveLength(1);
    expect(readdirSync(join(directory, 'own', 'certs'))).toHaveLength(2);
  });

  it('edge 28 (Industrial-IoT #430): a damaged one is made anew, and nobody deletes a folder', async () => {
    const { context, directory, pki } = await openAt(() => START_MS);
    await pki.own();
    writeFileSync(ownFile(directory), 'half a certif');
    const [again] = await pki.own();
    expect(again?.certificate.fingerprint256).toBe(fingerprintOf(ownFile(directory)));
    expect(context.lines.join()).toContain('could not be read and is made anew');
    // What was damaged is still there to look at.
    expect(readdirSync(join(directory, 'own', 'certs')).join()).toContain('gateway.pem.damaged-');

    const keyFile = join(directory, 'own', 'private', 'private_key.pem');
    writeFileSync(keyFile, '-----BEGIN PRIVATE KEY-----\nMIIE');
    const next = await openAt(() => START_MS, directory);
    expect(next.context.lines.join()).toContain('the private key for OPC UA could not be read');
    const [other] = await next.pki.own();
    expect(other?.certificate.raw).not.toEqual(again?.certificate.raw);
    expect(next.context.lines.join()).toContain('does not go with our key');
  });

  it('is not made nor renewed by a clock that says 1970', async () => {
    let nowMs = 3_600_000;
    const { context, directory, pki } = await openAt(() => nowMs);
    await expect(pki.own()).rejects.toMatchObject({
      code: 'GW_OPCUA_CLOCK_WRONG',
      message: 'making our certificate: the clock says 1970-01-01T01:00:00.000Z',
    });
    expect(existsSync(ownFile(directory))).toBe(false);
    nowMs = START_MS;
    const [made] = await pki.own();
    nowMs = 3_600_000;
    expect((await pki.own())[0]?.certificate.raw).toEqual(made?.certificate.raw);
    expect(context.lines.join()).not.toContain('renewed');
  });

  it('of a clock that ran ahead is not used when the clock is right again', async () => {
    let nowMs = START_MS;
    const { pki } = await openAt(() => nowMs);
    const [right] = await pki.own();
    nowMs = Date.UTC(2099, 0, 1);
    const [ahead] = await pki.own();
    expect(ahead?.certificate.raw).not.toEqual(right?.certificate.raw);
    nowMs = START_MS + DAY_MS;
    expect((await pki.own())[0]?.certificate.raw).toEqual(right?.certificate.raw);
  });

  it('that an authority issued is left to that authority, and its end is said', async () => {
    const { context, directory, pki } = await openAt(() => START_MS);
    const authority = await makeCertificate({ name: 'site root', authority: true });
    const issued = await makeCertificate({
      name: 'gateway',
      issuer: authority,
      notBeforeMs: START_MS - 300 * DAY_MS,
      notAfterMs: START_MS + 5 * DAY_MS,
    });
    mkdirSync(join(directory, 'own', 'certs'), { recursive: true });
    writeFileSync(ownFile(directory), issued.certificate.toString());
    const own = await pki.own();
    expect(own.map(({ certificate }) => certificate.issuer)).toEqual(['CN=site root']);
    await pki.own();
    expect(context.lines.filter((line) => line.includes('expires soon'))).toHaveLength(1);
  });

  it('edge 28 (Industrial-IoT #123): a server that only knows the one before a renewal is kept', async () => {
    const server = await startSecureServer({ open: false });
    const { context, directory, pki } = await openAt(() => Date.now());
    const { certificate: old } = await makeCertificate({
      name: 'gateway',
      uri: 'urn:mill:bondline-gateway',
      notBeforeMs: Date.now() - 300 * DAY_MS,
      notAfterMs: Date.now() + 30 * DAY_MS,
    });
    mkdirSync(join(directory, 'own', 'certs'), { recursive: true });
    writeFileSync(ownFile(directory), old.toString());
    // Thirty days before its end it is renewed; the server has been told of the first only.
    const [renewed] = await pki.own();
    expect(renewed?.certificate.subjectAltName).toContain('URI:urn:mill:bondline-gateway');
    placeCertificate(server.clientPki, old, 'trusted');
    placeCertificate(directory, server.identity.certificate, 'trusted');
    await server.reload();
    const options = {
      opcua: await loadOpcua(silentLog),
      pki,
      settings: testSettings(server.url),
      pinned: undefined,
      clock: systemClock,
      context,
      signal: AbortSignal.timeout(20_000),
    };
    const opened = await openSecured(options);
    await opened.close();
    expect(context.lines.join()).toContain('the server does not trust our renewed certificate yet');
    await server.close();
  });

  it('is renewed behind a link that lives for years, which goes on', async () => {
    const server = await startSecureServer();
    let nowMs = Date.now();
    let nextDay = (): void => {};
    const { directory } = await openAt(() => nowMs);
    placeCertificate(directory, server.identity.certificate, 'trusted');
    const clock: Clock = {
      ...systemClock,
      nowMs: () => nowMs,
      after(delayMs, then) {
        if (delayMs !== limits.opcuaCertificateCheckMs) return systemClock.after(delayMs, then);
        nextDay = then;
        return () => {
          nextDay = () => {};
        };
      },
    };
    const context = driverContext('line-1', { clock });
    const opcua = await loadOpcua(silentLog);
    const pki = await openPki({ opcua, directory, clock, log: context.log });
    const link = await openLink({
      opcua,
      pki,
      settings: testSettings(server.url, { rootPath: 'Server' }),
      pinned: undefined,
      points: {},
      namespaces: new Map(),
      clock,
      context,
      signal: AbortSignal.timeout(20_000),
    });
    const before = fingerprintOf(ownFile(directory));
    nowMs += (limits.opcuaOwnCertificateDays - limits.opcuaRenewDays + 1) * DAY_MS;
    nextDay();
    await eventually(() => fingerprintOf(ownFile(directory)) !== before, 'it was renewed');
    const state = await link.session.read({ nodeId: 'i=2259', attributeId: 13 });
    expect(state.value.value).toBe(0);
    await link.close();
    await server.close();
  });
});
