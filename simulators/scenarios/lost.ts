/**
 * The count that must be zero: values that a simulator served and that are found neither in the
 * journal nor in a signed loss record. Each simulator keeps its own ledger of what it served, so
 * the gateway has no say in it.
 */
import type { LedgerEntry } from '../ledger.ts';

/** A line of the ingester's export of stored readings and signed losses. */
export interface ExportedLine {
  readonly kind: 'reading' | 'loss';
  /** The device's name at its site. */
  readonly deviceLabel: string;
  readonly point?: string;
  readonly rawHex?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly count?: number;
  readonly points?: readonly string[];
}

/** Milliseconds by which the simulator's clock reading may stand outside a signed interval. */
const INTERVAL_SLACK_MS = 50;

/**
 * Counts the ledger's entries that are missing. Every entry must be matched by a stored reading of
 * the same device, point and raw words that no other entry has used; one that is not counts as
 * lost unless a signed loss of that device covers its time and still has entries to give.
 */
export function countLost(
  ledger: readonly LedgerEntry[],
  exported: readonly ExportedLine[],
): { readonly lost: number; readonly examples: readonly LedgerEntry[] } {
  const stored = new Map<string, number>();
  const losses = new Map<string, { fromMs: number; toMs: number; left: number }[]>();
  for (const line of exported) {
    if (line.kind === 'reading') {
      const key = `${line.deviceLabel} ${line.point} ${line.rawHex}`;
      stored.set(key, (stored.get(key) ?? 0) + 1);
      continue;
    }
    const list = losses.get(line.deviceLabel) ?? [];
    losses.set(line.deviceLabel, list);
    list.push({
      fromMs: (line.fromMs ?? 0) - INTERVAL_SLACK_MS,
      toMs: (line.toMs ?? 0) + INTERVAL_SLACK_MS,
      left: line.count ?? 0,
    });
  }
  const missing = ledger.filter((entry) => {
    const key = `${entry.device} ${entry.point} ${entry.rawHex}`;
    const left = stored.get(key) ?? 0;
    if (left > 0) stored.set(key, left - 1);
    return left === 0;
  });
  const lost = missing.filter((entry) => {
    const covering = losses
      .get(entry.device)
      ?.find((loss) => loss.left > 0 && loss.fromMs <= entry.timeMs && entry.timeMs <= loss.toMs);
    if (covering) covering.left -= 1;
    return covering === undefined;
  });
  return { lost: lost.length, examples: lost.slice(0, 10) };
}
