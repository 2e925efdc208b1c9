/**
 * The request with which a gateway asks its ingester for a client certificate: signed by the key
 * that is the gateway's DID, for a TLS key that signs for itself inside (RFC 2986).
 */
import { publicKeyOfDid } from '../identity/did-key.ts';
import { limits } from '../limits.ts';
import { compileChecker, type Static, Type } from '../schema.ts';
import { shared } from './batch-schema.ts';
import { openToken, verifyToken } from './jws.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';

const { didKey, count } = shared;
const base64url = (lengthMax: number) =>
  Type.String({ pattern: '^[A-Za-z0-9_-]+$', maxLength: lengthMax });

const requestSchema = Type.Object(
  {
    gateway: didKey,
    /** DID of the ingester that is asked; nobody else may answer. */
    ingester: didKey,
    /** The request for the TLS key, DER. */
    key: base64url(Math.ceil((limits.certificateKeyRequestBytesMax * 4) / 3)),
    /** 16 random bytes: no request counts twice. */
    nonce: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }),
    requestedMs: count,
    /** Enrolments that name the gateway; one in force is enough. */
    enrolments: Type.Array(Type.String({ maxLength: limits.certificateRequestBytesMax }), {
      maxItems: limits.certificateEnrolmentsMax,
    }),
  },
  { additionalProperties: false },
);

/** What a gateway asks for. */
export type CertificateRequest = Static<typeof requestSchema>;

const checkRequest = compileChecker(requestSchema);

/** The payload of a request, ready to be signed with typ `bondline-certificate-request+jwt`. */
export function certificateRequestPayload(request: CertificateRequest): string {
  const { gateway, ingester, key, nonce, requestedMs, enrolments } = request;
  return JSON.stringify({ gateway, ingester, key, nonce, requestedMs, enrolments });
}

/** The request in `bytes`, with its signature verified, or a refusal. */
export function openCertificateRequest(bytes: Uint8Array): CertificateRequest | Refusal {
  const max = limits.certificateRequestBytesMax;
  const opened = openToken(bytes, max, 'bondline-certificate-request+jwt');
  if (isRefusal(opened)) return opened;
  const payload: unknown = opened.payload;
  if (!checkRequest(payload)) return refuse('VC_SCHEMA', 'not a request for a certificate');
  try {
    if (!verifyToken(opened, publicKeyOfDid(payload.gateway))) {
      return refuse('VC_SIGNATURE', `the signature does not verify with ${opened.header.kid}`);
    }
  } catch {
    return refuse('VC_KEY_INVALID', `${payload.gateway} is not a key we accept`);
  }
  return payload;
}
