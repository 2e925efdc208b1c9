/**
 * The contract of an uplink. A sink carries bytes to the ingester and receipts back; it keeps
 * nothing, since only a signed receipt may delete an outbox row.
 */
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { SchemaMistake, TSchema } from '../devices/schema.ts';
import type { UplinkIdentity } from './uplink-certificate.ts';

export interface SinkEvents {
  /** A receipt, or the notice of a checkpoint, arrived; not verified yet. */
  readonly onReceipt: (receipt: Uint8Array) => void;
  /** The uplink came up or went down. */
  readonly onState: (connected: boolean) => void;
}

export interface OpenSink {
  /**
   * Hands one credential to the transport. Resolves when the transport took it, which promises
   * nothing. Rejects when there is no uplink or the signal aborts.
   */
  send(token: Uint8Array, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface SinkContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** DID of the gateway; names its topics. */
  readonly gateway: string;
  /** The certificate that shows who it is; present when the gateway was invited. */
  readonly identity?: UplinkIdentity;
  /** Resolves a path named in the configuration. */
  readonly resolvePath: (path: string) => string;
}

/** An uplink; one file below sinks/ and one line in sinks/registry.ts. */
export interface Sink<Settings = unknown> {
  readonly name: string;
  readonly summary: string;
  readonly settings: TSchema;
  /**
   * Mistakes that the schema cannot see; `isInvited` says that there will be a certificate. Never
   * touches the network.
   */
  check?(settings: Settings, facts: { readonly isInvited: boolean }): SchemaMistake[];
  /**
   * Prepares an uplink and returns at once; connecting, and reconnecting with back-off and jitter,
   * is the sink's own affair and shows in `onState`.
   */
  open(settings: Settings, events: SinkEvents, context: SinkContext): Promise<OpenSink>;
}
