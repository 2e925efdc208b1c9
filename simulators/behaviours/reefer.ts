/**
 * How a refrigerated container on a lorry behaves: a pure state machine that is stepped in time.
 * Air warms when a door opens or power fails, the unit pulls it back to the set point, and the
 * position moves along the planned route.
 */
import { fraction, gaussian, happens, type SeededRandom, seededRandom, wander } from '../random.ts';
import { placeAt, type Route } from './route.ts';

export interface ReeferSettings {
  readonly seed: number;
  /** Container number after ISO 6346. */
  readonly container: string;
  readonly setPoint: number;
  /** Where on the route the container is at the start, metres. */
  readonly startM: number;
  /** Speed that the driver keeps to, km/h. */
  readonly cruiseKmh: number;
  /** Mean time between two openings of a door, and between two power failures, seconds. */
  readonly doorEveryS: number;
  readonly powerFailsEveryS: number;
}

/** Everything that changes; plain data, so that it can be kept and restored as JSON. */
export interface ReeferState {
  readonly settings: ReeferSettings;
  random: SeededRandom;
  alongM: number;
  speedKmh: number;
  supply: number;
  return: number;
  cargo: number;
  ambient: number;
  humidity: number;
  oxygen: number;
  carbonDioxide: number;
  /** Seconds that the door stays open, and that power stays away; 0 when closed and powered. */
  doorOpenS: number;
  powerOffS: number;
  /** Radius of 95 % confidence, metres, and the error of the present fix, east and north. */
  accuracyM: number;
  errorEastM: number;
  errorNorthM: number;
}

const STEP_S_MAX = 1;
/** Share of the accuracy radius that is one deviation of each axis (95 % of a 2-D normal). */
const RADIUS_TO_DEVIATION = 1 / 2.4477;
const METRES_PER_DEGREE = 111_195;

export function defaultReeferSettings(container: string, seed: number): ReeferSettings {
  return {
    seed,
    container,
    setPoint: 4,
    startM: 0,
    cruiseKmh: 82,
    doorEveryS: 10_800,
    powerFailsEveryS: 43_200,
  };
}

/** A loaded container at its set point, on its way. */
export function createReefer(settings: ReeferSettings): ReeferState {
  const random = seededRandom(settings.seed);
  return {
    settings,
    random,
    alongM: settings.startM,
    speedKmh: settings.cruiseKmh,
    supply: settings.setPoint - 0.6 + 0.2 * gaussian(random),
    return: settings.setPoint + 0.5 + 0.2 * gaussian(random),
    cargo: settings.setPoint + 0.3,
    ambient: 27 + 2 * gaussian(random),
    humidity: 84 + 3 * gaussian(random),
    oxygen: 20.6,
    carbonDioxide: 0.3,
    doorOpenS: 0,
    powerOffS: 0,
    accuracyM: 5,
    errorEastM: 0,
    errorNorthM: 0,
  };
}

/** Moves the container on by `elapsedMs`; long steps are taken second by second. */
export function stepReefer(state: ReeferState, route: Route, elapsedMs: number): void {
  for (let left = elapsedMs / 1000; left > 0; left -= STEP_S_MAX) {
    stepOnce(state, route, Math.min(left, STEP_S_MAX));
  }
}

function stepOnce(state: ReeferState, route: Route, elapsedS: number): void {
  happen(state, elapsedS);
  move(state, route, elapsedS);
  cool(state, elapsedS);
}

/** Doors and power: rare, and each lasts for minutes. */
function happen(state: ReeferState, elapsedS: number): void {
  const { random, settings } = state;
  state.doorOpenS = Math.max(0, state.doorOpenS - elapsedS);
  state.powerOffS = Math.max(0, state.powerOffS - elapsedS);
  if (state.doorOpenS === 0 && happens(random, settings.doorEveryS, elapsedS)) {
    state.doorOpenS = 90 + 300 * fraction(random);
  }
  if (state.powerOffS === 0 && happens(random, settings.powerFailsEveryS, elapsedS)) {
    state.powerOffS = 240 + 900 * fraction(random);
  }
}

