/**
 * How a steel line behaves: every 45 minutes a heat is tapped, the one before it is in the caster,
 * and the strip mill finishes its pieces shortly after they are cast. What a heat is (grade,
 * chemistry, weights, pieces) follows from the seed and its number alone, and when it happens from
 * the time alone. So equal seeds and times give equal heats, however time is cut into steps.
 */
import { fraction, gaussian, type SeededRandom, seededRandom } from '../random.ts';

/** A value as the line's controllers hold it. */
export type LineValue = number | bigint | string | boolean;

/** How a controller judges its own sensor. */
export type SensorState = 'good' | 'uncertain' | 'failed';

/** Something that happened once; fields are points of the profile `steel-line`. */
export interface LineEvent {
  readonly type: 'HeatTappedEventType' | 'CastFinishedEventType' | 'PieceFinishedEventType';
  /** Line time, milliseconds since the line was switched on. */
  readonly atMs: number;
  readonly fields: Readonly<Record<string, LineValue>>;
}

/** All that changes; plain data, so that it can be kept as JSON. */
export interface SteelLineState {
  readonly seed: number;
  /** Number of the first heat that this line taps. */
  readonly firstHeat: number;
  /** Line time, milliseconds; events up to and including it have happened. */
  elapsedMs: number;
  /** Counters of the mill since it was switched on. */
  pieces: number;
  rolledKg: number;
}

export interface Piece {
  readonly id: string;
  readonly weightKg: number;
  readonly thicknessM: number;
  readonly widthM: number;
  readonly lengthM: number;
  readonly coilingTemperature: number;
  readonly scrapped: boolean;
  /** Whether its pyrometer fails while it is rolled. */
  readonly pyrometerFails: boolean;
}

export interface Heat {
  readonly id: string;
  readonly grade: string;
  /** Percent by mass, by point name. */
  readonly chemistry: Readonly<Record<string, number>>;
  readonly weightKg: number;
  readonly castWeightKg: number;
  readonly tapTemperature: number;
  readonly pieces: readonly Piece[];
}

/** Time from tap to tap, and how long after its tapping a heat enters the caster. */
export const HEAT_MS = 45 * 60_000;
const CASTER_DELAY_MS = 0.4 * HEAT_MS;
/** How long after its part of the strand was cast a piece leaves the mill. */
const MILL_DELAY_MS = 0.1 * HEAT_MS;
const STEEL_KG_M3 = 7_850;
const PIECES = 6;

/** Percent by mass that the melt shop aims at, and the deviation that it achieves. */
type Aim = readonly [aim: number, deviation: number];

interface Grade {
  readonly name: string;
  readonly aims: Readonly<Record<string, Aim>>;
}

/** What comes in with scrap, whatever the grade. */
const residuals = {
  phosphorus: [0.012, 0.002],
  sulphur: [0.006, 0.0015],
  chromium: [0.04, 0.01],
  nickel: [0.03, 0.008],
  molybdenum: [0.008, 0.002],
  copper: [0.06, 0.015],
} as const;

/**
 * Aims well inside the ladle limits of each grade: EN 10025-2 for S235JR (C 0.17, Mn 1.40) and
 * S355J2 (C 0.20, Mn 1.60, Si 0.55), SAE J403 for 1008 (C 0.10, Mn 0.30 to 0.50).
 */
const grades: readonly Grade[] = [
  {
    name: 'S355J2',
    aims: {
      carbon: [0.16, 0.006],
      manganese: [1.42, 0.03],
      silicon: [0.22, 0.02],
      aluminium: [0.035, 0.004],
      ...residuals,
    },
  },
  {
    name: 'S235JR',
    aims: {
      carbon: [0.12, 0.006],
      manganese: [0.75, 0.04],
      silicon: [0.18, 0.02],
      aluminium: [0.03, 0.004],
      ...residuals,
    },
  },
  {
    name: 'SAE 1008',
    aims: {
      carbon: [0.06, 0.005],
      manganese: [0.38, 0.02],
      silicon: [0.02, 0.004],
      aluminium: [0.04, 0.004],
      ...residuals,
    },
  },
];

export function createSteelLine(seed: number, firstHeat: number): SteelLineState {
  // The line runs already: a heat is in the caster, and the first of ours is soon to be tapped.
  return { seed, firstHeat, elapsedMs: -0.5 * HEAT_MS, pieces: 0, rolledKg: 0 };
}

/** Moves the line on and returns what happened, in order. */
export function stepSteelLine(state: SteelLineState, elapsedMs: number): LineEvent[] {
  const fromMs = state.elapsedMs;
  state.elapsedMs += elapsedMs;
  const events = eventsBetween(state, fromMs, state.elapsedMs);
  for (const { type, fields } of events) {
    if (type !== 'PieceFinishedEventType') continue;
    state.pieces += 1;
    state.rolledKg += Number(fields['pieceWeight']);
  }
  return events;
}

/** What happens after `fromMs` and up to `toMs`, in order. */
export function eventsBetween(state: SteelLineState, fromMs: number, toMs: number): LineEvent[] {
  const events: LineEvent[] = [];
  // A heat's last event comes 1.5 heats after its tapping.
  for (let index = Math.floor(fromMs / HEAT_MS) - 2; index * HEAT_MS <= toMs; index += 1) {
    for (const event of eventsOf(state, index)) {
      if (event.atMs > fromMs && event.atMs <= toMs) events.push(event);
    }
  }
  return events.sort((a, b) => a.atMs - b.atMs);
}

