/**
 * The enrolment credential: an organisation binds a device's DID to a gateway, a profile, a place
 * and a scope. It carries the status; batches carry none but name their enrolment.
 */

/** Where a device's private key lives; every proof shows it. */
export type KeyLocation = 'sensor' | 'gateway-secure-element' | 'gateway-file';

/** Someone who can own, hold or answer for goods. */
export interface Party {
  readonly id: string;
  readonly name: string;
}

/** A place that an organisation answers for. */
export interface Facility {
  /** URI, e.g. `https://id.gs1.org/414/0614141000012`, `did:web:mill.example/facility/a`. */
  readonly id: string;
  readonly name: string;
  /** UN/LOCODE, five characters, e.g. `USNEC`. */
  readonly unlocode?: string;
  /** CBP Schedule D port code, four digits. */
  readonly portCode?: string;
  /** WGS 84 degrees. */
  readonly latitude: number;
  readonly longitude: number;
  /** Radius of 95 % confidence, metres. */
  readonly accuracyM?: number;
  /** The pipeline that passes here: a route's name, metres from its start, inner diameter. */
  readonly line?: {
    readonly route: string;
    readonly distanceM: number;
    readonly innerDiameterM: number;
  };
}

/** What a device may report on, and who answers for it unless a party credential says otherwise. */
export interface EnrolmentScope {
  /** URI prefixes of goods, e.g. `did:web:mill.example/heat/`. */
  readonly goods: readonly string[];
  readonly owner?: Party;
  readonly possessor?: Party;
  readonly bondLiable?: Party;
}

/** An entry of a Bitstring Status List (W3C Bitstring Status List 1.0 §2.1). */
export interface StatusEntry {
  readonly purpose: 'revocation' | 'suspension';
  /** URL of the status list credential. */
  readonly list: string;
  readonly index: number;
}

/** What an enrolment says, as composed by the wallet and read by the ingester. */
export interface Enrolment {
  /** `urn:uuid:` of the credential. */
  readonly id: string;
  /** DID of the organisation that signs. */
  readonly organisation: string;
  readonly organisationName: string;
  readonly device: string;
  readonly gateway: string;
  /** The device's name at its site, e.g. `fc-1`. */
  readonly label: string;
  readonly profile: { readonly name: string; readonly digest: string };
  readonly facility: Facility;
  /** The device is expected to be read this often, and to be heard of this often, milliseconds. */
  readonly cadenceMs: number;
  readonly heartbeatMs: number;
  readonly keyLocation: KeyLocation;
  readonly scope: EnrolmentScope;
  readonly validFromMs: number;
  readonly validUntilMs?: number;
  readonly status: readonly StatusEntry[];
  /** Digest of the calibration certificate. */
  readonly calibration?: string;
  /** Device DID that this one replaces. */
  readonly supersedes?: string;
}
