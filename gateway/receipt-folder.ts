/**
 * The folder by which a file of receipts reaches a running gateway, which has the outbox: a file
 * stands there until what it settles is committed.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../devices/io/directory.ts';
import { writeFileDurably } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { Log } from '../devices/runtime.ts';
import type { Outbox, Settled } from './outbox.ts';
import { readReceiptFile, settlementsOf } from './receipt-file.ts';

/** Below the data directory. */
const FOLDER = 'receipts';

export function receiptFolder(dataDirectory: string): string {
  return join(dataDirectory, FOLDER);
}

/** Puts receipts where the running gateway finds them; returns the file when it is durable. */
export function placeReceipts(folder: string, bytes: Uint8Array): string {
  makeDirectory(folder);
  const file = join(folder, `${digestMultibase(bytes)}.json`);
  writeFileDurably(file, bytes);
  return file;
}

/**
 * Settles what the files in the folder say, and removes them. Rejects only when the outbox does:
 * what is wrong with a file is said, and it settles nothing.
 */
export async function takeReceipts(options: {
  readonly folder: string;
  readonly gateway: string;
  readonly ingester: string;
  readonly outbox: Pick<Outbox, 'settle'>;
  readonly onSettled: (settled: Settled) => void;
  readonly log: Log;
}): Promise<void> {
  const { folder, log, onSettled, outbox } = options;
  for (const name of orSay(folder, log, () => namesIn(folder)) ?? []) {
    const file = join(folder, name);
    const receipts = orSay(file, log, () => readReceipts(file));
    if (receipts === undefined) log.warn('no file of receipts', { file });
    const { refused, settlements } = settlementsOf(receipts ?? [], options);
    for (const reason of refused) log.warn('a receipt is not valid', { file, reason });
    const settled = await outbox.settle(settlements);
    // The disk is full: the file is still there when it has room.
    if (settled.undone) return;
    onSettled(settled);
    log.info('settled by receipts from a file', { ...settled, file });
    orSay(file, log, () => rmSync(file, { recursive: true, force: true }));
  }
}

function readReceipts(file: string): readonly string[] | undefined {
  const { size } = statSync(file);
  return size <= limits.receiptFileBytesMax ? readReceiptFile(readFileSync(file)) : undefined;
}

function orSay<T>(file: string, log: Log, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    log.warn('receipts cannot be taken now', { file, error: String(error) });
    return undefined;
  }
}

/** Whole files only: one that is being written begins with a dot. */
function namesIn(folder: string): string[] {
  if (!existsSync(dirname(folder))) return [];
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .sort()
    .slice(0, limits.papersAtOnce);
}
