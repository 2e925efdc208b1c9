/**
 * Gas that flowed past a point in a gas day for a shipper: what its meter and its analysers say.
 * Gas has no batches, so point, day and contract together are what an entry names.
 */
import type { AttributeDefinition, Kind } from '../kind.ts';
import { placeAtMeter } from '../twin-statement.ts';
import { organisationAlias } from '../twin-uri.ts';

export const gasFlow: Kind = {
  name: 'gas-flow',
  summary: 'Gas past one point in one gas day for one shipper.',
  isGoods: true,
  identify: (uri) => organisationAlias(uri, 'gas-flow'),
  label: ({ value }) => `Gas flow ${value}`,
  attributes: {
    baseVolumeTotal: { title: 'Volume at base conditions, meter total', headline: true },
    volumeFlowRate: { title: 'Flow rate', headline: true },
    dayBaseVolume: { title: 'Volume at base conditions, last day', headline: true },
    dayEnergy: { title: 'Energy, last day', headline: true },
    hourBaseVolume: { title: 'Volume at base conditions, last hour' },
    hourEnergy: { title: 'Energy, last hour' },
    flowingVolumeTotal: { title: 'Volume at flowing conditions, meter total' },
    massTotal: { title: 'Mass, meter total' },
    temperature: { title: 'Temperature' },
    staticPressure: { title: 'Static pressure, absolute' },
    differentialPressure: { title: 'Differential pressure' },
    hourRelativeDensity: { title: 'Relative density, mean of the hour' },
    dayRelativeDensity: { title: 'Relative density, mean of the day' },
    forcedTemperature: { title: 'Temperature while forced' },
    forcedStaticPressure: { title: 'Static pressure while forced' },
    forcedDifferentialPressure: { title: 'Differential pressure while forced' },
    runTime: { title: 'Run time' },
    flowTimeDay: { title: 'Flow time today' },
    flowTimeHour: { title: 'Flow time this hour' },
    flowTimePreviousDay: { title: 'Flow time yesterday' },
    flowTimePreviousHour: { title: 'Flow time in the hour before' },
    extensionHour: { title: 'Flow extension, mean of the hour' },
    uncorrectedFlowHour: { title: 'Uncorrected flow, mean of the hour' },
    stream: { title: 'Stream analysed last' },
    isAnalysis: { title: 'Last run was an analysis' },
    statusOne: { title: 'Status of the chromatograph' },
    statusTwo: { title: 'Second status of the chromatograph' },
    ...components(),
  },
  // Where the gas is now nobody knows: it is where it was measured.
  derive: (state) => {
    const place = placeAtMeter(state);
    return place === undefined ? {} : { place };
  },
};

/** Components that a chromatograph tells by their places in its own list. */
function components(): Readonly<Record<string, AttributeDefinition>> {
  const places = Array.from({ length: 16 }, (_, index) => index + 1);
  return Object.fromEntries(
    places.flatMap((place) => [
      [`component${place}Code`, { title: `Component ${place}` }],
      [`component${place}MolePercent`, { title: `Component ${place}, mole percent` }],
    ]),
  );
}
