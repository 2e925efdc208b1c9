/** Keys made of a seed, so that a run with the same seed has the same DIDs. */
import { createECDH, createPrivateKey, type KeyObject, sign } from 'node:crypto';
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

/** A signer that takes `delayMs` a signature, as a secure element does; 0 signs at once. */
export function seededSigner(
  { key, did }: SeededKey,
  options: { clock: Clock; delayMs: number; keyId?: string; as?: string },
): Signer {
  const signNow = (data: Uint8Array) => sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' });
  return {
    did: options.as ?? did,
    keyId: options.keyId ?? keyIdOfDid(did),
    algorithm: 'ES256',
    sign:
      options.delayMs === 0
        ? signNow
        : async (data) => {
            await options.clock.sleep(options.delayMs);
            return signNow(data);
          },
  };
}
