/**
 * What many enrolled devices cost: the start of the trust part with its admission threads, the
 * memory of that process, and one look-up, beside the same with 1,000 devices in the same run.
 * A command of its own (`node test/bench/trust-scale.ts [DEVICES]`), since memory is a process's.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLog, systemClock } from '../../devices/runtime.ts';
import { startAdmitPool } from '../../ingest/admit-pool.ts';
import { startJournal } from '../../ingest/journal.ts';
import { type JournalReader, openJournalReader } from '../../ingest/journal-reader.ts';
import { createRecorder } from '../../ingest/record.ts';
import { emptyTrust, enrolmentsOf, learnTrust } from '../../ingest/trust.ts';
import { numberedDid, writeEnrolments } from '../support/many-enrolments.ts';
import { median } from './figure.ts';
import { peakResidentMiB } from './process.ts';

const FEW = 1_000;
/** First look-ups in one round: each device is asked for once, so that nothing is remembered. */
const LOOKS = 1_000;
const ROUNDS = 15;

export interface TrustScale {
  readonly devices: number;
  /** From opening the journal until the first credential was judged in a thread. */
  readonly startMs: number;
  /** The most that the process held at once, look-ups and threads included. */
  readonly rssMiB: number;
  /** The first look-up of a device among all of them against one among 1,000. */
  readonly lookupRatio: number;
  readonly lookupMicros: number;
}

/** Builds the journals and measures in a process of its own; `say` gets progress. */
export function runTrustScale(
  say: (line: string) => void = () => undefined,
  devices = 1_000_000,
): TrustScale {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-scale-'));
  try {
    const [many, few] = [join(directory, 'many.db'), join(directory, 'few.db')];
    say(`enrolling ${devices} devices`);
    writeEnrolments(many, devices, Date.now());
    writeEnrolments(few, FEW, Date.now());
    say('measuring');
    const script = fileURLToPath(import.meta.url);
    const args = [script, 'measure', many, few, String(devices)];
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as TrustScale;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(many: string, few: string, devices: number): Promise<TrustScale> {
  const from = performance.now();
  const journal = await startJournal(many);
  const workers = Math.max(1, availableParallelism() - 1);
  const admitter = startAdmitPool({
    ...{ workers, tenant: 'many', journalFile: many, poisons: [] },
    ...{ clock: systemClock, log: silentLog },
  });
  createRecorder({ tenant: 'many', journal, admitter, appended: () => undefined });
  await admitter.admit({
    buffer: new ArrayBuffer(1),
    items: [{ gateway: '', receivedMs: 0, offset: 0, length: 1 }],
  });
  const startMs = performance.now() - from;
  const readers = [openJournalReader(many), openJournalReader(few)] as const;
  const [inMany, inFew]: [number[], number[]] = [[], []];
  // In turns, so that a slow minute slows both.
  for (let round = 0; round < ROUNDS; round += 1) {
    inMany.push(lookUp(readers[0], devices, round));
    inFew.push(lookUp(readers[1], FEW, round));
  }
  for (const reader of readers) reader.close();
  const rssMiB = peakResidentMiB(process.pid);
  await admitter.close();
  await journal.close();
  const lookupMicros = median(inMany);
  return { devices, startMs, rssMiB, lookupRatio: lookupMicros / median(inFew), lookupMicros };
}

/** Microseconds of one first look-up, by a book that remembers nothing yet. */
function lookUp(reader: JournalReader, devices: number, round: number): number {
  const book = emptyTrust(reader);
  learnTrust(book, { entries: reader.readKinds(['organisation']), position: reader.size() });
  const step = Math.max(1, Math.floor(devices / LOOKS));
  const wanted = Array.from({ length: Math.min(LOOKS, devices) }, (_, at) =>
    numberedDid((at * step + round) % devices),
  );
  const from = performance.now();
  const found = wanted.filter((device) => enrolmentsOf(book, device).length === 1).length;
  const micros = ((performance.now() - from) * 1_000) / wanted.length;
  if (found !== wanted.length) throw new Error(`found ${found} of ${wanted.length} devices`);
  return micros;
}

const [, script = '', order, ...rest] = process.argv;
if (script === fileURLToPath(import.meta.url)) {
  if (order === 'measure') {
    const [many = '', few = '', devices = '0'] = rest;
    process.stdout.write(JSON.stringify(await measure(many, few, Number(devices))));
  } else {
    const say = (line: string) => process.stderr.write(`${line}\n`);
    process.stdout.write(`${JSON.stringify(runTrustScale(say, Number(order ?? 1_000_000)))}\n`);
  }
}
