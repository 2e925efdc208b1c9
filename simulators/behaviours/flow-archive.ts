/**
 * The hourly and daily archives of a flow computer: what passed in each period, as the 13 numbers
 * of an Enron history record (Rockwell 1758-UM002D page 337).
 */

/** Sums and flow-weighted sums of one running period. */
export interface Period {
  /** Device time at which the period started, milliseconds since 1970. */
  startMs: number;
  flowTimeS: number;
  pulses: number;
  /** Volumes, barrels: indicated, at flowing conditions, gross standard, net standard. */
  indicated: number;
  flowing: number;
  grossStandard: number;
  netStandard: number;
  massTonnes: number;
  /** Time-weighted sums of pressure (psig), temperature (°F) and relative density. */
  pressureS: number;
  temperatureS: number;
  relativeDensityS: number;
  weightS: number;
}

/** What one step of the meter adds to a period. */
export interface Portion {
  readonly elapsedS: number;
  readonly flowing: boolean;
  readonly pulses: number;
  readonly indicated: number;
  readonly flowingVolume: number;
  readonly grossStandard: number;
  readonly netStandard: number;
  readonly massTonnes: number;
  readonly pressure: number;
  readonly temperature: number;
  readonly relativeDensity: number;
}

export function emptyPeriod(startMs: number): Period {
  return {
    startMs,
    flowTimeS: 0,
    pulses: 0,
    indicated: 0,
    flowing: 0,
    grossStandard: 0,
    netStandard: 0,
    massTonnes: 0,
    pressureS: 0,
    temperatureS: 0,
    relativeDensityS: 0,
    weightS: 0,
  };
}

/** Adds one step. Averages are flow-dependent time-weighted: only flowing time counts. */
export function addPortion(period: Period, portion: Portion): void {
  period.pulses += portion.pulses;
  period.indicated += portion.indicated;
  period.flowing += portion.flowingVolume;
  period.grossStandard += portion.grossStandard;
  period.netStandard += portion.netStandard;
  period.massTonnes += portion.massTonnes;
  if (!portion.flowing) return;
  period.flowTimeS += portion.elapsedS;
  period.weightS += portion.elapsedS;
  period.pressureS += portion.pressure * portion.elapsedS;
  period.temperatureS += portion.temperature * portion.elapsedS;
  period.relativeDensityS += portion.relativeDensity * portion.elapsedS;
}

/** Number of 32-bit floats in a record. */
export const HISTORY_FLOATS = 13;

/**
 * The record of a finished period, stamped with the time of its end in UTC: date MMDDYY, time
 * HHMMSS, average pressure and temperature, pulses, relative density, flow time (s), volume at
 * base, volume at flowing conditions, mass (t), uncorrected volume, energy (0: not computed for
 * crude), and net standard volume in the user variable.
 */
export function historyOf(period: Period, endMs: number): number[] {
  const weight = period.weightS || 1;
  const { date, time } = stampOf(endMs);
  return [
    date,
    time,
    period.pressureS / weight,
    period.temperatureS / weight,
    period.pulses,
    period.relativeDensityS / weight,
    period.flowTimeS,
    period.grossStandard,
    period.flowing,
    period.massTonnes,
    period.indicated,
    0,
    period.netStandard,
  ];
}

/** MMDDYY and HHMMSS as numbers, UTC; a float32 holds both exactly (below 2^24). */
export function stampOf(timeMs: number): { date: number; time: number } {
  const dayMs = 86_400_000;
  const days = Math.floor(timeMs / dayMs);
  const seconds = Math.floor((timeMs - days * dayMs) / 1000);
  const { year, month, day } = civilOf(days);
  return {
    date: month * 10_000 + day * 100 + (year % 100),
    time:
      Math.floor(seconds / 3600) * 10_000 + (Math.floor(seconds / 60) % 60) * 100 + (seconds % 60),
  };
}

/**
 * Gregorian date of a count of days since 1970-01-01. Years start in March here, so that the leap
 * day is the last of a year, and 400 years are 146,097 days.
 */
function civilOf(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

/**
 * A ring of records. Records are counted from 1; record n stands at index ((n − 1) mod size) + 1,
 * so an index keeps its record until the ring comes round.
 */
export interface Archive {
  readonly size: number;
  count: number;
  records: number[][];
}

export function emptyArchive(size: number): Archive {
  return { size, count: 0, records: [] };
}

export function keepPeriod(archive: Archive, record: number[]): void {
  archive.records[archive.count % archive.size] = record;
  archive.count += 1;
}

/** The record at an index from 1, or `undefined` when none was kept there yet. */
export function periodAt(archive: Archive, index: number): readonly number[] | undefined {
  return archive.records[index - 1];
}
