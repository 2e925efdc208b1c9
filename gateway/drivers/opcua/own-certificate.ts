/**
 * Our own certificate towards servers (OPC 10000-6 §6.2.2): made when there is none, renewed with
 * the same key before it expires, and remade when its file is damaged, so that nobody ever has to
 * delete a folder by hand. What it replaces is kept.
 */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EdgeError, explain } from '../../../devices/errors.ts';
import { makeDirectory } from '../../../devices/io/directory.ts';
import { writeFileDurably } from '../../../devices/io/write-file.ts';
import { limits } from '../../../devices/limits.ts';
import { type Clock, dateOf, formatTime, type Log } from '../../../devices/runtime.ts';
import {
  alternativeNames,
  fingerprintName,
  isSelfSigned,
  readCertificates,
} from './certificate.ts';
import type { Opcua } from './library.ts';

/** One of our certificates with its file. All have the same key. */
export interface OwnCertificate {
  readonly certificate: X509Certificate;
  readonly file: string;
}

export interface OwnOptions {
  readonly opcua: Opcua;
  /** The PKI folder. */
  readonly directory: string;
  readonly privateKeyFile: string;
  readonly clock: Clock;
  readonly log: Log;
}

export const APPLICATION_NAME = 'Bondline gateway';

const DAY_MS = 86_400_000;
const NAME = 'gateway.pem';

/** Sets a private key aside that cannot be read, so that a new one is made. */
export function setDamagedKeyAside(file: string, { clock, log }: { clock: Clock; log: Log }): void {
  if (!existsSync(file)) return;
  try {
    createPrivateKey(readFileSync(file));
  } catch (error) {
    const aside = setAside(file, 'damaged', clock);
    log.warn(
      'the private key for OPC UA could not be read and is made anew; servers must trust us again',
      {
        file,
        aside,
        reason: explain(error),
      },
    );
  }
}

/**
 * Our certificates that can be shown now, the newest first; made or renewed before, where that is
 * due. Behind the newest stand those that it replaced and that are still valid: a server that has
 * not been told of the new one still knows them.
 *
 * @throws EdgeError GW_OPCUA_CLOCK_WRONG where none can be made, because the clock cannot be right.
 */
export async function prepareOwnCertificates(options: OwnOptions): Promise<OwnCertificate[]> {
  const { clock, log, privateKeyFile } = options;
  const nowMs = clock.nowMs();
  const key = createPrivateKey(readFileSync(privateKeyFile));
  const all = readOwn(options, key);
  const valid = all.filter(
    ({ certificate }) =>
      certificate.validFromDate.getTime() <= nowMs && nowMs < certificate.validToDate.getTime(),
  );
  const [newest] = valid;
  if (newest && !isDue(newest.certificate, nowMs)) return valid;
  // One that an authority issued to us is renewed by that authority, not by us.
  if (newest && !isSelfSigned(newest.certificate)) return valid;
  if (nowMs < limits.clockPlausibleMs) {
    if (all.length > 0) return all;
    const told = `making our certificate: the clock says ${formatTime(nowMs)}`;
    throw new EdgeError('GW_OPCUA_CLOCK_WRONG', told);
  }
  const made = await make(options, key, all[0]);
  const until = formatTime(made.certificate.validToDate.getTime());
  if (all.length > 0) {
    log.warn('our certificate for OPC UA was renewed; have the servers trust the new one', {
      file: made.file,
      until,
      before: newest ? formatTime(newest.certificate.validToDate.getTime()) : 'expired',
    });
  } else log.info('a certificate for OPC UA was made', { file: made.file, until });
  return [made, ...readOwn(options, key).filter((own) => valid.some((old) => same(old, own)))];
}

/** Whether a certificate expires so soon that it is renewed, or warned of where we cannot. */
export function isDue(certificate: X509Certificate, nowMs: number): boolean {
  const leftMs = certificate.validToDate.getTime() - nowMs;
  const lifeMs = certificate.validToDate.getTime() - certificate.validFromDate.getTime();
  // A short-lived certificate would else be due from its first day on.
  return leftMs < Math.min(limits.opcuaRenewDays * DAY_MS, lifeMs / 2);
}

function same(a: OwnCertificate, b: OwnCertificate): boolean {
  return a.certificate.raw.equals(b.certificate.raw);
}

/** Every certificate in our folder that goes with our key, the newest first. */
function readOwn({ clock, directory, log }: OwnOptions, key: KeyObject): OwnCertificate[] {
  const folder = join(directory, 'own', 'certs');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => /^gateway.*\.pem$/.test(name));
  const found = files.flatMap((name): OwnCertificate[] => {
    const file = join(folder, name);
    try {
      const [certificate] = readCertificates(readFileSync(file));
      if (certificate?.checkPrivateKey(key)) return [{ certificate, file }];
      const aside = setAside(file, 'other-key', clock);
      log.warn('our certificate for OPC UA does not go with our key and is made anew', { aside });
    } catch (error) {
      const aside = setAside(file, 'damaged', clock);
      const reason = explain(error);
      log.warn('our certificate for OPC UA could not be read and is made anew', { aside, reason });
    }
    return [];
  });
  return found.sort(
    (a, b) => b.certificate.validFromDate.getTime() - a.certificate.validFromDate.getTime(),
  );
}

function setAside(file: string, why: string, clock: Clock): string {
  const aside = `${file}.${why}-${formatTime(clock.nowMs()).replaceAll(':', '')}`;
  renameSync(file, aside);
  return aside;
}

/** Makes the next certificate; it names the application by the same URI as the one before. */
async function make(
  options: OwnOptions,
  key: KeyObject,
  before: OwnCertificate | undefined,
): Promise<OwnCertificate> {
  const { clock, directory, opcua } = options;
  const { CertificatePurpose, createSelfSignedCertificate, pemToPrivateKey } =
    opcua.client.crypto_utils;
  const nowMs = clock.nowMs();
  const host = hostname();
  const { cert } = await createSelfSignedCertificate({
    privateKey: await pemToPrivateKey(String(key.export({ type: 'pkcs8', format: 'pem' }))),
    subject: `CN=${APPLICATION_NAME}/O=Bondline`,
    applicationUri: applicationUriOf(before),
    dns: [host],
    // Servers with a clock that is behind accept it all the same.
    notBefore: dateOf(nowMs - DAY_MS),
    notAfter: dateOf(nowMs + limits.opcuaOwnCertificateDays * DAY_MS),
    purpose: CertificatePurpose.ForApplication,
  });
  const folder = join(directory, 'own', 'certs');
  const file = join(folder, NAME);
  makeDirectory(folder);
  if (before?.file === file) {
    const short = fingerprintName(before.certificate.raw).slice(0, 16);
    writeFileDurably(join(folder, `gateway-before-${short}.pem`), before.certificate.toString());
  }
  writeFileDurably(file, cert);
  const [certificate] = readCertificates(Buffer.from(cert));
  if (!certificate?.checkPrivateKey(key)) throw new Error('the certificate made is not ours');
  return { certificate, file };
}

/** OPC 10000-6 §6.2.2: the URI in the certificate is the application's; a renamed host keeps it. */
export function applicationUriOf(own: OwnCertificate | undefined): string {
  const [uri] = own ? alternativeNames(own.certificate).uris : [];
  return uri ?? `urn:${hostname()}:bondline-gateway`;
}
