/** `bondline-ingest verify`: judges credentials and batches in files, offline. */
import { closeSync, openSync, readSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isRefusal } from '../../devices/credential/refusal.ts';
import type { VerdictReport } from '../../devices/credential/verdict.ts';
import { verifyAny } from '../../devices/credential/verify-any.ts';
import { EdgeError, errorCatalogue, explain } from '../../devices/errors.ts';
import { withBaseContexts } from '../../devices/io/base-contexts.ts';
import { noDocuments, openDocuments, withoutLineEnd } from '../../devices/io/documents.ts';
import { contextOf, digestSourceOf, openJsonLd } from '../../devices/io/json-ld.ts';
import { limits } from '../../devices/limits.ts';
import { formatTime, parseTime, systemClock } from '../../devices/runtime.ts';

/** What `--help` prints. */
export const verifyHelp = `\
Usage: bondline-ingest verify FILE... [--documents DIR] [--at TIME] [--json]
                              [--audience NAME] [--nonce TEXT] [--legacy-types]

Judges what each FILE holds, with the documents at hand: a credential or batch (vc+jwt), a
presentation (vp+jwt), JSON with Data Integrity proofs, a JSON array of these, or evidence
({"bondlineEvidence": 1, "documents": [...], "credentials": [...]}). Each part is judged by itself,
and the whole is as good as its worst part. Nothing is fetched and nothing is stored. Documents
inside of an evidence file are named and never relied on.

What is signed over RDF (eddsa-rdfc-2022, ecdsa-rdfc-2019) needs its JSON-LD contexts. Those of
VCDM (credentials v1 and v2, undefined terms) come with an optional package; every other one,
examples among them, has to be in the folder of documents. Without, such a proof is undecided.

  --documents DIR   DID documents, status lists, enrolments and JSON-LD contexts as they were
                    published, under any name and at any depth
  --at TIME         judge as of this time, e.g. 2026-11-21T12:00:00Z (default: now)
  --audience NAME   presentations must be made for NAME (aud, or domain of a proof)
  --nonce TEXT      presentations must answer TEXT (nonce, or challenge of a proof)
  --legacy-types    also take the media types of drafts (vc+ld+jwt)
  --json            print one JSON object a file:
                    {"verdict", "code", "reason", "hint", "issuer", "keyId"}; "keyIds" where several
                    keys signed, "inner" with the same and "place" for each part, "offered" with the
                    DIDs whose documents an evidence file brings

Example:
  bondline-ingest verify batch.jwt --documents published --at 2026-11-21T12:00:00Z

Exit codes: 0 all valid, 1 one is not valid, 2 one could not be judged or the command line has a
mistake.
`;

/** A report, or the same for a file that cannot be read. */
type FileReport = Omit<VerdictReport, 'code'> & { readonly code: string };

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
  const { files, folder, json, ...expected } = asked;
  let documents = noDocuments;
  try {
    if (folder !== undefined) documents = openDocuments(folder);
  } catch (error) {
    io.err(`bondline-ingest verify: ${explain(error)}\n`);
    return 2;
  }
  const atHand = await withBaseContexts(documents.contexts);
  const digestsOf = digestSourceOf(documents.digests);
  const canonize = openJsonLd(atHand);
  const contexts = (url: string): unknown => {
    const found = contextOf(url, atHand);
    return isRefusal(found) ? undefined : found;
  };
  const exits = new Set<number>();
  for (const file of files) {
    const judge = (bytes: Uint8Array) =>
      verifyAny(bytes, { documents, contexts, digestsOf, ...expected }, canonize);
    const report = await judgeFile(file, judge);
    exits.add(EXITS[report.verdict]);
    io.out(json ? `${JSON.stringify(summaryOf(report))}\n` : page(file, report, expected.atMs));
  }
  // What is not valid weighs more than what could not be judged.
  return [1, 2].find((exit) => exits.has(exit)) ?? 0;
}

const EXITS = { valid: 0, invalid: 1, undecided: 2 } as const;

