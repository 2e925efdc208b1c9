/** What `bondline-sim` and its commands say for `--help`. */

export const overview = `bondline-sim: the far end of the cable, simulated

usage: bondline-sim COMMAND [options]

commands:
  run SCENARIO      run simulators, gateways and an ingester together on this machine
  device PROFILE    run one simulated device that speaks its real protocol

bondline-sim COMMAND --help says more.

exit codes: 0 all well, 1 something was lost or failed, 2 a mistake on the command line
`;

/** @param scenarios Names with their summaries. */
export function runHelp(scenarios: readonly { name: string; summary: string }[]): string {
  const list = scenarios.map(({ name, summary }) => `  ${name.padEnd(16)}  ${summary}`);
  return `bondline-sim run SCENARIO [options]

Starts every process of the scenario, prints the console's address and a live table, and ends
them all on Ctrl-C. What was stored is continued unless --fresh is given.

scenarios:
${list.join('\n')}

options:
  --for SECONDS     run that long, count, print the result and end
  --json            with --for: print one JSON object at the end, progress on standard error
  --fresh           start over; what the scenario stored before is deleted
  --data DIR        keep everything here (default: var/SCENARIO)
`;
}

/** @param profiles Names of the stations that can be started. */
export function deviceHelp(profiles: readonly string[]): string {
  return `bondline-sim device PROFILE [options]

Starts one simulated device on this machine and prints one JSON line when it can be reached:
{"ready":true,"profile":…,"url":…}. It ends on SIGTERM or Ctrl-C.

profiles: ${profiles.join(', ')}

options:
  --host HOST       address to listen on (default: 127.0.0.1)
  --port PORT       port to listen on; 0 takes any that is free (default: 0)
  --name NAME       the device's name in the ledger (default: fc-1)
  --seed N          whole number that decides all chance (default: 1)
  --pace X          seconds that pass at the device in one second (default: 1)
  --every MS        time between two changes or messages (default: 1000)
  --ledger FILE     append one JSON line for every value served
  --directory DIR   keep totals, places and keys here while the device is off
  --attached        end when standard input ends
  --json            print JSON for programs, which is what it does anyway
  --fault FAULT     misbehave from the start, see below
  --batch BARRELS   liquid-flow-computer: size of a pipeline batch
  --units N         liquid-flow-computer, registers: Modbus units behind the port
  --registers N     registers: holding registers of each unit (float32 in pairs)
  --container NUMBER[@KM]
                    reefer: a container, and where on the route it starts; repeat for more
  --route FILE      reefer: GeoJSON with a LineString (default: Culiacan to Tucson)
  --prefix TOPIC    reefer: first levels of the topics (default: yard)
  --set-point C     reefer: temperature that the containers hold

lines on standard input:
  quiet             stop changing and publishing values, go on answering
  fault FAULT       Modbus: none, silence, hold, late, garbage, truncate, foreign, close,
                    delay MS, drip MS, exception CODE
  release           Modbus: send the answers that "fault hold" kept back
`;
}
