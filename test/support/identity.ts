/** Throw-away identities for tests and measurements: keys that live in memory only. */
import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
import type { Enrolment } from '../../devices/credential/enrolment.ts';
import { composeEnrolment } from '../../devices/credential/enrolment-wire.ts';
import { signToken } from '../../devices/credential/jws.ts';
import { didOfPublicJwk, keyIdOfDid } from '../../devices/identity/did-key.ts';
import { signatureOfDer } from '../../devices/identity/ecdsa-signature.ts';
import type { Signer } from '../../devices/io/key-store.ts';

/** A P-256 key with its did:key; a new one unless it is given. */
export function memorySigner(key = newKey()): Signer {
  const jwk = createPublicKey(key).export({ format: 'jwk' }) as Record<string, string>;
  const did = didOfPublicJwk(jwk);
  return signerOf(key, did, keyIdOfDid(did));
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** An Ed25519 key with its did:key. */
export function memoryEd25519(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const did = didOfPublicJwk(publicKey.export({ format: 'jwk' }) as Record<string, string>);
  const signing = (data: Uint8Array) => sign(null, data, privateKey);
  return { did, keyId: keyIdOfDid(did), algorithm: 'EdDSA', sign: signing };
}

/** An organisation: a did:web, its document and the key that signs for it. */
export interface Organisation {
  readonly did: string;
  readonly name: string;
  readonly document: Readonly<Record<string, unknown>>;
  readonly signer: Signer;
}

export function memoryOrganisation(did: string, name: string): Organisation {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyId = `${did}#key-1`;
  const document = {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/jwk/v1'],
    id: did,
    verificationMethod: [
      {
        id: keyId,
        type: 'JsonWebKey',
        controller: did,
        publicKeyJwk: pair.publicKey.export({ format: 'jwk' }),
      },
    ],
    assertionMethod: [keyId],
  };
  return { did, name, document, signer: signerOf(pair.privateKey, did, keyId) };
}

/** An enrolment credential of the organisation for a device, as bytes, with what it says. */
export async function enrol(
  organisation: Organisation,
  options: {
    readonly device: string;
    readonly gateway: string;
    readonly label: string;
    readonly profile: { readonly name: string; readonly digest: string };
    readonly nowMs: number;
    readonly goods?: readonly string[];
    readonly cadenceMs?: number;
    readonly heartbeatMs?: number;
    readonly supersedes?: string;
  },
): Promise<{ readonly enrolment: Enrolment; readonly token: Uint8Array }> {
  const enrolment: Enrolment = {
    id: `urn:uuid:${randomUUID()}`,
    organisation: organisation.did,
    organisationName: organisation.name,
    device: options.device,
    gateway: options.gateway,
    label: options.label,
    profile: options.profile,
    facility: {
      id: `${organisation.did}/facility/one`,
      name: 'Facility one',
      latitude: 48.99929,
      longitude: -97.53103,
      accuracyM: 50,
    },
    cadenceMs: options.cadenceMs ?? 1_000,
    heartbeatMs: options.heartbeatMs ?? 60_000,
    keyLocation: 'gateway-file',
    scope: { goods: options.goods ?? [`${organisation.did}/`] },
    validFromMs: Math.floor(options.nowMs / 1000) * 1000 - 60_000,
    status: [],
    ...(options.supersedes !== undefined && { supersedes: options.supersedes }),
  };
  const payload = composeEnrolment(enrolment);
  const token = await signToken({ payload, signer: organisation.signer, typ: 'vc+jwt' });
  return { enrolment, token };
}

function signerOf(key: KeyObject, did: string, keyId: string): Signer {
  return {
    did,
    keyId,
    algorithm: 'ES256',
    sign: (data) => signatureOfDer(sign('sha256', data, key), 32),
  };
}
