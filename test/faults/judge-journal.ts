/**
 * Judges what a site's journal holds. Each device's batches form one chain of epochs and
 * sequences: when the journal has every sequence of every epoch from 1 on, each once, and every
 * epoch follows the last batch before it, then no batch that was ever signed is missing.
 */
import { openJournalReader } from '../../ingest/journal-reader.ts';
import type { EntryHeader, JournalEntry } from '../../ingest/store.ts';
import { runCli } from '../support/commands.ts';
import type { Site } from '../support/site.ts';
import type { Tally } from './fault.ts';

/** Reads a stopped ingester's journal and rebuilds its twins; `count` is left to the caller. */
export async function judgeJournal(site: Site): Promise<Tally> {
  const entries = readJournal(site.journalFile);
  const tally = judgeEntries(entries);
  const rebuilt = await runCli('ingest', ['rebuild', site.ingestConfig, '--check', '--json']);
  if (rebuilt.code === 0 && rebuilt.out.includes('"equal":true')) return tally;
  const note = `the twins cannot be rebuilt: ${rebuilt.err || rebuilt.out}`;
  return { ...tally, wrong: tally.wrong + 1, notes: [note, ...(tally.notes ?? [])] };
}

export function readJournal(file: string): JournalEntry[] {
  const reader = openJournalReader(file);
  try {
    return reader.read(0, 10_000_000);
  } finally {
    reader.close();
  }
}

/** Pure: what the entries say. Nothing may be refused, doubtful or in two versions. */
export function judgeEntries(entries: readonly JournalEntry[]): Tally {
  const notes: string[] = [];
  const odd = entries.filter(({ header }) =>
    ['equivocation', 'refusal', 'doubtful'].includes(header.kind),
  );
  for (const { header, position } of odd) {
    notes.push(`entry ${position} is ${header.kind} ${header.code ?? ''}: ${header.reason ?? ''}`);
  }
  const batches = entries.flatMap(({ header }) => (header.kind === 'batch' ? [header] : []));
  const chains = chainsOf(batches);
  notes.push(...chains.twice.map((place) => `${place} stands there twice`));
  notes.push(...chains.missing.map((place) => `${place} is missing`));
  if (batches.length === 0) notes.push('the journal holds no batch');
  const wrong = odd.length + (batches.length === 0 ? 1 : 0);
  const [lost, doubled] = [chains.missing.length, chains.twice.length];
  return { count: 0, lost, doubled, wrong, notes: notes.slice(0, 20) };
}

function chainsOf(batches: readonly EntryHeader[]): { twice: string[]; missing: string[] } {
  const twice: string[] = [];
  const missing: string[] = [];
  const byEpoch = new Map<string, Map<number, EntryHeader>>();
  for (const header of batches) {
    const { batch: key } = header;
    if (!key) continue;
    const name = `${key.device} ${String(key.epochCounter).padStart(9, '0')} ${key.epochNonce}`;
    const epoch = byEpoch.get(name) ?? new Map<number, EntryHeader>();
    byEpoch.set(name, epoch);
    if (epoch.has(key.sequence)) twice.push(`${name} ${key.sequence}`);
    epoch.set(key.sequence, header);
  }
  let before: EntryHeader | undefined;
  for (const [name, epoch] of [...byEpoch].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const last = Math.max(...epoch.keys());
    for (let sequence = 1; sequence <= last; sequence += 1) {
      const header = epoch.get(sequence);
      if (header === undefined) {
        missing.push(`${name} ${sequence}`);
        continue;
      }
      const isSame = before?.batch?.device === header.batch?.device;
      const isBehindHole = sequence > 1 && !epoch.has(sequence - 1);
      const previous = isSame ? before?.digest : undefined;
      if (!isBehindHole && header.batch?.previous !== previous) {
        missing.push(`what ${name} ${sequence} follows`);
      }
      before = header;
    }
  }
  return { twice, missing };
}
