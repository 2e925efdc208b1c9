/** The SDK's resolver of `did:key`, with what it leaves out of one key in 128 put back. */
import type { DidKeyResolver } from './library.ts';

/** Bytes of a coordinate, by curve (RFC 7518 §6.2.1.2: with all leading zeros). */
const BYTES: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48 };

/**
 * The resolver whose documents have coordinates of full length. The SDK writes them as numbers,
 * without leading zeros, and then finds no way to read such a key again: it calls itself until the
 * stack is full.
 */
export function withWholeCoordinates({ key: resolve }: DidKeyResolver): DidKeyResolver['key'] {
  return async (...asked) => {
    const resolution = await resolve(...asked);
    for (const { publicKeyJwk: jwk } of resolution.didDocument?.verificationMethod ?? []) {
      const bytes = BYTES[jwk?.crv ?? ''];
      if (!jwk || bytes === undefined) continue;
      if (jwk.x) jwk.x = padded(jwk.x, bytes);
      if (jwk.y) jwk.y = padded(jwk.y, bytes);
    }
    return resolution;
  };
}

function padded(coordinate: string, bytes: number): string {
  const number = Buffer.from(coordinate, 'base64url').toString('hex');
  return Buffer.from(number.padStart(2 * bytes, '0'), 'hex').toString('base64url');
}
