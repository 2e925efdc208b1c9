/** A heat of steel: what was tapped, of what chemistry, and how far it is cast. */
import type { Kind } from '../kind.ts';
import { placeAtMeter } from '../twin-statement.ts';
import { organisationAlias } from '../twin-uri.ts';

export const steelHeat: Kind = {
  name: 'steel-heat',
  summary: 'A heat of steel from tapping to the end of its cast.',
  identify: (uri) => organisationAlias(uri, 'heat'),
  label: ({ value }) => `Heat ${value}`,
  attributes: {
    grade: { title: 'Grade', headline: true },
    meltAndPourCountry: { title: 'Melted and poured in', headline: true },
    heatWeight: { title: 'Mass tapped', headline: true },
    tapTemperature: { title: 'Tapping temperature' },
    carbon: { title: 'Carbon (C)', headline: true },
    manganese: { title: 'Manganese (Mn)' },
    silicon: { title: 'Silicon (Si)' },
    phosphorus: { title: 'Phosphorus (P)' },
    sulphur: { title: 'Sulphur (S)' },
    chromium: { title: 'Chromium (Cr)' },
    nickel: { title: 'Nickel (Ni)' },
    molybdenum: { title: 'Molybdenum (Mo)' },
    copper: { title: 'Copper (Cu)' },
    aluminium: { title: 'Aluminium (Al)' },
    castWeight: { title: 'Mass cast so far' },
    castWeightTotal: { title: 'Mass of good cast steel' },
    castPieces: { title: 'Pieces cut' },
    castNumber: { title: 'Cast number' },
    castingTemperature: { title: 'Temperature in the tundish' },
    castingSpeed: { title: 'Casting speed' },
    heatId: { title: 'Heat number' },
  },
  derive: (state) => {
    const place = placeAtMeter(state);
    return place === undefined ? {} : { place };
  },
};
