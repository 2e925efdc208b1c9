/**
 * `node:buffer` and the global `Buffer` for the browser: the package `buffer`, with the encoding
 * `base64url` that it lacks. Its decoder of base64 is as lenient as Node's (both alphabets, foreign
 * characters passed over), which the strict readers of devices/credential count on.
 */
import { Buffer as Plain } from 'buffer/index.js';

type Given = Parameters<typeof Plain.from>[0];

const isUrlForm = (encoding: unknown): boolean => encoding === 'base64url';

const plainFrom = Plain.from.bind(Plain) as (...given: unknown[]) => Plain;
const plainText = Plain.prototype.toString;

/** As `Buffer.from`; Node's `base64` decoder is the one of `base64url` too. */
function from(value: Given | string, ...rest: unknown[]): Plain {
  const [encoding] = rest;
  return isUrlForm(encoding) ? plainFrom(value, 'base64') : plainFrom(value, ...rest);
}

function toText(this: Plain, encoding?: string, start?: number, end?: number): string {
  if (!isUrlForm(encoding)) return plainText.call(this, encoding, start, end);
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
