/** `bondline-ingest audit`: holds a journal against checkpoints that others kept, offline. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type KnownCheckpoint,
  readCheckpointFile,
} from '../../devices/credential/checkpoint-file.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { EdgeError } from '../../devices/errors.ts';
import { useStoreKey } from '../../devices/io/store-key.ts';
import { limits } from '../../devices/limits.ts';
import { formatTime } from '../../devices/runtime.ts';
import { type RebuildResult, rebuildTwins } from '../apply-rebuild.ts';
import { type Audit, type AuditedCheckpoint, auditJournal } from '../audit.ts';
import {
  type CommandContext,
  EXIT,
  filesOf,
  loadConfig,
  parseArguments,
  progressOf,
  unlockEncryption,
} from './command.ts';

export const auditHelp = `\
Usage: bondline-ingest audit PLACE FILE... [--ingester DID] [--journal-only] [--json]

Tells, without the ingester, whether a journal is still the one of which FILE was signed: reads
every entry, computes leaves and tree (RFC 9162) anew, and compares the root at the size of each
checkpoint. One old checkpoint shows whatever was changed, removed, added or moved before it; what
came after the newest one is not shown by it. Then it folds all twins anew and compares them with
those that are kept: these must leave out no entry.

PLACE is a configuration, or a folder with journal.db: a data directory, a backup, a copy of either.
Encrypted databases need the configuration. FILE is what bondline-ingest checkpoint wrote, the
kept.jwt of a gateway (bondline-gateway witness), or a checkpoint by itself.

  --ingester DID  only checkpoints that this key signed count; it stands in every invitation and in
                  "uplink.ingester" of every gateway
  --journal-only  leave the twins out
  --json          print {"holds", "entries", "root", "damage", "change": {"from", "to"},
                  "checkpoints": [{"file", "size", "root", "issuedMs", "issuer", "holds", "failure",
                  "witnesses"}], "twins": {"follows", "kept", "equal", "entries", "twins",
                  "differences", "passedBy"}}

Example:
  bondline-ingest audit /backup/today kept.jwt --ingester did:key:zDnae…

Exit code 1 when a checkpoint does not hold, or the twins are others.
`;

const OPTIONS = {
  json: { type: 'boolean' },
  ingester: { type: 'string' },
  'journal-only': { type: 'boolean' },
} as const;

type Known = KnownCheckpoint & { readonly file: string };

export async function runAudit(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['PLACE', 'FILE', 'FILE...']);
  const [place = '', ...paths] = positionals;
  const known = paths.flatMap((path) => readKnown(path, values.ingester));
  const issuers = [...new Set(known.map(({ checkpoint }) => checkpoint.issuer))];
  if (issuers.length > 1) {
    throw new EdgeError('IN_CHECKPOINT', `reading checkpoints of ${issuers.join(' and ')}`);
  }
  const files = await filesAt(place, context);
  const { journalFile } = files;
  const progress = progressOf(context, 'entries');
  const audit = auditJournal({
    file: journalFile,
    checkpoints: known.map(({ checkpoint }) => checkpoint),
    onProgress: progress.at,
  });
  const isWhole = audit.damage === undefined && audit.change === undefined;
  const isAsked = isWhole && values['journal-only'] !== true;
  const twins = isAsked ? fold(files, audit.entries, progress.at) : undefined;
  progress.end();
  const holds = isWhole && twins?.follows !== false;
  if (values.json) {
    const checkpoints = audit.checkpoints.map((one) => lineOf(one, known));
    context.out(`${JSON.stringify({ holds, ...audit, checkpoints, ...(twins && { twins }) })}\n`);
  } else {
    context.out(`${journalFile}: ${audit.entries} entries, root ${audit.root}\n`);
    for (const line of sentencesOf(audit, known)) context.out(`${line}\n`);
    for (const line of twins ? twinsSaid(twins, audit.entries) : []) context.out(`${line}\n`);
  }
  return holds ? EXIT.well : EXIT.failed;
}

/** @throws EdgeError DOC_UNREADABLE, IN_CHECKPOINT */
function readKnown(path: string, ingester: string | undefined): Known[] {
  let bytes: Uint8Array;
  try {
    if (statSync(path).size > limits.checkpointFileBytesMax) {
      throw new EdgeError('IN_CHECKPOINT', `${path} is too large`);
    }
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    throw new EdgeError('DOC_UNREADABLE', `reading ${path}`, { cause });
  }
  const read = readCheckpointFile(bytes);
  if (isRefusal(read)) throw new EdgeError('IN_CHECKPOINT', `reading ${path}: ${read.reason}`);
  const foreign = read.checkpoints.find(
    ({ checkpoint }) => ingester !== undefined && checkpoint.issuer !== ingester,
  );
  if (foreign === undefined) return read.checkpoints.map((one) => ({ ...one, file: path }));
  const { issuer } = foreign.checkpoint;
  throw new EdgeError('IN_CHECKPOINT', `reading ${path}, which ${issuer} signed`);
}

