/**
 * Which server we believe, and as whom we come: the endpoint with exactly the configured security,
 * the server's certificate judged, our own kept in order. Nothing is trusted because it was shown.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EdgeError } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import { type Clock, formatTime, type Log } from '../../../devices/runtime.ts';
import type { CertificateState } from '../../driver.ts';
import { fingerprint, fingerprintName, nameOnOneLine, readChain } from './certificate.ts';
import { type Objection, objectionsTo } from './judge.ts';
import type { CertificateManager, Endpoint, Opcua } from './library.ts';
import { OLD_POLICIES } from './old-policies.ts';
import {
  isDue,
  type OwnCertificate,
  prepareOwnCertificates,
  setDamagedKeyAside,
} from './own-certificate.ts';
import type { OpcuaSettings } from './settings.ts';
import { keepRefused, readTrustList } from './trust-list.ts';

/** Our identity towards servers, and the folder of trusted and refused certificates. */
export interface Pki {
  readonly manager: CertificateManager;
  readonly privateKeyFile: string;
  /** The folder, for what is said to the operator. */
  readonly directory: string;
  /** Our certificates that can be shown now, the newest first; renewed where that is due. */
  own(): Promise<readonly OwnCertificate[]>;
  /** Remembers what a server showed, for `states`, and warns where it expires soon. */
  see(url: string, shown: X509Certificate): void;
  /** The certificates in use, for status page and metrics. */
  states(): CertificateState[];
}

/** Opens the PKI folder, with a key (RSA 2048) made the first time. */
export async function openPki(options: {
  readonly opcua: Opcua;
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Pki> {
  const { clock, directory, log, opcua } = options;
  const manager = new opcua.OPCUACertificateManager({
    rootFolder: directory,
    // The library's default is to accept whatever is shown.
    automaticallyAcceptUnknownCertificate: false,
    disableFileWatchers: true,
    keySize: 2048,
  });
  setDamagedKeyAside(manager.privateKey, { clock, log });
  await manager.initialize();
  const privateKeyFile = manager.privateKey;
  const known = new Map<string, CertificateState>();
  const warn = createExpiryWarning(clock, log);
  const note = (use: string, certificate: X509Certificate) => {
    known.set(use, stateOf(use, certificate));
    warn(use, certificate);
  };
  return {
    manager,
    privateKeyFile,
    directory,
    async own() {
      const own = await prepareOwnCertificates({ opcua, directory, privateKeyFile, clock, log });
      if (own[0]) note('own certificate for OPC UA', own[0].certificate);
      return own;
    },
    see: (url, shown) => note(`server certificate of ${url}`, shown),
    states: () => [...known.values()],
  };
}

function stateOf(use: string, certificate: X509Certificate): CertificateState {
  return {
    use,
    subject: nameOnOneLine(certificate.subject),
    fingerprint: fingerprint(certificate.raw),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

/** Says once a day of each use that its certificate expires soon. */
function createExpiryWarning(clock: Clock, log: Log) {
  const saidMs = new Map<string, number>();
  return (use: string, certificate: X509Certificate): void => {
    const before = saidMs.get(use);
    const nowMs = clock.monotonicMs();
    if (!isDue(certificate, clock.nowMs())) return;
    if (before !== undefined && nowMs - before < limits.opcuaCertificateCheckMs) return;
    saidMs.set(use, nowMs);
    const expires = formatTime(certificate.validToDate.getTime());
    log.warn('a certificate expires soon', { use, expires });
  };
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
  const policies = endpoints.map(({ securityPolicyUri }) => securityPolicyUri?.split('#')[1] ?? '');
  const offered = endpoints.map(
    (endpoint, index) => `${MessageSecurityMode[endpoint.securityMode]}/${policies[index]}`,
  );
  const old = [...new Set(policies)].flatMap((name) => OLD_POLICIES[name] ?? []);
  throw new EdgeError(
    'GW_OPCUA_ENDPOINT_MISSING',
    [
      `looking for ${settings.securityMode}/${settings.securityPolicy} at ${settings.url}, ` +
        `which offers ${[...new Set(offered)].join(', ') || 'nothing'}`,
      ...old,
    ].join('; '),
  );
}

/**
 * Lets the server's certificate pass or refuses it with the reason. A refused one is kept in
 * pki/rejected with the reason, from where `opcua-trust add` trusts it from the next attempt on.
 *
 * @returns The certificate, and what is tolerated of it because the configuration says so.
 * @throws EdgeError GW_OPCUA_CERTIFICATE_REFUSED.
 */
export function judgeCertificate(options: {
  readonly pki: Pki;
  readonly endpoint: Endpoint;
  readonly pinned: X509Certificate | undefined;
  readonly settings: Pick<OpcuaSettings, 'url' | 'tolerate'>;
  readonly nowMs: number;
}): { readonly shown: X509Certificate; readonly tolerated: readonly string[] } {
  const { endpoint, nowMs, pinned, pki, settings } = options;
  const { url } = settings;
  let chain: X509Certificate[];
  let objections: Objection[];
  try {
    chain = readChain(endpoint.serverCertificate);
    objections = objectionsTo({
      chain,
      trust: readTrustList(pki.directory),
      pinned,
      host: hostOf(url),
      applicationUri: endpoint.server.applicationUri ?? undefined,
      nowMs,
    });
  } catch (cause) {
    throw new EdgeError('GW_OPCUA_CERTIFICATE_REFUSED', `what ${url} shows is no certificate`, {
      cause,
    });
  }
  const [shown, ...signers] = chain;
  if (!shown) throw new EdgeError('GW_OPCUA_CERTIFICATE_REFUSED', `${url} shows no certificate`);
  const given: readonly string[] = settings.tolerate ?? [];
  const refusing = objections.filter(
    ({ tolerance }) => tolerance === undefined || !given.includes(tolerance),
  );
  const [first] = refusing;
  if (!first) return { shown, tolerated: objections.map(({ sentence }) => sentence) };
  const all = refusing.map(({ sentence }) => sentence).join('; it ');
  keepRefused(pki.directory, shown, { url, reason: all, nowMs });
  // Who signed it is kept as well, so that a person can trust the authority instead.
  for (const signer of first.trustHelps ? signers.slice(0, limits.opcuaChainMax) : []) {
    keepRefused(pki.directory, signer, { url, reason: 'signed a refused certificate', nowMs });
  }
  const named = `certificate ${fingerprint(shown.raw)} (${nameOnOneLine(shown.subject)})`;
  const dataDirectory = dirname(pki.directory);
  const command = `bondline-gateway opcua-trust ${dataDirectory} add ${shortName(shown)}`;
  const advice = refusing.every(({ trustHelps }) => trustHelps) ? `; to trust it: ${command}` : '';
  throw new EdgeError('GW_OPCUA_CERTIFICATE_REFUSED', `${named} shown by ${url} ${all}${advice}`);
}

/** As much of a fingerprint as nobody can forge in passing. */
export function shortName(certificate: X509Certificate): string {
  return fingerprintName(certificate.raw).slice(0, 24);
}

/** The host of an opc.tcp url; IPv6 addresses keep their brackets. */
export function hostOf(url: string): string {
  return /^opc\.tcp:\/\/(\[[^\]]*\]|[^:/]*)/.exec(url)?.[1] ?? '';
}
