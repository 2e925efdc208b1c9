/**
 * The request with which a gateway asks an organisation to enrol a device. Two signatures, one
 * inside the other: the gateway signs what is asked for, the device signs that, so that nobody
 * can have another's key enrolled for his own gateway, or his own device for another's.
 */
import { publicKeyOfDid } from '../identity/did-key.ts';
import type { Signer } from '../identity/signer.ts';
import { limits } from '../limits.ts';
import { compileChecker, type Static, Type } from '../schema.ts';
import { patterns, shared } from './batch-schema.ts';
import { openToken, signToken, verifyToken } from './jws.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';

const TYP = 'bondline-enrol-request+jwt';

const closed = { additionalProperties: false } as const;
const { didKey, digest, count } = shared;
const duration = Type.Integer({ minimum: 1, maximum: 366 * 24 * 3_600_000 });

const requestSchema = Type.Object(
  {
    device: didKey,
    gateway: didKey,
    /** The device's name at its site. */
    label: Type.String({ pattern: patterns.label, maxLength: 64 }),
    profile: Type.Object(
      { name: Type.String({ pattern: patterns.kebab, maxLength: 64 }), digest },
      closed,
    ),
    cadenceMs: duration,
    heartbeatMs: duration,
    keyLocation: Type.Enum(['sensor', 'gateway-secure-element', 'gateway-file']),
    requestedMs: count,
    /** Device DID that this one replaces. */
    supersedes: Type.Optional(didKey),
  },
  closed,
);

/** What a gateway asks for. The organisation adds place, goods and parties. */
export type EnrolRequest = Static<typeof requestSchema>;

const outerSchema = Type.Object({ device: didKey, request: Type.String() }, closed);

const checkRequest = compileChecker(requestSchema);
const checkOuter = compileChecker(outerSchema);

/** Signs a request with both keys; `device` and `gateway` are taken from the signers. */
export async function composeEnrolRequest(
  asked: Omit<EnrolRequest, 'device' | 'gateway'>,
  signers: { readonly device: Signer; readonly gateway: Signer },
): Promise<Uint8Array> {
  const { device, gateway } = signers;
  const request: EnrolRequest = { device: device.did, gateway: gateway.did, ...asked };
  const inner = await signToken({ payload: JSON.stringify(request), signer: gateway, typ: TYP });
  const payload = { device: device.did, request: Buffer.from(inner).toString('latin1') };
  return signToken({ payload: JSON.stringify(payload), signer: device, typ: TYP });
}

/** The request in `bytes`, with both signatures verified, or a refusal. */
export function openEnrolRequest(bytes: Uint8Array): EnrolRequest | Refusal {
  const outer = openSigned(bytes);
  if (isRefusal(outer)) return outer;
  const { payload } = outer;
  if (!checkOuter(payload)) return refuse('VC_SCHEMA', 'not an enrolment request');
  const inner = openSigned(Buffer.from(payload.request, 'latin1'));
  if (isRefusal(inner)) return inner;
  const { payload: request } = inner;
  if (!checkRequest(request)) return refuse('VC_SCHEMA', 'not an enrolment request inside');
  if (request.device !== outer.did || payload.device !== outer.did) {
    return refuse('VC_ISSUER', 'the device that is asked for did not sign');
  }
  if (request.gateway !== inner.did) {
    return refuse('VC_ISSUER', 'the gateway that is asked for did not sign');
  }
  return request;
}

/** A payload and the `did:key` that signed it. */
function openSigned(bytes: Uint8Array): { payload: unknown; did: string } | Refusal {
  const opened = openToken(bytes, limits.credentialBytesMax, TYP);
  if (isRefusal(opened)) return opened;
  const did = opened.header.kid.split('#')[0] ?? '';
  try {
    if (!verifyToken(opened, publicKeyOfDid(did))) {
      return refuse('VC_SIGNATURE', `the signature does not verify with ${opened.header.kid}`);
    }
  } catch {
    return refuse('VC_KEY_INVALID', `${did.slice(0, 200)} is not a key we accept`);
  }
  return { payload: opened.payload, did };
}
