/** Values, times and places as a person reads them. */
import type { Control, KeyLocation, Place, Role, Scalar, Statement } from './wire.ts';

/** UN/ECE Rec 20 codes that devices use; others are shown as they are. */
const UNITS: Readonly<Record<string, string>> = {
  BLL: 'bbl',
  B1: 'bbl/d',
  MTQ: 'm³',
  MQH: 'm³/h',
  FAH: '°F',
  CEL: '°C',
  PS: 'psi',
  KPA: 'kPa',
  KMQ: 'kg/m³',
  J13: '°API',
  VP: '% vol',
  P1: '%',
  '60': '% mass',
  KGM: 'kg',
  TNE: 't',
  MTR: 'm',
  MTS: 'm/s',
  KMH: 'km/h',
  DD: '°',
  SEC: 's',
  C26: 'ms',
  C62: '',
};

export function unitOf(code: string): string {
  return UNITS[code] ?? code;
}

const DIGITS = 6;

/** Six significant digits with groups; whole numbers whole. The proof shows every digit. */
export function valueText(value: Scalar): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return TIME.test(value) ? timeText(Date.parse(value)) : value;
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return value.toLocaleString('en-US', { maximumSignificantDigits: DIGITS });
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** Five decimals of a degree are about a metre; significant digits would lose it. */
const DEGREE_DECIMALS = 5;

export function statementText({ value, unit }: Pick<Statement, 'value' | 'unit'>): string {
  if (value === undefined) return 'no value';
  const name = unitOf(unit);
  if (unit === 'DD' && typeof value === 'number') {
    return `${value.toFixed(DEGREE_DECIMALS)}\u00a0${name}`;
  }
  return name === '' ? valueText(value) : `${valueText(value)}\u00a0${name}`;
}

/** `3 s`, `2 min`, `5 h`, `3 d`. */
export function ageText(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}

/** `2026-11-21 23:07:23.123 UTC`. */
export function timeText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

export function coordinatesText({ latitude, longitude }: Place): string {
  const part = (degrees: number, letters: string) =>
    `${Math.abs(degrees).toFixed(5)}°\u00a0${letters[degrees < 0 ? 1 : 0]}`;
  return `${part(latitude, 'NS')}, ${part(longitude, 'EW')}`;
}

export function metresText(metres: number): string {
  if (metres < 1_000) return `${metres < 10 ? metres.toFixed(1) : Math.round(metres)}\u00a0m`;
  return `${(metres / 1_000).toFixed(metres < 100_000 ? 2 : 0)}\u00a0km`;
}

/** The place in a few words; coordinates stand beside it. */
export function placeText(place: Place): string {
  const name = place.name ?? coordinatesText(place);
  if (place.kind === 'line') return `${name}, ${metresText(place.distanceM ?? 0)} along`;
  return place.unlocode === undefined ? name : `${name} (${place.unlocode})`;
}

export const roleNames: Readonly<Record<Role, string>> = {
  owner: 'Owner',
  possessor: 'Possessor',
  bondLiable: 'Bond-liable party',
  hold: 'Government hold',
};

const CONTROL_RULES: Readonly<Record<string, string>> = {
  'custody-by-both-parties': 'signed by both parties',
  'ownership-by-both-parties': 'signed by both parties',
  'bond-liable-by-request': 'signed in its request of the movement',
  'hold-by-customs': 'signed by customs',
};

/** How it is known who is in control. */
export function controlText({ basis, rule = '' }: Control): string {
  if (basis === 'derived') return `by rule ${rule}`;
  return CONTROL_RULES[rule] ?? 'declared in an enrolment';
}

/** What goods and devices show of papers of parties, whatever their kind. */
export const paperTitles: Readonly<Record<string, string>> = {
  deliveryTicket: 'Delivery ticket',
  millTestReport: 'Mill test report',
  inspection: 'Inspection',
  lastEvent: 'Last transport or sale',
  inBondMovement: 'In-bond movement',
  calibrationCertificate: 'Calibration certificate',
};

export const keyNames: Readonly<Record<KeyLocation, string>> = {
  sensor: 'in the sensor',
  'gateway-secure-element': "in the gateway's secure element",
  'gateway-file': "in the gateway's file",
};

const KINDS: Readonly<Record<string, readonly [string, string]>> = {
  'pipeline-batch': ['Pipeline batch', 'Pipeline batches'],
  'gas-flow': ['Gas flow', 'Gas flows'],
  'steel-heat': ['Steel heat', 'Steel heats'],
  'steel-piece': ['Steel piece', 'Steel pieces'],
  container: ['Container', 'Containers'],
  parcel: ['Parcel', 'Parcels'],
  device: ['Device', 'Devices'],
  facility: ['Facility', 'Facilities'],
};

export function kindName(kind: string, plural = false): string {
  return KINDS[kind]?.[plural ? 1 : 0] ?? kind;
}

/** The end of a long identifier, for people to compare. */
export function shortId(id: string): string {
  return id.length <= 24 ? id : `${id.slice(0, 12)}…${id.slice(-8)}`;
}
