/**
 * How a flow computer on a crude-oil pulse meter behaves: a pure state machine that is stepped in
 * time. Oil flows at a rate that wanders about what the pumps are set to, temperature, pressure
 * and density drift, the meter gives whole pulses, and volumes follow from the pulses alone.
 */

import { fraction, happens, type SeededRandom, seededRandom, wander } from '../random.ts';
import { correctionForPressure, correctionForTemperature } from './crude-correction.ts';
import {
  type Archive,
  addPortion,
  emptyArchive,
  emptyPeriod,
  historyOf,
  keepPeriod,
  type Period,
} from './flow-archive.ts';

/** What is set when the device is made; none of it changes afterwards. */
export interface FlowComputerSettings {
  readonly seed: number;
  /** Pulses per barrel. */
  readonly kFactor: number;
  readonly meterFactor: number;
  /** Barrels a day that the line is meant to carry. */
  readonly nominalRate: number;
  /** A batch ends after this many barrels at flowing conditions. */
  readonly batchBarrels: number;
  readonly firstBatch: number;
  /** Device time at the start, milliseconds since 1970. */
  readonly startMs: number;
}

/** A batch as the meter knows it. */
export interface MeteredBatch {
  number: number;
  startPulses: number;
  startIndicated: number;
  flowing: number;
  grossStandard: number;
  netStandard: number;
}

