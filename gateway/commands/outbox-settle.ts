/** `bondline-gateway outbox settle`: lets rows go by receipts that a person carried back. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { openDatabase } from '../../devices/io/sqlite.ts';
import { limits } from '../../devices/limits.ts';
import { createLog } from '../../devices/runtime.ts';
import { GATEWAY_LABEL } from '../config-check.ts';
import { openOutbox } from '../outbox-open.ts';
import { OutboxRows } from '../outbox-rows.ts';
import { outboxSchema } from '../outbox-tables.ts';
import { type ReadReceipts, readReceiptFile, settlementsOf } from '../receipt-file.ts';
import { placeReceipts, receiptFolder } from '../receipt-folder.ts';
import { type CommandContext, EXIT, type LoadedConfig, lockIfFree, openKeys } from './command.ts';

const LOOK_MS = 100;

/**
 * Every receipt is verified before a row goes, here and by a gateway that runs.
 *
 * @throws EdgeError GW_RECEIPTS_REFUSED, GW_RECEIPTS_WAIT, DB_UNUSABLE where no row can go
 */
export async function settleOutbox(
  { json, path, receipts: file }: { path: string; receipts: string; json: boolean },
  loaded: LoadedConfig,
  context: CommandContext,
): Promise<number> {
  const bytes = readBounded(file);
  const receipts = readReceiptFile(bytes);
  if (receipts === undefined) throw new EdgeError('GW_RECEIPTS_REFUSED', `reading ${file}`);
  const keys = await openKeys(loaded, context);
  const { did: gateway } = await keys.signer(GATEWAY_LABEL);
  await keys.close();
  const { ingester } = loaded.config.uplink;
  const read = settlementsOf(receipts, { gateway, ingester });
  if (read.settlements.length === 0 && read.refused.length > 0) {
    throw new EdgeError('GW_RECEIPTS_REFUSED', `${file}: ${read.refused[0]}`);
  }
  const data = dirname(path);
  const before = countRows(path);
  const release = lockIfFree(data);
  if (release) {
    try {
      settleHere(path, read, context);
    } finally {
      release();
    }
  } else await handOver(data, bytes, context);
  const waiting = countRows(path);
  const settled = Math.max(0, before - waiting);
  const { refused } = read;
  if (json) context.out(`${JSON.stringify({ settled, waiting, refused })}\n`);
  else {
    for (const reason of refused) context.out(`a receipt settles nothing: ${reason}\n`);
    context.out(`${settled} batches settled, ${waiting} wait\n`);
  }
  return refused.length === 0 ? EXIT.well : EXIT.failed;
}

function readBounded(file: string): Uint8Array {
  try {
    if (statSync(file).size <= limits.receiptFileBytesMax) return readFileSync(file);
  } catch (cause) {
    throw new EdgeError('GW_RECEIPTS_REFUSED', `reading ${file}`, { cause });
  }
  const most = `more than ${limits.receiptFileBytesMax} bytes`;
  throw new EdgeError('GW_RECEIPTS_REFUSED', `${file} has ${most}`);
}

function countRows(path: string): number {
  const db = openDatabase(path, { readonly: true, schema: outboxSchema });
  try {
    return (db.prepare('SELECT count(*) AS rows FROM batch').get() as { rows: number }).rows;
  } finally {
    db.close();
  }
}

function settleHere(
  path: string,
  { settlements }: ReadReceipts,
  { clock, err }: CommandContext,
): void {
  const log = createLog({ component: 'outbox', level: 'warn', clock, write: err });
  const rows = new OutboxRows({
    db: openOutbox(path, { clock, log }),
    signers: new Set<string>(),
    bytesMax: limits.outboxBytesMaxDefault,
    log,
  });
  try {
    const { undone = false } = rows.settle(settlements);
    if (undone) throw new EdgeError('DB_UNUSABLE', `settling in ${path}: the disk is full`);
  } finally {
    rows.close();
  }
}

/** Lays the file into the folder of the running gateway and waits until it has taken it. */
async function handOver(
  data: string,
  bytes: Uint8Array,
  { clock, stop }: CommandContext,
): Promise<void> {
  const file = placeReceipts(receiptFolder(data), bytes);
  const untilMs = clock.monotonicMs() + limits.paperTakenMs;
  while (existsSync(file)) {
    if (clock.monotonicMs() > untilMs || stop.aborted) {
      throw new EdgeError('GW_RECEIPTS_WAIT', `settling by ${file}`);
    }
    await clock.sleep(LOOK_MS, stop);
  }
}
