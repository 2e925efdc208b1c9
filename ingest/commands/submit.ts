/** `bondline-ingest submit`: hands credentials of parties to the ingester that runs. */
import { readFileSync } from 'node:fs';
import { EdgeError } from '../../devices/errors.ts';
import { requestToSubmit, type SubmitAnswer, type Submitted } from '../party-submit.ts';
import { askRunning } from './ask-running.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments } from './command.ts';

export const submitHelp = `Usage: bondline-ingest submit CONFIG FILE... [--json]

Hands credentials that parties signed (bondline-wallet sign: custody steps, tickets, certificates,
movements, bonds) to the ingester that runs on the data directory, in the order given, and says
what became of each: accepted with its place in the journal, held with what it waits for (submit it
again then), or refused for good with the reason.

  --json  print {"submitted": [{"name", "outcome", "position", "code", "reason", …}]}

Example:
  bondline-ingest submit ingest.yaml release.signed.json ticket.jwt

Exit code 1 when something was not accepted.
`;

const OPTIONS = { json: { type: 'boolean' } } as const;

export async function runSubmit(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'FILE', 'FILE...']);
  const [file = '', ...paths] = positionals;
  const config = loadConfig(file, context);
  const request = requestToSubmit(paths.map((name) => ({ name, bytes: read(name) })));
  const { data } = config.ingester;
  const answer = await askRunning(data, '/api/submit', JSON.stringify(request));
  const { submitted } = answer as SubmitAnswer;
  if (values.json) context.out(`${JSON.stringify({ submitted })}\n`);
  else for (const one of submitted) context.out(format(one));
  return submitted.every(({ outcome }) => outcome === 'accepted') ? EXIT.well : EXIT.failed;
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading ${path}`, { cause });
  }
}

function format(submitted: Submitted): string {
  const { name, outcome, known, position, code, reason, standing, unknown = [] } = submitted;
  const where = position === undefined ? '' : ` at position ${position}`;
  const again = known ? ', as before' : '';
  const waits = standing === 'pending' ? '; it waits until the status lists are fresh again' : '';
  const why = code === undefined ? '' : `: ${code}, ${reason ?? ''}`;
  const next = outcome === 'held' ? '; submit it again once that holds' : '';
  const strange = unknown.length === 0 ? '' : `; no kind of twin knows ${unknown.join(', ')}`;
  return `${outcome} ${name}${where}${again}${waits}${strange}${why}${next}\n`;
}
