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
  /** Position of the act that accepted it, where it came in doubt. */
  readonly act?: number;
  /** The status lists were too old when it was taken. */
  readonly status?: 'unknown';
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
  readonly gaps?: readonly Gap[];
  readonly pending?: readonly PendingStep[];
  readonly relations: Readonly<Record<string, string>>;
  readonly keyLocation?: KeyLocation;
  readonly position: number;
  readonly observedMs: number;
  readonly receivedMs: number;
}

/** Batches that are missing, and when the ones beside them were closed. */
export interface Gap {
  readonly epoch: number;
  /** Why they will not come, as the device signed; absent where nobody has said so. */
  readonly cause?: string;
  readonly from?: number;
  readonly to?: number;
  readonly some?: true;
  readonly afterMs?: number;
  readonly beforeMs?: number;
}

export interface PendingStep {
  readonly act: string;
  readonly from: string;
  readonly to: string;
  readonly atMs: number;
  readonly position: number;
}

export interface Decision {
  readonly position: number;
  readonly atMs: number;
  readonly officer?: string;
  readonly reason?: string;
  /** Position of the older batch that vouches for it, where no officer did. */
  readonly under?: number;
}

export interface DoubtfulBatch {
  readonly position: number;
  readonly device: string;
  readonly label: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly receivedMs: number;
  readonly code: string;
  readonly reason: string;
  readonly accepted?: Decision;
}

export interface Quarantine {
  readonly device: string;
  readonly label: string;
  readonly position: number;
  readonly sinceMs: number;
  readonly reason: string;
  readonly supersededBy?: string;
  readonly ended?: Decision;
}

export interface Doubts {
  readonly waiting: number;
  readonly doubtful: readonly DoubtfulBatch[];
  readonly quarantined: readonly Quarantine[];
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
  readonly checkpoint: {
    /** Gateways that keep a checkpoint which the journal continues, and those of another one. */
    readonly witnesses: number;
    readonly contradicted: readonly string[];
  };
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

export interface OrganisationLink {
  readonly did: string;
  readonly name: string;
  readonly documentDigest?: string;
  readonly position?: number;
  readonly checks: readonly Check[];
}

/** What a credential of parties says, and who signed it. */
export interface PaperLink {
  readonly name: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly standing?: 'pending' | 'stale';
  readonly signers: readonly OrganisationLink[];
}

export interface Proof {
  /** What parties signed, where the value rests on that and not on a device. */
  readonly paper?: PaperLink;
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
    readonly status?: 'unknown';
    readonly doubt?: {
      readonly code: string;
      readonly reason: string;
      readonly accepted?: Decision;
    };
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
  readonly organisation?: OrganisationLink;
  readonly ok: boolean;
}

export interface Party {
  readonly id: string;
  readonly name: string;
}

export interface PaperRow {
  readonly position: number;
  readonly name: string;
  readonly title: string;
  readonly issuer: Party;
  readonly atMs: number;
  readonly receivedMs: number;
  readonly untilMs?: number;
  readonly standing?: 'pending' | 'stale';
  readonly corrected?: { readonly position: number; readonly reason: string };
}

export interface StepRow {
  readonly position: number;
  readonly right: 'custody' | 'ownership';
  readonly act: 'transfer' | 'release' | 'acceptance';
  readonly from: Party;
  readonly to: Party;
  readonly atMs: number;
  readonly quantity?: { readonly value: string; readonly unit: string };
  readonly seals: readonly string[];
  readonly state: 'moved' | 'waiting' | 'pending';
  readonly resolved?: {
    readonly position: number;
    readonly atMs: number;
    readonly reason: string;
    readonly officer?: string;
  };
}

/** What parties signed of a twin. */
export interface Papers {
  readonly papers: readonly PaperRow[];
  readonly steps: readonly StepRow[];
}
