/** `bondline-gateway outbox repair`: an outbox that a disk damaged, set in order. */
import { dirname } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { type Database, lockDirectory, openDatabase } from '../../devices/io/sqlite.ts';
import { limits } from '../../devices/limits.ts';
import { createLog } from '../../devices/runtime.ts';
import { openOutbox } from '../outbox-open.ts';
import { OutboxRows } from '../outbox-rows.ts';
import { isMalformed, type Salvaged, salvageOutbox } from '../outbox-salvage.ts';
import { outboxSchema } from '../outbox-tables.ts';
import { type CommandContext, EXIT, progressOf } from './command.ts';

/** Rows that are looked at in one go. */
const PAGE = 256;

/** @throws EdgeError DB_IN_USE while a gateway runs; DB_DAMAGED where nothing can be read */
export function repairOutbox(
  { json, path }: { path: string; json: boolean },
  context: CommandContext,
): number {
  const unlock = lockDirectory(dirname(path));
  try {
    const progress = progressOf(context, 'batches');
    const isBroken = looksMalformed(path);
    const salvaged = isBroken ? salvageOutbox(path, progress.at) : undefined;
    const rows = dropDamaged(path, context, progress.at);
    progress.end();
    if (json) context.out(`${JSON.stringify({ ...rows, ...(salvaged && { salvaged }) })}\n`);
    else say(rows, salvaged, context);
    return EXIT.well;
  } finally {
    unlock();
  }
}

function looksMalformed(path: string): boolean {
  const db = openDatabase(path, { readonly: true, schema: outboxSchema });
  try {
    return isMalformed(db);
  } finally {
    db.close();
  }
}

interface Repaired {
  /** Rows that wait, each proven. */
  readonly batches: number;
  /** Rows that are not what was signed; each became a loss that the next start signs. */
  readonly damaged: number;
}

/** Looks at every row as it would be sent; damaged ones leave and are remembered as losses. */
function dropDamaged(
  path: string,
  { clock, err }: CommandContext,
  onRow: (done: number) => void,
): Repaired {
  const log = createLog({ component: 'outbox', level: 'error', clock, write: err });
  const db = openOutbox(path, { clock, log });
  const rows = new OutboxRows({
    db,
    signers: new Set(devicesOf(db)),
    bytesMax: limits.outboxBytesMaxDefault,
    log,
  });
  try {
    let batches = 0;
    for (let after = 0; ; ) {
      const found = rows.peek({ after, count: PAGE });
      const last = found.at(-1);
      if (last === undefined) break;
      after = last.id;
      batches += found.length;
      onRow(batches);
    }
    return { batches, damaged: rows.stats().damaged };
  } catch (cause) {
    throw new EdgeError('GW_OUTBOX_DAMAGED', `repairing ${path}`, { cause });
  } finally {
    rows.close();
  }
}

/** Those that have signed here, and will sign the losses. */
function devicesOf(db: Database): string[] {
  return (db.prepare('SELECT did FROM device').all() as { did: string }[]).map(({ did }) => did);
}

function say(
  { batches, damaged }: Repaired,
  salvaged: Salvaged | undefined,
  { out }: CommandContext,
): void {
  const lost = damaged + (salvaged?.damaged ?? 0);
  if (salvaged) {
    const { carried, kept, unreadable } = salvaged;
    out(`the database was malformed; ${carried} batches are in a new one\n`);
    out(`${unreadable} places cannot be read; the damaged database is kept as ${kept}\n`);
  }
  out(`${batches} batches wait, each proven; ${lost} were damaged\n`);
  if (lost > 0 || salvaged?.unreadable) out('the next start signs what is lost\n');
}