/** A lorry stands while its door is open, and at the end of its route. */
function move(state: ReeferState, route: Route, elapsedS: number): void {
  const { random } = state;
  const arrived = state.alongM >= route.lengthM;
  const standing = arrived || state.doorOpenS > 0;
  const mean = standing ? 0 : state.settings.cruiseKmh;
  const about = { mean, deviation: standing ? 0 : 4, tauS: standing ? 6 : 45, elapsedS };
  state.speedKmh = Math.min(105, Math.max(0, wander(random, state.speedKmh, about)));
  if (standing && state.speedKmh < 0.5) state.speedKmh = 0;
  if (arrived) state.speedKmh = 0;
  const onM = state.alongM + (state.speedKmh / 3.6) * elapsedS;
  state.alongM = Math.min(route.lengthM, onM);
  state.accuracyM = Math.max(2.5, wander(random, state.accuracyM, fixQuality(elapsedS)));
  const error = {
    mean: 0,
    deviation: state.accuracyM * RADIUS_TO_DEVIATION,
    tauS: 30,
    elapsedS,
  };
  state.errorEastM = wander(random, state.errorEastM, error);
  state.errorNorthM = wander(random, state.errorNorthM, error);
}

function fixQuality(elapsedS: number) {
  return { mean: 5, deviation: 1.2, tauS: 120, elapsedS };
}

/** First-order heat flows between supply air, return air, cargo, walls and an open door. */
function cool(state: ReeferState, elapsedS: number): void {
  const { random, settings } = state;
  const open = state.doorOpenS > 0;
  const powered = state.powerOffS === 0;
  state.ambient = wander(random, state.ambient, {
    mean: 29,
    deviation: 4,
    tauS: 14_400,
    elapsedS,
  });
  // A running unit blows a little colder than the set point; one without power blows nothing, so
  // the supply sensor comes to the temperature of the cargo space.
  const blown = powered ? settings.setPoint - 0.7 : state.return;
  const supply = { mean: blown, deviation: powered ? 0.15 : 0.02, tauS: powered ? 75 : 240 };
  state.supply = wander(random, state.supply, { ...supply, elapsedS });
  const leak = (state.ambient - state.cargo) * 0.02;
  const through = open ? (state.ambient - state.return) * 0.35 : 0;
  const drawn = (powered ? 0.5 * state.supply + 0.5 * state.cargo : state.cargo) + leak + through;
  const air = { mean: drawn, deviation: 0.08, tauS: open ? 60 : 150, elapsedS };
  state.return = wander(random, state.return, air);
  state.cargo += ((state.return - state.cargo) / 9_000) * elapsedS;
  const damp = { mean: open ? 45 : 86, deviation: 1.2, tauS: open ? 120 : 600, elapsedS };
  state.humidity = Math.min(100, Math.max(0, wander(random, state.humidity, damp)));
  // Fruit breathes: oxygen turns into carbon dioxide until the ventilation or a door takes it out.
  const gas = { deviation: 0.01, tauS: open ? 60 : 7_200, elapsedS };
  state.carbonDioxide = Math.max(
    0.04,
    wander(random, state.carbonDioxide, { ...gas, mean: open ? 0.04 : 0.6 }),
  );
  state.oxygen = 20.95 - state.carbonDioxide;
}

/** The values of one instant: measured numbers, and states that are true or false. */
export interface ReeferValues {
  readonly numbers: Readonly<Record<string, number>>;
  readonly flags: Readonly<Record<string, boolean>>;
}

/** What each point of the profile shows now, in the point's unit. */
export function reeferValues(state: ReeferState, route: Route): ReeferValues {
  const [longitude, latitude] = placeAt(route, state.alongM);
  const east = METRES_PER_DEGREE * Math.cos((latitude * Math.PI) / 180);
  return {
    numbers: {
      setPoint: state.settings.setPoint,
      supplyAirTemperature: state.supply,
      returnAirTemperature: state.return,
      ambientTemperature: state.ambient,
      humidity: state.humidity,
      oxygen: state.oxygen,
      carbonDioxide: state.carbonDioxide,
      latitude: latitude + state.errorNorthM / METRES_PER_DEGREE,
      longitude: longitude + state.errorEastM / east,
      accuracyM: state.accuracyM,
      speed: state.speedKmh,
    },
    flags: { doorOpen: state.doorOpenS > 0, powered: state.powerOffS === 0 },
  };
}
