/** `bondline-ingest custody`: an officer's decision about a custody step that is pending. */
import { EdgeError } from '../../devices/errors.ts';
import type { StepAnswer, StepRequest } from '../party-pending.ts';
import { askRunning } from './ask-running.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments } from './command.ts';

export const custodyHelp = `Usage: bondline-ingest custody CONFIG take|void POSITION
                               --officer NAME --reason TEXT [--json]

Decides about a custody step that waits because the status lists of its signers were too old when it
came (its twin shows it as pending): "take" lets it count at the place that it has, "void" says that
it never did. Most steps need nobody: they are judged anew when a list can be had again.

  --officer  who decides
  --reason   why, in a sentence that others will read
  --json     print {"position", "step", "effect"}

It goes to the ingester that runs on the data directory and stands in the journal for good. Exit
code 1 when no step is pending at the position.
`;

const OPTIONS = {
  json: { type: 'boolean' },
  officer: { type: 'string' },
  reason: { type: 'string' },
} as const;

export async function runCustody(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'EFFECT', 'POSITION']);
  const [file = '', effect = '', position = ''] = positionals;
  const { officer, reason } = values;
  if (effect !== 'take' && effect !== 'void') throw usage(`"${effect}" is neither take nor void`);
  if (!/^\d{1,15}$/.test(position)) throw usage(`"${position}" is not a position in the journal`);
  if (officer === undefined || reason === undefined) {
    throw usage('--officer and --reason say who decides, and why');
  }
  const request: StepRequest = { step: Number(position), effect, officer, reason };
  const { data } = loadConfig(file, context).ingester;
  const answer = (await askRunning(data, '/api/acts', JSON.stringify(request))) as StepAnswer;
  context.out(values.json ? `${JSON.stringify(answer)}\n` : format(answer));
  return EXIT.well;
}

function usage(message: string): EdgeError {
  return new EdgeError('CFG_USAGE', 'reading the command line', { cause: new Error(message) });
}

function format({ position, step, effect }: StepAnswer): string {
  const word = effect === 'take' ? 'counts' : 'is void';
  return `the custody step at position ${step} ${word}, by the act at position ${position}\n`;
}
