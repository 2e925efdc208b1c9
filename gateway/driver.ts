/**
 * The contract of a field protocol. A driver turns points into samples and nothing else: no
 * scaling, no signing, no storing. It never writes to a device. Failures of one device never
 * throw past its own call.
 */
import type { DeviceProfile, PointDefinition } from '../devices/profile.ts';
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
  /**
   * Push protocols: names the message. It is remembered in the transaction that stores its
   * samples, and given back as `DriverContext.history` after a restart, so that a copy is known.
   */
  readonly message?: string;
  /** Names that need not be remembered any longer; `deliver` resolves when that is durable. */
  readonly forget?: readonly string[] | 'all';
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

/** Who answers for what is not heard, so that no hole is signed twice and none is left out. */
export interface Silence {
  /**
   * What is published while the gateway does not run: the source (a broker with a session) keeps
   * it, or the driver says what is missing. Otherwise the gateway signs a loss at its start.
   */
  readonly whileAway: boolean;
  /**
   * While it runs, the driver says what is missing. Otherwise long silence is signed as a loss,
   * but for the time in which `state` says that the connection is down: that is the driver's.
   */
  readonly whileRunning: boolean;
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
   * means that the samples are durable. It calls `deliver` in order, and may call it again before
   * that; how often is the driver's to bound.
   */
  subscribe?(points: readonly string[], deliver: (set: SampleSet) => Promise<void>): Promise<void>;
  /** Push protocols: who answers for what the gateway does not hear. Absent: the gateway. */
  readonly silence?: Silence;
  /** Drivers that hold a connection open: whether it works, and if not, why. */
  state?(): ConnectionState;
  /** What the driver counted since it was opened, e.g. `foreignFrames`; for metrics. */
  counters?(): Readonly<Record<string, number>>;
  /** Drivers that use certificates: those in use, for status page, metrics and warnings. */
  certificates?(): readonly CertificateState[];
  /** Closes within `limits.stopMs`; nothing is delivered afterwards. Idempotent. */
  close(): Promise<void>;
}

/** Where a device's history ended before this start. */
export interface DeviceHistory {
  /** Newest sample time, or closing time, of its last batch. */
  readonly lastMs?: number;
  /** `SampleSet.message` of the newest messages that are durable, oldest first. */
  readonly messages: readonly string[];
}

/** A device that holds a key of its own. */
export interface DeviceSigner {
  readonly did: string;
  /** Path of its enrolment credential, as the configuration names it. */
  readonly enrolment?: string;
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
  /** What the device keeps of finished periods, for drivers that can fill a gap from it. */
  readonly archives?: DeviceProfile['archives'];
  /** What the outbox knows of the device from before this start. */
  readonly history?: DeviceHistory;
  /** Time between reads, or expected time between messages. */
  readonly everyMs?: number;
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
  /** The device that signs by itself behind these settings, if there is one. */
  signer?(settings: Settings): DeviceSigner | undefined;
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
