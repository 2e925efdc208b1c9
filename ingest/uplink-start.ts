/** Puts the parts of the uplink's certificates together around a running ingester. */
import type { KeyStore } from '../devices/io/key-store.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { IngestConfig } from './config.ts';
import type { Inbound } from './source.ts';
import type { TrustBook } from './trust.ts';
import { startUplink, type Uplink } from './uplink.ts';
import { openUplinkAuthority } from './uplink-authority.ts';
import { createEnrolledGateways } from './uplink-enrolled.ts';
import { createUplinkGateways } from './uplink-gateways.ts';
import { createIssuer } from './uplink-issue.ts';

const HOUR_MS = 3_600_000;

/** @throws EdgeError KEY_*, UPLINK_AUTHORITY_DAMAGED, CFG_DIRECTORY_UNWRITABLE */
export async function startIngesterUplink(options: {
  readonly config: IngestConfig;
  readonly keys: KeyStore;
  /** DID of the key that signs receipts. */
  readonly did: string;
  readonly trust: TrustBook;
  readonly receive: (message: Inbound) => Promise<void> | undefined;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Uplink> {
  const { clock, config, did, keys, log } = options;
  const { data, name, tenant } = config.ingester;
  const { clientHours, names, serverHours } = config.uplink;
  const enrolled = createEnrolledGateways({ ...options, tenant });
  const authority = await openUplinkAuthority({ keys, data, name, clock });
  const gateways = createUplinkGateways({ data, isEnrolled: enrolled.isEnrolled });
  const issue = createIssuer({
    authority,
    gateways,
    ingester: did,
    lifetimeMs: clientHours * HOUR_MS,
    clock,
    log,
    present: enrolled.present,
  });
  const lifetimeMs = serverHours * HOUR_MS;
  return startUplink({ authority, gateways, issue, did, names, lifetimeMs, clock, log });
}
