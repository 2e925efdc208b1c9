/**
 * An optical emission spectrometer in a mill's laboratory, on OPC UA: when a sample of a heat has
 * been analysed, one event carries all mass fractions. The heat names the goods.
 */
import { defineProfile, type OpcuaPlace, type PointDefinition } from '../profile.ts';

const GROUP = 'analysis';

function field(path: string): { readonly group: string; readonly opcua: OpcuaPlace } {
  return { group: GROUP, opcua: { event: 'AnalysisCompletedEventType', path } };
}

/** How a mass fraction is reproduced: the larger of a part of itself and a floor, percent. */
interface Reproducibility {
  readonly max: number;
  readonly percent: number;
  readonly absolute: number;
}

function element(
  name: string,
  symbol: string,
  { max, ...accuracy }: Reproducibility,
): PointDefinition {
  return {
    summary: `${name} (${symbol}) in the sample, percent by mass.`,
    type: 'bl:MassFraction',
    unit: '60',
    range: [0, max],
    accuracy,
    quantity: 'average',
    ...field(`Element${symbol}`),
  };
}

function text(summary: string, path: string): PointDefinition {
  return { summary, type: 'bl:Text', unit: '', quantity: 'state', ...field(path) };
}

const sample: Readonly<Record<string, PointDefinition>> = {
  analysisHeatId: {
    summary: 'Number of the heat that the sample is of; names the goods.',
    type: 'bl:Identifier',
    unit: '',
    quantity: 'state',
    identifies: 'steel-heat',
    ...field('HeatId'),
  },
  sampleId: text('Number of the sample.', 'SampleId'),
  sampleKind: text('Where the sample was taken: ladle, tundish or product.', 'SampleKind'),
  burns: {
    summary: 'Burns that the mass fractions are the mean of.',
    type: 'Count',
    unit: 'C62',
    range: [1, 20],
    quantity: 'total',
    ...field('Burns'),
  },
  ironBalance: element('Iron, the balance', 'Fe', { max: 100, percent: 1, absolute: 0.1 }),
};

const elements: Readonly<Record<string, PointDefinition>> = {
  carbon: element('Carbon', 'C', { max: 4.5, percent: 3, absolute: 0.003 }),
  silicon: element('Silicon', 'Si', { max: 5, percent: 3, absolute: 0.003 }),
  manganese: element('Manganese', 'Mn', { max: 30, percent: 2, absolute: 0.005 }),
  phosphorus: element('Phosphorus', 'P', { max: 0.2, percent: 6, absolute: 0.001 }),
  sulphur: element('Sulphur', 'S', { max: 0.4, percent: 8, absolute: 0.001 }),
  chromium: element('Chromium', 'Cr', { max: 30, percent: 2, absolute: 0.003 }),
  molybdenum: element('Molybdenum', 'Mo', { max: 10, percent: 3, absolute: 0.002 }),
  nickel: element('Nickel', 'Ni', { max: 40, percent: 2, absolute: 0.003 }),
  aluminium: element('Aluminium', 'Al', { max: 5, percent: 5, absolute: 0.002 }),
  copper: element('Copper', 'Cu', { max: 5, percent: 3, absolute: 0.002 }),
  niobium: element('Niobium', 'Nb', { max: 3, percent: 5, absolute: 0.001 }),
  titanium: element('Titanium', 'Ti', { max: 3, percent: 5, absolute: 0.001 }),
  vanadium: element('Vanadium', 'V', { max: 10, percent: 4, absolute: 0.001 }),
  boron: element('Boron', 'B', { max: 0.1, percent: 10, absolute: 0.0002 }),
  nitrogen: element('Nitrogen', 'N', { max: 0.5, percent: 10, absolute: 0.001 }),
  cobalt: element('Cobalt', 'Co', { max: 15, percent: 4, absolute: 0.002 }),
  tungsten: element('Tungsten', 'W', { max: 20, percent: 4, absolute: 0.005 }),
  tin: element('Tin', 'Sn', { max: 0.5, percent: 6, absolute: 0.001 }),
  arsenic: element('Arsenic', 'As', { max: 0.2, percent: 10, absolute: 0.001 }),
  lead: element('Lead', 'Pb', { max: 0.5, percent: 10, absolute: 0.001 }),
  calcium: element('Calcium', 'Ca', { max: 0.05, percent: 15, absolute: 0.0003 }),
};

export const spectrometer = defineProfile({
  name: 'spectrometer',
  summary: 'Spark emission spectrometer of a steel laboratory, analyses as OPC UA events.',
  source:
    'No published companion specification covers chemical analyses: event type and fields are ' +
    'assigned by this profile. Elements are those of the ladle analysis of EN 10168 (C71 to C92); ' +
    'mass fractions in percent (UN/ECE Rec 20 60). Accuracies are usual for low-alloy steel, to be ' +
    'replaced by those of the laboratory’s certificate.',
  protocol: 'opcua',
  reportsOn: 'steel-heat',
  points: { ...sample, ...elements },
});
