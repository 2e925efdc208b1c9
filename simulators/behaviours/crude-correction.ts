/**
 * Volume correction of crude oil to 60 °F and 0 psig after API MPMS 11.1-2004 (Addendum 1, 2007),
 * commodity group "crude oil". The simulator computes it by itself: the ingester's own formula is
 * judged against these values, so they must not share code.
 */

/** K0 of crude oil for densities in kg/m³; K1 and K2 are zero for crude. */
const CRUDE_K0 = 341.0957;
/** Shift of 60 °F between the scales of 1968 and 1990, °F. */
const DELTA_60 = 0.01374979547;
/** 60 °F (ITS-90) on the scale of 1968. */
const BASE_68 = 60.0068749;

/** Coefficients a1 to a8 of the step from ITS-90 to IPTS-68 (MPMS 11.1-2004, 11.1.5.3). */
const SCALE_SHIFT = [
  -0.148759, -0.267408, 1.08076, 1.269056, -4.089591, -1.871251, 7.438081, -3.536296,
];

/** A temperature of the present scale (ITS-90) on the scale of 1968, both in °F. */
export function toScale68(temperatureF: number): number {
  const celsius = (temperatureF - 32) / 1.8;
  const scaled = celsius / 630;
  const shift = SCALE_SHIFT.reduceRight((sum, term) => (sum + term) * scaled, 0);
  return (celsius - shift) * 1.8 + 32;
}

/** The base density moved to the 60 °F of 1968, kg/m³. */
function shiftedDensity(baseDensity: number): number {
  const a = (DELTA_60 / 2) * (CRUDE_K0 / baseDensity ** 2);
  // B is (2·K0 + K1·rho) / (K0 + (K1 + K2·rho)·rho), which is 2 where K1 and K2 are zero.
  const b = 2;
  return baseDensity * (1 + (Math.exp(a * (1 + 0.8 * a)) - 1) / (1 + a * (1 + 1.6 * a) * b));
}

/** Correction for temperature, five decimals. Density at 60 °F in kg/m³, temperature in °F. */
export function correctionForTemperature(baseDensity: number, temperatureF: number): number {
  const alpha = CRUDE_K0 / shiftedDensity(baseDensity) ** 2;
  const rise = toScale68(temperatureF) - BASE_68;
  return roundTo5(Math.exp(-alpha * rise * (1 + 0.8 * alpha * (rise + DELTA_60))));
}

/** Correction for pressure, five decimals. Pressure in psig above an equilibrium pressure of 0. */
export function correctionForPressure(
  baseDensity: number,
  temperatureF: number,
  pressurePsig: number,
): number {
  const density = shiftedDensity(baseDensity);
  const warm = toScale68(temperatureF);
  const exponent = -1.9947 + 0.00013427 * warm + (793_920 + 2_326 * warm) / density ** 2;
  return roundTo5(1 / (1 - 1e-5 * Math.exp(exponent) * pressurePsig));
}

function roundTo5(value: number): number {
  return Math.round(value * 100_000) / 100_000;
}
