/** A heat of steel: what was tapped, of what chemistry, and how far it is cast. */
import { formatTime } from '../../devices/runtime.ts';
import { chosen, type TwinState } from '../fold-state.ts';
import type { Kind } from '../kind.ts';
import type { Statement } from '../twin.ts';
import { placeAtMeter, statementOf } from '../twin-statement.ts';
import { organisationAlias } from '../twin-uri.ts';

export const steelHeat: Kind = {
  name: 'steel-heat',
  summary: 'A heat of steel from tapping to the end of its cast.',
  isGoods: true,
  identify: (uri) => organisationAlias(uri, 'heat'),
  label: ({ value }) => `Heat ${value}`,
  attributes: {
    grade: { title: 'Grade', headline: true },
    meltAndPourCountry: { title: 'Melted and poured in', headline: true },
    tappedAt: { title: 'Tapped' },
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
    niobium: { title: 'Niobium (Nb)' },
    titanium: { title: 'Titanium (Ti)' },
    vanadium: { title: 'Vanadium (V)' },
    boron: { title: 'Boron (B)' },
    nitrogen: { title: 'Nitrogen (N)' },
    cobalt: { title: 'Cobalt (Co)' },
    tungsten: { title: 'Tungsten (W)' },
    tin: { title: 'Tin (Sn)' },
    arsenic: { title: 'Arsenic (As)' },
    lead: { title: 'Lead (Pb)' },
    calcium: { title: 'Calcium (Ca)' },
    ironBalance: { title: 'Iron (Fe), the balance' },
    sampleId: { title: 'Sample analysed' },
    sampleKind: { title: 'Sample taken from' },
    burns: { title: 'Burns of the analysis' },
    castWeight: { title: 'Mass cast so far' },
    castWeightTotal: { title: 'Mass of good cast steel' },
    castPieces: { title: 'Pieces cut' },
    castNumber: { title: 'Cast number' },
    castingTemperature: { title: 'Temperature in the tundish' },
    castingSpeed: { title: 'Casting speed' },
    heatId: { title: 'Heat number' },
    analysisHeatId: { title: 'Heat number on the sample' },
  },
  derive: (state) => {
    const place = placeAtMeter(state);
    const tapped = tappedAt(state);
    return {
      ...(place === undefined ? {} : { place }),
      ...(tapped === undefined ? {} : { attributes: { tappedAt: tapped } }),
    };
  },
};

/** The event that names a tapped heat has the time of tapping. */
function tappedAt(state: TwinState): Statement | undefined {
  const cell = chosen(state.newest.get('heatId'));
  if (cell === undefined) return undefined;
  const { lastGood: _none, status: _said, ...statement } = statementOf(cell);
  return {
    ...statement,
    value: formatTime(cell.observedMs),
    quality: 'good',
    basis: 'derived',
    rule: 'time-of-the-tapping-event',
  };
}
