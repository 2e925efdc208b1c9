/** The papers of parties among what waits in an outbox, as `outbox list` shows them. */
import type { Database, Statement } from '../../devices/io/sqlite.ts';
import { formatTable } from './table.ts';

export interface ListedPaper {
  readonly family: string;
  /** DID of the party that signed it. */
  readonly party: string;
  readonly digest: string;
  readonly bytes: number;
  /** Wall time since when it waits. */
  readonly sinceMs: number;
}

/** Those that wait, oldest first. */
export function listPapers(db: Database): readonly ListedPaper[] {
  const papers = db.prepare(`SELECT paper AS family, device AS party, digest, bytes,
    closed_ms AS sinceMs FROM batch WHERE paper IS NOT NULL ORDER BY id`) as Statement<
    [],
    ListedPaper
  >;
  return papers.all();
}

/** A table for people; empty where no paper waits. */
export function formatPapers(papers: readonly ListedPaper[], nowMs: number): string {
  if (papers.length === 0) return '';
  const rows = papers.map(({ bytes, digest, family, party, sinceMs }) => [
    ...[family, String(bytes), `${((nowMs - sinceMs) / 1_000).toFixed(1)} s`, party, digest],
  ]);
  return `\n${formatTable(['PAPER', 'BYTES', 'AGE', 'PARTY', 'DIGEST'], rows)}`;
}
