/**
 * What a scenario is: sites with their own gateway, simulated devices and organisation. Data;
 * run-scenario.ts brings any of them to life.
 */

/** A simulated device server and what its site must be told to reach it. */
export interface SimulatedDevices {
  /** Profile that `bondline-sim device` is started with. */
  readonly profile: string;
  /** Port that is tried first. */
  readonly port: number;
  readonly args: readonly string[];
}

export interface ScenarioSite {
  /** Name of the site, of its folder below the examples and of its gateway. */
  readonly name: string;
  readonly organisation: { readonly did: string; readonly name: string };
  /** Plain JSON as `bondline-wallet enrol --facility` takes it. */
  readonly facility: Readonly<Record<string, unknown>>;
  /** URI prefixes (or whole URIs) of the goods that the site's devices may report on. */
  readonly goods: readonly string[];
  readonly owner?: { readonly id: string; readonly name: string };
  readonly possessor?: { readonly id: string; readonly name: string };
  readonly bondLiable?: { readonly id: string; readonly name: string };
  readonly devices: SimulatedDevices;
  /** Turns what the simulator printed when it was ready into settings of the gateway. */
  readonly connect: (
    ready: Readonly<Record<string, unknown>>,
  ) => readonly (readonly [readonly (string | number)[], unknown])[];
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly sites: readonly ScenarioSite[];
  /** GeoJSON of planned lines and corridors. */
  readonly routes: unknown;
  readonly ports: { readonly http: number; readonly mqtt: number };
}
