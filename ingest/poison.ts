/**
 * Messages that a worker cannot judge: it threw, ended, took too much memory or came to no end.
 * Such a message is kept with its bytes and refused for good the first time, and known from then
 * on.
 */
import { credentialDigest } from '../devices/envelope.ts';
import { EdgeError } from '../devices/errors.ts';
import { sqliteCode } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { Admission } from './admit.ts';
import type { Inbound } from './source.ts';

/** A poison as the journal remembers it. */
export interface Poison {
  readonly length: number;
  /** `digestMultibase` of its bytes. */
  readonly digest: string;
}

/** Poisons by their bytes. Only a message of the length of one is hashed. */
export interface PoisonBook {
  has(bytes: Uint8Array): boolean;
  /** Remembers one; beyond `limits.poisonsKnownMax` the oldest is forgotten. */
  learn(poison: Poison): void;
}

export function createPoisonBook(known: readonly Poison[]): PoisonBook {
  const lengths = new Map<string, number>();
  const counts = new Map<number, number>();
  const count = (length: number, by: number) => {
    const left = (counts.get(length) ?? 0) + by;
    if (left > 0) counts.set(length, left);
    else counts.delete(length);
  };
  const learn = ({ digest, length }: Poison) => {
    if (lengths.has(digest)) return;
    lengths.set(digest, length);
    count(length, 1);
    const [oldest] = lengths;
    if (lengths.size <= limits.poisonsKnownMax || oldest === undefined) return;
    lengths.delete(oldest[0]);
    count(oldest[1], -1);
  };
  for (const poison of known) learn(poison);
  return {
    has: (bytes) => counts.has(bytes.length) && lengths.has(digestMultibase(bytes)),
    learn,
  };
}

/** What is done with a poison, whatever it says: nobody looks into it again. */
export function poisonAdmission(message: Inbound, tenant: string, why: string): Admission {
  const { bytes, gateway, receivedMs } = message;
  const digest = credentialDigest(bytes);
  const code = 'IN_POISON';
  const reason = why.slice(0, limits.poisonReasonMax);
  const { credentialBytesMax: most, refusalBytesMax } = limits;
  return {
    outcome: 'refused',
    digest,
    bytesDigest: digestMultibase(bytes),
    header: { version: 1, tenant, kind: 'refusal', receivedMs, digest, gateway, code, reason },
    bytesKept: bytes.length <= most ? bytes.length : refusalBytesMax,
    code,
    reason,
    readings: 0,
  };
}

/**
 * What is done with a message that made the judge throw. What a database says is no message's
 * fault and is thrown on: it ends the process.
 */
export function poisonOf(error: unknown, message: Inbound, tenant: string): Admission {
  if (isStoreFailure(error)) throw error;
  return poisonAdmission(message, tenant, `judging it threw ${String(error)}`);
}

/** Whether an error, or one that caused it, comes from a database. */
export function isStoreFailure(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1) {
    if (sqliteCode(at) !== '') return true;
    if (at instanceof EdgeError && /^(DB|IN_JOURNAL)_/.test(at.code)) return true;
  }
  return false;
}
