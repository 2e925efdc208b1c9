/** Whether the key of a device that is to be enrolled is somebody else's already. */
import type { Enrolment } from '../devices/credential/enrolment.ts';
import { publicKeyOfDid } from '../devices/identity/did-key.ts';
import { enrolmentsOf, standingOf, type TrustBook, textOfKey } from './trust.ts';

/**
 * Why the key must not be enrolled, or `undefined`: another organisation has enrolled the device
 * and has not ended that, or the key is one of an organisation, of a gateway, or of this ingester.
 * One key in two roles would let what is signed in one be taken for the other.
 */
export function reuseOf(book: TrustBook, enrolment: Enrolment, atMs: number): string | undefined {
  const { device, gateway, organisation } = enrolment;
  const own = ownKeyOf(book, enrolment);
  if (own !== undefined) return own;
  if (device === gateway) return `${device} is its own gateway`;
  if (book.index?.isGateway(device)) return `${device} is a gateway`;
  if (enrolmentsOf(book, gateway).length > 0) return `${gateway} is a device, not a gateway`;
  const other = enrolmentsOf(book, device).find((one) => {
    const { organisation: by, validUntilMs = Number.POSITIVE_INFINITY } = one.enrolment;
    if (by === organisation || validUntilMs < atMs || !book.organisations.has(by)) return false;
    return standingOf(book, one, atMs).state !== 'revoked';
  });
  if (other !== undefined) return `${device} is enrolled by ${other.enrolment.organisation}`;
  const texts = [device, gateway].map((did) => textOfKey(publicKeyOfDid(did)));
  for (const { did, document } of book.organisations.values()) {
    const isTheirs = document.methods.some(({ key }) => key && texts.includes(textOfKey(key)));
    if (isTheirs) return `a key of ${did} is that of the device or of its gateway`;
  }
  return undefined;
}

/** What is wrong where the ingester itself signs with the key of a device or a gateway. */
export function ownKeyOf(
  { own }: Pick<TrustBook, 'own'>,
  dids: Pick<Enrolment, 'device' | 'gateway'>,
): string | undefined {
  const found = [dids.device, dids.gateway].find((did) => own.has(did));
  return found && `${found} is a key of this ingester`;
}
