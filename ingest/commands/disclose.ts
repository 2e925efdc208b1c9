/** `bondline-ingest disclose`: shows some readings of a batch alone; the others stay hidden. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readBatchHead } from '../../devices/credential/batch-wire.ts';
import { openToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { showOnly } from '../../devices/credential/sd-jwt-issue.ts';
import { EdgeError } from '../../devices/errors.ts';
import { withoutLineEnd } from '../../devices/io/documents.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import { limits } from '../../devices/limits.ts';
import { parseTime } from '../../devices/runtime.ts';

/** What `--help` prints. */
export const discloseHelp = `\
Usage: bondline-ingest disclose FILE --out FILE [--about URI]... [--from TIME] [--to TIME] [--json]

Takes a batch that was signed with disclosures (vc+sd-jwt) and writes one that shows only some of
its readings. The device's signature still holds, and whoever gets the file can verify it without
seeing the rest: which readings there were besides, and, where the device signs decoys, how many.

  --about URI  show readings about these goods (default: about any)
  --from TIME  show readings from this time on, e.g. 2026-11-21T12:00:00Z
  --to TIME    show readings up to this time
  --out FILE   where the batch with those readings is written

Example:
  bondline-ingest disclose batch.jwt --about did:web:you.example/batch/7 --out shown.jwt

Exit codes: 0 written, 1 FILE is no such batch or nothing in it was asked for, 2 the command line
has a mistake.
`;

/** What is to be shown. */
interface Wanted {
  readonly goods: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** Runs the command with what follows its name; returns the exit code. */
export function runDisclose(
  args: readonly string[],
  io: { readonly out: (text: string) => void },
): number {
  const { file, out, json, wanted } = readArguments(args);
  const bytes = readBatchFile(file);
  const shown = showOnly(bytes, keeper(bytes, wanted, file));
  const { readings } = headOf(shown, file);
  writeFileDurably(out, shown, 0o644);
  const all = headOf(bytes, file).readings;
  if (json) io.out(`${JSON.stringify({ file: out, readings, of: all })}\n`);
  else io.out(`${out}: ${readings} of ${all} readings are shown, the others stay hidden\n`);
  return 0;
}

/** Says of each disclosure whether it is shown: elements that were asked for, and their goods. */
function keeper(bytes: Uint8Array, wanted: Wanted, file: string): (value: unknown) => boolean {
  const { fromMs, goods, toMs } = wanted;
  const isWanted = (value: unknown): boolean => {
    const { about, timeMs } = elementOf(value);
    if (timeMs === undefined || timeMs < fromMs || timeMs > toMs) return false;
    return goods.length === 0 || (about !== undefined && goods.includes(about));
  };
  const abouts = new Set<string>();
  let found = 0;
  // The goods of what is shown are shown too: they must agree (docs/wire.md, Batch).
  showOnly(bytes, (value) => {
    const { about } = elementOf(value);
    if (!isWanted(value)) return false;
    found += 1;
    if (about !== undefined) abouts.add(about);
    return false;
  });
  if (found === 0) throw new EdgeError('VC_DISCLOSURE', `nothing in ${file} was asked for`);
  return (value) => isWanted(value) || (typeof value === 'string' && abouts.has(value));
}

function elementOf(value: unknown): { about?: string; timeMs?: number } {
  const { sensorMetadata } = (value ?? {}) as { sensorMetadata?: Record<string, unknown> };
  const { time, 'bl:about': about } = sensorMetadata ?? {};
  const timeMs = typeof time === 'string' ? parseTime(time) : undefined;
  return {
    ...(typeof about === 'string' && { about }),
    ...(timeMs !== undefined && { timeMs }),
  };
}

function headOf(bytes: Uint8Array, file: string): { readonly readings: number } {
  const opened = openToken(bytes, limits.batchBytesMax);
  const head = isRefusal(opened) ? opened : readBatchHead(opened.payload);
  if (isRefusal(head)) throw new EdgeError(head.code, `reading ${file}: ${head.reason}`);
  if (!isRefusal(opened) && opened.hidden !== undefined) return head;
  throw new EdgeError('VC_DISCLOSURE', `${file} was signed without disclosures`);
}

function readBatchFile(file: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = withoutLineEnd(readFileSync(file));
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading ${file}`, { cause });
  }
  headOf(bytes, file);
  return bytes;
}

function readArguments(args: readonly string[]) {
  const text = { type: 'string' } as const;
  let read: { values: Record<string, unknown>; positionals: string[] };
  try {
    read = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        about: { ...text, multiple: true },
        from: text,
        to: text,
        out: text,
        json: { type: 'boolean' },
      },
    }) as never;
  } catch (cause) {
    throw new EdgeError('CFG_USAGE', (cause as Error).message, { cause });
  }
  const { about = [], from, to, out, json = false } = read.values;
  const [file, ...more] = read.positionals;
  if (file === undefined || more.length > 0) throw usage('one FILE is needed');
  if (typeof out !== 'string') throw usage('--out is required');
  const wanted: Wanted = {
    goods: about as string[],
    fromMs: timeOf('--from', from) ?? Number.NEGATIVE_INFINITY,
    toMs: timeOf('--to', to) ?? Number.POSITIVE_INFINITY,
  };
  return { file, out, json: json === true, wanted };
}

function timeOf(option: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  const timeMs = parseTime(String(text));
  if (timeMs === undefined) throw usage(`${option} takes a time such as 2026-11-21T12:00:00Z`);
  return timeMs;
}

function usage(what: string): EdgeError {
  return new EdgeError('CFG_USAGE', `bondline-ingest disclose: ${what}`);
}
