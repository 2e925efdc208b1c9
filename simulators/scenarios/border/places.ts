/**
 * Places and planned lines of the border scenario. Places are facts: UN/LOCODE, CBP Schedule D
 * port codes, U.S. EIA coordinates of the crossing. Lines are our own: way points drawn by hand
 * near towns on the way, joined by great circles, and marked as planned. They follow no surveyed
 * road or pipe.
 */

/** Longitude and latitude, WGS 84 degrees, in GeoJSON's order. */
type Position = readonly [number, number];

/** A place as `bondline-wallet enrol --facility` takes it. */
export interface Place {
  readonly id: string;
  readonly name: string;
  /** UN/LOCODE. */
  readonly unlocode?: string;
  /** CBP Schedule D port code. */
  readonly portCode?: string;
  readonly latitude: number;
  readonly longitude: number;
  /** Radius within which the place lies, metres; large where only a town is meant. */
  readonly accuracyM?: number;
  readonly line?: {
    readonly route: string;
    readonly distanceM: number;
    readonly innerDiameterM: number;
  };
}

/** A planned line as a GeoJSON Feature. */
export interface PlannedLine {
  readonly type: 'Feature';
  readonly properties: { readonly name: string; readonly title: string; readonly planned: true };
  readonly geometry: { readonly type: 'LineString'; readonly coordinates: readonly Position[] };
}

function plannedLine(name: string, title: string, coordinates: readonly Position[]): PlannedLine {
  return {
    type: 'Feature',
    properties: { name, title, planned: true },
    geometry: { type: 'LineString', coordinates },
  };
}

/** Gretna, Manitoba, over the border at Neche, North Dakota, to Clearbrook, Minnesota. */
export const pipelineLine = plannedLine(
  'gretna-clearbrook',
  'Gretna MB to Clearbrook MN by Neche ND (planned, drawn by hand)',
  [
    // Key point ex-Gretna of the Canada Energy Regulator.
    [-97.556, 49.017],
    // Crossing at Neche as the U.S. EIA gives it (liquids border crossings, 2016).
    [-97.53103, 48.99929],
    [-97.3, 48.83],
    [-96.95, 48.58],
    [-96.55, 48.32],
    [-96.12, 48.05],
    [-95.75, 47.88],
    [-95.365, 47.693],
  ],
);

/** Culiacán, Sinaloa, by Hermosillo and the crossing at Nogales to Tucson, Arizona. */
export const truckCorridor = plannedLine(
  'culiacan-tucson',
  'Culiacan to Tucson by Hermosillo and Nogales (planned, drawn by hand)',
  [
    [-107.394, 24.8],
    [-107.7, 25.09],
    [-108.08, 25.46],
    [-108.47, 25.57],
    [-108.99, 25.79],
    [-109.02, 26.42],
    [-109.44, 27.08],
    [-109.93, 27.49],
    [-110.29, 27.64],
    [-110.81, 27.96],
    [-110.93, 28.45],
    [-110.97, 29.09],
    [-111.07, 29.68],
    [-111.12, 30.17],
    [-111.12, 30.54],
    [-110.97, 30.63],
    [-110.86, 30.78],
    [-110.9, 31.06],
    [-110.974, 31.333],
    [-110.99, 31.47],
    [-111, 31.85],
    [-110.967, 32.217],
  ],
);

/** Both lines, as the ingester's `routes` setting takes them. */
export const borderRoutes = {
  type: 'FeatureCollection',
  features: [pipelineLine, truckCorridor],
} as const;

/** UN/LOCODE of the towns that the scenario names. */
export const unlocodes = {
  gretna: 'CAGRT',
  neche: 'USNEC',
  pembina: 'USPMB',
  emerson: 'CAEME',
  hamilton: 'CAHAM',
  culiacan: 'MXCUL',
  hermosillo: 'MXHMO',
  nogales: 'USOLS',
  tucson: 'USTUZ',
} as const;

/** CBP Schedule D port codes; four digits, so they are text. */
export const scheduleD = { pembina: '3401', neche: '3404', nogales: '2604' } as const;

export const necheStation: Place = {
  id: 'did:web:northline.example/facility/neche',
  name: 'Neche meter station (demonstration)',
  unlocode: unlocodes.neche,
  portCode: scheduleD.neche,
  latitude: 48.99929,
  longitude: -97.53103,
  accuracyM: 50,
  line: {
    route: pipelineLine.properties.name,
    // From Gretna to the crossing along the line above.
    distanceM: 2_682,
    // A 34-inch line: 0.8636 m outside, 7 mm of steel.
    innerDiameterM: 0.8496,
  },
};

export const hamiltonMill: Place = {
  id: 'did:web:lakehead-steel.example/facility/hamilton',
  name: 'Hamilton steel mill (demonstration)',
  unlocode: unlocodes.hamilton,
  // Somewhere in the industrial harbour: the mill is invented, so the circle is wide.
  latitude: 43.265,
  longitude: -79.8,
  accuracyM: 3_000,
};

export const nogalesYard: Place = {
  id: 'did:web:sonora-cold.example/facility/nogales',
  name: 'Nogales cold yard (demonstration)',
  unlocode: unlocodes.nogales,
  portCode: scheduleD.nogales,
  // The town as UN/LOCODE places it.
  latitude: 31.34021,
  longitude: -110.93608,
  accuracyM: 5_000,
};