function eventsOf(state: SteelLineState, index: number): LineEvent[] {
  const heat = heatAt(state, index);
  const tappedMs = index * HEAT_MS;
  const castMs = tappedMs + CASTER_DELAY_MS;
  const tapped: LineEvent = {
    type: 'HeatTappedEventType',
    atMs: tappedMs,
    fields: {
      heatId: heat.id,
      grade: heat.grade,
      meltAndPourCountry: 'CA',
      heatWeight: heat.weightKg,
      tapTemperature: heat.tapTemperature,
      ...heat.chemistry,
    },
  };
  const castEnded: LineEvent = {
    type: 'CastFinishedEventType',
    atMs: castMs + HEAT_MS,
    fields: {
      castEndHeatId: heat.id,
      castNumber: state.firstHeat + index,
      castWeightTotal: heat.castWeightKg,
      castPieces: heat.pieces.length,
    },
  };
  const finished = heat.pieces.map(
    (piece, at): LineEvent => ({
      type: 'PieceFinishedEventType',
      atMs: castMs + ((at + 1) / PIECES) * HEAT_MS + MILL_DELAY_MS,
      fields: {
        pieceId: piece.id,
        pieceHeatId: heat.id,
        pieceForm: 'coil',
        pieceWeight: piece.weightKg,
        pieceThickness: piece.thicknessM,
        pieceWidth: piece.widthM,
        pieceLength: piece.lengthM,
        coilingTemperature: piece.coilingTemperature,
        pieceScrapped: piece.scrapped,
      },
    }),
  );
  return [tapped, castEnded, ...finished];
}

/** The heat with this index from the first one of the line; the one before it has index -1. */
export function heatAt({ seed, firstHeat }: SteelLineState, index: number): Heat {
  const random = seededRandom(Math.imul(seed, 65_537) + index);
  const grade = grades[Math.floor(fraction(random) * grades.length)] ?? grades[0];
  const id = String(firstHeat + index);
  const weightKg = Math.round(about(random, 150_000, 1_500));
  // Skull, tundish rest and cut ends stay behind; no piece weighs what was never cast.
  const castWeightKg = Math.round(weightKg * (0.965 + 0.02 * fraction(random)));
  const rolledKg = castWeightKg * (0.985 + 0.01 * fraction(random));
  const shares = Array.from({ length: PIECES }, () => about(random, 1, 0.02));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const thicknessM = 0.002 + 0.0005 * Math.floor(fraction(random) * 7);
  const widthM = 1.2 + 0.05 * Math.floor(fraction(random) * 9);
  return {
    id,
    grade: grade?.name ?? '',
    chemistry: Object.fromEntries(
      Object.entries(grade?.aims ?? {}).map(([element, [aim, deviation]]) => [
        element,
        Math.max(0.0001, Number(about(random, aim, deviation).toFixed(4))),
      ]),
    ),
    weightKg,
    castWeightKg,
    tapTemperature: Number(about(random, 1_640, 8).toFixed(1)),
    pieces: shares.map((share, at) => {
      const weightKg = Math.floor((rolledKg * share) / total);
      return {
        id: `${id}-${String(at + 1).padStart(2, '0')}`,
        weightKg,
        thicknessM: Number(about(random, thicknessM, 0.00001).toFixed(6)),
        widthM: Number(about(random, widthM, 0.001).toFixed(4)),
        lengthM: Number((weightKg / (STEEL_KG_M3 * thicknessM * widthM)).toFixed(2)),
        coilingTemperature: Number(about(random, 610, 12).toFixed(1)),
        scrapped: fraction(random) < 0.025,
        pyrometerFails: fraction(random) < 0.03,
      };
    }),
  };
}

/** What the variables show, with the state of the sensor where it is not good. */
export function steelLineValues(state: SteelLineState): {
  readonly values: Readonly<Record<string, LineValue>>;
  readonly sensors: Readonly<Record<string, SensorState>>;
} {
  const castingMs = state.elapsedMs - CASTER_DELAY_MS;
  const castIndex = Math.floor(castingMs / HEAT_MS);
  const castShare = castingMs / HEAT_MS - castIndex;
  const heat = heatAt(state, castIndex);
  const rollingMs = castingMs - MILL_DELAY_MS;
  const rolledIndex = Math.floor(rollingMs / HEAT_MS);
  const position = (rollingMs / HEAT_MS - rolledIndex) * PIECES;
  const pieceShare = position - Math.floor(position);
  const piece = heatAt(state, rolledIndex).pieces[Math.floor(position)];
  const random = seededRandom(Math.imul(state.seed, 131) + Math.floor(state.elapsedMs / 100));
  // The head of a strip runs slowly and shines through steam, which the pyrometer knows.
  const isHead = pieceShare < 0.1;
  const fails = piece?.pyrometerFails === true && pieceShare > 0.5 && pieceShare < 0.6;
  return {
    values: {
      castHeatId: heat.id,
      castingTemperature: about(random, 1_552 - 14 * castShare, 0.4),
      castingSpeed: about(random, castShare < 0.05 ? 0.015 : 0.022, 0.0002),
      castWeight: heat.castWeightKg * castShare,
      rollingSpeed: about(random, isHead ? 6 : 11, 0.05),
      finishingTemperature: about(random, (isHead ? 855 : 885) - 10 * pieceShare, 1.2),
      coolingWaterFlow: about(random, 5_200 + 300 * Math.sin(pieceShare * Math.PI), 15),
      piecesTotal: state.pieces,
      millMassTotal: BigInt(state.rolledKg),
    },
    sensors: { finishingTemperature: fails ? 'failed' : isHead ? 'uncertain' : 'good' },
  };
}

function about(random: SeededRandom, mean: number, deviation: number): number {
  return mean + deviation * gaussian(random);
}
