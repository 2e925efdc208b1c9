/**
 * Tells, by a cheap glance, in which lane a message waits: batches of readings in one, all that
 * organisations and parties sign (custody, enrolments) in the other, so that it is never behind
 * a full queue of readings. Nothing is judged by it: who lies gets another lane, and no other
 * verdict.
 */
import { credentialTypes } from '../devices/credential/vocabulary.ts';
import { isPacked } from '../devices/credential/wire-pack.ts';
import { limits } from '../devices/limits.ts';

export type Lane = 'paper' | 'batch';

const DOT = 0x2e;
const BRACE = 0x7b;
const batchType = `"${credentialTypes.batch}"`;

/** The lane of a message. What is neither a token nor JSON waits with the batches. */
export function laneOf(bytes: Uint8Array): Lane {
  if (isPacked(bytes)) return 'batch';
  // A document with proofs inside: batches never come as one.
  if (bytes[0] === BRACE) return 'paper';
  const header = bytes.subarray(0, limits.glanceBytes).indexOf(DOT) + 1;
  if (header === 0) return 'batch';
  const { buffer, byteOffset } = bytes;
  const length = Math.min(limits.glanceBytes, bytes.length - header);
  const encoded = Buffer.from(buffer, byteOffset + header, length).toString('latin1');
  const head = Buffer.from(encoded, 'base64url');
  if (head[0] !== BRACE) return 'batch';
  return head.includes(batchType, 0, 'latin1') ? 'batch' : 'paper';
}
