/**
 * Units: UN/ECE Recommendation 20 codes as they travel, their UCUM form, and conversion within
 * one quantity. API gravity is no unit of this table's kind (it is not linear): it converts
 * through density, by the two functions at the end.
 */

/** What a unit measures; only units of one quantity convert into each other. */
export type Quantity =
  | 'volume'
  | 'volume flow'
  | 'mass'
  | 'density'
  | 'temperature'
  | 'pressure'
  | 'energy'
  | 'fraction'
  | 'mass fraction'
  | 'volume fraction'
  | 'frequency'
  | 'speed'
  | 'angle'
  | 'length'
  | 'time'
  | 'voltage'
  | 'resistance'
  | 'count'
  | 'gravity';

/** One unit. `value × scale + offset` is the value in the quantity's SI unit. */
export interface Unit {
  /** UN/ECE Rec 20 code. */
  readonly code: string;
  /** UCUM expression (case sensitive); absent where UCUM has none. */
  readonly ucum?: string;
  /** How a person reads it. */
  readonly symbol: string;
  readonly quantity: Quantity;
  /** Absent where the unit is not linear in the quantity. */
  readonly scale?: number;
  readonly offset?: number;
}

/** Exact: 42 US gallons of 231 cubic inches of 0.0254 m. */
const BARREL_M3 = 42 * 231 * 0.0254 ** 3;
const CUBIC_FOOT_M3 = 0.3048 ** 3;
const POUND_KG = 0.45359237;
/** Exact: pound-force over square inch, standard gravity 9.80665 m/s². */
const PSI_PA = (POUND_KG * 9.80665) / 0.0254 ** 2;
/** International Table Btu, joules, exact by definition. */
const BTU_J = 1055.05585262;
const DAY_S = 86_400;

const table: readonly Unit[] = [
  { code: 'BLL', ucum: '[bbl_us]', symbol: 'bbl', quantity: 'volume', scale: BARREL_M3 },
  { code: 'MTQ', ucum: 'm3', symbol: 'm³', quantity: 'volume', scale: 1 },
  { code: 'R9', ucum: '10*3.m3', symbol: '10³ m³', quantity: 'volume', scale: 1000 },
  { code: 'FTQ', ucum: '[cft_i]', symbol: 'ft³', quantity: 'volume', scale: CUBIC_FOOT_M3 },
  {
    code: 'FC',
    ucum: '10*3.[cft_i]',
    symbol: 'Mcf',
    quantity: 'volume',
    scale: 1000 * CUBIC_FOOT_M3,
  },
  {
    code: 'B1',
    ucum: '[bbl_us]/d',
    symbol: 'bbl/d',
    quantity: 'volume flow',
    scale: BARREL_M3 / DAY_S,
  },
  { code: 'MQH', ucum: 'm3/h', symbol: 'm³/h', quantity: 'volume flow', scale: 1 / 3600 },
  { code: 'KMQ', ucum: 'kg/m3', symbol: 'kg/m³', quantity: 'density', scale: 1 },
  { code: 'J13', symbol: '°API', quantity: 'gravity' },
  { code: 'CEL', ucum: 'Cel', symbol: '°C', quantity: 'temperature', scale: 1, offset: 273.15 },
  {
    code: 'FAH',
    ucum: '[degF]',
    symbol: '°F',
    quantity: 'temperature',
    scale: 5 / 9,
    offset: 273.15 - (32 * 5) / 9,
  },
  { code: 'PS', ucum: '[psi]', symbol: 'psi', quantity: 'pressure', scale: PSI_PA },
  { code: '80', ucum: '[psi]', symbol: 'psia', quantity: 'pressure', scale: PSI_PA },
  { code: 'KPA', ucum: 'kPa', symbol: 'kPa', quantity: 'pressure', scale: 1000 },
  { code: 'BAR', ucum: 'bar', symbol: 'bar', quantity: 'pressure', scale: 100_000 },
  { code: 'BTU', ucum: '[Btu_IT]', symbol: 'Btu', quantity: 'energy', scale: BTU_J },
  { code: 'N72', symbol: 'therm (US)', quantity: 'energy', scale: 105_480_400 },
  { code: 'GV', ucum: 'GJ', symbol: 'GJ', quantity: 'energy', scale: 1e9 },
  { code: 'P1', ucum: '%', symbol: '%', quantity: 'fraction', scale: 0.01 },
  { code: '59', ucum: '[ppm]', symbol: 'ppm', quantity: 'fraction', scale: 1e-6 },
  { code: 'VP', ucum: '%{vol}', symbol: '% vol', quantity: 'volume fraction', scale: 0.01 },
  { code: '60', ucum: '%{mass}', symbol: '% wt', quantity: 'mass fraction', scale: 0.01 },
  { code: 'GRM', ucum: 'g', symbol: 'g', quantity: 'mass', scale: 0.001 },
  { code: 'KGM', ucum: 'kg', symbol: 'kg', quantity: 'mass', scale: 1 },
  { code: 'TNE', ucum: 't', symbol: 't', quantity: 'mass', scale: 1000 },
  { code: 'LBR', ucum: '[lb_av]', symbol: 'lb', quantity: 'mass', scale: POUND_KG },
  { code: 'HTZ', ucum: 'Hz', symbol: 'Hz', quantity: 'frequency', scale: 1 },
  { code: 'KMH', ucum: 'km/h', symbol: 'km/h', quantity: 'speed', scale: 1 / 3.6 },
  { code: 'KNT', ucum: '[kn_i]', symbol: 'kn', quantity: 'speed', scale: 1852 / 3600 },
  { code: 'MTS', ucum: 'm/s', symbol: 'm/s', quantity: 'speed', scale: 1 },
  { code: 'DD', ucum: 'deg', symbol: '°', quantity: 'angle', scale: Math.PI / 180 },
  { code: 'MMT', ucum: 'mm', symbol: 'mm', quantity: 'length', scale: 0.001 },
  { code: 'CMT', ucum: 'cm', symbol: 'cm', quantity: 'length', scale: 0.01 },
  { code: 'MTR', ucum: 'm', symbol: 'm', quantity: 'length', scale: 1 },
  { code: 'SEC', ucum: 's', symbol: 's', quantity: 'time', scale: 1 },
  { code: 'MIN', ucum: 'min', symbol: 'min', quantity: 'time', scale: 60 },
  { code: 'HUR', ucum: 'h', symbol: 'h', quantity: 'time', scale: 3600 },
  { code: 'DAY', ucum: 'd', symbol: 'd', quantity: 'time', scale: DAY_S },
  { code: 'VLT', ucum: 'V', symbol: 'V', quantity: 'voltage', scale: 1 },
  { code: 'OHM', ucum: 'Ohm', symbol: 'Ω', quantity: 'resistance', scale: 1 },
  { code: 'C62', ucum: '1', symbol: '', quantity: 'count', scale: 1 },
];