/** Everything that changes; plain data, so that it can be kept and restored as JSON. */
export interface FlowComputerState {
  readonly settings: FlowComputerSettings;
  random: SeededRandom;
  timeMs: number;
  /** Barrels a day: what the pumps are set to, and what flows. */
  setRate: number;
  rate: number;
  temperature: number;
  pressure: number;
  /** Density at 60 °F of what passes, and of the batch that is being pumped, kg/m³. */
  baseDensity: number;
  batchDensity: number;
  sedimentAndWater: number;
  ctl: number;
  cpl: number;
  /** Pulses since commissioning; registers show them modulo 2^32. */
  pulses: number;
  /** Part of a pulse that has passed but was not counted yet, in [0, 1). */
  pulsePart: number;
  runS: number;
  grossStandard: number;
  netStandard: number;
  massTonnes: number;
  batch: MeteredBatch;
  hour: Period;
  day: Period;
  hourly: Archive;
  daily: Archive;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Records kept: 35 days of hours, and as many days. */
const HOURLY_RECORDS = 840;
const DAILY_RECORDS = 35;
const STEP_MS_MAX = 1_000;
const BARREL_M3 = 0.158987294928;
const WATER_KG_M3 = 999.016;

/**
 * Base densities of the batches in turn, kg/m³: a light sour of about 35 °API, a heavy blend of
 * about 21.5, a synthetic of about 32, a medium of about 29.
 */
const CRUDES = [849.3, 924.2, 864.8, 881.1] as const;

/** The settings of the demonstration: a large crude line (about 0.3 million barrels a day). */
export function defaultFlowSettings(startMs: number, seed: number): FlowComputerSettings {
  return {
    seed,
    kFactor: 8.4,
    meterFactor: 1.0012,
    nominalRate: 300_000,
    batchBarrels: 40_000,
    firstBatch: 284,
    startMs,
  };
}

/** A meter that has been running for years, at the start of a batch. */
export function createFlowComputer(settings: FlowComputerSettings): FlowComputerState {
  const random = seededRandom(settings.seed);
  const pulses = 1_000_000_000 + Math.floor(fraction(random) * 1_000_000_000);
  const indicated = pulses / settings.kFactor;
  const grossStandard = indicated * settings.meterFactor * 0.9985;
  const density = crudeOf(settings.firstBatch);
  const state: FlowComputerState = {
    settings,
    random,
    timeMs: settings.startMs,
    setRate: settings.nominalRate,
    rate: settings.nominalRate,
    temperature: 58 + 8 * fraction(random),
    pressure: 280 + 40 * fraction(random),
    baseDensity: density,
    batchDensity: density,
    sedimentAndWater: 0.2 + 0.1 * fraction(random),
    ctl: 1,
    cpl: 1,
    pulses,
    pulsePart: 0,
    runS: 40_000_000,
    grossStandard,
    netStandard: grossStandard * 0.9975,
    massTonnes: (grossStandard * BARREL_M3 * 870) / 1000,
    batch: newBatch(settings.firstBatch, pulses, indicated),
    hour: emptyPeriod(settings.startMs),
    day: emptyPeriod(settings.startMs),
    hourly: emptyArchive(HOURLY_RECORDS),
    daily: emptyArchive(DAILY_RECORDS),
  };
  correct(state);
  return state;
}

/** Moves the device on by `elapsedMs` of its own time; long steps are taken second by second. */
export function stepFlowComputer(state: FlowComputerState, elapsedMs: number): void {
  for (let left = elapsedMs; left > 0; left -= STEP_MS_MAX) {
    stepOnce(state, Math.min(left, STEP_MS_MAX));
  }
}

/** Indicated volume since commissioning, barrels: pulses over K, and nothing else. */
export function indicatedVolume(state: FlowComputerState): number {
  return state.pulses / state.settings.kFactor;
}

function stepOnce(state: FlowComputerState, elapsedMs: number): void {
  const elapsedS = elapsedMs / 1000;
  drift(state, elapsedS);
  const portion = measure(state, elapsedS);
  addPortion(state.hour, portion);
  addPortion(state.day, portion);
  if (state.batch.flowing >= state.settings.batchBarrels) nextBatch(state);
  const before = state.timeMs;
  state.timeMs += elapsedMs;
  closePeriods(state, before);
}

/** Moves what is felt at the meter: pumps, liquid, temperature, pressure. */
function drift(state: FlowComputerState, elapsedS: number): void {
  const { random, settings } = state;
  // A pump is taken in or out, or a station throttles, a few times an hour.
  if (happens(random, 1_200, elapsedS)) {
    state.setRate = settings.nominalRate * (0.75 + 0.35 * fraction(random));
  }
  const about = { deviation: settings.nominalRate * 0.004, tauS: 20, elapsedS };
  state.rate = Math.max(0, wander(random, state.rate, { ...about, mean: state.setRate }));
  const share = state.rate / settings.nominalRate;
  state.temperature = wander(random, state.temperature, {
    mean: 62,
    deviation: 2.5,
    tauS: 5_400,
    elapsedS,
  });
  state.pressure = wander(random, state.pressure, {
    mean: 420 - 120 * share * share,
    deviation: 2,
    tauS: 45,
    elapsedS,
  });
  // The interface between two batches takes about two minutes to pass.
  state.baseDensity = wander(random, state.baseDensity, {
    mean: state.batchDensity,
    deviation: 0.15,
    tauS: 40,
    elapsedS,
  });
  const water = { mean: 0.25, deviation: 0.06, tauS: 900, elapsedS };
  state.sedimentAndWater = clamp(wander(random, state.sedimentAndWater, water), 0.02, 1);
  correct(state);
}

function correct(state: FlowComputerState): void {
  state.ctl = correctionForTemperature(state.baseDensity, state.temperature);
  state.cpl = correctionForPressure(state.baseDensity, state.temperature, state.pressure);
}

/** What passed the meter: whole pulses, and the volumes that follow from them. */
function measure(state: FlowComputerState, elapsedS: number) {
  const { kFactor, meterFactor } = state.settings;
  // The rate is the true one (IV × MF), so the meter turns by rate / MF.
  const turned = (state.rate / 86_400 / meterFactor) * elapsedS * kFactor + state.pulsePart;
  const pulses = Math.floor(turned);
  state.pulsePart = turned - pulses;
  const indicated = pulses / kFactor;
  const flowingVolume = indicated * meterFactor;
  const grossStandard = flowingVolume * state.ctl * state.cpl;
  const netStandard = grossStandard * (1 - state.sedimentAndWater / 100);
  const massTonnes = (grossStandard * BARREL_M3 * state.baseDensity) / 1000;
  const flowing = state.rate > 0;
  state.pulses += pulses;
  state.grossStandard += grossStandard;
  state.netStandard += netStandard;
  state.massTonnes += massTonnes;
  if (flowing) state.runS += elapsedS;
  state.batch.flowing += flowingVolume;
  state.batch.grossStandard += grossStandard;
  state.batch.netStandard += netStandard;
  return {
    elapsedS,
    flowing,
    pulses,
    indicated,
    flowingVolume,
    grossStandard,
    netStandard,
    massTonnes,
    pressure: state.pressure,
    temperature: state.temperature,
    relativeDensity: state.baseDensity / WATER_KG_M3,
  };
}

function nextBatch(state: FlowComputerState): void {
  const number = state.batch.number + 1;
  state.batch = newBatch(number, state.pulses, indicatedVolume(state));
  state.batchDensity = crudeOf(number);
}

function newBatch(number: number, startPulses: number, startIndicated: number): MeteredBatch {
  return { number, startPulses, startIndicated, flowing: 0, grossStandard: 0, netStandard: 0 };
}

function crudeOf(batch: number): number {
  return CRUDES[batch % CRUDES.length] ?? CRUDES[0];
}

/** Writes the archive records of every hour and day that ended in the step. */
function closePeriods(state: FlowComputerState, beforeMs: number): void {
  const hourEnd = (Math.floor(beforeMs / HOUR_MS) + 1) * HOUR_MS;
  if (state.timeMs >= hourEnd) {
    keepPeriod(state.hourly, historyOf(state.hour, hourEnd));
    state.hour = emptyPeriod(hourEnd);
  }
  const dayEnd = (Math.floor(beforeMs / DAY_MS) + 1) * DAY_MS;
  if (state.timeMs >= dayEnd) {
    keepPeriod(state.daily, historyOf(state.day, dayEnd));
    state.day = emptyPeriod(dayEnd);
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

const COUNTER_32 = 4_294_967_296;
/** The whole-number totals are counters of nine digits, as on the device's display. */
const NINE_DIGITS = 1_000_000_000;

/** What each point of the profile shows now, in the point's unit. */
export function flowComputerValues(state: FlowComputerState): Readonly<Record<string, number>> {
  const { batch, settings } = state;
  const indicated = indicatedVolume(state);
  return {
    runStatus: state.rate > 0 ? 1 : 0,
    inputStatus: 0,
    indicatedVolumeTotal: indicated,
    grossStandardVolumeTotal: state.grossStandard,
    netStandardVolumeTotal: state.netStandard,
    runTime: Math.floor(state.runS) % 2_147_483_648,
    flowTimeDay: Math.floor(state.day.flowTimeS),
    flowTimeHour: Math.floor(state.hour.flowTimeS),
    massTotal: Math.floor(state.massTonnes) % NINE_DIGITS,
    baseVolumeTotal: Math.floor(state.grossStandard) % NINE_DIGITS,
    flowingVolumeTotal: Math.floor(indicated * settings.meterFactor) % NINE_DIGITS,
    temperature: state.temperature,
    pressure: state.pressure,
    flowRate: state.rate,
    batchNumber: batch.number,
    pulsesTotal: state.pulses % COUNTER_32,
    batchStartPulses: batch.startPulses % COUNTER_32,
    meterFactor: settings.meterFactor,
    kFactor: settings.kFactor,
    observedDensity: state.baseDensity * state.ctl * state.cpl,
    baseDensity: state.baseDensity,
    apiGravity: 141.5 / (state.baseDensity / WATER_KG_M3) - 131.5,
    sedimentAndWater: state.sedimentAndWater,
    ctl: state.ctl,
    cpl: state.cpl,
    batchIndicatedVolume: indicated - batch.startIndicated,
    batchGrossStandardVolume: batch.grossStandard,
    batchNetStandardVolume: batch.netStandard,
  };
}
