/** What a certificate says that Node does not tell: chains, names, permitted uses, algorithm. */
import { createHash, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type DerElement,
  membersOf,
  readElement,
  readElements,
  readObjectIdentifier,
  TAG,
} from './der.ts';

/** SHA-256 over the certificate, as operators compare it. */
export function fingerprint(der: Uint8Array): string {
  const hex = createHash('sha256').update(der).digest('hex').toUpperCase();
  return hex.replace(/(..)(?!$)/g, '$1:');
}

/** The same without colons, in small letters: a file's name, and what a person types. */
export function fingerprintName(der: Uint8Array): string {
  return fingerprint(der).replaceAll(':', '').toLowerCase();
}

/** A distinguished name on one line. */
export function nameOnOneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}

/**
 * What a server shows: its certificate, and behind it those that signed it, as DER one after the
 * other (OPC 10000-6 §6.2.6). Throws where it is not that.
 */
export function readChain(shown: Buffer): X509Certificate[] {
  return readElements(shown).map(({ bytes }) => new X509Certificate(bytes));
}

/** Certificates of a file: one in DER, or any number in PEM. Throws where there is none. */
export function readCertificates(file: Buffer): X509Certificate[] {
  const pem = file.toString('latin1').match(PEM_CERTIFICATE);
  return pem ? pem.map((text) => new X509Certificate(text)) : [new X509Certificate(file)];
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The names of subjectAltName, apart. */
export interface AlternativeNames {
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  /** As text, e.g. `192.0.2.1`. */
  readonly ips: readonly string[];
}

/** subjectAltName (RFC 5280 §4.2.1.6), read from the bytes: its text form can be forged. */
export function alternativeNames(certificate: X509Certificate): AlternativeNames {
  const uris: string[] = [];
  const dns: string[] = [];
  const ips: string[] = [];
  const extension = extensionOf(certificate, '2.5.29.17');
  for (const { content, tag } of extension ? membersOf(readElement(extension)) : []) {
    if (tag === 0x86) uris.push(content.toString('latin1'));
    if (tag === 0x82) dns.push(content.toString('latin1'));
    if (tag === 0x87) ips.push(addressText(content));
  }
  return { uris, dns, ips };
}

/** An address of 4 or 16 octets; IPv6 in full, without any zeros left out. */
function addressText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  return Array.from({ length: octets.length / 2 }, (_, index) =>
    octets.readUInt16BE(2 * index).toString(16),
  ).join(':');
}

/** Whether a certificate names this host: a name, or an address with or without brackets. */
export function namesHost(certificate: X509Certificate, host: string): boolean {
  const wanted = host.replace(/^\[|\]$/g, '').toLowerCase();
  const { dns, ips } = alternativeNames(certificate);
  // Many devices write their address as a name; it says the same.
  if (dns.some((name) => name.toLowerCase() === wanted)) return true;
  return isIP(wanted) !== 0 && ips.some((ip) => sameAddress(ip, wanted));
}

function sameAddress(a: string, b: string): boolean {
  return canonicalAddress(a) === canonicalAddress(b);
}

function canonicalAddress(address: string): string {
  if (isIP(address) !== 6) return address;
  return new URL(`http://[${address}]/`).hostname;
}

/** Uses of a key that matter here (RFC 5280 §4.2.1.3), by the number of their bit. */
const USES = {
  digitalSignature: 0,
  keyEncipherment: 2,
  dataEncipherment: 3,
  keyCertSign: 5,
  cRLSign: 6,
} as const;
export type KeyUse = keyof typeof USES;

/** Whether the certificate permits this use of its key; without the extension it permits all. */
export function permits(certificate: X509Certificate, use: KeyUse): boolean {
  const extension = extensionOf(certificate, '2.5.29.15');
  if (!extension) return true;
  const { content, tag } = readElement(extension);
  if (tag !== TAG.bitString) throw new Error('keyUsage is not a BIT STRING');
  const bit = USES[use];
  return ((content[1 + (bit >> 3)] ?? 0) & (0x80 >> (bit & 7))) !== 0;
}

/** OID of the algorithm that it was signed with. */
export function signatureAlgorithm(certificate: X509Certificate): string {
  const [, algorithm] = membersOf(readElement(certificate.raw));
  return readObjectIdentifier(membersOf(algorithm)[0]);
}

/** Subject and issuer as bytes: names are equal when these are (RFC 5280 §7.1). */
export function subjectBytes(certificate: X509Certificate): Buffer {
  const members = toBeSigned(certificate);
  // After serial number, algorithm, issuer and validity.
  return members[members[0]?.tag === TAG.context0 ? 5 : 4]?.bytes ?? Buffer.alloc(0);
}

function toBeSigned(certificate: X509Certificate): DerElement[] {
  return membersOf(membersOf(readElement(certificate.raw))[0]);
}

/** The value of an extension, or `undefined` where the certificate has none of this kind. */
function extensionOf(certificate: X509Certificate, oid: string): Buffer | undefined {
  const list = toBeSigned(certificate).find(({ tag }) => tag === TAG.context3);
  if (!list) return undefined;
  for (const extension of membersOf(readElement(list.content))) {
    const members = membersOf(extension);
    if (readObjectIdentifier(members[0]) !== oid) continue;
    // Between them stands `critical`, where it is TRUE.
    return members.at(-1)?.content;
  }
  return undefined;
}

/** Whether it was signed with its own key, which is all that vouches for it. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return isSignedBy(certificate, certificate);
}

/** Whether names agree and the signature is right. */
export function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return (
      nameOnOneLine(certificate.issuer) === nameOnOneLine(issuer.subject) &&
      certificate.verify(issuer.publicKey)
    );
  } catch {
    return false; // A key of another kind verifies nothing.
  }
}
