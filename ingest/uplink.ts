/**
 * What the sources of an ingester share when they speak TLS: the server's certificate, renewed by
 * itself, who a client's certificate says it is, and the end of connections that lost their right.
 */
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { explain } from '../devices/errors.ts';
import { gatewayOfSocket, noTickets, type ProvenGateway, tls13 } from '../devices/io/uplink/tls.ts';
import type { TlsIdentity } from '../devices/io/uplink/x509.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { UplinkAuthority } from './uplink-authority.ts';
import type { UplinkGateways } from './uplink-gateways.ts';
import type { IssueCertificate } from './uplink-issue.ts';

export interface Uplink {
  /** Certificate of the authority, PEM. */
  readonly authority: string;
  /** What a TLS server needs: the certificate in force, TLS 1.3, clients of our authority only. */
  serverContext(): SecureContextOptions;
  /** The ingester's own client certificate, for a broker elsewhere. */
  clientIdentity(): TlsIdentity;
  /** Calls `action` whenever both are new; the returned function ends that. */
  onRenewed(action: () => void): () => void;
  /**
   * The gateway that the connection's certificate proves and that may connect now. `end` is called
   * once it may no longer: the certificate has expired, the enrolments were revoked.
   */
  admit(socket: TLSSocket, end: (reason: string) => void): ProvenGateway | undefined;
  /** Whether a gateway that a broker elsewhere has proven may deliver now. */
  isAllowed(did: string): boolean;
  readonly issue: IssueCertificate;
  close(): void;
}

/** A connection that is looked at while it is open. */
interface Watched {
  readonly gateway: ProvenGateway;
  readonly end: (reason: string) => void;
}

/** Renewed at this part of its lifetime, so that two failures still leave time. */
const RENEW_AT = 2 / 3;

/** Makes the first certificates and keeps them new until it is closed. */
export async function startUplink(options: {
  readonly authority: UplinkAuthority;
  readonly gateways: UplinkGateways;
  readonly issue: IssueCertificate;
  /** DID of this ingester. */
  readonly did: string;
  /** Names and addresses by which gateways reach this ingester. */
  readonly names: readonly string[];
  readonly lifetimeMs: number;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Uplink> {
  const { authority, clock, did, gateways, lifetimeMs, log, names } = options;
  const make = async () => ({
    server: await authority.issueServer(names, lifetimeMs),
    client: await authority.issueIngester(did, lifetimeMs),
  });
  let identities = await make();
  const listeners = new Set<() => void>();
  const watched = new Set<Watched>();
  let isClosed = false;
  let cancelRenewal = () => {};
  let cancelLook = () => {};

  const renewAfter = (delayMs: number) => {
    cancelRenewal = clock.after(delayMs, () => {
      make().then(
        (made) => {
          if (isClosed) return;
          identities = made;
          for (const tell of listeners) tell();
          renewAfter(lifetimeMs * RENEW_AT);
        },
        (error: unknown) => {
          log.error('the server certificate was not renewed', { error: explain(error) });
          if (!isClosed) renewAfter((lifetimeMs * (1 - RENEW_AT)) / 4);
        },
      );
    });
  };
  const look = () => {
    cancelLook = clock.after(limits.uplinkCheckMs, () => {
      for (const one of watched) {
        const reason = objection(one.gateway);
        if (reason === undefined) continue;
        watched.delete(one);
        one.end(reason);
      }
      look();
    });
  };
  const objection = ({ did: gateway, untilMs }: ProvenGateway): string | undefined => {
    if (untilMs <= clock.nowMs()) return 'its certificate has expired';
    return gateways.isAllowed(gateway) ? undefined : 'no enrolment in force names it';
  };
  renewAfter(lifetimeMs * RENEW_AT);
  look();
  return {
    authority: authority.certificate,
    issue: options.issue,
    serverContext: () => ({
      ...tls13,
      ...noTickets,
      ...identities.server,
      ca: authority.certificate,
    }),
    clientIdentity: () => identities.client,
    onRenewed(action) {
      listeners.add(action);
      return () => void listeners.delete(action);
    },
    admit(socket, end) {
      const gateway = gatewayOfSocket(socket);
      if (gateway === undefined || objection(gateway) !== undefined) return undefined;
      const one = { gateway, end };
      watched.add(one);
      socket.once('close', () => watched.delete(one));
      return gateway;
    },
    isAllowed: gateways.isAllowed,
    close() {
      isClosed = true;
      cancelRenewal();
      cancelLook();
    },
  };
}
