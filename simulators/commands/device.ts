/** `bondline-sim device PROFILE`: one simulated station until it is told to end. */
import { readFileSync } from 'node:fs';
import { EdgeError } from '../../devices/errors.ts';
import { createLog } from '../../devices/runtime.ts';
import { type DeviceArguments, parseDeviceArguments } from '../arguments.ts';
import type { CommandContext } from '../command.ts';
import { noLedger, openLedger } from '../ledger.ts';
import { truckCorridor } from '../scenarios/border/places.ts';
import type { RunningStation, StartStation } from '../station.ts';

type Stations = Readonly<Record<string, () => Promise<StartStation>>>;

/** Runs until SIGTERM, SIGINT, or with `--attached` the end of standard input; returns 0. */
export async function runDevice(
  args: readonly string[],
  context: CommandContext,
  stations: Stations,
): Promise<number> {
  const asked = parseDeviceArguments(args);
  const load = Object.hasOwn(stations, asked.profile) ? stations[asked.profile] : undefined;
  if (!load) {
    throw new EdgeError('SIM_PROFILE_UNKNOWN', `starting a simulated ${asked.profile}`);
  }
  const start = await load();
  const ledger = asked.ledgerFile ? openLedger(asked.ledgerFile, context.clock) : noLedger;
  try {
    const station = await start({ ...asked, ...placesOf(asked), ledger, ...surroundings(context) });
    for (const order of asked.orders) obey(station, order, context);
    context.out(`${JSON.stringify({ ready: true, profile: asked.profile, ...station.ready })}\n`);
    await ended(station, asked, context);
    await station.close();
  } finally {
    ledger.close();
  }
  return 0;
}

function surroundings({ clock, err }: CommandContext) {
  return { clock, log: createLog({ component: 'simulator', level: 'info', clock, write: err }) };
}

/** The route's text; containers without a route of their own follow the demonstration's. */
function placesOf(asked: DeviceArguments): { readonly route: string } {
  if (asked.routeFile === undefined) return { route: JSON.stringify(truckCorridor) };
  try {
    return { route: readFileSync(asked.routeFile, 'utf8') };
  } catch (cause) {
    throw new EdgeError('SIM_ROUTE_INVALID', `reading route ${asked.routeFile}`, { cause });
  }
}

/** Resolves when the station should end; obeys what is typed until then. */
function ended(
  station: RunningStation,
  asked: DeviceArguments,
  context: CommandContext,
): Promise<void> {
  return new Promise((resolve) => {
    if (context.stop.aborted) resolve();
    context.stop.addEventListener('abort', () => resolve(), { once: true });
    context.onInput(
      (line) => obey(station, line.trim(), context),
      () => {
        if (asked.attached) resolve();
      },
    );
  });
}

function obey(station: RunningStation, line: string, context: CommandContext): void {
  if (line === '') return;
  if (line === 'quiet') station.quiet();
  else if (!station.obey?.(line)) context.err(`not understood: ${line}\n`);
}
