/**
 * The small certificate authority of an ingester: its key never leaves the key store, its own
 * certificate lies beside the journal, and the certificates that it signs are short-lived. The
 * server's key is made at each start and lives in memory only.
 */

import type { KeyObject } from 'node:crypto';
import { createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { EdgeError } from '../devices/errors.ts';
import { makeDirectory } from '../devices/io/directory.ts';
import type { KeyStore } from '../devices/io/key-store.ts';
import {
  type Authority,
  issueCertificate,
  makeAuthorityCertificate,
  makeTlsKey,
  type TlsIdentity,
} from '../devices/io/uplink/x509.ts';
import { writeFileDurably } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';

const LABEL = 'uplink-authority';
const DAY_MS = 86_400_000;
/** Whoever pins it is told once; changing it takes a person at every gateway. */
const AUTHORITY_MS = 20 * 365 * DAY_MS;

/** The name by which the ingester itself is known to a broker elsewhere. */
export const INGESTER_NAME = 'ingester';

export interface UplinkAuthority {
  /** Its certificate, PEM: what gateways pin. */
  readonly certificate: string;
  /** A certificate for servers of these names and addresses, with a key made for it. */
  issueServer(names: readonly string[], lifetimeMs: number): Promise<TlsIdentity>;
  /** A certificate that names a gateway: its DID as the only URI, its fingerprint as the name. */
  issueGateway(
    gateway: { readonly did: string; readonly fingerprint: string },
    publicKey: KeyObject,
    lifetimeMs: number,
  ): Promise<string>;
  /** A client certificate of the ingester itself, for a broker elsewhere. */
  issueIngester(did: string, lifetimeMs: number): Promise<TlsIdentity>;
}

/** Where what belongs to the uplink lies, below the data directory. */
export function uplinkDirectory(data: string): string {
  return join(data, 'uplink');
}

/**
 * Opens the authority of the data directory; the first time its key and its certificate are made.
 *
 * @throws EdgeError KEY_*, UPLINK_AUTHORITY_DAMAGED, CFG_DIRECTORY_UNWRITABLE
 */
export async function openUplinkAuthority(options: {
  readonly keys: KeyStore;
  readonly data: string;
  /** Name of the ingester. */
  readonly name: string;
  readonly clock: Clock;
}): Promise<UplinkAuthority> {
  const { clock, keys } = options;
  const known = keys.list().find(({ label }) => label === LABEL);
  const stored = known ?? (await keys.create(LABEL, 'ES256'));
  const publicKey = createPublicKey({ key: { ...stored.publicJwk }, format: 'jwk' });
  const signer = await keys.signer(LABEL);
  const file = join(uplinkDirectory(options.data), 'authority.pem');
  let certificate = readAuthority(file, publicKey, clock.nowMs());
  if (certificate === undefined) {
    certificate = await makeAuthorityCertificate({
      signer,
      publicKey,
      commonName: `Bondline uplink of ${options.name}`.slice(0, 64),
      serial: randomBytes(16),
      fromMs: clock.nowMs() - DAY_MS,
      untilMs: clock.nowMs() + AUTHORITY_MS,
    });
    write(file, certificate);
  }
  const authority: Authority = { certificate, signer };
  const span = (lifetimeMs: number) => ({
    fromMs: clock.nowMs() - limits.certificateEarlyMs,
    untilMs: clock.nowMs() + lifetimeMs,
  });
  return {
    certificate,
    async issueServer(names, lifetimeMs) {
      const { key, publicKey: own } = makeTlsKey();
      const wish = {
        commonName: (names[0] ?? 'localhost').slice(0, 64),
        names: names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }) as const),
        use: 'server',
        publicKey: own,
        ...span(lifetimeMs),
      } as const;
      return { key, cert: await issueCertificate(authority, wish, randomBytes(16)) };
    },
    issueGateway: ({ did, fingerprint }, publicKeyOfGateway, lifetimeMs) =>
      issueCertificate(
        authority,
        {
          commonName: fingerprint,
          names: [{ type: 'url', value: did }],
          use: 'client',
          publicKey: publicKeyOfGateway,
          ...span(lifetimeMs),
        },
        randomBytes(16),
      ),
    async issueIngester(did, lifetimeMs) {
      const { key, publicKey: own } = makeTlsKey();
      const wish = {
        commonName: INGESTER_NAME,
        names: [{ type: 'url', value: did }],
        use: 'client',
        publicKey: own,
        ...span(lifetimeMs),
      } as const;
      return { key, cert: await issueCertificate(authority, wish, randomBytes(16)) };
    },
  };
}

/** The certificate in the file, `undefined` where there is none yet. */
function readAuthority(file: string, key: KeyObject, nowMs: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EdgeError('UPLINK_AUTHORITY_DAMAGED', `reading ${file}`, { cause });
  }
  try {
    const certificate = new X509Certificate(text);
    const isOwn = certificate.publicKey.equals(key);
    if (isOwn && certificate.ca && certificate.validToDate.getTime() > nowMs) return text;
  } catch (cause) {
    throw new EdgeError('UPLINK_AUTHORITY_DAMAGED', `reading ${file}`, { cause });
  }
  throw new EdgeError('UPLINK_AUTHORITY_DAMAGED', `using ${file}`);
}

function write(file: string, content: string): void {
  try {
    makeDirectory(join(file, '..'), 0o700);
    writeFileDurably(file, content);
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${file}`, { cause });
  }
}
