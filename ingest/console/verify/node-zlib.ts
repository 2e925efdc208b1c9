/**
 * `node:zlib` for the browser, as far as status lists need it: gunzip within a bound. Like Node, it
 * holds the content against its CRC-32 and its length; unlike Node, it takes one member only
 * (RFC 1952 §2.2), so that what another tool has put together from several is left undecided here.
 */
import { inflateSync } from 'fflate';

interface Options {
  readonly maxOutputLength: number;
}

/** What Node gives for `info: true`. */
interface Unpacked {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

const TRAILER = 8;

/** @throws Error for what is not one gzip member, or unpacks to more than the bound */
export function gunzipSync(packed: Uint8Array, { maxOutputLength }: Options): Unpacked {
  const start = endOfHeader(packed);
  const end = packed.length - TRAILER;
  if (end <= start) throw new Error('gzip without content');
  const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
  const [crc, length] = [view.getUint32(end, true), view.getUint32(end + 4, true)];
  if (length > maxOutputLength) throw new Error('larger than the bound');
  const deflated = packed.subarray(start, end);
  // One byte more than announced, so that more than that shows.
  const buffer = inflateSync(deflated, { out: new Uint8Array(length + 1) });
  if (buffer.length !== length || crc32(buffer) !== crc) throw new Error('damaged gzip');
  if (inflates(deflated.subarray(0, -1), length)) throw new Error('something follows the gzip');
  return { buffer, engine: { bytesWritten: packed.length } };
}

/** The verification packs nothing; the module that unpacks names this too. */
export function gzipSync(): never {
  throw new Error('lists are not made in a browser');
}

/** A deflate stream needs its last byte; one that does not has something behind it. */
function inflates(deflated: Uint8Array, length: number): boolean {
  try {
    return inflateSync(deflated, { out: new Uint8Array(length + 1) }).length === length;
  } catch {
    return false;
  }
}

const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;

/** Where the content begins (RFC 1952 §2.3). */
function endOfHeader(packed: Uint8Array): number {
  const [first, second, method, flags = 0] = packed;
  if (first !== 0x1f || second !== 0x8b || method !== 8) throw new Error('not gzip');
  if ((flags & FLAG.reserved) !== 0) throw new Error('gzip with unknown flags');
  let at = 10;
  if (flags & FLAG.extra) at += 2 + (packed[at] ?? 0) + ((packed[at + 1] ?? 0) << 8);
  for (const flag of [FLAG.name, FLAG.comment]) {
    if (flags & flag) at = afterZero(packed, at);
  }
  if ((flags & FLAG.headerCrc) === 0) return at;
  const crc = (packed[at] ?? 0) | ((packed[at + 1] ?? 0) << 8);
  if ((crc32(packed.subarray(0, at)) & 0xffff) !== crc) throw new Error('damaged gzip header');
  return at + 2;
}

function afterZero(bytes: Uint8Array, from: number): number {
  const zero = bytes.indexOf(0, from);
  if (zero < 0) throw new Error('gzip ends in its header');
  return zero + 1;
}

/** CRC-32 of RFC 1952 §8, a table of 256 remainders. */
const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value >>> 0;
});

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (remainders[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