/** Every unit that Bondline knows, by Rec 20 code. */
export const units: ReadonlyMap<string, Unit> = new Map(table.map((unit) => [unit.code, unit]));

/** The Rec 20 code of a UCUM expression; where two share one (psi), the first of the table. */
export function codeOfUcum(ucum: string): string | undefined {
  return table.find((unit) => unit.ucum === ucum)?.code;
}

/**
 * `value` of unit `from` in unit `to` (Rec 20 codes), or `undefined` when one is unknown, they
 * measure different things, or one is not linear. Gauge and absolute pressure (`PS`, `80`) differ
 * by the local atmosphere, which no table knows, so they do not convert into each other.
 */
export function convert(value: number, from: string, to: string): number | undefined {
  if (from === to) return units.has(from) ? value : undefined;
  const source = units.get(from);
  const target = units.get(to);
  if (source?.scale === undefined || target?.scale === undefined) return undefined;
  if (source.quantity !== target.quantity) return undefined;
  if (source.quantity === 'pressure' && (from === 'PS' || to === 'PS')) return undefined;
  const si = value * source.scale + (source.offset ?? 0);
  return (si - (target.offset ?? 0)) / target.scale;
}

/** Density of water at 60 °F that relative density refers to, kg/m³ (API MPMS 11.1-2004). */
export const WATER_DENSITY_60F = 999.016;

/** API gravity of a liquid of this density at 60 °F, kg/m³: 141.5 / RD60 − 131.5. */
export function apiOfDensity(densityKgM3: number): number {
  return 141.5 / (densityKgM3 / WATER_DENSITY_60F) - 131.5;
}

/** Density at 60 °F, kg/m³, of a liquid of this API gravity. */
export function densityOfApi(apiGravity: number): number {
  return (141.5 / (apiGravity + 131.5)) * WATER_DENSITY_60F;
}
