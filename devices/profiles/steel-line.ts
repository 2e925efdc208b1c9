/**
 * A steel mill's line on OPC UA: melt shop, continuous caster and strip mill behind one server.
 * What happens once (a heat tapped, a cast ended, a piece finished) comes as an event whose fields
 * are the points; what goes on comes as variables that the server writes together.
 *
 * Four groups name goods: `heat`, `cast` and `cast-end` a heat, `piece` a piece, whose own heat is
 * the point `pieceHeatId`. The group `line` is about the device itself.
 */
import { defineProfile, type OpcuaPlace, type PointDefinition } from '../profile.ts';

type Place = { readonly opcua: OpcuaPlace; readonly group: string };

function tapped(path: string): Place {
  return { group: 'heat', opcua: { event: 'HeatTappedEventType', path } };
}

function castEnded(path: string): Place {
  return { group: 'cast-end', opcua: { event: 'CastFinishedEventType', path } };
}

function finished(path: string): Place {
  return { group: 'piece', opcua: { event: 'PieceFinishedEventType', path } };
}

function caster(name: string): Place {
  return { group: 'cast', opcua: { path: `Caster/${name}` } };
}

function mill(name: string): Place {
  return { group: 'line', opcua: { path: `Mill/${name}` } };
}

/** Mass fraction of one element in the ladle analysis that goes with the tapped heat. */
function element(name: string, symbol: string, max: number): PointDefinition {
  return {
    summary: `${name} (${symbol}) in the ladle analysis, percent by mass.`,
    type: 'bl:MassFraction',
    unit: '60',
    range: [0, max],
    accuracy: { percent: 5, absolute: 0.003 },
    quantity: 'average',
    ...tapped(`Chemistry${symbol}`),
  };
}

const heat: Readonly<Record<string, PointDefinition>> = {
  heatId: {
    summary: 'Number of the heat that was tapped; names the goods.',
    type: 'bl:Identifier',
    unit: '',
    identifies: 'steel-heat',
    quantity: 'state',
    ...tapped('HeatId'),
  },
  grade: {
    summary: 'Steel grade that the heat was made to.',
    type: 'bl:Text',
    unit: '',
    quantity: 'state',
    ...tapped('Grade'),
  },
  meltAndPourCountry: {
    summary: 'Country where the steel was melted and poured, ISO 3166-1 alpha-2.',
    type: 'bl:Text',
    unit: '',
    quantity: 'state',
    ...tapped('MeltAndPourCountry'),
  },
  heatWeight: {
    summary: 'Mass of liquid steel tapped.',
    type: 'Mass',
    unit: 'KGM',
    range: [1_000, 500_000],
    accuracy: { percent: 0.5 },
    quantity: 'instantaneous',
    ...tapped('HeatWeight'),
  },
  tapTemperature: {
    summary: 'Temperature of the steel at tapping.',
    type: 'Temperature',
    unit: 'CEL',
    range: [1_450, 1_800],
    accuracy: { absolute: 5 },
    quantity: 'instantaneous',
    ...tapped('TapTemperature'),
  },
  carbon: element('Carbon', 'C', 2.1),
  manganese: element('Manganese', 'Mn', 30),
  silicon: element('Silicon', 'Si', 5),
  phosphorus: element('Phosphorus', 'P', 0.2),
  sulphur: element('Sulphur', 'S', 0.4),
  chromium: element('Chromium', 'Cr', 30),
  nickel: element('Nickel', 'Ni', 40),
  molybdenum: element('Molybdenum', 'Mo', 10),
  copper: element('Copper', 'Cu', 5),
  aluminium: element('Aluminium', 'Al', 5),
};

