/** `bondline-gateway outbox verify`: whether every row of an outbox is what was signed. */
import { EdgeError } from '../../devices/errors.ts';
import type { Database } from '../../devices/io/sqlite.ts';
import { findRottenWal, sayRotten } from '../../devices/io/wal-check.ts';
import { walkOutbox } from '../outbox-walk.ts';
import { type CommandContext, EXIT, progressOf } from './command.ts';

export interface DamagedBatch {
  readonly id: number;
  readonly device: string;
  readonly reason: string;
}

/** @throws EdgeError GW_OUTBOX_ROWS_DAMAGED, after it has said which; GW_OUTBOX_DAMAGED */
export function verifyOutbox(db: Database, json: boolean, context: CommandContext): number {
  const damaged: DamagedBatch[] = [];
  const progress = progressOf(context, 'batches');
  let batches = 0;
  for (const { judged, row } of walkOutbox(db)) {
    batches += 1;
    const { fault } = judged;
    if (fault !== undefined) damaged.push({ id: row.id, device: row.device, reason: fault });
    progress.at(batches);
  }
  progress.end();
  const rotten = findRottenWal(db.name);
  if (json) context.out(`${JSON.stringify({ batches, damaged, ...(rotten && { rotten }) })}\n`);
  else {
    sayDamaged(damaged, context);
    context.out(`${batches} batches, ${damaged.length} damaged\n`);
  }
  if (rotten) throw new EdgeError('GW_OUTBOX_DAMAGED', `verifying: ${sayRotten(rotten)}`);
  if (damaged.length === 0) return EXIT.well;
  throw new EdgeError('GW_OUTBOX_ROWS_DAMAGED', `${damaged.length} of ${batches} batches`);
}

export function sayDamaged(damaged: readonly DamagedBatch[], { out }: CommandContext): void {
  for (const { device, id, reason } of damaged) out(`batch ${id} of ${device}: ${reason}\n`);
}
