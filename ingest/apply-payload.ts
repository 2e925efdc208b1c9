/**
 * Opens the payload of a stored token. What the journal keeps as accepted was verified and held
 * against its schema before it was stored, and its leaf is checked at every reading; so this
 * parser trusts the form and is the only place that does.
 */

import type { BatchPayload } from '../devices/credential/batch-schema.ts';
import type { Enrolment } from '../devices/credential/enrolment.ts';
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { type PartyStatement, readParty } from '../devices/credential/party/families.ts';
import { reveal } from '../devices/credential/sd-jwt.ts';
import { EdgeError } from '../devices/errors.ts';
import type { JournalEntry } from './store.ts';

const DOT = 0x2e;
const TILDE = 0x7e;

/** The payload of a compact JWS, with what its disclosures show where it has any. */
export function payloadOf(token: Uint8Array): Readonly<Record<string, unknown>> {
  const bytes = Buffer.from(token.buffer, token.byteOffset, token.byteLength);
  const from = bytes.indexOf(DOT) + 1;
  const to = bytes.lastIndexOf(DOT);
  const text = Buffer.from(bytes.toString('latin1', from, to), 'base64url').toString('utf8');
  const payload = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const tilde = bytes.indexOf(TILDE, to);
  if (tilde < 0) return payload;
  const revealed = reveal(
    payload,
    bytes
      .toString('latin1', tilde + 1)
      .split('~')
      .slice(0, -1),
  );
  return 'reason' in revealed ? payload : revealed.payload;
}

/** The payload of an accepted batch. */
export function batchPayload(entry: JournalEntry): BatchPayload {
  return payloadOf(entry.bytes) as BatchPayload;
}

/** @throws EdgeError IN_JOURNAL_DAMAGED when an accepted enrolment cannot be read. */
export function enrolmentPayload(entry: JournalEntry): Enrolment {
  const enrolment = readEnrolment(payloadOf(entry.bytes));
  if (!('reason' in enrolment)) return enrolment;
  throw new EdgeError(
    'IN_JOURNAL_DAMAGED',
    `reading the enrolment at position ${entry.position}: ${enrolment.reason}`,
  );
}

const BRACE = 0x7b;

/**
 * What an accepted party credential says, in either form.
 *
 * @throws EdgeError IN_JOURNAL_DAMAGED when it cannot be read.
 */
export function partyPayload({ bytes, position }: JournalEntry): PartyStatement {
  const isDocument = bytes[0] === BRACE;
  const whole = isDocument ? JSON.parse(Buffer.from(bytes).toString('utf8')) : payloadOf(bytes);
  const { proof: _proof, ...payload } = whole as Record<string, unknown>;
  const statement = readParty(payload);
  if (statement !== undefined && !('reason' in statement && 'code' in statement)) return statement;
  const reason = statement?.reason ?? 'no family reads it';
  const doing = `reading the party credential at position ${position}: ${reason}`;
  throw new EdgeError('IN_JOURNAL_DAMAGED', doing);
}
