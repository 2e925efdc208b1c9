/** A steel mill: one line behind one OPC UA server. */
import { join } from 'node:path';
import { steelLine } from '../../devices/profiles/steel-line.ts';
import {
  createSteelLine,
  HEAT_MS,
  type SteelLineState,
  steelLineValues,
  stepSteelLine,
} from '../behaviours/steel-line.ts';
import { type OfferedSecurity, startOpcuaServer } from '../servers/opcua.ts';
import type { BuiltInType } from '../servers/opcua-bytes.ts';
import type { RunningStation, StationOptions } from '../station.ts';
import { everyTick } from '../tick.ts';
import { openKeptState } from './kept-state.ts';

/** Built-in types on the wire; points that are not named here are Float. */
const TYPES: Readonly<Record<string, BuiltInType>> = {
  heatId: 'String',
  grade: 'String',
  meltAndPourCountry: 'String',
  heatWeight: 'Double',
  castHeatId: 'String',
  castWeight: 'Double',
  castEndHeatId: 'String',
  castNumber: 'UInt32',
  castWeightTotal: 'Double',
  castPieces: 'UInt16',
  pieceId: 'String',
  pieceHeatId: 'String',
  pieceForm: 'String',
  pieceWeight: 'Double',
  pieceThickness: 'Double',
  pieceWidth: 'Double',
  pieceLength: 'Double',
  pieceScrapped: 'Boolean',
  castingSpeed: 'Double',
  piecesTotal: 'UInt32',
  millMassTotal: 'UInt64',
};

/** Status code of a value by the state of its sensor. */
const STATUS = {
  good: 'Good',
  uncertain: 'UncertainSensorNotAccurate',
  failed: 'BadSensorFailure',
} as const;

const FIRST_HEAT = 26_041;
const SAVE_EVERY_MS = 1_000;
/** A line that was off for long starts with a new heat, not with all those of the meantime. */
const CATCH_UP_MS_MAX = HEAT_MS;

/** What a steel mill may be told besides what every station is. */
export interface SteelMillOptions extends StationOptions {
  readonly security?: OfferedSecurity;
}

/** @throws EdgeError SIM_PORT_TAKEN, SIM_STATE_UNREADABLE */
export async function startSteelMill(options: SteelMillOptions): Promise<RunningStation> {
  const { clock, host, port, name, ledger, security } = options;
  const kept = openKeptState(options.directory, steelLine.name);
  const state = restored(kept.restore(name), options) ?? createSteelLine(options.seed, FIRST_HEAT);
  const types = Object.fromEntries(
    Object.keys(steelLine.points).map((point) => [point, TYPES[point] ?? 'Float'] as const),
  );
  const server = await startOpcuaServer({
    host,
    port,
    directory: join(options.directory ?? '.', 'opcua'),
    profile: steelLine,
    device: name,
    rootName: 'SteelLine',
    types,
    ledger,
    clock,
    ...(security && { security }),
  });
  let savedMs = 0;
  const save = () => {
    savedMs = clock.monotonicMs();
    kept.save({ [name]: state }, clock.nowMs());
  };
  const show = () => {
    const nowMs = Math.trunc(clock.nowMs());
    const { values, sensors } = steelLineValues(state);
    for (const [point, value] of Object.entries(values)) {
      const sensor = sensors[point] ?? 'good';
      server.write(point, sensor === 'failed' ? null : value, nowMs, STATUS[sensor]);
    }
  };
  show();
  let still = false;
  let shownMs = clock.monotonicMs();
  const stop = everyTick(clock, Math.min(EVENT_MS, options.everyMs), (elapsedMs) => {
    if (still) return;
    for (const event of stepSteelLine(state, elapsedMs * options.pace)) {
      // When it happened within the step, on the wall clock.
      const agoMs = (state.elapsedMs - event.atMs) / options.pace;
      server.raise(event.type, event.fields, Math.trunc(clock.nowMs() - agoMs));
    }
    if (clock.monotonicMs() - shownMs < options.everyMs - EVENT_MS / 2) return;
    shownMs = clock.monotonicMs();
    show();
    if (shownMs - savedMs >= SAVE_EVERY_MS) save();
  });
  return {
    ready: { url: server.url, port: server.port, certificate: server.certificateFile },
    quiet() {
      still = true;
    },
    async close() {
      stop();
      save();
      await server.close();
    },
  };
}

/** A line tells of an event as it happens, not when its values are due. */
const EVENT_MS = 50;

/**
 * The kept line moved on by the time that it was off, so that no heat or piece number is ever
 * given twice, even when the last save was cut short.
 */
function restored(
  kept: { state: unknown; savedMs: number } | undefined,
  options: StationOptions,
): SteelLineState | undefined {
  if (!kept) return undefined;
  const state = kept.state as SteelLineState;
  const awayMs = Math.max(options.clock.nowMs() - kept.savedMs, SAVE_EVERY_MS);
  stepSteelLine(state, Math.min(awayMs * options.pace, CATCH_UP_MS_MAX));
  return state;
}
