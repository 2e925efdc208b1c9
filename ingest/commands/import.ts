/** `bondline-ingest import`: takes evidence files to the ingester that runs. */
import { readFileSync, statSync } from 'node:fs';
import { EdgeError } from '../../devices/errors.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import { limits } from '../../devices/limits.ts';
import { compileChecker, type Static, Type } from '../../devices/schema.ts';
import type { ImportAnswer, Imported, ImportRequest } from '../import-evidence.ts';
import { askRunning } from './ask-running.ts';
import { type CommandContext, EXIT, loadConfig, parseArguments, progressOf } from './command.ts';

export const importHelp = `Usage: bondline-ingest import CONFIG FILE... [--receipts FILE] [--json]

Takes evidence files (bondline-gateway outbox export, or the console's) to the ingester that runs on
the data directory. Every credential goes through the same admission as from the wire, in the order
of the file; what is there already changes nothing. Status lists are passed over: take them with
trust add, like the documents of organisations, which a file never brings.

  --receipts FILE  write the receipts for the gateway: bondline-gateway outbox CONFIG settle FILE
                   lets what they name go
  --json           print {"imported": [{"digest", "outcome", "known", "position", "code", …}],
                   "counts": {"accepted", "doubtful", "held", "refused", "skipped", "known"}}

Example:
  bondline-ingest import ingest.yaml neche.evidence.json --receipts neche.receipts.json

Exit code 1 when something was held or refused.
`;

const OPTIONS = { json: { type: 'boolean' }, receipts: { type: 'string' } } as const;

export async function runImport(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'FILE', 'FILE...']);
  const [file = '', ...paths] = positionals;
  const config = loadConfig(file, context);
  const requests = paths.flatMap((path) => requestsOf(readEvidence(path)));
  const all = requests.reduce((sum, request) => sum + request.import.length, 0);
  const imported: Imported[] = [];
  const receipts: string[] = [];
  const progress = progressOf(context, 'credentials');
  for (const request of requests) {
    const body = JSON.stringify(request);
    const answer = await askRunning(config.ingester.data, '/api/import', body);
    const { imported: some, receipts: signed } = answer as ImportAnswer;
    imported.push(...some);
    receipts.push(...signed);
    progress.at(imported.length, all);
  }
  progress.end();
  if (values.receipts !== undefined) writeReceipts(values.receipts, receipts);
  const counts = countsOf(imported);
  if (values.json) context.out(`${JSON.stringify({ imported, counts })}\n`);
  else {
    for (const one of imported) if (!isWell(one)) context.out(format(one));
    const { accepted, doubtful, held, known, refused, skipped } = counts;
    const taken = `${accepted} accepted (${known} known before), ${doubtful} doubtful`;
    context.out(`${taken}, ${held} held, ${refused} refused, ${skipped} passed over\n`);
  }
  return counts.held + counts.refused === 0 ? EXIT.well : EXIT.failed;
}

const evidenceSchema = Type.Object({
  bondlineEvidence: Type.Literal(1),
  gateway: Type.Optional(Type.String()),
  credentials: Type.Array(Type.Unknown(), { maxItems: limits.credentialsInFileMax }),
});

const isEvidence = compileChecker(evidenceSchema);

/** @throws EdgeError DOC_UNREADABLE, IN_EVIDENCE */
function readEvidence(path: string): Static<typeof evidenceSchema> {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > limits.evidenceBytesMax) throw new EdgeError('IN_EVIDENCE', `${size} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    throw new EdgeError('DOC_UNREADABLE', `reading ${path}`, { cause });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (isEvidence(value)) return value;
  } catch (cause) {
    throw new EdgeError('IN_EVIDENCE', `reading ${path}`, { cause });
  }
  throw new EdgeError('IN_EVIDENCE', `reading ${path}`);
}

/** Bytes of credentials in one request. */
const REQUEST_BYTES = 4 * 1024 * 1024;

/** As many credentials at a time as one request takes, in their order. */
function requestsOf({ credentials, gateway }: Static<typeof evidenceSchema>): ImportRequest[] {
  const requests: { import: string[]; gateway?: string }[] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const credential of credentials) {
    const text = typeof credential === 'string' ? credential : JSON.stringify(credential);
    const last = requests.at(-1);
    bytes += text.length;
    if (last && bytes <= REQUEST_BYTES && last.import.length < limits.importMax) {
      last.import.push(text);
      continue;
    }
    requests.push({ import: [text], ...(gateway !== undefined && { gateway }) });
    bytes = text.length;
  }
  return requests;
}

function writeReceipts(file: string, receipts: readonly string[]): void {
  try {
    writeFileDurably(file, `${JSON.stringify({ bondlineReceipts: 1, receipts })}\n`);
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${file}`, { cause });
  }
}

type Counts = Record<Imported['outcome'] | 'known', number>;

function countsOf(imported: readonly Imported[]): Counts {
  const counts: Counts = { accepted: 0, doubtful: 0, held: 0, refused: 0, skipped: 0, known: 0 };
  for (const { known, outcome } of imported) {
    counts[outcome] += 1;
    if (known) counts.known += 1;
  }
  return counts;
}

function isWell({ outcome }: Imported): boolean {
  return outcome === 'accepted' || outcome === 'skipped';
}

function format({ code, device, digest, outcome, position, reason }: Imported): string {
  const where = position === undefined ? '' : ` at position ${position}`;
  const whose = device === undefined ? '' : ` of ${device}`;
  const why = code === undefined ? '' : `: ${code}, ${reason ?? ''}`;
  return `${outcome} ${digest}${whose}${where}${why}\n`;
}
