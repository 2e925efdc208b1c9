/** What the ingester's HTTP API says, as far as the console looks at it. */

export type Quality = 'good' | 'uncertain' | 'bad' | 'forced' | 'estimated' | 'archived';
export type Scalar = string | number | boolean;

export interface Source {
  readonly position: number;
  readonly element?: number;
  readonly report?: number;
  readonly issuer: string;
  readonly epoch?: number;
  readonly sequence?: number;
}

export interface Statement {
  readonly value?: Scalar;
  readonly unit: string;
  readonly observedMs: number;
  readonly receivedMs: number;
  readonly basis: 'observed' | 'derived' | 'declared';
  readonly quality: Quality;
  readonly status?: string;
  readonly lastGood?: {
    readonly value: Scalar;
    readonly unit: string;
    readonly observedMs: number;
  };
  readonly rule?: string;
  readonly source: Source;
}

export interface Place {
  readonly kind: 'point' | 'line' | 'facility';
  readonly latitude: number;
  readonly longitude: number;
  readonly accuracyM?: number;
  readonly name?: string;
  readonly unlocode?: string;
  readonly distanceM?: number;
  readonly basis: 'observed' | 'estimated' | 'declared';
  readonly rule?: string;
  readonly observedMs: number;
}

export interface Control {
  readonly party: string;
  readonly name: string;
  readonly sinceMs: number;
  readonly basis: 'derived' | 'declared';
  readonly rule?: string;
}

export type Role = 'owner' | 'possessor' | 'bondLiable' | 'hold';

export interface Alert {
  readonly code: string;
  readonly severity: 'notice' | 'warning' | 'critical';
  readonly sinceMs: number;
  readonly text: string;
  readonly evidence: readonly number[];
}

export type KeyLocation = 'sensor' | 'gateway-secure-element' | 'gateway-file';

export interface Twin {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly aliases: readonly {
    readonly scheme: string;
    readonly scope: string;
    readonly value: string;
  }[];
  readonly uri: string;
  readonly attributes: Readonly<Record<string, Statement>>;
  readonly control: Readonly<Partial<Record<Role, Control>>>;
  readonly place?: Place;
  readonly alerts: readonly Alert[];
  readonly relations: Readonly<Record<string, string>>;
  readonly keyLocation?: KeyLocation;
  readonly position: number;
  readonly observedMs: number;
  readonly receivedMs: number;
}

export interface TwinList {
  readonly position: number;
  readonly next?: string;
  readonly twins: readonly Twin[];
}

export interface KindInfo {
  readonly name: string;
  readonly summary: string;
  readonly attributes: Readonly<
    Record<string, { readonly title: string; readonly headline?: true }>
  >;
}

export interface Status {
  readonly name: string;
  readonly timeMs: number;
  readonly accepted: number;
  readonly verifiedReadings: number;
  readonly refused: number;
  /** Messages too large to be taken at all. */
  readonly tooLarge: number;
  readonly positions: number;
  readonly applied: number;
  readonly latencyMs: {
    readonly p50: number | null;
    readonly p99: number | null;
    readonly count: number;
  };
}

export interface HeldDevice {
  readonly device: string;
  readonly gateway: string;
  readonly count: number;
  readonly code: string;
  readonly reason: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface Check {
  readonly text: string;
  readonly ok: boolean;
}

export interface CredentialLink {
  readonly id: string;
  readonly digest: string;
  readonly position: number;
  readonly leaf: string;
  readonly receivedMs: number;
  readonly issuer: string;
  readonly keyId: string;
  readonly token: string;
  readonly checks: readonly Check[];
}

export interface SignedReading {
  readonly point: string;
  readonly rawHex: string;
  readonly value?: Scalar;
  readonly unit: string;
  readonly quality: Quality;
  readonly status?: string;
  readonly timeMs: number;
  readonly gatewayTimeMs?: number;
  readonly deviceClock?: 'jumped' | 'stuck' | 'wrong';
  readonly serverTimeMs?: number;
  readonly about?: string;
}

export interface Proof {
  readonly attribute: string;
  readonly statement: Partial<Statement>;
  /** All readings of a sample, where the statement rests on several. */
  readonly sample?: { readonly element: number; readonly readings: readonly SignedReading[] };
  readonly reading?: SignedReading & {
    readonly element: number;
    readonly report: number;
    readonly checks: readonly Check[];
  };
  readonly credential: CredentialLink & {
    readonly gateway?: string;
    readonly epoch?: number;
    readonly sequence?: number;
    readonly previous?: string;
  };
  readonly device?: {
    readonly did: string;
    readonly label: string;
    readonly keyLocation?: KeyLocation;
  };
  readonly enrolment?: CredentialLink & {
    readonly facility: string;
    readonly scope: readonly string[];
  };
  readonly organisation?: {
    readonly did: string;
    readonly name: string;
    readonly documentDigest?: string;
    readonly position?: number;
    readonly checks: readonly Check[];
  };
  readonly ok: boolean;
}
