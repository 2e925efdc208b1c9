/**
 * The gateway's client certificate: asked for with a request that the key of its DID signs, kept
 * in memory with a TLS key of its own, and renewed by itself long before it ends.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { certificateRequestPayload } from '../devices/credential/certificate-request.ts';
import { fingerprintOfDid } from '../devices/envelope.ts';
import { EdgeError, explain } from '../devices/errors.ts';
import type { Invitation } from '../devices/io/uplink/invitation.ts';
import { gatewayOfCertificate } from '../devices/io/uplink/tls.ts';
import {
  composeCertificateRequest,
  makeTlsKey,
  type TlsIdentity,
} from '../devices/io/uplink/x509.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import { compileChecker, Type } from '../devices/schema.ts';
import { postBytes } from './uplink-post.ts';

/** What a sink needs to show who its gateway is. */
export interface UplinkIdentity {
  /** Certificate of the authority that the invitation pins, PEM. */
  readonly authority: string;
  /**
   * The certificate in force; waits for one where there is none or it has ended. Rejects only when
   * the signal aborts.
   */
  current(signal: AbortSignal): Promise<TlsIdentity>;
  /** The peer did not take the certificate: the next `current` gives a new one. */
  distrust(identity: TlsIdentity): void;
  /** Calls `action` when there is a newer one; the returned function ends that. */
  onRenewed(action: () => void): () => void;
  close(): void;
}

const isGiven = compileChecker(
  Type.Object({
    certificate: Type.String({ maxLength: 16_384 }),
    issuedMs: Type.Number(),
    lifetimeMs: Type.Number({ minimum: 1_000, maximum: 366 * 86_400_000 }),
  }),
);
const isRefused = compileChecker(
  Type.Object({ code: Type.String(), reason: Type.String(), nowMs: Type.Number() }),
);

/** A certificate with the time of the monotonic clock at which it is as good as ended. */
interface Held {
  readonly identity: TlsIdentity;
  readonly untilMs: number;
}

/** Renewed between these parts of the lifetime, so that gateways do not all ask at once. */
const RENEW_FROM = 0.6;
const RENEW_TO = 2 / 3;
/** Ended a little early: a handshake takes time too. */
const ENDED_AT = 0.98;

