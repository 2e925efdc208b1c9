/** Keys made of a seed, so that a run with the same seed has the same DIDs. */
import { createECDH, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { EdgeError } from '../../devices/errors.ts';
import { didOfPublicJwk, keyIdOfDid } from '../../devices/identity/did-key.ts';
import type { Signer } from '../../devices/io/key-store.ts';
import type { Clock } from '../../devices/runtime.ts';
import type { Chance } from './chance.ts';

export interface SeededKey {
  readonly key: KeyObject;
  readonly publicJwk: Readonly<Record<string, string>>;
  readonly did: string;
}

export function seededKey(chance: Chance): SeededKey {
  const ecdh = createECDH('prime256v1');
  const secret = chance.bytes(32);
  secret[0] = 1; // Below the order of the group, whatever the rest is.
  ecdh.setPrivateKey(secret);
  const point = ecdh.getPublicKey();
  const publicJwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  const jwk = { ...publicJwk, d: Buffer.from(secret).toString('base64url') };
  return {
    key: createPrivateKey({ key: jwk, format: 'jwk' }),
    publicJwk,
    did: didOfPublicJwk(publicJwk),
  };
}

/** How a key does now; a secure element takes its time, and may be gone for a while. */
export interface KeyHealth {
  delayMs: number;
  isGone: boolean;
}

/** A signer that signs at once, or as its health says. */
export function seededSigner(
  { key, did }: SeededKey,
  options: { clock?: Clock; health?: KeyHealth; keyId?: string; as?: string } = {},
): Signer {
  const { clock, health } = options;
  const signNow = (data: Uint8Array) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  const signLater = async (data: Uint8Array) => {
    if (clock && health && health.delayMs > 0) await clock.sleep(health.delayMs);
    if (health?.isGone) throw new EdgeError('KEY_TOKEN_FAILED', 'signing with a key that is away');
    return signNow(data);
  };
  return {
    did: options.as ?? did,
    keyId: options.keyId ?? keyIdOfDid(did),
    algorithm: 'ES256',
    sign: clock && health ? signLater : signNow,
  };
}
