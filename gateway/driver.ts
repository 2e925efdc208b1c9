/**
 * The contract of a field protocol. A driver turns points into samples and nothing else: no
 * scaling, no signing, no storing. It never writes to a device. Failures of one device never
 * throw past its own call.
 */
import type { PointDefinition } from '../devices/profile.ts';
import type { LossCause, Sample } from '../devices/reading.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { SchemaMistake, TSchema } from '../devices/schema.ts';

/** Samples that belong together: one answer, one notification, one message. */
export interface SampleSet {
  readonly samples: readonly Sample[];
  /** Set when points were asked for and did not come; `samples` holds those that did. */
  readonly missing?: Missing;
  /**
   * Batch credentials that the device signed itself, verified by the driver against the key that
   * the configuration names: they go into the outbox as they are, byte for byte.
   */
  readonly credentials?: readonly Uint8Array[];
}

/** Points that did not come. */
export interface Missing {
  readonly points: readonly string[];
  readonly cause: LossCause;
  /**
   * Push protocols: the interval that the driver knows nothing of, by the later and earlier of
   * both clocks; the loss is signed with exactly this interval. Absent where one call failed.
   */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** Most values that can be missing, where a device cannot say how many it had. */
  readonly count?: number;
}

/** Whether a connection works, for the status line. */
export interface ConnectionState {
  readonly up: boolean;
  /** Why it is not up, for an operator; stable while the reason is. */
  readonly reason?: string;
}

/** A certificate that a connection uses or was shown, for the operator. */
export interface CertificateState {
  /** What it is for, e.g. `own certificate towards opc.tcp://…`. */
  readonly use: string;
  readonly subject: string;
  /** SHA-256 in colon hex. */
  readonly fingerprint: string;
  readonly notAfterMs: number;
}

/** A live connection to one device. */
export interface Connection {
  /**
   * Asks for the points once and resolves with what came within the device's deadline. Never
   * rejects for a device's fault: that is said in `missing`. One call at a time.
   */
  read(points: readonly string[], signal: AbortSignal): Promise<SampleSet>;
  /**
   * Push protocols only: `deliver` is called for everything that the device publishes, from now
   * until close. The driver acknowledges to the device only after `deliver` has resolved, which
   * means that the samples are durable; it calls `deliver` in order.
   */
  subscribe?(points: readonly string[], deliver: (set: SampleSet) => Promise<void>): Promise<void>;
  /** Drivers that hold a connection open: whether it works, and if not, why. */
  state?(): ConnectionState;
  /** What the driver counted since it was opened, e.g. `foreignFrames`; for metrics. */
  counters?(): Readonly<Record<string, number>>;
  /** Drivers that use certificates: those in use, for status page, metrics and warnings. */
  certificates?(): readonly CertificateState[];
  /** Closes within `limits.stopMs`; nothing is delivered afterwards. Idempotent. */
  close(): Promise<void>;
}

export interface DriverContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** DID of the gateway, for identifiers that must differ between gateways. */
  readonly gateway: string;
  /** Names of the device and of the gateway's data directory, for keys and certificates. */
  readonly device: string;
  readonly dataDirectory: string;
  /** Resolves a path named in the configuration; absent, paths stand as they are. */
  readonly resolvePath?: (path: string) => string;
}

/** A field protocol; one file below drivers/ and one line in drivers/registry.ts. */
export interface Driver<Settings = unknown> {
  readonly name: string;
  readonly summary: string;
  /** Schema of the `connection` block of a device that uses this driver. */
  readonly settings: TSchema;
  /** Mistakes that the schema cannot see. Never touches the network. */
  check(settings: Settings, points: Readonly<Record<string, PointDefinition>>): SchemaMistake[];
  /**
   * Prepares a connection and returns at once; connecting, and reconnecting with back-off and
   * jitter, is the driver's own affair and shows in `read` and `subscribe`.
   */
  open(
    settings: Settings,
    points: Readonly<Record<string, PointDefinition>>,
    context: DriverContext,
  ): Promise<Connection>;
}
