/** Codes of the simulator side. */
import type { ErrorEntry } from '../errors.ts';

export const simulatorErrors = {
  SIM_PROFILE_UNKNOWN: {
    meaning: 'There is no simulated device of that profile.',
    hint: 'Run the command with --help; it lists the profiles that can be simulated.',
    retryable: false,
  },
  SIM_PORT_TAKEN: {
    meaning: 'The port that the simulated device should listen on is in use.',
    hint: 'Name another port, or 0 for any that is free.',
    retryable: true,
  },
  SIM_LEDGER_UNWRITABLE: {
    meaning: 'The ledger of served values cannot be written.',
    hint: 'Check the path and its permissions, or name another file.',
    retryable: false,
  },
  SIM_STATE_UNREADABLE: {
    meaning: 'The kept state of the simulated device cannot be read or is of another version.',
    hint: 'Delete the state file named above to start the device anew.',
    retryable: false,
  },
  SIM_ROUTE_INVALID: {
    meaning: 'The route is not GeoJSON with a LineString of at least two different positions.',
    hint: 'Give a GeoJSON Feature or FeatureCollection with a LineString, longitude first.',
    retryable: false,
  },
  SIM_CONTAINER_INVALID: {
    meaning: 'A container number does not follow ISO 6346, or its check digit is wrong.',
    hint: 'Give four letters, six digits and the right check digit, e.g. MSKU9070323.',
    retryable: false,
  },
  SIM_SCENARIO_UNKNOWN: {
    meaning: 'There is no scenario of that name.',
    hint: 'Run the command with --help; it lists the scenarios.',
    retryable: false,
  },
  SIM_INGESTER_SILENT: {
    meaning: 'The ingester of the scenario did not answer a question, or not well.',
    hint: 'Read ingest.log in the folder of logs.',
    retryable: true,
  },
  SIM_CHILD_ENDED: {
    meaning: 'A process of the scenario ended by itself.',
    hint: 'Read its log, which is named in the message.',
    retryable: true,
  },
  SIM_COMMAND_FAILED: {
    meaning: 'A command that prepares the scenario failed.',
    hint: 'Read what the command said; start with --fresh if an earlier run was cut short.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;