interface Files {
  readonly journalFile: string;
  readonly twinsFile: string;
  /** Of encrypted databases. */
  readonly key?: Uint8Array;
}

/** Journal and twins at a place. @throws EdgeError IN_JOURNAL_ABSENT, as a configuration does */
async function filesAt(place: string, context: CommandContext): Promise<Files> {
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false;
  let files: Files = { journalFile: join(place, 'journal.db'), twinsFile: join(place, 'twins.db') };
  if (!isFolder) {
    const config = loadConfig(place, context);
    const key = await unlockEncryption(config, context);
    files = { ...filesOf(config), ...(key && { key }) };
  }
  if (existsSync(files.journalFile)) return files;
  throw new EdgeError('IN_JOURNAL_ABSENT', `opening ${files.journalFile}`);
}

/** Twins as the journal gives them, beside those that are kept, where any are. */
interface Folded extends RebuildResult {
  /** Whether any are kept. */
  readonly kept: boolean;
  /** Whether those are exactly what follows from all entries of the journal. */
  readonly follows: boolean;
}

/** Folds in a folder of its own: what is audited may not be writable. */
function fold(
  { journalFile, key, twinsFile }: Files,
  entries: number,
  onProgress: (done: number, all: number) => void,
): Folded {
  const folder = mkdtempSync(join(tmpdir(), 'bondline-audit-'));
  if (key) useStoreKey(folder, key);
  const made = join(folder, 'twins.db');
  try {
    if (!existsSync(twinsFile)) {
      const folded = rebuildTwins({ journalFile, twinsFile: made, replace: true, onProgress });
      return { ...folded, kept: false, follows: true };
    }
    const folded = rebuildTwins({ journalFile, twinsFile, copyFile: made, onProgress });
    // What stands in the twins' own database may keep nothing out of them.
    const isAll = folded.entries >= entries && folded.passedBy.length === 0;
    return { ...folded, kept: true, follows: folded.equal && isAll };
  } catch (error) {
    if (error instanceof EdgeError) throw error;
    throw new EdgeError('IN_REBUILD', 'folding the journal', { cause: error });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function lineOf({ checkpoint, failure, holds }: AuditedCheckpoint, known: readonly Known[]) {
  const { file, witnesses } = known.find((one) => one.checkpoint === checkpoint) as Known;
  return { file, ...checkpoint, holds, ...(failure && { failure }), witnesses };
}

function sentencesOf(audit: Audit, known: readonly Known[]): string[] {
  const lines = audit.checkpoints.flatMap((one) => {
    const { failure, file, holds, issuedMs, issuer, size, witnesses } = lineOf(one, known);
    const what = `${file}: checkpoint of ${formatTime(issuedMs)} over ${size} entries`;
    const why = failure === 'shorter' ? 'the journal is shorter' : 'the entries give another root';
    return [
      `${what} ${holds ? 'HOLDS' : `DOES NOT HOLD: ${why}`}`,
      `  signed by ${issuer}`,
      ...witnesses.map(
        ({ gateway, keptMs }) => `  kept since ${formatTime(keptMs)}, as signed by ${gateway}`,
      ),
    ];
  });
  if (audit.damage !== undefined) lines.push(`DAMAGED: ${audit.damage}`);
  if (audit.change === undefined) return lines;
  const { from, to } = audit.change;
  const before = from === 0 ? '' : `; the first ${from} entries are as they were`;
  return [...lines, `the journal was rewritten between entry ${from} and entry ${to - 1}${before}`];
}

function twinsSaid({ differences, entries, equal, kept, passedBy, twins }: Folded, all: number) {
  if (!kept) return [`${twins} twins folded from all entries; none are kept here to compare`];
  const verdict = equal ? 'equal those that are kept' : 'DIFFER from those that are kept';
  const left = passedBy.length === 0 ? [] : [`  LEFT OUT of both: entries ${passedBy.join(', ')}`];
  return [
    `${twins} twins folded anew from ${entries} entries ${verdict}`,
    ...differences.map((one) => `  ${one}`),
    ...left,
    ...(entries >= all ? [] : [`  THEY END at ${entries} of ${all} entries`]),
  ];
}
