/** `bondline-ingest doubts`: what waits for an officer, read from the databases. */
import { EdgeError } from '../../devices/errors.ts';
import { limits } from '../../devices/limits.ts';
import { formatTime } from '../../devices/runtime.ts';
import { type Decision, type DoubtfulBatch, doubtsOf, type Quarantine } from '../api-doubts.ts';
import { openJournalReader } from '../journal-reader.ts';
import { openTwinsStore } from '../twins-store.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments, storedFilesOf } from './command.ts';

export const doubtsHelp = `Usage: bondline-ingest doubts CONFIG [--device DID] [--all]
                              [--from POSITION] [--json]

Lists what waits for an officer's decision: batches that came after their key was revoked or while
their device was in quarantine, and the devices in quarantine, whose key signed two histories.
"bondline-ingest accept" decides.

  --device  of this device alone
  --all     also what was decided, with who decided and when
  --from    batches from this position of the journal on; each page names the next
  --json    print {"waiting", "doubtful": [...], "quarantined": [...], "next"}

Example:
  bondline-ingest doubts ingest.yaml
`;

const OPTIONS = {
  json: { type: 'boolean' },
  all: { type: 'boolean' },
  device: { type: 'string' },
  from: { type: 'string' },
} as const;

export async function runDoubts(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const [file = ''] = positionals;
  const { all = false, device, from = '0', json } = values;
  if (!/^\d{1,15}$/.test(from)) {
    const cause = new Error(`--from ${from} is not a position`);
    throw new EdgeError('CFG_USAGE', 'reading the command line', { cause });
  }
  const { journalFile, twinsFile } = storedFilesOf(loadConfig(file, context));
  const journal = openJournalReader(journalFile);
  try {
    const store = openTwinsStore(twinsFile, { readonly: true });
    try {
      const doubts = doubtsOf(
        { journal, store },
        {
          from: Number(from),
          count: limits.doubtsPageMax,
          isOpen: !all,
          ...(device !== undefined && { device }),
        },
      );
      const { doubtful, next, quarantined } = doubts;
      if (json) {
        context.out(`${JSON.stringify(doubts)}\n`);
        return EXIT.well;
      }
      for (const one of quarantined) context.out(quarantineLine(one));
      for (const one of doubtful) context.out(batchLine(one));
      if (doubtful.length + quarantined.length === 0) context.out('Nothing is in doubt.\n');
      if (next !== undefined) context.out(`for those that follow, add --from ${next}\n`);
      const [first] = doubtful.filter(({ accepted }) => accepted === undefined);
      if (first !== undefined) context.out(acceptLine(file, first.position));
      return EXIT.well;
    } finally {
      store.close();
    }
  } finally {
    journal.close();
  }
}

/** What an officer types next, who may have come here for the first time. */
function acceptLine(file: string, position: number): string {
  return `next: bondline-ingest accept ${file} ${position} --officer NAME --reason TEXT\n`;
}

function quarantineLine({ device, label, sinceMs, reason, supersededBy, ended }: Quarantine) {
  const now = supersededBy === undefined ? '' : `; ${supersededBy} is enrolled in its place`;
  const end = ended === undefined ? now : `; ended ${decisionText(ended)}`;
  return `quarantine  ${label} (${device}) since ${formatTime(sinceMs)}: ${reason}${end}\n`;
}

function batchLine({
  position,
  label,
  device,
  epoch,
  sequence,
  code,
  accepted,
  ...one
}: DoubtfulBatch) {
  const where = `epoch ${epoch}, sequence ${sequence}`;
  const end = accepted === undefined ? '' : `; accepted ${decisionText(accepted)}`;
  const why = `${formatTime(one.receivedMs)}: ${code}, ${one.reason}`;
  return `${String(position).padStart(10)}  ${label} (${device}), ${where}, ${why}${end}\n`;
}

function decisionText({ atMs, officer, reason, under, position }: Decision): string {
  const who =
    under === undefined
      ? `by ${officer}, "${reason}"`
      : `of itself, being chained under the batch at position ${under}`;
  return `${formatTime(atMs)} ${who} (position ${position})`;
}
