/**
 * TLS as the uplink uses it: version 1.3, no session tickets, a certificate on both sides; and
 * which addresses may go without.
 */
import { constants, X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { fingerprintOfDid } from '../../envelope.ts';
import { isDidKey } from '../../identity/did-key.ts';
import type { SchemaMistake } from '../../schema.ts';

/** What every TLS context of the uplink has (NIST SP 800-52r2 §3.1 allows 1.3). */
export const tls13 = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' } as const;

/**
 * What a server adds. A ticket would carry a client over the end of its certificate, because a
 * resumed session is not checked again; nobody keeps sessions, so none is resumed.
 */
export const noTickets = { secureOptions: constants.SSL_OP_NO_TICKET } as const;

/** A peer that a certificate of the pinned authority names. */
export interface ProvenGateway {
  readonly did: string;
  readonly fingerprint: string;
  /** End of the certificate, milliseconds since 1970. */
  readonly untilMs: number;
}

/**
 * The gateway that a certificate names: one URI, its DID, beside a common name that is its
 * fingerprint. `undefined` when the two do not agree, or when there is any other name.
 */
export function gatewayOfCertificate(certificate: X509Certificate): ProvenGateway | undefined {
  const { subject, subjectAltName = '', validToDate } = certificate;
  const did = subjectAltName.startsWith('URI:') ? subjectAltName.slice('URI:'.length) : '';
  const fingerprint = fingerprintOfDid(did);
  // Node quotes unusual names, so what is no plain DID is not equal to one either.
  if (!isDidKey(did) || subject !== `CN=${fingerprint}`) return undefined;
  return { did, fingerprint, untilMs: validToDate.getTime() };
}

/** The gateway at the other end of a connection, if its certificate was verified and names one. */
export function gatewayOfSocket(socket: TLSSocket): ProvenGateway | undefined {
  if (!socket.authorized) return undefined;
  const { raw } = socket.getPeerCertificate();
  return raw === undefined ? undefined : gatewayOfCertificate(new X509Certificate(raw));
}

/** Whether a host name or address can only be this machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(bare);
}

/** The mistake of an address beyond loopback that goes without TLS; none where it is well. */
export function plainTextMistakes(
  host: string,
  options: { readonly isTls: boolean; readonly path: string; readonly fix: string },
): SchemaMistake[] {
  if (options.isTls || isLoopback(host)) return [];
  const message = `${host} is not loopback, and this would be plain text: ${options.fix}`;
  return [{ path: [options.path], message }];
}
