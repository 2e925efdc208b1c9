/** What the book of trust says of a gateway: the enrolments of its devices, as the uplink asks. */
import { readEnrolment } from '../devices/credential/enrolment-wire.ts';
import { openToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { fingerprintOfDid } from '../devices/envelope.ts';
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';
import { admit } from './admit.ts';
import type { Inbound } from './source.ts';
import { enrolmentsOf, standingOf, type TrustBook } from './trust.ts';

/** How often, and how long, a stored enrolment is waited for. */
const LOOK_MS = 10;
const LOOKS_MAX = 500;

export interface EnrolledGateways {
  isEnrolled(device: string, gateway: string): boolean;
  present(gateway: string, enrolment: Uint8Array): Promise<string | undefined>;
}

export function createEnrolledGateways(options: {
  readonly trust: TrustBook;
  readonly tenant: string;
  readonly clock: Clock;
  /** Takes a credential as if it had come by a source. */
  readonly receive: (message: Inbound) => Promise<void> | undefined;
}): EnrolledGateways {
  const { clock, receive, tenant, trust } = options;

  /**
   * A list that is too old to be believed cuts nobody off: what its devices send waits or is
   * marked, and one web server's outage stops no border. What is known to be revoked or suspended
   * does.
   */
  function isEnrolled(device: string, gateway: string): boolean {
    const nowMs = clock.nowMs();
    return enrolmentsOf(trust, device).some((one) => {
      const { enrolment } = one;
      if (enrolment.gateway !== gateway || enrolment.validFromMs > nowMs) return false;
      if (enrolment.validUntilMs !== undefined && enrolment.validUntilMs < nowMs) return false;
      const standing = standingOf(trust, one, nowMs);
      if (standing.state !== 'held') return standing.state === 'active';
      return standing.code === 'IN_STATUS_UNKNOWN';
    });
  }

  return {
    isEnrolled,
    async present(gateway, bytes) {
      if (gatewayOf(bytes) !== gateway) return undefined;
      const receivedMs = Math.round(clock.nowMs());
      const message = { gateway: fingerprintOfDid(gateway), bytes, receivedMs };
      const { device, header, outcome } = admit(message, trust, tenant);
      if (outcome !== 'accepted' || header?.kind !== 'enrolment' || device === undefined) {
        return undefined;
      }
      if (isEnrolled(device, gateway)) return device;
      await receive(message);
      for (let looks = 0; looks < LOOKS_MAX && !isEnrolled(device, gateway); looks += 1) {
        await clock.sleep(LOOK_MS);
      }
      return isEnrolled(device, gateway) ? device : undefined;
    },
  };
}

/** The gateway that an enrolment names; nothing in it is proven yet. */
function gatewayOf(bytes: Uint8Array): string | undefined {
  const opened = openToken(bytes, limits.credentialBytesMax);
  if (isRefusal(opened)) return undefined;
  const enrolment = readEnrolment(opened.payload);
  return isRefusal(enrolment) ? undefined : enrolment.gateway;
}
