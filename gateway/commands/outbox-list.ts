/** `bondline-gateway outbox list`: what waits in an outbox, for each device and paper. */
import type { Database, Statement } from '../../devices/io/sqlite.ts';
import { type CommandContext, EXIT } from './command.ts';
import { formatPapers, listPapers } from './outbox-papers.ts';
import { formatTable } from './table.ts';

interface Total {
  readonly device: string;
  readonly batches: number;
  readonly readings: number;
  readonly bytes: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly refused: number;
}

export function listOutbox(db: Database, json: boolean, { clock, out }: CommandContext): number {
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
