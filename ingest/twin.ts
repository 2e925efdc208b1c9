/**
 * A twin: what a thing is, who is in control of it, where it is. It is a pure fold over the
 * journal, and every attribute is a statement that names its source.
 */
import { createHash } from 'node:crypto';
import type { KeyLocation } from '../devices/credential/enrolment.ts';
import type { LossCause, Quality } from '../devices/reading.ts';

export type TwinKind =
  | 'pipeline-batch'
  | 'gas-flow'
  | 'steel-heat'
  | 'steel-piece'
  | 'container'
  | 'parcel'
  | 'device'
  | 'facility';

/** Where a statement comes from: enough to walk back to the raw words. */
export interface StatementSource {
  /** Journal position of the credential. */
  readonly position: number;
  /** Index of the sensor element and of the report in it; absent for declared statements. */
  readonly element?: number;
  readonly report?: number;
  /** DID that signed. */
  readonly issuer: string;
  /** The place in the device's history, which orders statements of one device. */
  readonly epoch?: number;
  readonly sequence?: number;
  /** Position of the act that accepted the credential, where it came in doubt. */
  readonly act?: number;
  /**
   * `unknown`: the status lists were too old when the credential was taken, so that a revocation
   * may have been missing. Absent where the status was known.
   */
  readonly status?: 'unknown';
}

/** A value that was good once: shown beside a bad one, always with its own time. */
export interface LastGood {
  readonly value: string | number | boolean;
  readonly unit: string;
  readonly observedMs: number;
  readonly source: StatementSource;
}

/** One thing known of a twin. */
export interface Statement {
  /** Absent exactly when the quality is `bad`: a stale value is never shown as the present one. */
  readonly value?: string | number | boolean;
  /** UN/ECE Rec 20 code, empty where there is none. */
  readonly unit: string;
  /** Observed at the source, corrected by the signed clock offset, never later than receipt. */
  readonly observedMs: number;
  readonly receivedMs: number;
  readonly basis: 'observed' | 'derived' | 'declared';
  readonly quality: Quality;
  /** The protocol's or the gateway's words for a quality that is not good. */
  readonly status?: string;
  /** What the same device said last with a value; present only when the quality is `bad`. */
  readonly lastGood?: LastGood;
  /** Name of the rule that derived it. */
  readonly rule?: string;
  readonly source: StatementSource;
}

/** A business identifier of a twin, scoped by who gave it. */
export interface Alias {
  /** `batch`, `gas-flow`, `heat`, `piece`, `parcel`, `bic`, `did`, `facility`. */
  readonly scheme: string;
  /** DID of the organisation that gave it; empty for schemes that are unique in the world. */
  readonly scope: string;
  readonly value: string;
}

/** Where a twin is. Unknown is unknown: there is no default place. */
export interface Place {
  readonly kind: 'point' | 'line' | 'facility';
  /** WGS 84 degrees; for `line` the point on the line. */
  readonly latitude: number;
  readonly longitude: number;
  /** Radius, metres. */
  readonly accuracyM?: number;
  /** Name of the facility or of the line. */
  readonly name?: string;
  readonly unlocode?: string;
  /** Metres along the line. */
  readonly distanceM?: number;
  /** `observed` by a sensor, `estimated` by the named rule, or `declared` by an enrolment. */
  readonly basis: 'observed' | 'estimated' | 'declared';
  readonly rule?: string;
  readonly observedMs: number;
  readonly source: StatementSource;
}

/** The four controllers that are kept apart. */
export type ControlRole = 'owner' | 'possessor' | 'bondLiable' | 'hold';

export interface ControlStatement {
  readonly party: string;
  readonly name: string;
  readonly sinceMs: number;
  readonly basis: 'derived' | 'declared';
  /** Name of the rule that derived it. */
  readonly rule?: string;
  readonly source: StatementSource;
}

export interface Alert {
  readonly code: string;
  /** The rule that found it and the version of that rule. */
  readonly rule: string;
  readonly version: number;
  readonly severity: 'notice' | 'warning' | 'critical';
  readonly sinceMs: number;
  /** One sentence for an officer. */
  readonly text: string;
  /** Journal positions that caused it. */
  readonly evidence: readonly number[];
}

/** Batches that are missing in a device's history. */
export interface Gap {
  readonly epoch: number;
  /** Why they will not come, as the device signed; absent where nobody has said so. */
  readonly cause?: LossCause;
  /** First and last missing sequence; absent when only a digest says that something is missing. */
  readonly from?: number;
  readonly to?: number;
  /** Not all of these are missing: the gaps were too many to list. */
  readonly some?: true;
  /** When the neighbours before and after were closed; absent where there is none. */
  readonly afterMs?: number;
  readonly beforeMs?: number;
}

/** A step of custody that waits until the status of its signers is known. */
export interface PendingStep {
  readonly act: string;
  readonly from: string;
  readonly to: string;
  readonly atMs: number;
  readonly position: number;
}

export interface Twin {
  /** `urn:uuid:`, derived from tenant, kind and alias, so that a rebuild gives the same. */
  readonly id: string;
  readonly tenant: string;
  readonly kind: TwinKind;
  /** What an officer calls it, e.g. `Heat 26041`. */
  label: string;
  aliases: Alias[];
  /** URI under which readings speak of it. */
  uri: string;
  attributes: Record<string, Statement>;
  control: Partial<Record<ControlRole, ControlStatement>>;
  place?: Place;
  alerts: Alert[];
  /** Of a device; absent where nothing is missing. */
  gaps?: Gap[];
  /** Of goods; absent where nothing is pending. */
  pending?: PendingStep[];
  /** Ids of twins that this one came from or belongs to, by relation, e.g. `heat`. */
  relations: Record<string, string>;
  /** Where the keys live that its statements rest on; the weakest is named. */
  keyLocation?: KeyLocation;
  /** Journal position of the last entry that touched it. */
  position: number;
  /** Newest observation, milliseconds; 0 when nothing was observed. */
  observedMs: number;
  /** When the newest of its entries was received, milliseconds. */
  receivedMs: number;
}

/**
 * The id of the twin of `uri`: a UUID version 8 (RFC 9562 §5.8) made of the first 128 bits of
 * SHA-256 over the JSON of tenant, kind and URI, so that a rebuild gives the same.
 */
export function twinId(tenant: string, kind: TwinKind, uri: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([tenant, kind, uri]))
    .digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `urn:uuid:${parts.join('-')}-${hex.slice(20)}`;
}
