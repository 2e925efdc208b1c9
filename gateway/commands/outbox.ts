/** `bondline-gateway outbox`: looks into the outbox, also while it is in use; changes nothing. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openToken, verifyToken } from '../../devices/credential/jws.ts';
import { isRefusal } from '../../devices/credential/refusal.ts';
import { EdgeError } from '../../devices/errors.ts';
import { publicKeyOfDid } from '../../devices/identity/did-key.ts';
import { makeDirectory } from '../../devices/io/directory.ts';
import { type Database, openDatabase, type Statement } from '../../devices/io/sqlite.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import { limits } from '../../devices/limits.ts';
import { type BatchRow, isIntact, outboxSchema } from '../outbox-tables.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  parseArguments,
  unlockEncryption,
} from './command.ts';
import { formatPapers, listPapers } from './outbox-papers.ts';
import { formatTable } from './table.ts';

const OPTIONS = { json: { type: 'boolean' }, out: { type: 'string' } } as const;
/** On a terminal, progress is said after so many batches. */
const PROGRESS_BATCHES = 1_000;

export async function runOutbox(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG', 'list|verify|export']);
  const [file = '', action] = positionals;
  if (action !== 'list' && action !== 'verify' && action !== 'export') {
    throw new EdgeError('CFG_USAGE', `"${action}" is not one of list, verify, export`);
  }
  const loaded = loadConfig(file, context);
  const { config, resolvePath } = loaded;
  await unlockEncryption(loaded, context);
  const path = join(resolvePath(config.gateway.data), 'outbox.db');
  if (!existsSync(path)) throw new EdgeError('GW_OUTBOX_ABSENT', `opening ${path}`);
  const db = openDatabase(path, { readonly: true, schema: outboxSchema });
  const json = values.json === true;
  try {
    if (action === 'list') return list(db, json, context);
    if (action === 'verify') return verify(db, json, context);
    if (values.out === undefined) throw new EdgeError('CFG_USAGE', '--out DIR is missing');
    return exportAll(db, values.out, json, context);
  } finally {
    db.close();
  }
}

interface Total {
  readonly device: string;
  readonly batches: number;
  readonly readings: number;
  readonly bytes: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly refused: number;
}

function list(db: Database, json: boolean, { clock, out }: CommandContext): number {
  const totals = db.prepare(`
    SELECT did AS device, count(batch.id) AS batches, coalesce(sum(readings), 0) AS readings,
      coalesce(sum(bytes), 0) AS bytes, coalesce(min(closed_ms), 0) AS oldestMs,
      coalesce(max(closed_ms), 0) AS newestMs,
      (SELECT coalesce(sum(batches), 0) FROM refusal WHERE refusal.device = did) AS refused
    FROM device LEFT JOIN batch ON batch.device = did GROUP BY did ORDER BY did`) as Statement<
    [],
    Total
  >;
  const devices = totals.all();
  const papers = listPapers(db);
  if (json) out(`${JSON.stringify({ devices, papers })}\n`);
  else {
    const nowMs = clock.nowMs();
    const age = (ms: number) => (ms === 0 ? '' : `${((nowMs - ms) / 1_000).toFixed(1)} s`);
    const rows = devices.map((d) => [
      ...[d.batches, d.readings, d.bytes, d.refused].map(String),
      age(d.oldestMs),
      age(d.newestMs),
      d.device,
    ]);
    const headings = ['BATCHES', 'READINGS', 'BYTES', 'REFUSED', 'OLDEST', 'NEWEST', 'DEVICE'];
    out(formatTable(headings, rows) + formatPapers(papers, nowMs));
  }
  return EXIT.well;
}

function* eachRow(db: Database): Generator<BatchRow> {
  const next = db.prepare('SELECT * FROM batch WHERE id > ? ORDER BY id LIMIT 64') as Statement<
    [number],
    BatchRow
  >;
  // Read in short steps: a long read would keep a running gateway's WAL from being cut back.
  for (let rows = next.all(0); rows.length > 0; rows = next.all(rows.at(-1)?.id ?? 0)) yield* rows;
}

function verify(db: Database, json: boolean, { err, out, terminal }: CommandContext): number {
  const damaged: { id: number; device: string; reason: string }[] = [];
  let batches = 0;
  for (const row of eachRow(db)) {
    batches += 1;
    const reason = faultOf(row);
    if (reason !== undefined) damaged.push({ id: row.id, device: row.device, reason });
    if (terminal && batches % PROGRESS_BATCHES === 0) err(`\r${batches} batches`);
  }
  if (terminal && batches >= PROGRESS_BATCHES) err('\r');
  if (json) out(`${JSON.stringify({ batches, damaged })}\n`);
  else {
    for (const { device, id, reason } of damaged) out(`batch ${id} of ${device}: ${reason}\n`);
    out(`${batches} batches, ${damaged.length} damaged\n`);
  }
  if (damaged.length === 0) return EXIT.well;
  throw new EdgeError('GW_OUTBOX_ROWS_DAMAGED', `${damaged.length} of ${batches} batches`);
}

function faultOf(row: BatchRow): string | undefined {
  if (!isIntact(row)) return 'its hash is wrong';
  // Others signed a paper, with keys that only the ingester knows.
  if (row.paper) return undefined;
  const opened = openToken(row.token, limits.batchBytesMax);
  if (isRefusal(opened)) return opened.reason;
  return verifyToken(opened, publicKeyOfDid(row.device)) ? undefined : 'its signature is wrong';
}

function exportAll(
  db: Database,
  directory: string,
  json: boolean,
  { err, out, terminal }: CommandContext,
): number {
  let batches = 0;
  try {
    makeDirectory(directory);
    for (const row of eachRow(db)) {
      writeFileDurably(join(directory, `${row.id}.jwt`), row.token);
      batches += 1;
      if (terminal && batches % PROGRESS_BATCHES === 0) err(`\r${batches} batches`);
    }
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing to ${directory}`, { cause });
  }
  if (terminal && batches >= PROGRESS_BATCHES) err('\r');
  if (json) out(`${JSON.stringify({ batches, directory })}\n`);
  else out(`${batches} batches written to ${directory}\n`);
  return EXIT.well;
}
