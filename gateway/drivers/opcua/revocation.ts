/** Revocation lists (RFC 5280 §5): which certificates their issuer no longer stands for. */
import { verify, type X509Certificate } from 'node:crypto';
import { permits, subjectBytes } from './certificate.ts';
import {
  type DerElement,
  membersOf,
  readElement,
  readObjectIdentifier,
  readTimeMs,
  TAG,
} from './der.ts';

/** A list as it was read; nothing of it counts before `isListOf` says whose it is. */
export interface RevocationList {
  readonly issuer: Buffer;
  readonly thisUpdateMs: number;
  /** By when the issuer promised the next one. */
  readonly nextUpdateMs?: number;
  /** Serial numbers in hex, capital letters, as Node writes those of certificates. */
  readonly revoked: ReadonlyMap<string, number>;
  readonly signed: Buffer;
  readonly signature: Buffer;
  readonly algorithm: string;
  /** Has a critical extension that is not understood here, so that it proves nothing. */
  readonly foreign: boolean;
  /** All of it, DER. */
  readonly bytes: Buffer;
}

const HASHES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
};

const PEM_LIST = /-----BEGIN (?:X509 )?CRL-----([\s\S]+?)-----END (?:X509 )?CRL-----/;

/** Reads a list, PEM or DER. Throws where it is none. */
export function readRevocationList(file: Buffer): RevocationList {
  const pem = PEM_LIST.exec(file.toString('latin1'))?.[1];
  const outer = readElement(pem === undefined ? file : Buffer.from(pem, 'base64'));
  const [list, algorithm, signature] = membersOf(outer);
  if (!list || signature?.tag !== TAG.bitString) throw new Error('not a revocation list');
  const members = membersOf(list);
  // RFC 5280 §5.1.2.1: the version is there when it is 2.
  if (members[0]?.tag === TAG.integer) members.shift();
  const [, issuer, thisUpdate, ...rest] = members;
  if (!issuer) throw new Error('not a revocation list');
  const isTime = ({ tag }: DerElement) => tag === TAG.utcTime || tag === TAG.generalizedTime;
  const nextUpdate = rest[0] && isTime(rest[0]) ? rest.shift() : undefined;
  const entries = rest[0]?.tag === TAG.sequence ? membersOf(rest.shift()) : [];
  const extensions = rest[0]?.tag === TAG.context0 ? readElement(rest[0].content) : undefined;
  const revoked = new Map(
    entries.map((entry) => {
      const [serial, date] = membersOf(entry);
      return [serialText(serial?.content ?? Buffer.alloc(0)), readTimeMs(date)] as const;
    }),
  );
  return {
    issuer: issuer.bytes,
    thisUpdateMs: readTimeMs(thisUpdate),
    ...(nextUpdate && { nextUpdateMs: readTimeMs(nextUpdate) }),
    revoked,
    signed: list.bytes,
    signature: signature.content.subarray(1),
    algorithm: readObjectIdentifier(membersOf(algorithm)[0]),
    foreign: extensions !== undefined && membersOf(extensions).some(isForeign),
    bytes: outer.bytes,
  };
}

/** A delta list or one for some certificates only says so critically (RFC 5280 §5.2.4, §5.2.5). */
function isForeign(extension: DerElement): boolean {
  const [, critical] = membersOf(extension);
  return critical?.tag === 0x01 && critical.content[0] !== 0;
}

/** As Node writes a certificate's serial number: no leading zero octets. */
function serialText(octets: Buffer): string {
  const hex = octets
    .toString('hex')
    .toUpperCase()
    .replace(/^(00)+/, '');
  return hex === '' ? '00' : hex;
}

/** Whether `issuer` made this list: name, permission and signature. */
export function isListOf(list: RevocationList, issuer: X509Certificate): boolean {
  const hash = HASHES[list.algorithm];
  if (hash === undefined || list.foreign || !list.issuer.equals(subjectBytes(issuer))) return false;
  try {
    return (
      permits(issuer, 'cRLSign') && verify(hash, list.signed, issuer.publicKey, list.signature)
    );
  } catch {
    return false; // A key of another kind verifies nothing.
  }
}

/** When `certificate` was revoked by a list of its issuer, or `undefined`. */
export function revokedAtMs(
  list: RevocationList,
  certificate: X509Certificate,
): number | undefined {
  return list.revoked.get(serialText(Buffer.from(evenHex(certificate.serialNumber), 'hex')));
}

function evenHex(hex: string): string {
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}
