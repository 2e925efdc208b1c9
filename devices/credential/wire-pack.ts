/**
 * The packed form of a token, for lines where bytes cost (docs/wire.md, "Packed"): what its
 * base64url says, deflated, and its signature as it is. It unpacks to the same token byte for byte,
 * or there is none: names, signatures and the journal know the token alone.
 *
 *   0x01 ‖ length of the signature ‖ signature ‖ DEFLATE(header 0x00 payload [0x00 disclosure]…)
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { limits } from '../limits.ts';
import { wireDictionary } from './wire-dictionary.ts';

/** First byte of the packed form; that of a token is `e`, of JSON `{`. */
const PACKED = 0x01;
const DOT = 0x2e;
const TILDE = 0x7e;
const NUL = 0x00;

const dictionary = Buffer.from(wireDictionary, 'latin1');
/** Level 6 takes twice the time for one part in twenty. */
const LEVEL = 3;
/** A token unpacks to three quarters of its length, and a byte between two parts. */
const partsBytesMax = limits.batchBytesMax;

/** Whether bytes are in the packed form. */
export function isPacked(bytes: Uint8Array): boolean {
  return bytes[0] === PACKED;
}

/**
 * The packed form of a token, or `undefined` where it has none (not canonical base64url, larger
 * than a batch) or is not smaller.
 */
export function packToken(token: Uint8Array): Uint8Array | undefined {
  if (token.length > limits.batchBytesMax) return undefined;
  const text = Buffer.from(token.buffer, token.byteOffset, token.length);
  const first = text.indexOf(DOT);
  const second = first < 0 ? -1 : text.indexOf(DOT, first + 1);
  if (second < 0) return undefined;
  const tilde = text.indexOf(TILDE, second);
  const end = tilde < 0 ? text.length : tilde;
  const parts = [text.subarray(0, first), text.subarray(first + 1, second)];
  if (tilde >= 0) {
    // A tilde before, between and behind them.
    const disclosures = splitAt(text.subarray(tilde + 1), TILDE);
    if (disclosures.length < 2 || disclosures.pop()?.length !== 0) return undefined;
    parts.push(...disclosures);
  }
  const signature = decode(text.subarray(second + 1, end));
  if (signature.length === 0 || signature.length > 0xff) return undefined;
  const plain: Buffer[] = [];
  for (const part of parts) {
    if (plain.length > 0) plain.push(Buffer.from([NUL]));
    plain.push(decode(part));
  }
  const deflated = deflateRawSync(Buffer.concat(plain), { dictionary, level: LEVEL });
  const head = Buffer.from([PACKED, signature.length]);
  const packed = Buffer.concat([head, signature, deflated]);
  if (packed.length >= token.length) return undefined;
  // The one proof that nothing is lost is to do it.
  const again = unpackToken(packed);
  return again && text.equals(again) ? packed : undefined;
}

/**
 * The token in a packed form, or `undefined` for anything that is none. Never takes more memory
 * than a few times `limits.batchBytesMax`, whatever the bytes say.
 */
export function unpackToken(packed: Uint8Array): Buffer | undefined {
  const signatureEnd = 2 + (packed[1] ?? 0);
  if (!isPacked(packed) || packed.length <= signatureEnd) return undefined;
  const plain = inflate(packed.subarray(signatureEnd));
  if (plain === undefined) return undefined;
  const [header, payload, ...disclosures] = splitAt(plain, NUL).map(encode);
  if (header === undefined || payload === undefined) return undefined;
  const signature = encode(Buffer.from(packed.subarray(2, signatureEnd)));
  const compact = `${header}.${payload}.${signature}`;
  const text = disclosures.length === 0 ? compact : `${[compact, ...disclosures].join('~')}~`;
  return text.length > limits.batchBytesMax ? undefined : Buffer.from(text, 'latin1');
}

/** All of it, ended where the bytes end; nothing that is larger than a batch can be. */
function inflate(deflated: Uint8Array): Buffer | undefined {
  try {
    const options = { dictionary, maxOutputLength: partsBytesMax, info: true } as const;
    // With `info` the answer says how many bytes were read; the types do not know of it.
    const { buffer, engine } = inflateRawSync(deflated, options) as unknown as Inflated;
    return engine.bytesWritten === deflated.length ? buffer : undefined;
  } catch {
    // Not DEFLATE, cut short, or too large (ERR_BUFFER_TOO_LARGE): there is no token in it.
    return undefined;
  }
}

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

function splitAt(bytes: Buffer, separator: number): Buffer[] {
  const parts: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, from)) {
    parts.push(bytes.subarray(from, at));
    from = at + 1;
  }
  parts.push(bytes.subarray(from));
  return parts;
}

function decode(part: Buffer): Buffer {
  return Buffer.from(part.toString('latin1'), 'base64url');
}

function encode(bytes: Buffer): string {
  return bytes.toString('base64url');
}
