/**
 * A device key is in two places: for some places of its history it signs two batches of other
 * content, which come in any order and more than once. The first of a place counts or none does;
 * everything that came is kept, an alert says so, and no twin shows a value of what does not count.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Applier } from '../../../ingest/apply-engine.ts';
import { foldPlugins } from '../../../ingest/apply-plugins.ts';
import { decodeState } from '../../../ingest/fold-codec.ts';
import { openJournalStore } from '../../../ingest/journal-store.ts';
import type { JournalEntry, NewEntry } from '../../../ingest/store.ts';
import { openTwinsStore } from '../../../ingest/twins-store.ts';
import { Chance } from '../../sim/chance.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  reading,
  startMs,
} from '../../support/journal-entries.ts';
import type { Fault, Shard, Tally } from '../fault.ts';

export const twoHistories: Fault = {
  name: 'two-histories',
  summary: 'a key signs other batches for places of its history that are taken',
  unit: 'histories',
  counts: { short: 20, long: 2_000, shard: 200 },
  run,
};

const device = deviceDid('fc-1');
/** A value that one batch gives and no other. */
const given = (sequence: number, content: number) => 700_000 + sequence * 10 + content;

async function run({ count, directory, say, seed }: Shard): Promise<Tally> {
  const chance = new Chance(seed);
  const notes: string[] = [];
  const tally = { lost: 0, doubled: 0 };
  for (let done = 1; done <= count; done += 1) {
    const folder = join(directory, String(done));
    mkdirSync(folder);
    const found = judge(folder, comings(chance));
    tally.lost += found.lost.length;
    tally.doubled += found.doubled.length;
    notes.push(...found.lost, ...found.doubled, ...found.wrong);
    rmSync(folder, { recursive: true });
    if (done % 50 === 0) say(`${done} of ${count} histories`);
  }
  const wrong = notes.length - tally.lost - tally.doubled;
  return { count, ...tally, wrong, notes: notes.slice(0, 20) };
}

interface Coming {
  readonly sequence: number;
  readonly content: number;
  readonly entry: NewEntry;
}

/** Batches of ten to thirty places, some with two contents, in any order and some of them twice. */
function comings(chance: Chance): Coming[] {
  const all: Coming[] = [];
  const places = chance.between(10, 30);
  const forked = chance.between(1, places);
  for (let sequence = 1; sequence <= places; sequence += 1) {
    const isForked = sequence === forked || chance.happens(0.2);
    for (let content = 0; content < (isForked ? 2 : 1); content += 1) {
      all.push({ sequence, content, entry: signed(sequence, content) });
      if (chance.happens(0.2)) all.push({ sequence, content, entry: signed(sequence, content) });
    }
  }
  const keyed = all.map((coming) => ({ coming, at: coming.sequence + chance.fraction() * 8 }));
  return keyed.sort((a, b) => a.at - b.at).map(({ coming }) => coming);
}

function signed(sequence: number, content: number): NewEntry {
  const timeMs = startMs + sequence * 1_000;
  const readings = [reading('volume', given(sequence, content), { type: 'Volume', unit: 'MTQ' })];
  const groups = [{ timeMs, gatewayTimeMs: timeMs, readings }];
  return batchEntry({ position: 0, device, sequence, groups, closedMs: timeMs });
}

function judge(folder: string, all: readonly Coming[]) {
  const journal = openJournalStore(join(folder, 'journal.db'));
  const twins = openTwinsStore(join(folder, 'twins.db'));
  try {
    journal.append([enrolmentEntry({ position: 0, device })]);
    for (const { entry } of all) journal.append([entry]);
    const applier = new Applier({ journal, store: twins, plugins: foldPlugins });
    applier.drain();
    const states = twins.list({ count: 100 }).map(({ state }) => decodeState(state));
    const alerts = states.flatMap((state) => applier.view(state).alerts.map(({ code }) => code));
    const shown = JSON.stringify(states.map((state) => applier.view(state)));
    return compare(all, journal.read(0, 10_000), { alerts, shown });
  } finally {
    twins.close();
    journal.close();
  }
}

function compare(
  all: readonly Coming[],
  entries: readonly JournalEntry[],
  { alerts, shown }: { readonly alerts: readonly string[]; readonly shown: string },
) {
  const [lost, doubled, wrong]: [string[], string[], string[]] = [[], [], []];
  const kept = new Map(entries.map((entry) => [entry.header.digest, entry]));
  const counted = new Map<number, number>();
  for (const { sequence, content, entry } of all) {
    const found = kept.get(entry.header.digest);
    const name = `content ${content} of place ${sequence}`;
    if (found === undefined || !Buffer.from(found.bytes).equals(entry.bytes)) {
      lost.push(`${name} came and is not kept as it came`);
      continue;
    }
    if (found.header.kind !== 'batch') {
      const value = String(given(sequence, content));
      if (shown.includes(value)) wrong.push(`${name} does not count, and ${value} is shown`);
    } else if ((counted.get(sequence) ?? content) !== content) {
      doubled.push(`two batches count in place ${sequence}`);
    } else counted.set(sequence, content);
  }
  const good = [...counted].map((place) => String(given(...place)));
  if (!good.some((value) => shown.includes(value))) wrong.push('nothing that counts is shown');
  if (!alerts.includes('FORK')) wrong.push('a key signed two histories, and no alert says so');
  if (kept.size !== entries.length) doubled.push('something is kept twice');
  return { lost, doubled, wrong };
}
