/** A document that somebody gave for the book of trust, and what became of it. */
import type { ErrorCode } from '../devices/errors.ts';
import type { Recorder } from './record.ts';
import type { Appended } from './store.ts';
import type { TrustBook } from './trust.ts';

/** A document as a person gave it. */
export interface GivenDocument {
  /** File name, for the answer. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of an organisation's document: what the person calls it. */
  readonly called?: string;
}

/** What became of one document. */
export interface TrustChange {
  readonly name: string;
  readonly kind: 'organisation' | 'status' | 'enrolment' | 'unknown';
  /** DID of the organisation or of the device, or URL of the list. */
  readonly subject: string;
  /** `confirm`: an organisation's document differs from the pinned one; repeat to confirm. */
  readonly result: 'added' | 'known' | 'removed' | 'confirm' | 'refused';
  readonly code?: ErrorCode;
  readonly reason?: string;
  readonly position?: number;
  /** Of an organisation: what the person calls it. */
  readonly called?: string;
  /** Of an enrolment that was added: the organisation that signed it. */
  readonly organisation?: { readonly did: string; readonly name: string };
  /** Of an enrolment that was added: why what its device signs does not count yet, if so. */
  readonly waits?: string;
}

/** A change without the name of its document, as the functions that make it give it. */
export type Change = Omit<TrustChange, 'name'>;
export type Kind = TrustChange['kind'];

/** What the taking of one document may use. */
export interface Context {
  readonly append: Recorder['append'];
  readonly trust: TrustBook;
  readonly tenant: string;
  readonly nowMs: number;
  readonly bytes: Uint8Array;
  readonly called?: string;
}

/** Editors and shells end a file with a line feed; a token has none. */
export function trimmed(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] ?? 0) <= 0x20) end -= 1;
  return bytes.subarray(0, end);
}

/** What the journal answered, as a change. */
export function added(kind: Kind, subject: string, [appended]: readonly Appended[]): Change {
  if (appended === undefined) throw new Error('the journal answers every entry');
  const { position, result, code } = appended;
  if (appended.kind === 'refusal') {
    const reason = `the same bytes were refused before, at position ${position}`;
    return refused(kind, subject, (code ?? 'DOC_INVALID') as ErrorCode, reason);
  }
  if (result === 'known') return known(kind, subject, position);
  return { kind, subject, result: 'added', position };
}

export function known(kind: Kind, subject: string, position: number): Change {
  return { kind, subject, result: 'known', position };
}

export function refused(kind: Kind, subject: string, code: ErrorCode, reason: string): Change {
  return { kind, subject, result: 'refused', code, reason };
}
