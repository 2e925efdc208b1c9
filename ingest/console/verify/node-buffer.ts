/**
 * `node:buffer` and the global `Buffer` for the browser: the package `buffer`, with the encoding
 * `base64url` that it lacks, and as lenient as Node about texts that are not in order, which the
 * strict readers of devices/credential count on (they write again what they read, and compare).
 */
import { Buffer as Plain } from 'buffer/index.js';

type Given = Parameters<typeof Plain.from>[0];

const plainFrom = Plain.from.bind(Plain) as (...given: unknown[]) => Plain;
const plainText = Plain.prototype.toString;

/** As `Buffer.from`; Node's decoder of base64 is the one of `base64url` too. */
function from(value: Given | string, ...rest: unknown[]): Plain {
  const [encoding] = rest;
  const isBase64 = encoding === 'base64' || encoding === 'base64url';
  if (typeof value !== 'string') return plainFrom(value, ...rest);
  if (encoding !== 'hex' && !isBase64) return plainFrom(value, encoding);
  const text = FOREIGN.test(value) ? lowBytes(value) : value;
  return isBase64 ? plainFrom(text, 'base64') : plainFrom(PAIRS.exec(text)?.[0], 'hex');
}

/** Node stops at the first pair that is none. */
const PAIRS = /^(?:[0-9a-f]{2})*/i;
/** What is beyond Latin-1 Node's decoders take for its low byte. */
const FOREIGN = /[^\0-\xff]/;

function lowBytes(text: string): string {
  return plainText.call(plainFrom(text, 'latin1'), 'latin1');
}

/** The package writes more than one U+FFFD for some bytes that are no UTF-8. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function toText(this: Plain, encoding = 'utf8', start?: number, end?: number): string {
  if (encoding === 'utf8') return utf8.decode(this.subarray(start, end));
  if (encoding !== 'base64url') return plainText.call(this, encoding, start, end);
  const text = plainText.call(this, 'base64', start, end);
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

Plain.from = from as typeof Plain.from;
Plain.prototype.toString = toText;

export { Plain as Buffer };

/** Whether all bytes are below 0x80. */
export function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}
