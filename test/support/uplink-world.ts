/** An ingester's uplink with a real authority in a real key store, and clients of every quality. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprintOfDid } from '../../devices/envelope.ts';
import { publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { openKeyFile } from '../../devices/io/key-store-file.ts';
import type { Invitation } from '../../devices/io/uplink/invitation.ts';
import {
  type Authority,
  issueCertificate,
  makeAuthorityCertificate,
  makeTlsKey,
  type TlsIdentity,
} from '../../devices/io/uplink/x509.ts';
import { type Clock, type Log, silentLog, systemClock } from '../../devices/runtime.ts';
import { startUplink, type Uplink } from '../../ingest/uplink.ts';
import { openUplinkAuthority, type UplinkAuthority } from '../../ingest/uplink-authority.ts';
import { createUplinkGateways } from '../../ingest/uplink-gateways.ts';
import { createIssuer } from '../../ingest/uplink-issue.ts';
import type { Role } from './access-matrix.ts';
import { memorySigner } from './identity.ts';

const HOUR_MS = 3_600_000;

export interface UplinkWorld {
  readonly directory: string;
  readonly authority: UplinkAuthority;
  readonly uplink: Uplink;
  /** DID of the ingester. */
  readonly did: string;
  /** Gateways that have an enrolment in force; may be changed. */
  readonly enrolled: Set<string>;
  /** A certificate of the world's authority. */
  identity(did: string, lifetimeMs?: number): Promise<TlsIdentity>;
  /** A client certificate of the world's authority that says whatever the test wants. */
  certificate(says: CertificateSays): Promise<TlsIdentity>;
  invitation(certificates: string, uplinks: readonly string[]): Invitation;
  close(): void;
}

/** Makes the authority and starts the uplink; gateways in `enrolled` may have certificates. */
export async function startUplinkWorld(
  options: {
    readonly clock?: Clock;
    readonly log?: Log;
    readonly lifetimeMs?: number;
    readonly serverMs?: number;
  } = {},
): Promise<UplinkWorld> {
  const { clock = systemClock, lifetimeMs = HOUR_MS, serverMs = HOUR_MS } = options;
  const { log = silentLog } = options;
  const directory = mkdtempSync(join(tmpdir(), 'bondline-uplink-'));
  const keys = await openKeyFile(join(directory, 'keys.json'), 'for one test only', clock);
  const data = join(directory, 'data');
  const authority = await openUplinkAuthority({ keys, data, name: 'test', clock });
  const enrolled = new Set<string>();
  const isEnrolled = (_device: string, gateway: string) => enrolled.has(gateway);
  const gateways = createUplinkGateways({ data, isEnrolled });
  const { did } = memorySigner();
  const issue = createIssuer({
    ...{ authority, gateways, ingester: did, lifetimeMs, clock, log },
    // Here every gateway shows an enrolment; whether it is in force, `enrolled` says.
    present: async () => 'did:key:device',
  });
  const uplink = await startUplink({
    ...{ authority, gateways, issue, did, clock, log: silentLog },
    ...{ names: ['localhost', '127.0.0.1'], lifetimeMs: serverMs },
  });
  return {
    directory,
    authority,
    uplink,
    did,
    enrolled,
    async identity(gateway, lifetime = HOUR_MS) {
      gateways.remember(gateway, ['did:key:device']);
      const { key, publicKey } = makeTlsKey();
      const named = { did: gateway, fingerprint: fingerprintOfDid(gateway) };
      return { key, cert: await authority.issueGateway(named, publicKey, lifetime) };
    },
    certificate: async (says) =>
      certificateOf({ ...authority, signer: await keys.signer('uplink-authority') }, says),
    invitation: (certificates, uplinks) => ({
      ...{ bondlineInvitation: 1, name: 'test', ingester: did, certificates },
      uplinks: [...uplinks],
      authority: authority.certificate,
    }),
    close() {
      uplink.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** An authority that nobody trusts. */
export async function strangeAuthority(): Promise<Authority> {
  const signer = memorySigner();
  const nowMs = Date.now();
  const certificate = await makeAuthorityCertificate({
    signer,
    publicKey: publicKeyOfDid(signer.did).key,
    commonName: 'Bondline uplink of test',
    serial: randomBytes(16),
    fromMs: nowMs - HOUR_MS,
    untilMs: nowMs + HOUR_MS,
  });
  return { certificate, signer };
}

export interface CertificateSays {
  readonly commonName: string;
  readonly uris: readonly string[];
  readonly use?: 'server' | 'client';
}

/** A client certificate that says whatever the test wants. */
export async function certificateOf(
  authority: Authority,
  says: CertificateSays,
): Promise<TlsIdentity> {
  const { key, publicKey } = makeTlsKey();
  const { commonName, uris, use = 'client' } = says;
  const names = uris.map((value) => ({ type: 'url', value }) as const);
  const span = { fromMs: Date.now() - HOUR_MS, untilMs: Date.now() + HOUR_MS };
  const wish = { commonName, names, use, publicKey, ...span };
  return { key, cert: await issueCertificate(authority, wish, randomBytes(16)) };
}

/**
 * The roles that every broker sees alike: those whom TLS lets in nowhere, and two gateways as they
 * should be, of which the other attacks the own one and the own one the other.
 */
export async function gatewayRoles(
  world: UplinkWorld,
  dids: { readonly own: string; readonly other: string },
): Promise<readonly Role[]> {
  const [own, other] = [fingerprintOfDid(dids.own), fingerprintOfDid(dids.other)];
  const outside = { self: own, victim: other, delivers: false };
  const strange = await strangeAuthority();
  const asOwn = { commonName: own, uris: [dids.own] };
  return [
    { name: 'no certificate', ...outside },
    { name: 'expired', identity: await world.identity(dids.own, -1_000), ...outside },
    { name: 'another authority', identity: await certificateOf(strange, asOwn), ...outside },
    {
      name: 'another gateway',
      identity: await world.identity(dids.other),
      proven: other,
      ...{ self: other, victim: own, delivers: true },
    },
    {
      name: 'the gateway itself',
      identity: await world.identity(dids.own),
      proven: own,
      ...{ self: own, victim: other, delivers: true },
    },
  ];
}
