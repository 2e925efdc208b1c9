/**
 * Opens the payload of a stored token. What the journal keeps as accepted was verified and held
 * against its schema before it was stored, and its leaf is checked at every reading; so this
 * parser trusts the form and is the only place that does.
 */

import type { BatchPayload } from '../devices/credential/batch-schema.ts';
import type { Enrolment } from '../devices/credential/enrolment.ts';
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { EdgeError } from '../devices/errors.ts';
import type { JournalEntry } from './store.ts';

const DOT = 0x2e;

/** The payload's text: the part between the two dots of a compact JWS. */
export function payloadText(token: Uint8Array): string {
  const bytes = Buffer.from(token.buffer, token.byteOffset, token.byteLength);
  const from = bytes.indexOf(DOT) + 1;
  const to = bytes.lastIndexOf(DOT);
  return Buffer.from(bytes.toString('latin1', from, to), 'base64url').toString('utf8');
}

/** The payload of an accepted batch. */
export function batchPayload(entry: JournalEntry): BatchPayload {
  return JSON.parse(payloadText(entry.bytes)) as BatchPayload;
}

/** @throws EdgeError IN_JOURNAL_DAMAGED when an accepted enrolment cannot be read. */
export function enrolmentPayload(entry: JournalEntry): Enrolment {
  const enrolment = readEnrolment(JSON.parse(payloadText(entry.bytes)));
  if (!('reason' in enrolment)) return enrolment;
  throw new EdgeError(
    'IN_JOURNAL_DAMAGED',
    `reading the enrolment at position ${entry.position}: ${enrolment.reason}`,
  );
}
