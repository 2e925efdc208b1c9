/** `bondline-ingest checkpoint`: what others keep, to tell a rewritten journal by. */
import { openCheckpoint, openStatement } from '../../devices/credential/checkpoint.ts';
import { composeCheckpointFile } from '../../devices/credential/checkpoint-file.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { EdgeError } from '../../devices/errors.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import { limits } from '../../devices/limits.ts';
import { formatTime } from '../../devices/runtime.ts';
import { openJournalReader } from '../journal-reader.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  parseArguments,
  storedFilesOf,
  unlockEncryption,
} from './command.ts';

export const checkpointHelp = `Usage: bondline-ingest checkpoint CONFIG [--out FILE] [--json]

Prints the newest checkpoint of the journal, or writes it to FILE: number of entries and root of
their tree (RFC 9162), signed with the key of receipts, and what gateways signed of the checkpoints
that they keep. The ingester signs one every ten seconds (checkpoints.everySeconds); this command
reads it, also while the ingester runs.

Give the file to somebody who does not run this ingester: the carrier, a court, an auditor. With it
and a copy of the journal "bondline-ingest audit" tells later, offline, whether anything of what
stood there was changed, removed, added or moved. A new one each day says more than an old one.

  --out FILE  write it to FILE and say in a line what it is

Example:
  bondline-ingest checkpoint ingest.yaml --out border-2026-11-21.checkpoint.json
`;

const OPTIONS = { json: { type: 'boolean' }, out: { type: 'string' } } as const;

export async function runCheckpoint(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const config = loadConfig(positionals[0] ?? '', context);
  const { journalFile } = storedFilesOf(config);
  await unlockEncryption(config, context);
  const journal = openJournalReader(journalFile);
  const [kept, statements] = [journal.checkpoint(), journal.statements()];
  journal.close();
  if (kept === undefined) throw new EdgeError('IN_CHECKPOINT_NONE', `reading ${journalFile}`);
  const checkpoint = openCheckpoint(kept.token);
  if (isRefusal(checkpoint)) throw new EdgeError('IN_CHECKPOINT', `reading ${journalFile}`);
  // A gateway that has said nothing since the ingester's key was replaced still names the old one.
  const ofThisKey = statements
    .map(({ token }) => token)
    .filter((token) => !isRefusal(openStatement(token, checkpoint.issuer)))
    .slice(0, limits.checkpointWitnessesMax);
  const text = composeCheckpointFile({ token: kept.token, statements: ofThisKey });
  const { out } = values;
  if (out === undefined) {
    context.out(text);
    return EXIT.well;
  }
  writeFileDurably(out, text);
  const { issuedMs, issuer, root, size } = checkpoint;
  const said = { file: out, size, root, issuer, issuedMs, witnesses: ofThisKey.length };
  if (values.json) context.out(`${JSON.stringify(said)}\n`);
  else {
    context.out(`${out}: ${size} entries as of ${formatTime(issuedMs)}, root ${root}\n`);
    context.out(`signed by ${issuer}, with statements of ${ofThisKey.length} gateways\n`);
  }
  return EXIT.well;
}
