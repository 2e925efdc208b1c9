/**
 * What status lists say of the calibration that a device's enrolment pins, when the device speaks.
 * It hinders nothing: the header of the batch keeps it, and a rule tells of it.
 */
import type { Calibration } from '../devices/credential/party/calibration.ts';
import { limits } from '../devices/limits.ts';
import { partyPayload } from './apply-payload.ts';
import type { EntryHeader } from './store.ts';
import { listedIn, type TrustBook, type TrustedEnrolment } from './trust.ts';

/** What stands against a calibration at `atMs`; `undefined` where nothing does or it is absent. */
export function calibrationNote(
  book: TrustBook,
  { enrolment: { calibration: digest } }: TrustedEnrolment,
  atMs: number,
): EntryHeader['calibration'] {
  const certificate = digest === undefined ? undefined : certificateOf(book, digest);
  if (digest === undefined || certificate === undefined) return undefined;
  const { issuer, status } = certificate;
  for (const entry of status) {
    const listed = listedIn(book, entry, { did: issuer.id, atMs });
    if (listed?.isSet) {
      return { digest, status: entry.purpose === 'revocation' ? 'revoked' : 'suspended' };
    }
    if (listed === undefined || listed.isStale) return { digest, status: 'unknown' };
  }
  return undefined;
}

/** Certificates that were asked for lately stay in memory: every batch asks for its device's. */
function certificateOf({ calibrations, index }: TrustBook, digest: string) {
  const known = calibrations.get(digest);
  if (known !== undefined) return known;
  const entry = index?.partyCredential(digest);
  const statement = entry && partyPayload(entry);
  if (statement?.kind !== 'calibration') return undefined;
  if (calibrations.size >= limits.enrolmentsCached) {
    calibrations.delete(calibrations.keys().next().value ?? '');
  }
  calibrations.set(digest, statement satisfies Calibration);
  return statement;
}
