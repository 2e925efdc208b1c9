/**
 * Evidence files of what waits in an outbox, for an inspector on site (docs/wire.md, evidence
 * file). Only what is proven goes into one, byte for byte, and the outbox stays as it is.
 */
import { basename, dirname, extname, join } from 'node:path';
import type { Database } from '../devices/io/sqlite.ts';
import { writeChunksDurably } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import { walkOutbox } from './outbox-walk.ts';

export interface EvidenceOptions {
  readonly db: Database;
  readonly file: string;
  /** DID of the gateway, where it is known: receipts for papers are addressed to it. */
  readonly gateway?: string | undefined;
  /** Enrolment credentials; they go before the batches that rest on them, into each file. */
  readonly enrolments: readonly Uint8Array[];
  /** Rows of this device only, and of batches that were closed from `sinceMs` to `untilMs`. */
  readonly device?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
  readonly onBatch?: (done: number) => void;
}

export interface Exported {
  /** Files that were written: more than one where the form's bounds are reached. */
  readonly files: readonly string[];
  readonly batches: number;
  readonly papers: number;
  /** Rows that are not what was signed, and are in none of the files. */
  readonly damaged: readonly { id: number; device: string; reason: string }[];
}

interface Counted {
  batches: number;
  papers: number;
  readonly damaged: { id: number; device: string; reason: string }[];
}

/**
 * Writes them, a row at a time; each file is there whole or not at all.
 *
 * @throws what the file system and SQLite throw
 */
export function writeEvidence(options: EvidenceOptions): Exported {
  const counted: Counted = { batches: 0, papers: 0, damaged: [] };
  const tokens = provenTokens(options, counted);
  const files: string[] = [];
  let next = tokens.next();
  do {
    const file = nameOf(options.file, files.length);
    const chunks = chunksOf(options, function* () {
      for (; next.done !== true; next = tokens.next()) {
        const isTaken: boolean = yield next.value;
        if (!isTaken) return;
      }
    });
    // What is not signed yet is nobody's business but the owner's and the inspector's.
    writeChunksDurably(file, chunks, 0o600);
    files.push(file);
  } while (next.done !== true);
  return { files, ...counted };
}

/** `site.json`, then `site-2.json` and so on. */
function nameOf(file: string, index: number): string {
  if (index === 0) return file;
  const ending = extname(file);
  return join(dirname(file), `${basename(file, ending)}-${index + 1}${ending}`);
}

function* provenTokens(options: EvidenceOptions, counted: Counted): Generator<Uint8Array> {
  const { db, device, onBatch, sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER } = options;
  let seen = 0;
  for (const { judged, row } of walkOutbox(db)) {
    onBatch?.(++seen);
    if (judged.fault !== undefined) {
      counted.damaged.push({ id: row.id, device: row.device, reason: judged.fault });
      continue;
    }
    if (device !== undefined && row.device !== device) continue;
    if (row.closed_ms < sinceMs || row.closed_ms > untilMs) continue;
    if (row.paper) counted.papers += 1;
    else counted.batches += 1;
    yield row.token;
  }
}

/** What stands around and between the credentials of a file. */
const ROOM_BYTES = 4_096;

/** The text of one file; asks for tokens until the next one would be more than it may hold. */
function* chunksOf(
  { enrolments, gateway }: EvidenceOptions,
  more: () => Generator<Uint8Array, void, boolean>,
): Generator<string> {
  const named = gateway === undefined ? '' : `"gateway":${JSON.stringify(gateway)},`;
  yield `{"bondlineEvidence":1,${named}"documents":[],"credentials":[`;
  let [count, bytes] = [0, ROOM_BYTES];
  const textOf = (token: Uint8Array): string | undefined => {
    const text = JSON.stringify(Buffer.from(token).toString('utf8'));
    const isFull =
      count >= limits.credentialsInFileMax ||
      bytes + Buffer.byteLength(text) + 1 > limits.evidenceBytesMax;
    if (isFull && count > 0) return undefined;
    count += 1;
    bytes += Buffer.byteLength(text) + 1;
    return count === 1 ? text : `,${text}`;
  };
  for (const token of enrolments) yield textOf(token) ?? '';
  const tokens = more();
  for (let next = tokens.next(); next.done !== true; ) {
    const text = textOf(next.value);
    if (text !== undefined) yield text;
    next = tokens.next(text !== undefined);
  }
  yield ']}\n';
}
