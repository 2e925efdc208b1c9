/** Every station that can be started, by the profile of its devices. */
import type { StartStation } from '../station.ts';

/** Starters; a protocol's library loads only when its station is started. */
export const stations: Readonly<Record<string, () => Promise<StartStation>>> = {
  'liquid-flow-computer': async () => (await import('./flow-station.ts')).startFlowStation,
  reefer: async () => (await import('./reefer-yard.ts')).startReeferYard,
  'steel-line': async () => (await import('./steel-mill.ts')).startSteelMill,
  registers: async () => (await import('./registers.ts')).startRegisters,
};
