/**
 * Organisations and parties of the border scenario. All are made up, stand under `.example`, and
 * say in their names that they are for the demonstration.
 */

export interface NamedParty {
  readonly id: string;
  readonly name: string;
}

/** Operators: each runs one site, enrols its devices, and signs for them. */
export const operators = {
  northline: { did: 'did:web:northline.example', name: 'Northline Pipelines (demonstration)' },
  lakehead: { did: 'did:web:lakehead-steel.example', name: 'Lakehead Steel (demonstration)' },
  sonora: { did: 'did:web:sonora-cold.example', name: 'Sonora Cold Carriers (demonstration)' },
} as const;

/** Who owns the goods. */
export const owners = {
  crude: { id: 'did:web:prairie-crude.example', name: 'Prairie Crude Shippers (demonstration)' },
  steel: { id: 'did:web:lakehead-steel.example', name: 'Lakehead Steel (demonstration)' },
  produce: { id: 'did:web:valle-produce.example', name: 'Valle Produce Growers (demonstration)' },
} as const satisfies Record<string, NamedParty>;

/** Who answers for the goods under bond. */
export const sureties = {
  pipeline: { id: 'did:web:northline.example', name: 'Northline Pipelines (demonstration)' },
  steel: { id: 'did:web:great-lakes-bond.example', name: 'Great Lakes Bond (demonstration)' },
  road: { id: 'did:web:desert-bond.example', name: 'Desert Bonded Transport (demonstration)' },
} as const satisfies Record<string, NamedParty>;

/**
 * Containers on the corridor: numbers that follow ISO 6346 under an owner code made up for the
 * demonstration, each with the kilometre of the corridor at which it starts.
 */
export const containers = [
  { container: 'XBLU2600010', startKm: 12 },
  { container: 'XBLU2600026', startKm: 430 },
  // Three kilometres before the crossing, and between it and Tucson.
  { container: 'XBLU2600031', startKm: 908 },
  { container: 'XBLU2600047', startKm: 952 },
] as const;
