/** The certificates of a TLS line for the operator: ours, its authority's and the device's. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CertificateState } from '../../driver.ts';
import type { Address } from './wire.ts';

/** What a device showed when the connection that is up was made. */
export interface Shown {
  readonly address: Address;
  readonly certificate: X509Certificate;
}

/**
 * The certificates that the settings name, as they are on disk now, and the one that the device
 * showed. A file that cannot be read is left out: the next connection says what is wrong with it.
 */
export function certificatesOf(
  addresses: readonly Address[],
  shown: Shown | undefined,
): CertificateState[] {
  const states: CertificateState[] = [];
  for (const address of addresses) {
    if (address.kind !== 'tls') continue;
    const peer = `${address.host}:${address.port}`;
    const own = read(address.certificate);
    if (own) states.push(stateOf(own, `own certificate towards ${peer}`));
    const authority = read(address.ca);
    if (authority) states.push(stateOf(authority, `certificate authority of ${peer}`));
    if (shown?.address === address) {
      states.push(stateOf(shown.certificate, `certificate of ${peer}`));
    }
  }
  return states;
}

function read(path: string): X509Certificate | undefined {
  try {
    return new X509Certificate(readFileSync(path));
  } catch {
    return undefined;
  }
}

function stateOf(certificate: X509Certificate, use: string): CertificateState {
  const { fingerprint256, subject, validToDate } = certificate;
  const name = subject.replaceAll('\n', ', ');
  return { use, subject: name, fingerprint: fingerprint256, notAfterMs: validToDate.getTime() };
}
