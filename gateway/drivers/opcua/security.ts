/**
 * Who we are to an OPC UA server and which server we believe: our own certificate and key, and
 * the certificates that a person has trusted. Nothing is ever trusted because it was shown.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EdgeError } from '../../../devices/errors.ts';
import { makeDirectory } from '../../../devices/io/directory.ts';
import type { CertificateManager, Endpoint, Opcua } from './library.ts';
import type { OpcuaSettings } from './settings.ts';

/** Our identity towards servers, and the folder of trusted and refused certificates. */
export interface Pki {
  readonly manager: CertificateManager;
  readonly certificateFile: string;
  readonly privateKeyFile: string;
  readonly applicationName: string;
  readonly applicationUri: string;
  /** The folder, for what is said to the operator. */
  readonly directory: string;
}

const APPLICATION_NAME = 'Bondline gateway';

/**
 * Opens the PKI folder, with a key (RSA 2048) made the first time. The certificate that goes with
 * it the library makes, self-signed and for ten years, when it first connects.
 */
export async function openPki(opcua: Opcua, directory: string): Promise<Pki> {
  const manager = new opcua.OPCUACertificateManager({
    rootFolder: directory,
    // The library's default is to accept whatever is shown.
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
    keySize: 2048,
  });
  await manager.initialize();
  const certificateFile = join(directory, 'own', 'certs', 'gateway.pem');
  return {
    manager,
    certificateFile,
    privateKeyFile: manager.privateKey,
    applicationName: APPLICATION_NAME,
    applicationUri: applicationUriOf(certificateFile),
    directory,
  };
}

/** OPC 10000-6 §6.2.2: the URI in the certificate is the application's; a renamed host keeps it. */
function applicationUriOf(certificateFile: string): string {
  if (!existsSync(certificateFile)) return `urn:${hostname()}:bondline-gateway`;
  const certificate = new X509Certificate(readFileSync(certificateFile));
  const uri = /URI:([^,\s]+)/.exec(certificate.subjectAltName ?? '')?.[1];
  return uri ?? `urn:${hostname()}:bondline-gateway`;
}

/**
 * Reads the certificate that a person named as the server's.
 *
 * @throws EdgeError GW_OPCUA_CERTIFICATE_UNREADABLE.
 */
export function readPinned(file: string): X509Certificate {
  try {
    return new X509Certificate(readFileSync(file));
  } catch (cause) {
    throw new EdgeError('GW_OPCUA_CERTIFICATE_UNREADABLE', `reading ${file}`, { cause });
  }
}

/**
 * The endpoint with exactly the configured security, out of those that the server offers.
 *
 * @throws EdgeError GW_OPCUA_ENDPOINT_MISSING, naming those that there are.
 */
export function chooseEndpoint(
  opcua: Opcua,
  settings: OpcuaSettings,
  endpoints: readonly Endpoint[],
): Endpoint {
  const { MessageSecurityMode, SecurityPolicy } = opcua.client;
  const mode = MessageSecurityMode[settings.securityMode];
  const policy = SecurityPolicy[settings.securityPolicy];
  const found = endpoints.find(
    (endpoint) => endpoint.securityMode === mode && endpoint.securityPolicyUri === policy,
  );
  if (found) return found;
  const offered = endpoints.map(
    (endpoint) =>
      `${MessageSecurityMode[endpoint.securityMode]}/${endpoint.securityPolicyUri?.split('#')[1]}`,
  );
  throw new EdgeError(
    'GW_OPCUA_ENDPOINT_MISSING',
    `looking for ${settings.securityMode}/${settings.securityPolicy} at ${settings.url}, ` +
      `which offers ${[...new Set(offered)].join(', ') || 'nothing'}`,
  );
}

/**
 * Lets the certificate pass or refuses it with the reason. A refused one is kept in
 * pki/rejected, where the operator can look at it; moving it to pki/trusted/certs trusts it from
 * the next attempt on. Trust is in this one certificate, never in one that signed it.
 *
 * @throws EdgeError GW_OPCUA_CERTIFICATE_REFUSED.
 */
export function judgeCertificate(options: {
  readonly pki: Pki;
  readonly shown: Buffer;
  readonly pinned: X509Certificate | undefined;
  readonly url: string;
  readonly nowMs: number;
}): void {
  const { pki, pinned, url, nowMs } = options;
  const shown = new X509Certificate(options.shown);
  const objection = objectionTo(shown, pinned, pki, nowMs);
  if (objection === undefined) return;
  keepRejected(pki, shown);
  throw new EdgeError(
    'GW_OPCUA_CERTIFICATE_REFUSED',
    `certificate ${fingerprint(shown.raw)} (${shown.subject.replaceAll('\n', ', ')}) shown by ` +
      `${url} ${objection}`,
  );
}

function objectionTo(
  shown: X509Certificate,
  pinned: X509Certificate | undefined,
  pki: Pki,
  nowMs: number,
): string | undefined {
  if (pinned && !pinned.raw.equals(shown.raw)) {
    return `is not the pinned one, ${fingerprint(pinned.raw)}`;
  }
  if (!pinned && !isTrusted(pki, shown)) return `is not in ${trustedFolder(pki)}`;
  if (shown.validToDate.getTime() <= nowMs) return `expired on ${shown.validTo}`;
  if (shown.validFromDate.getTime() > nowMs) return `is not valid before ${shown.validFrom}`;
  return undefined;
}

function trustedFolder(pki: Pki): string {
  return join(pki.directory, 'trusted', 'certs');
}

/** Looks into the folder at each attempt, so that what a person puts there counts at once. */
function isTrusted(pki: Pki, shown: X509Certificate): boolean {
  const folder = trustedFolder(pki);
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((file) => {
    try {
      return new X509Certificate(readFileSync(join(folder, file))).raw.equals(shown.raw);
    } catch {
      return false; // What is no certificate trusts nothing.
    }
  });
}

function keepRejected(pki: Pki, shown: X509Certificate): void {
  const folder = join(pki.directory, 'rejected');
  const name = fingerprint(shown.raw).replaceAll(':', '').toLowerCase();
  makeDirectory(folder);
  writeFileSync(join(folder, `${name}.pem`), shown.toString());
}

/** SHA-256 over the certificate, as operators compare it. */
export function fingerprint(der: Uint8Array): string {
  const hex = createHash('sha256').update(der).digest('hex').toUpperCase();
  return hex.replace(/(..)(?!$)/g, '$1:');
}
