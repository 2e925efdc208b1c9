/**
 * Who we are to an OPC UA server and which server we believe: our own certificate and key, and
 * the certificates that a person has trusted. Nothing is ever trusted because it was shown.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import type { CertificateManager, Endpoint, Opcua } from './opcua-library.ts';
import type { OpcuaSettings } from './opcua-settings.ts';

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
 * pki/rejected, where the operator can look at it.
 *
 * @throws EdgeError GW_OPCUA_CERTIFICATE_REFUSED.
 */
export async function judgeCertificate(options: {
  readonly pki: Pki;
  readonly shown: Buffer;
  readonly pinned: X509Certificate | undefined;
  readonly url: string;
  readonly nowMs: number;
}): Promise<void> {
  const { pki, shown, pinned, url, nowMs } = options;
  const certificate = new X509Certificate(shown);
  const described =
    `certificate ${fingerprint(shown)} (${certificate.subject.replaceAll('\n', ', ')}) ` +
    `shown by ${url}`;
  const refuse = async (why: string): Promise<never> => {
    await pki.manager.rejectCertificate(shown);
    throw new EdgeError('GW_OPCUA_CERTIFICATE_REFUSED', `${described} ${why}`);
  };
  if (pinned && !pinned.raw.equals(certificate.raw)) {
    await refuse(`is not the pinned one, ${fingerprint(pinned.raw)}`);
  }
  if (certificate.validToDate.getTime() <= nowMs) await refuse(`expired on ${certificate.validTo}`);
  if (certificate.validFromDate.getTime() > nowMs) {
    await refuse(`is not valid before ${certificate.validFrom}`);
  }
  if (pinned) return;
  const status = await pki.manager.checkCertificate(shown);
  if (!status.isGood()) {
    await refuse(`is not in ${join(pki.directory, 'trusted', 'certs')} (${status.name})`);
  }
}

/** SHA-256 over the certificate, as operators compare it. */
export function fingerprint(der: Uint8Array): string {
  const hex = createHash('sha256').update(der).digest('hex').toUpperCase();
  return hex.replace(/(..)(?!$)/g, '$1:');
}
