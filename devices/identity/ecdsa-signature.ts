/**
 * The two forms of an ECDSA signature: r and s side by side, as JOSE has it (RFC 7518 §3.4), and
 * DER (RFC 3279 §2.2.3), as OpenSSL has it. Node converts too, but asks for its options at every
 * call, which costs a quarter of a verification.
 */
import { strict as assert } from 'node:assert';

const SEQUENCE = 0x30;
const INTEGER = 0x02;
/** X.690 §8.1.3.5: the length stands in the one byte that follows. */
const LONG = 0x81;

/** DER of r‖s; both halves have the same length, at most 66 bytes (P-521). */
export function derOfSignature(signature: Uint8Array): Buffer {
  const half = signature.length >> 1;
  assert(signature.length === 2 * half && half <= 66, 'r and s have the same length');
  const r = integerOf(signature.subarray(0, half));
  const s = integerOf(signature.subarray(half));
  const length = r.length + s.length;
  // X.690 §8.1.3: a length from 128 on stands behind a byte that says so.
  const head = length < 0x80 ? [SEQUENCE, length] : [SEQUENCE, LONG, length];
  return Buffer.concat([Buffer.from(head), r, s]);
}

/** An unsigned integer in its shortest form; a zero in front keeps it positive (X.690 §8.3). */
function integerOf(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const isHigh = (bytes[start] ?? 0) >= 0x80;
  const length = bytes.length - start + (isHigh ? 1 : 0);
  const integer = Buffer.alloc(2 + length);
  integer[0] = INTEGER;
  integer[1] = length;
  integer.set(bytes.subarray(start), 2 + (isHigh ? 1 : 0));
  return integer;
}

/** r‖s of a DER signature that OpenSSL made; each half gets `half` bytes. */
export function signatureOfDer(der: Uint8Array, half: number): Buffer {
  const signature = Buffer.alloc(2 * half);
  const head = der[1] === LONG ? 3 : 2;
  let at = head;
  for (const end of [half, 2 * half]) {
    const length = der[at + 1] ?? 0;
    const first = at + 2;
    const integer = der.subarray(first + Math.max(0, length - half), first + length);
    signature.set(integer, end - integer.length);
    at = first + length;
  }
  assert(
    der[0] === SEQUENCE && der[head - 1] === der.length - head && at === der.length,
    'one DER sequence',
  );
  return signature;
}