interface Asked {
  readonly files: readonly string[];
  readonly folder: string | undefined;
  readonly atMs: number;
  readonly audience?: string;
  readonly nonce?: string;
  readonly legacyTypes: boolean;
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
  const { at, audience, nonce, documents: folder, json = false, help = false } = values;
  if (files.length === 0 && !help) return 'name at least one file';
  const atMs = at === undefined ? systemClock.nowMs() : parseTime(at);
  if (atMs === undefined) return `--at ${at} is not a time, e.g. 2026-11-21T12:00:00Z`;
  return {
    files,
    folder,
    atMs,
    ...(audience !== undefined && { audience }),
    ...(nonce !== undefined && { nonce }),
    legacyTypes: values['legacy-types'] ?? false,
    json,
    help,
  };
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      documents: { type: 'string' },
      at: { type: 'string' },
      audience: { type: 'string' },
      nonce: { type: 'string' },
      'legacy-types': { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
}

async function judgeFile(
  file: string,
  judge: (bytes: Uint8Array) => Promise<VerdictReport>,
): Promise<FileReport> {
  let bytes: Uint8Array;
  try {
    bytes = readStart(file);
  } catch (cause) {
    const { code, entry } = new EdgeError('DOC_UNREADABLE', `reading ${file}`, { cause });
    const reason = cause instanceof Error ? cause.message : String(cause);
    const nothing = { form: 'unknown', types: [], id: null, issuer: null } as const;
    const { hint } = entry;
    return { verdict: 'undecided', code, reason, hint, ...nothing, keyId: null, keyIds: [] };
  }
  return judge(withoutLineEnd(bytes));
}

const CHUNK = 1024 * 1024;

/** The file's bytes; of one that is too large only enough to see that it is. */
function readStart(file: string): Uint8Array {
  const handle = openSync(file, 'r');
  try {
    const chunks: Uint8Array[] = [];
    for (let length = 0; length <= limits.evidenceBytesMax; ) {
      const chunk = new Uint8Array(CHUNK);
      const read = readSync(handle, chunk, 0, CHUNK, null);
      if (read === 0) break;
      chunks.push(chunk.subarray(0, read));
      length += read;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(handle);
  }
}

/** The members that scripts rely on, and those of parts where there are any. */
function summaryOf(report: FileReport): object {
  const { verdict, code, reason, hint, issuer, keyId, keyIds, inner, offered } = report;
  return {
    verdict,
    code,
    reason,
    hint,
    issuer,
    keyId,
    ...(keyIds.length > 1 && { keyIds }),
    ...(offered && { offered }),
    ...(inner && { inner: inner.map((one) => ({ place: one.place, ...summaryOf(one) })) }),
  };
}

/** One block for the file, and one for each of its parts, set in by their depth. */
function page(file: string, report: FileReport, atMs: number): string {
  const lines = [...block(file, report), `  judged as of ${formatTime(atMs)}`];
  return `${lines.join('\n')}\n\n`;
}

function block(name: string, report: FileReport): string[] {
  const { verdict, code, reason, hint, inner = [], offered = [] } = report;
  return [
    `${name}: ${verdict} (${code})`,
    `  ${reason}`,
    ...(verdict === 'valid' ? [] : [`  ${hint}`]),
    ...facts(report).map(([label, value]) => `  ${label.padEnd(8)}${value}`),
    ...offered.map(
      (did) => `  ${'offers'.padEnd(8)}the document of ${did}, which is not relied on`,
    ),
    ...inner.flatMap((one) => block(one.place, one).map((line) => `  ${line}`)),
  ];
}

/** What the bytes say about themselves, label and value. */
function facts({ form, issuer, keyIds, types }: FileReport): [string, string][] {
  const isPresented = types.includes('VerifiablePresentation');
  const named = types.filter((type) => type !== 'VerifiableCredential');
  return [
    ...(form === 'unknown' ? [] : [['form', form] as [string, string]]),
    ...(named.length === 0 ? [] : [['type', named.join(', ')] as [string, string]]),
    ...(issuer === null ? [] : [[isPresented ? 'holder' : 'issuer', issuer] as [string, string]]),
    ...keyIds.map((keyId): [string, string] => ['key', keyId]),
  ];
}
