/**
 * The request with which a gateway asks an organisation to enrol a device. Two signatures, one
 * inside the other: the gateway signs what is asked for, the device signs that, so that nobody
 * can have another's key enrolled for his own gateway, or his own device for another's. Where the
 * device's key replaces an older one, that one signs in between: only it can hand its place on.
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
    /** Device DID that this one replaces; its key has signed the request too, */
    supersedes: Type.Optional(didKey),
    /** unless it is said to be lost. */
    lost: Type.Optional(Type.Literal(true)),
  },
  closed,
);

/** What a gateway asks for. The organisation adds place, goods and parties. */
export type EnrolRequest = Static<typeof requestSchema>;

const outerSchema = Type.Object({ device: didKey, request: Type.String() }, closed);

const checkRequest = compileChecker(requestSchema);
const checkOuter = compileChecker(outerSchema);

/**
 * Signs a request with both keys; `device` and `gateway` are taken from the signers. Where the
 * device's key replaces another, `superseded` is that one, or names it where it is lost.
 */
export async function composeEnrolRequest(
  asked: Omit<EnrolRequest, 'device' | 'gateway' | 'lost' | 'supersedes'>,
  signers: {
    readonly device: Signer;
    readonly gateway: Signer;
    readonly superseded?: Signer | { readonly did: string; readonly lost: true };
  },
): Promise<Uint8Array> {
  const { device, gateway, superseded } = signers;
  const request: EnrolRequest = {
    device: device.did,
    gateway: gateway.did,
    ...asked,
    ...(superseded && { supersedes: superseded.did }),
    ...(superseded && 'lost' in superseded && { lost: true }),
  };
  const inner = await signToken({ payload: JSON.stringify(request), signer: gateway, typ: TYP });
  const agreed = superseded && 'sign' in superseded ? await wrap(inner, superseded) : inner;
  return wrap(agreed, device);
}

function wrap(inner: Uint8Array, signer: Signer): Promise<Uint8Array> {
  const payload = { device: signer.did, request: Buffer.from(inner).toString('latin1') };
  return signToken({ payload: JSON.stringify(payload), signer, typ: TYP });
}

/** The request in `bytes`, with every signature verified, or a refusal. */
export function openEnrolRequest(bytes: Uint8Array): EnrolRequest | Refusal {
  const outer = openWrapped(bytes);
  if (isRefusal(outer)) return outer;
  if (!outer.inner) return refuse('VC_SCHEMA', 'not an enrolment request');
  const middle = openWrapped(outer.inner);
  if (isRefusal(middle)) return middle;
  const core = middle.inner ? openWrapped(middle.inner) : middle;
  if (isRefusal(core)) return core;
  const { did: gateway, payload: request } = core;
  if (!checkRequest(request)) return refuse('VC_SCHEMA', 'not an enrolment request inside');
  if (request.device !== outer.did) {
    return refuse('VC_ISSUER', 'the device that is asked for did not sign');
  }
  if (request.gateway !== gateway) {
    return refuse('VC_ISSUER', 'the gateway that is asked for did not sign');
  }
  return checkSuperseded(request, middle.inner && middle.did) ?? request;
}

/** The key that is replaced has signed, or is said to be lost; nobody else signs in its place. */
function checkSuperseded(
  { lost, supersedes }: EnrolRequest,
  agreedDid: string | undefined,
): Refusal | undefined {
  if (lost && supersedes === undefined) return refuse('VC_SCHEMA', 'a lost key is not named');
  if (agreedDid === (lost ? undefined : supersedes)) return undefined;
  const reason = supersedes
    ? 'the key that is to be replaced did not sign, and is not said to be lost'
    : 'a key signed that the request does not name';
  return refuse('VC_ISSUER', reason);
}

/** One layer: who signed it, and the token inside where it is a wrapper. */
function openWrapped(
  bytes: Uint8Array,
): { did: string; payload: unknown; inner?: Uint8Array } | Refusal {
  const opened = openSigned(bytes);
  if (isRefusal(opened) || !checkOuter(opened.payload)) return opened;
  const { device, request } = opened.payload;
  if (device !== opened.did) return refuse('VC_ISSUER', 'a key signed in the name of another');
  return { ...opened, inner: Buffer.from(request, 'latin1') };
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