const cast: Readonly<Record<string, PointDefinition>> = {
  castHeatId: {
    summary: 'Number of the heat in the caster; names the goods.',
    type: 'bl:Identifier',
    unit: '',
    identifies: 'steel-heat',
    quantity: 'state',
    cadenceMs: 1_000,
    ...caster('HeatId'),
  },
  castingTemperature: {
    summary: 'Temperature of the steel in the tundish.',
    type: 'Temperature',
    unit: 'CEL',
    range: [1_400, 1_700],
    accuracy: { absolute: 5 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...caster('TundishTemperature'),
  },
  castingSpeed: {
    summary: 'Withdrawal speed of the strand.',
    type: 'Speed',
    unit: 'MTS',
    range: [0, 0.2],
    accuracy: { percent: 1 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...caster('StrandSpeed'),
  },
  castWeight: {
    summary: 'Mass of the heat cast so far.',
    type: 'Mass',
    unit: 'KGM',
    range: [0, 500_000],
    accuracy: { percent: 1 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...caster('CastWeight'),
  },
};

const castEnd: Readonly<Record<string, PointDefinition>> = {
  castEndHeatId: {
    summary: 'Number of the heat whose cast has ended; names the goods.',
    type: 'bl:Identifier',
    unit: '',
    identifies: 'steel-heat',
    quantity: 'state',
    ...castEnded('HeatId'),
  },
  castNumber: {
    summary: 'Number of the cast since the caster was commissioned.',
    type: 'Count',
    unit: 'C62',
    quantity: 'total',
    ...castEnded('CastNumber'),
  },
  castWeightTotal: {
    summary: 'Mass of good cast steel that the heat gave.',
    type: 'Mass',
    unit: 'KGM',
    range: [1_000, 500_000],
    accuracy: { percent: 1 },
    quantity: 'total',
    ...castEnded('CastWeight'),
  },
  castPieces: {
    summary: 'Number of pieces that the heat was cut into.',
    type: 'Count',
    unit: 'C62',
    range: [1, 100],
    quantity: 'total',
    ...castEnded('PieceCount'),
  },
};

const piece: Readonly<Record<string, PointDefinition>> = {
  pieceId: {
    summary: 'Number of the finished piece; names the goods.',
    type: 'bl:Identifier',
    unit: '',
    identifies: 'steel-piece',
    quantity: 'state',
    ...finished('PieceId'),
  },
  pieceHeatId: {
    summary: 'Number of the heat that the piece is of.',
    type: 'bl:Identifier',
    unit: '',
    quantity: 'state',
    ...finished('HeatId'),
  },
  pieceForm: {
    summary: 'What the piece is, e.g. coil or slab.',
    type: 'bl:Text',
    unit: '',
    quantity: 'state',
    ...finished('Form'),
  },
  pieceWeight: {
    summary: 'Mass of the piece on the coil scale.',
    type: 'Mass',
    unit: 'KGM',
    range: [0, 60_000],
    accuracy: { absolute: 15 },
    quantity: 'instantaneous',
    ...finished('PieceWeight'),
  },
  pieceThickness: {
    summary: 'Mean thickness of the strip.',
    type: 'Length',
    unit: 'MTR',
    range: [0.0005, 0.5],
    accuracy: { percent: 1 },
    quantity: 'average',
    ...finished('Thickness'),
  },
  pieceWidth: {
    summary: 'Mean width of the strip.',
    type: 'Length',
    unit: 'MTR',
    range: [0.1, 3],
    accuracy: { percent: 0.5 },
    quantity: 'average',
    ...finished('Width'),
  },
  pieceLength: {
    summary: 'Length of the strip.',
    type: 'Length',
    unit: 'MTR',
    range: [1, 20_000],
    accuracy: { percent: 0.5 },
    quantity: 'instantaneous',
    ...finished('Length'),
  },
  coilingTemperature: {
    summary: 'Mean temperature of the strip at the coiler.',
    type: 'Temperature',
    unit: 'CEL',
    range: [0, 900],
    accuracy: { absolute: 10 },
    quantity: 'average',
    ...finished('CoilingTemperature'),
  },
  pieceScrapped: {
    summary: 'Whether the piece was judged scrap.',
    type: 'bl:State',
    unit: '',
    quantity: 'state',
    ...finished('Scrapped'),
  },
};

const line: Readonly<Record<string, PointDefinition>> = {
  rollingSpeed: {
    summary: 'Speed of the strip behind the last stand.',
    type: 'Speed',
    unit: 'MTS',
    range: [0, 30],
    accuracy: { percent: 1 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...mill('RollingSpeed'),
  },
  finishingTemperature: {
    summary: 'Temperature of the strip behind the last stand, by pyrometer.',
    type: 'Temperature',
    unit: 'CEL',
    range: [600, 1_200],
    accuracy: { absolute: 10 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...mill('FinishingTemperature'),
  },
  coolingWaterFlow: {
    summary: 'Flow of cooling water onto the strip.',
    type: 'VolumeFlowRate',
    unit: 'MQH',
    range: [0, 20_000],
    accuracy: { percent: 2 },
    quantity: 'instantaneous',
    cadenceMs: 1_000,
    ...mill('CoolingWaterFlow'),
  },
  piecesTotal: {
    summary: 'Pieces finished since commissioning.',
    type: 'Count',
    unit: 'C62',
    quantity: 'total',
    cadenceMs: 1_000,
    ...mill('PiecesTotal'),
  },
  millMassTotal: {
    summary: 'Mass rolled since commissioning, whole kilograms.',
    type: 'Mass',
    unit: 'KGM',
    accuracy: { percent: 1 },
    quantity: 'total',
    cadenceMs: 1_000,
    ...mill('MassTotal'),
  },
};

export const steelLine = defineProfile({
  name: 'steel-line',
  summary: 'Melt shop, continuous caster and strip mill of a steel line behind one OPC UA server.',
  source:
    'No published companion specification covers heats and pieces: nodes, event types and fields ' +
    'are assigned by this profile. Elements follow the ladle analysis of EN 10168 (C71 to C80); ' +
    'units are UN/ECE Rec 20, mass fraction in percent (60).',
  protocol: 'opcua',
  reportsOn: 'steel-heat',
  points: { ...heat, ...cast, ...castEnd, ...piece, ...line },
});
