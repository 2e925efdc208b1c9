/** A receipt to its payload, and a received receipt checked against the pinned ingester. */
import { publicKeyOfDid } from '../identity/did-key.ts';
import { limits } from '../limits.ts';
import { compileChecker, Type } from '../schema.ts';
import { patterns, shared } from './batch-schema.ts';
import { openToken, verifyToken } from './jws.ts';
import type { Receipt } from './receipt.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';

const closed = { additionalProperties: false } as const;
const { didKey, count } = shared;

/** The closed schema of a receipt's payload: plain JSON, since only the two halves read it. */
export const receiptSchema = Type.Object(
  {
    issuer: didKey,
    gateway: Type.String({ pattern: '^z[1-9A-HJ-NP-Za-km-z]{40,64}$' }),
    issuedMs: count,
    results: Type.Array(
      Type.Object(
        {
          digest: Type.String({ pattern: patterns.digest }),
          outcome: Type.Enum(['accepted', 'refused', 'held']),
          bytes: Type.Optional(Type.String({ pattern: patterns.digest })),
          code: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' })),
          position: Type.Optional(count),
          leaf: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
        },
        closed,
      ),
      { minItems: 1 },
    ),
  },
  closed,
);

const check = compileChecker(receiptSchema);

/** The payload of a receipt, as JSON text ready to be signed with typ `bondline-receipt+jwt`. */
export function composeReceipt(receipt: Receipt): string {
  const { issuer, gateway, issuedMs, results } = receipt;
  return JSON.stringify({
    issuer,
    gateway,
    issuedMs,
    results: results.map(({ digest, outcome, bytes, code, position, leaf }) => ({
      digest,
      outcome,
      ...(bytes !== undefined && { bytes }),
      ...(code !== undefined && { code }),
      ...(position !== undefined && { position }),
      ...(leaf !== undefined && { leaf }),
    })),
  });
}

/**
 * The receipt in `bytes`, verified against the pinned DID of the ingester, or a refusal. The
 * caller still compares `gateway` with itself: a receipt for another gateway is genuine too.
 *
 * @throws EdgeError DID_INVALID when `issuerDid` is not a `did:key`.
 */
export function openReceipt(bytes: Uint8Array, issuerDid: string): Receipt | Refusal {
  const key = publicKeyOfDid(issuerDid);
  const opened = openToken(bytes, limits.receiptBytesMax, 'bondline-receipt+jwt');
  if (isRefusal(opened)) return opened;
  if (opened.header.kid !== key.keyId) {
    return refuse('VC_ISSUER', 'the receipt is not signed by the pinned ingester');
  }
  if (!verifyToken(opened, key)) return refuse('VC_SIGNATURE', 'the signature does not verify');
  const { payload } = opened as { payload: unknown };
  if (!check(payload)) return refuse('VC_SCHEMA', 'not the payload of a receipt');
  if (payload.issuer !== issuerDid) return refuse('VC_ISSUER', 'issuer is not the signer');
  return { ...(payload as Receipt), ...(opened.header.takesPacked && { takesPacked: true }) };
}
