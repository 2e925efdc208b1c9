/**
 * Reads DER (X.690 §8 and §10) as far as certificates and revocation lists need it. Every length
 * is checked against what is there; indefinite lengths, which DER forbids, are refused.
 */
import { parseTime } from '../../../devices/runtime.ts';

/** One element. `bytes` is all of it with its header, which is what signatures cover. */
export interface DerElement {
  /** The identifier octet, e.g. 0x30 for a SEQUENCE. */
  readonly tag: number;
  readonly content: Buffer;
  readonly bytes: Buffer;
}

export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  context0: 0xa0,
  context3: 0xa3,
} as const;

/** Lengths of more octets than this name more bytes than any certificate has. */
const LENGTH_OCTETS_MAX = 4;

/** The element that `bytes` begins with. Throws where it is cut short or not DER. */
export function readElement(bytes: Buffer): DerElement {
  const tag = bytes[0];
  const first = bytes[1];
  if (tag === undefined || first === undefined) throw new Error('the DER ends too early');
  if ((tag & 0x1f) === 0x1f) throw new Error('a DER tag of several octets');
  let start = 2;
  let length = first;
  if (first >= 0x80) {
    const octets = first & 0x7f;
    if (octets === 0 || octets > LENGTH_OCTETS_MAX) throw new Error('a DER length that is not one');
    if (bytes.length < 2 + octets) throw new Error('the DER ends too early');
    length = bytes.readUIntBE(2, octets);
    start += octets;
  }
  if (bytes.length - start < length) throw new Error('the DER ends too early');
  return {
    tag,
    content: bytes.subarray(start, start + length),
    bytes: bytes.subarray(0, start + length),
  };
}

/** The elements that stand one after the other in `bytes`, to its very end. */
export function readElements(bytes: Buffer): DerElement[] {
  const found: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const element = readElement(bytes.subarray(at));
    found.push(element);
    at += element.bytes.length;
  }
  return found;
}

/** The members of a SEQUENCE. Throws where `element` is none. */
export function membersOf(element: DerElement | undefined): DerElement[] {
  if (element?.tag !== TAG.sequence) throw new Error('a SEQUENCE was expected');
  return readElements(element.content);
}

/** An OBJECT IDENTIFIER in dotted form (X.690 §8.19). */
export function readObjectIdentifier(element: DerElement | undefined): string {
  if (element?.tag !== TAG.objectIdentifier) throw new Error('an OBJECT IDENTIFIER was expected');
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of element.content) {
    arc = arc * 128 + (octet & 0x7f);
    if (octet >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [head = 0, ...rest] = arcs;
  const root = Math.min(2, Math.floor(head / 40));
  return [root, head - 40 * root, ...rest].join('.');
}

/** UTCTime or GeneralizedTime as RFC 5280 §4.1.2.5 writes them, in milliseconds since 1970. */
export function readTimeMs(element: DerElement | undefined): number {
  const text = element?.content.toString('latin1') ?? '';
  const long = element?.tag === TAG.generalizedTime;
  if (!long && element?.tag !== TAG.utcTime) throw new Error('a time was expected');
  const digits = /^(\d*)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  const [, year = '', month, day, hour, minute, second] = digits ?? [];
  if (year.length !== (long ? 4 : 2)) throw new Error(`"${text}" is not a time`);
  // RFC 5280 §4.1.2.5.1: 50 to 99 are of the last century.
  const century = long ? '' : Number(year) >= 50 ? '19' : '20';
  const timeMs = parseTime(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (timeMs === undefined) throw new Error(`"${text}" is not a time`);
  return timeMs;
}
