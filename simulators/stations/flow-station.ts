/** A meter station: one or more flow computers behind one Modbus TCP port. */
import { liquidFlowComputer } from '../../devices/profiles/liquid-flow-computer.ts';
import { periodAt } from '../behaviours/flow-archive.ts';
import {
  createFlowComputer,
  defaultFlowSettings,
  type FlowComputerState,
  flowComputerValues,
  stepFlowComputer,
} from '../behaviours/liquid-flow-computer.ts';
import { ModbusServer } from '../servers/modbus.ts';
import { createProfileUnit, type Region, type RegisterUnit } from '../servers/modbus-unit.ts';
import type { RunningStation, StationOptions } from '../station.ts';
import { everyTick } from '../tick.ts';
import { openKeptState } from './kept-state.ts';

/** Registers of an Enron device beyond those that the profile reads: run 0, forces, liquid. */
const REGIONS: readonly Region[] = [
  { table: 'holding', address: 3051, count: 50, width: 2 },
  { table: 'holding', address: 5001, count: 10, width: 4 },
  { table: 'holding', address: 5101, count: 10, width: 4 },
  { table: 'holding', address: 7001, count: 10, width: 4 },
  { table: 'holding', address: 7801, count: 20, width: 4 },
];

const HOURLY_ARCHIVE = 701;
const DAILY_ARCHIVE = 702;
/** A station that was off catches up at most this much: oil flowed on while nobody looked. */
const CATCH_UP_MS_MAX = 3_600_000;
const SAVE_EVERY_MS = 1_000;

interface Computer {
  readonly name: string;
  readonly state: FlowComputerState;
  readonly unit: RegisterUnit;
}

/** @throws EdgeError SIM_PORT_TAKEN, SIM_STATE_UNREADABLE */
export async function startFlowStation(options: StationOptions): Promise<RunningStation> {
  const { clock } = options;
  const kept = openKeptState(options.directory, liquidFlowComputer.name);
  const count = options.units ?? 1;
  const computers: Computer[] = [];
  for (let index = 0; index < count; index += 1) {
    const name = count === 1 ? options.name : `${options.name}-${index + 1}`;
    const state = restored(kept.restore(name), options) ?? fresh(options, index);
    computers.push({ name, state, unit: flowUnit(name, state) });
  }
  const units = new Map(computers.map(({ unit }, index) => [index + 1, unit]));
  const { host, port, ledger } = options;
  const server = await ModbusServer.start({ host, port, units, clock, ledger });

  let savedMs = 0;
  const save = () => {
    savedMs = clock.monotonicMs();
    const states = Object.fromEntries(computers.map(({ name, state }) => [name, state]));
    kept.save(states, clock.nowMs());
  };
  let still = false;
  const stop = everyTick(clock, options.everyMs, (elapsedMs) => {
    if (still) return;
    for (const { state, unit } of computers) {
      stepFlowComputer(state, elapsedMs * options.pace);
      showFlow(unit, state);
    }
    if (clock.monotonicMs() - savedMs >= SAVE_EVERY_MS) save();
  });
  return {
    ready: {
      url: server.url,
      host: server.host,
      port: server.port,
      units: computers.map(({ name }, index) => ({ unitId: index + 1, device: name })),
    },
    quiet() {
      still = true;
    },
    obey: (line) => server.obey(line),
    async close() {
      stop();
      save();
      await server.close();
    },
  };
}

function fresh(options: StationOptions, index: number): FlowComputerState {
  const settings = defaultFlowSettings(options.clock.nowMs(), options.seed + index);
  const batchBarrels = options.batchBarrels ?? settings.batchBarrels;
  return createFlowComputer({ ...settings, batchBarrels });
}

/**
 * The kept state moved on by the time that has passed since it was saved, so that no total that
 * was ever served can be served lower again, even when the last save was cut short.
 */
function restored(
  kept: { state: unknown; savedMs: number } | undefined,
  options: StationOptions,
): FlowComputerState | undefined {
  if (!kept) return undefined;
  const state = kept.state as FlowComputerState;
  const awayMs = options.clock.nowMs() - kept.savedMs;
  const caughtUpMs = Math.min(Math.max(awayMs, SAVE_EVERY_MS), CATCH_UP_MS_MAX);
  stepFlowComputer(state, caughtUpMs * options.pace);
  state.timeMs = Math.max(state.timeMs, options.clock.nowMs());
  return state;
}

/** A unit that holds what a flow computer says, its archives included. */
export function flowUnit(name: string, state: FlowComputerState): RegisterUnit {
  const unit = createProfileUnit(liquidFlowComputer, name, REGIONS);
  unit.answerRecords(HOURLY_ARCHIVE, (index) => floats(periodAt(state.hourly, index)));
  unit.answerRecords(DAILY_ARCHIVE, (index) => floats(periodAt(state.daily, index)));
  showFlow(unit, state);
  return unit;
}

/** Puts what the computer says now into its registers. */
export function showFlow(unit: RegisterUnit, state: FlowComputerState): void {
  for (const [point, value] of Object.entries(flowComputerValues(state))) unit.set(point, value);
}

function floats(record: readonly number[] | undefined): Uint8Array | undefined {
  if (!record) return undefined;
  const bytes = Buffer.alloc(record.length * 4);
  for (const [index, value] of record.entries()) bytes.writeFloatBE(value, index * 4);
  return bytes;
}
