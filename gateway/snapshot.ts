/**
 * What a running gateway can say of itself at one moment: the contract between the gateway and
 * whoever shows it (metrics, probes, the status page). Plain data, made when it is asked for.
 */
import type { ClockQuality } from '../devices/credential/batch.ts';
import type { DeviceClockFault, Quality, Value } from '../devices/reading.ts';
import type { DeviceCondition } from './device-state.ts';
import type { CertificateState } from './driver.ts';
import type { Counters } from './health.ts';
import type { WitnessState } from './witness.ts';

/** The newest reading of one point. */
export interface PointSnapshot {
  readonly point: string;
  readonly summary: string;
  readonly unit: string;
  /** Absent while nothing has come, and when the quality is bad. */
  readonly value?: Value;
  readonly quality?: Quality;
  readonly status?: string;
  readonly sourceTimeMs?: number;
  /** What a server between source and gateway states, where that is another time. */
  readonly serverTimeMs?: number;
  /** Wall time at which it came; absent while nothing has come. */
  readonly gatewayTimeMs?: number;
}

export interface DeviceSnapshot {
  readonly name: string;
  readonly did: string;
  readonly driver: string;
  readonly profile: string;
  readonly state: DeviceCondition;
  readonly sinceMs: number;
  readonly reason?: string;
  /** Time between two reads, or expected between two messages. */
  readonly everyMs: number;
  /**
   * Monotonic age of what is known of the device: since its last answer or message, or 0 while a
   * subscription stands whose server says that nothing has changed. Absent before the first.
   */
  readonly ageMs?: number;
  /** Whether the ingester holds what the device signs (not enrolled, suspended). */
  readonly held: boolean;
  /** What its driver counted since the connection was opened. */
  readonly counters: Readonly<Record<string, number>>;
  /** What is wrong with its own clock; absent where it is believed or has none. */
  readonly clock?: DeviceClockFault;
  readonly certificates: readonly CertificateState[];
  readonly points: readonly PointSnapshot[];
}

export interface GatewaySnapshot {
  readonly timeMs: number;
  readonly startedMs: number;
  readonly site: string;
  readonly did: string;
  /** Digest of the configuration in force, as batches carry it. */
  readonly configuration: string;
  readonly counters: Readonly<Counters>;
  readonly uplink: { readonly up: boolean };
  readonly outbox: {
    readonly rows: number;
    readonly readings: number;
    readonly bytes: number;
    readonly bytesMax: number;
    readonly damaged: number;
    readonly gaveWay: number;
  };
  readonly clock: ClockQuality;
  /** What it has witnessed of the ingester's journal. */
  readonly witness: WitnessState;
  readonly devices: readonly DeviceSnapshot[];
}