export interface IdentityOptions {
  readonly invitation: Invitation;
  /** DID of the gateway. */
  readonly gateway: string;
  /** Signs a payload as a request for a certificate, with the key that is the gateway's DID. */
  readonly vouch: (payload: string) => Promise<Uint8Array>;
  /** Enrolment credentials of the gateway's devices. */
  readonly enrolments: () => Iterable<Uint8Array>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Asks at once, so that a certificate is there when a sink wants one. */
export function createUplinkIdentity(options: IdentityOptions): UplinkIdentity {
  const { clock, invitation, log, random } = options;
  const closing = new AbortController();
  const listeners = new Set<() => void>();
  const waiting = new Set<() => void>();
  const asker = createAsker(options, closing.signal);
  let held: Held | undefined;
  let failures = 0;
  let saidMs = Number.NEGATIVE_INFINITY;
  let cancelRenewal = () => {};
  let isAsking = false;

  /** One request at a time; whoever waits is told when there is a certificate. */
  function renew(): void {
    if (isAsking || closing.signal.aborted) return;
    isAsking = true;
    cancelRenewal();
    asker().then(
      ({ identity, lifetimeMs, untilMs }) => {
        isAsking = false;
        failures = 0;
        const isFirst = held === undefined;
        held = { identity, untilMs };
        renewAfter(lifetimeMs * (RENEW_FROM + random.fraction() * (RENEW_TO - RENEW_FROM)));
        for (const done of waiting) done();
        if (!isFirst) for (const tell of listeners) tell();
      },
      (error: unknown) => {
        isAsking = false;
        retry(error);
      },
    );
  }

  function retry(error: unknown): void {
    if (closing.signal.aborted) return;
    const longest = Math.min(limits.reconnectMs * 2 ** failures, limits.reconnectMsMax);
    failures = Math.min(failures + 1, 16);
    if (clock.monotonicMs() - saidMs >= limits.troubleLogMs) {
      saidMs = clock.monotonicMs();
      log.warn('no certificate for the uplink; asking again', { reason: explain(error) });
    }
    renewAfter(Math.round(longest * (0.5 + random.fraction() / 2)));
  }

  function renewAfter(delayMs: number): void {
    cancelRenewal();
    cancelRenewal = clock.after(delayMs, renew);
  }

  const inForce = () => (held && held.untilMs > clock.monotonicMs() ? held.identity : undefined);
  renew();
  return {
    authority: invitation.authority,
    async current(signal) {
      for (let now = inForce(); ; now = inForce()) {
        if (now) return now;
        if (signal.aborted || closing.signal.aborted) {
          throw new EdgeError('GW_CERTIFICATE_UNAVAILABLE', 'waiting for a certificate');
        }
        // After a failure the next attempt has its time already.
        if (failures === 0) renew();
        await told(waiting, signal);
      }
    },
    distrust(identity) {
      if (held?.identity === identity) held = undefined;
    },
    onRenewed(action) {
      listeners.add(action);
      return () => void listeners.delete(action);
    },
    close() {
      closing.abort();
      cancelRenewal();
      for (const done of waiting) done();
    },
  };
}

/** Resolves when those who wait are told, or the signal aborts. */
function told(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      waiting.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    waiting.add(done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** A function that asks once, for a new key each time. */
function createAsker(
  { clock, enrolments, gateway, invitation, log, vouch }: IdentityOptions,
  closing: AbortSignal,
): () => Promise<Held & { readonly lifetimeMs: number }> {
  /** What the ingester's clock is ahead of ours, once it had to say so. */
  let aheadMs = 0;

  async function post(token: Uint8Array) {
    const url = `${invitation.certificates}/uplink/certificate`;
    const timeout = new AbortController();
    const cancel = clock.after(limits.certificateAnswerMs, () => timeout.abort());
    const signal = AbortSignal.any([closing, timeout.signal]);
    try {
      const { authority } = invitation;
      const { body, status } = await postBytes(url, token, { authority, signal }).catch((cause) => {
        throw new EdgeError('GW_CERTIFICATE_UNAVAILABLE', `asking ${url}`, { cause });
      });
      const value = parse(body);
      if (status === 200 && isGiven(value)) return value;
      if (!isRefused(value)) {
        throw new EdgeError('GW_CERTIFICATE_UNAVAILABLE', `${url} answered with status ${status}`);
      }
      if (value.code === 'IN_CERTIFICATE_STALE') aheadMs = value.nowMs - clock.nowMs();
      throw new EdgeError('GW_CERTIFICATE_REFUSED', `${value.code}: ${value.reason}`);
    } finally {
      cancel();
    }
  }

  return async () => {
    const { key, publicKey } = makeTlsKey();
    const der = await composeCertificateRequest(key, publicKey, fingerprintOfDid(gateway));
    const askedMs = clock.monotonicMs();
    const payload = certificateRequestPayload({
      gateway,
      ingester: invitation.ingester,
      key: Buffer.from(der).toString('base64url'),
      nonce: randomBytes(16).toString('base64url'),
      requestedMs: Math.round(clock.nowMs() + aheadMs),
      enrolments: someOf(enrolments()),
    });
    const { certificate, lifetimeMs } = await post(await vouch(payload));
    const given = new X509Certificate(certificate);
    const named = gatewayOfCertificate(given);
    if (named?.did !== gateway || !given.publicKey.equals(publicKey)) {
      throw new EdgeError('GW_CERTIFICATE_REFUSED', 'looking at the certificate that was given');
    }
    const minutes = Math.round(lifetimeMs / 60_000);
    log.info('got a certificate for the uplink', { minutes });
    const identity = { cert: certificate, key };
    return { identity, lifetimeMs, untilMs: askedMs + lifetimeMs * ENDED_AT };
  };
}

/** As many as a request may have, within the bytes that it may have. */
function someOf(tokens: Iterable<Uint8Array>): string[] {
  const some: string[] = [];
  // The request is base64url twice over what it carries.
  let room = limits.certificateRequestBytesMax / 2 - 2 * limits.certificateKeyRequestBytesMax;
  for (const token of tokens) {
    if (some.length === limits.certificateEnrolmentsMax) break;
    if (token.length > room) continue;
    room -= token.length;
    some.push(Buffer.from(token).toString('latin1'));
  }
  return some;
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
