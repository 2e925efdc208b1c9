/**
 * Answers a gateway's request for a client certificate: bounds and rate first, then its signature,
 * its freshness, whether the gateway may, and only then the authority signs.
 */
import {
  type CertificateRequest,
  openCertificateRequest,
} from '../devices/credential/certificate-request.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { fingerprintOfDid } from '../devices/envelope.ts';
import { type ErrorCode, errorCatalogue } from '../devices/errors.ts';
import { keyOfCertificateRequest } from '../devices/io/uplink/x509.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { UplinkAuthority } from './uplink-authority.ts';
import type { UplinkGateways } from './uplink-gateways.ts';
import { createRateLimit } from './uplink-rate.ts';

/** An HTTP answer; the body is JSON. */
export interface IssueAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, string | number>>;
}

export type IssueCertificate = (bytes: Uint8Array, address: string) => Promise<IssueAnswer>;

export interface IssueOptions {
  readonly authority: UplinkAuthority;
  readonly gateways: UplinkGateways;
  /** DID of this ingester. */
  readonly ingester: string;
  readonly lifetimeMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Judges an enrolment that a gateway shows, and stores it when it is good. Returns the device
   * that it enrols at the gateway, or `undefined` when it enrols none there.
   */
  readonly present: (gateway: string, enrolment: Uint8Array) => Promise<string | undefined>;
}

const STATUS = {
  IN_CERTIFICATE_RATE: 429,
  IN_CERTIFICATE_REQUEST: 400,
  IN_CERTIFICATE_AUDIENCE: 400,
  IN_CERTIFICATE_STALE: 409,
  IN_CERTIFICATE_NOT_ALLOWED: 403,
} as const satisfies Partial<Record<ErrorCode, number>>;

export function createIssuer(options: IssueOptions): IssueCertificate {
  const { authority, clock, gateways, ingester, lifetimeMs, log } = options;
  const mayAsk = createRateLimit(clock, {
    own: { burst: limits.certificateBurst, perSecond: limits.certificatePerSecond },
    all: { burst: limits.certificateBurstAll, perSecond: limits.certificatePerSecondAll },
  });
  const isNew = createNonces(clock);
  /** Gateways of which it was said that they may not; each asks again and again. */
  const turnedAway = new Set<string>();

  const sayTurnedAway = (gateway: string): void => {
    if (turnedAway.has(gateway)) return;
    const [oldest] = turnedAway;
    if (turnedAway.size >= limits.sitesMax && oldest !== undefined) turnedAway.delete(oldest);
    turnedAway.add(gateway);
    const hint = 'enrol one of its devices, or: bondline-ingest uplink CONFIG allow DID';
    log.warn('a gateway without an enrolment in force asked for a certificate', { gateway, hint });
  };

  const no = (code: keyof typeof STATUS, reason: string): IssueAnswer => ({
    status: STATUS[code],
    // A gateway whose clock is wrong asks again by this time.
    body: { code, reason, hint: errorCatalogue[code].hint, nowMs: Math.round(clock.nowMs()) },
  });

  async function mayHave({ enrolments, gateway }: CertificateRequest): Promise<boolean> {
    const devices: string[] = [];
    for (const token of enrolments) {
      const device = await options.present(gateway, Buffer.from(token, 'latin1'));
      if (device !== undefined && !devices.includes(device)) devices.push(device);
    }
    if (devices.length > 0) gateways.remember(gateway, devices);
    return gateways.isAllowed(gateway);
  }

  return async (bytes, address) => {
    if (!mayAsk(address)) return no('IN_CERTIFICATE_RATE', 'too many requests');
    const request = openCertificateRequest(bytes);
    if (isRefusal(request)) return no('IN_CERTIFICATE_REQUEST', request.reason);
    const { gateway } = request;
    if (request.ingester !== ingester) {
      return no('IN_CERTIFICATE_AUDIENCE', `this is ${ingester}`);
    }
    if (Math.abs(request.requestedMs - clock.nowMs()) > limits.certificateFreshMs) {
      return no('IN_CERTIFICATE_STALE', 'the time of the request is not this time');
    }
    if (!isNew(`${gateway} ${request.nonce}`)) {
      return no('IN_CERTIFICATE_REQUEST', 'the same request came before');
    }
    const key = await keyOfCertificateRequest(Buffer.from(request.key, 'base64url'));
    if (key === undefined) {
      return no('IN_CERTIFICATE_REQUEST', 'no P-256 key that signs for itself is inside');
    }
    if (!(await mayHave(request))) {
      sayTurnedAway(gateway);
      return no('IN_CERTIFICATE_NOT_ALLOWED', `${gateway} is not enrolled or allowed here`);
    }
    turnedAway.delete(gateway);
    const named = { did: gateway, fingerprint: fingerprintOfDid(gateway) };
    const issuedMs = Math.round(clock.nowMs());
    const certificate = await authority.issueGateway(named, key, lifetimeMs);
    log.info('issued a certificate', { gateway, hours: lifetimeMs / 3_600_000 });
    return { status: 200, body: { certificate, issuedMs, lifetimeMs } };
  };
}

/** Remembers what came within the time in which a request is fresh, as much as the rate lets in. */
function createNonces(clock: Clock): (nonce: string) => boolean {
  const seen = new Map<string, number>();
  return (nonce) => {
    const nowMs = clock.monotonicMs();
    for (const [old, atMs] of seen) {
      if (nowMs - atMs <= 2 * limits.certificateFreshMs) break;
      seen.delete(old);
    }
    if (seen.has(nonce)) return false;
    seen.set(nonce, nowMs);
    return true;
  };
}
