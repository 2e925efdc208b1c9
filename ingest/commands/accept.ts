/** `bondline-ingest accept`: an officer's decision about what is in doubt. */
import { EdgeError } from '../../devices/errors.ts';
import type { OfficerAnswer, OfficerRequest } from '../officer.ts';
import { askRunning } from './ask-running.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments } from './command.ts';

export const acceptHelp = `Usage: bondline-ingest accept CONFIG POSITION...
                              --officer NAME --reason TEXT [--lift-quarantine DEVICE] [--json]

Accepts doubtful batches by their position in the journal ("bondline-ingest doubts" lists them):
they take effect from now on, and everything that they change shows who accepted them. With
--lift-quarantine the device's batches count again from now on, with or without a POSITION; those
that came in between wait until they are accepted. What is decided stands in the journal for good.

  --officer          who decides
  --reason           why, in a sentence that others will read
  --lift-quarantine  DID of the device whose quarantine ends
  --json             print {"position", "accepted", "lifted"}

Example:
  bondline-ingest accept ingest.yaml 74 75 --officer "badge 4711" --reason "sealed before the theft"

It goes to the ingester that runs on the data directory. Exit code 1 when nothing was decided: a
batch that is not doubtful, was accepted before, or contradicts one that has an effect.
`;

const OPTIONS = {
  json: { type: 'boolean' },
  officer: { type: 'string' },
  reason: { type: 'string' },
  'lift-quarantine': { type: 'string' },
} as const;

export async function runAccept(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'POSITION...']);
  const [file = '', ...positions] = positionals;
  const { officer, reason, 'lift-quarantine': device } = values;
  if (officer === undefined || reason === undefined) {
    throw usage('--officer and --reason say who decides, and why');
  }
  const lift = device === undefined ? [] : [device];
  const request: OfficerRequest = { accept: positions.map(positionOf), lift, officer, reason };
  const { data } = loadConfig(file, context).ingester;
  const answer = (await askRunning(data, '/api/acts', JSON.stringify(request))) as OfficerAnswer;
  context.out(values.json ? `${JSON.stringify(answer)}\n` : format(answer));
  return EXIT.well;
}

function positionOf(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw usage(`"${text}" is not a position in the journal`);
}

function usage(message: string): EdgeError {
  return new EdgeError('CFG_USAGE', 'reading the command line', { cause: new Error(message) });
}

function format({ position, accepted, lifted }: OfficerAnswer): string {
  const done = [
    ...accepted.map((one) => `accepted the batch at position ${one}`),
    ...lifted.map((one) => `ended the quarantine of ${one}`),
  ];
  return `${done.join('\n')}\nby the act at position ${position}\n`;
}
