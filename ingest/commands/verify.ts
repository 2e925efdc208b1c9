/** `bondline-ingest verify`: judges credentials and batches in files, offline. */
import { closeSync, openSync, readSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { VerdictReport } from '../../devices/credential/verdict.ts';
import { verifyCredential } from '../../devices/credential/verify.ts';
import { EdgeError, errorCatalogue, explain } from '../../devices/errors.ts';
import { noDocuments, openDocuments, withoutLineEnd } from '../../devices/io/documents.ts';
import { limits } from '../../devices/limits.ts';
import { formatTime, parseTime, systemClock } from '../../devices/runtime.ts';

/** What `--help` prints. */
export const verifyHelp = `\
Usage: bondline-ingest verify FILE... [--documents DIR] [--at TIME] [--json]

Judges each FILE, a credential or batch as application/vc+jwt, with the documents at hand. Nothing
is fetched and nothing is stored.

  --documents DIR   DID documents (did.json), status lists and enrolments (.jwt), at any depth
  --at TIME         judge as of this time, e.g. 2026-11-21T12:00:00Z (default: now)
  --json            print one JSON object a file:
                    {"verdict", "code", "reason", "hint", "issuer", "keyId"}

Exit codes: 0 all valid, 1 one is not valid, 2 one could not be judged or the command line has a
mistake.
`;

/** A report, or the same for a file that cannot be read. */
type FileReport = Pick<VerdictReport, 'verdict' | 'reason' | 'hint' | 'issuer' | 'keyId'> & {
  readonly code: string;
};

/** Runs the command with what follows its name; returns the exit code. */
export async function verifyCommand(
  args: readonly string[],
  io: { readonly out: (text: string) => void; readonly err: (text: string) => void },
): Promise<number> {
  const asked = readArguments(args);
  if (typeof asked === 'string') {
    io.err(`bondline-ingest verify: ${asked}\n${errorCatalogue.CFG_USAGE.hint}\n`);
    return 2;
  }
  if (asked.help) {
    io.out(verifyHelp);
    return 0;
  }
  const { files, folder, atMs, json } = asked;
  let documents = noDocuments;
  try {
    if (folder !== undefined) documents = openDocuments(folder);
  } catch (error) {
    io.err(`bondline-ingest verify: ${explain(error)}\n`);
    return 2;
  }
  const exits = new Set<number>();
  for (const file of files) {
    const report = judgeFile(file, (bytes) => verifyCredential(bytes, { documents, atMs }));
    exits.add(EXITS[report.verdict]);
    io.out(json ? `${JSON.stringify(report)}\n` : block(file, report, atMs));
  }
  // What is not valid weighs more than what could not be judged.
  return [1, 2].find((exit) => exits.has(exit)) ?? 0;
}

const EXITS = { valid: 0, invalid: 1, undecided: 2 } as const;

interface Asked {
  readonly files: readonly string[];
  readonly folder: string | undefined;
  readonly atMs: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** What the command line asks for, or what is wrong with it. */
function readArguments(args: readonly string[]): Asked | string {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    return error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
  }
  const { values, positionals: files } = parsed;
  const { at, documents: folder, json = false, help = false } = values;
  if (files.length === 0 && !help) return 'name at least one file';
  const atMs = at === undefined ? systemClock.nowMs() : parseTime(at);
  if (atMs === undefined) return `--at ${at} is not a time, e.g. 2026-11-21T12:00:00Z`;
  return { files, folder, atMs, json, help };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      documents: { type: 'string' },
      at: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
}

function judgeFile(file: string, judge: (bytes: Uint8Array) => VerdictReport): FileReport {
  try {
    return judge(withoutLineEnd(readStart(file)));
  } catch (cause) {
    const error = new EdgeError('DOC_UNREADABLE', `reading ${file}`, { cause });
    const reason = cause instanceof Error ? cause.message : String(cause);
    const { code, entry } = error;
    return { verdict: 'undecided', code, reason, hint: entry.hint, issuer: null, keyId: null };
  }
}

/** The file's bytes; of one that is too large only enough to see that it is. */
function readStart(file: string): Uint8Array {
  const handle = openSync(file, 'r');
  try {
    const bytes = new Uint8Array(2 * limits.credentialBytesMax);
    let length = 0;
    for (let read = -1; read !== 0; length += read) {
      read = readSync(handle, bytes, length, bytes.length - length, null);
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(handle);
  }
}

function block(file: string, report: FileReport, atMs: number): string {
  const { verdict, code, reason, hint, issuer, keyId } = report;
  return [
    `${file}: ${verdict} (${code})`,
    `  ${reason}`,
    ...(verdict === 'valid' ? [] : [`  ${hint}`]),
    ...(issuer === null ? [] : [`  issuer  ${issuer}`]),
    ...(keyId === null ? [] : [`  key     ${keyId}`]),
    `  judged as of ${formatTime(atMs)}`,
    '',
  ].join('\n');
}
