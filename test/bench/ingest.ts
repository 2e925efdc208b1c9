/**
 * The whole ingester, as an authority runs it: batches in over MQTT, verified, durable, twins
 * changed, receipts out, from a corpus signed in advance and a load process of its own.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun, RunningCommand } from '../support/commands.ts';
import { batchBound } from './bound.ts';
import { type Corpus, makeCorpus, READINGS_PER_BATCH } from './corpus.ts';
import { type Figure, figure } from './figure.ts';
import { cpuSeconds, peakResidentMiB } from './process.ts';

/** Enough for some ten seconds of work, which outlasts start-up effects. */
const BATCHES = 12_000;
const LATENCY_SECONDS = 8;
const DEVICES = 16;
/** What the process may take at most. */
const RESIDENT_MIB_MAX = 400;
/** Unanswered batches of the load: what four gateways would have under way. */
const WINDOW = 256;

interface LoadResult {
  readonly batches: number;
  readonly seconds: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly p50: number; readonly p99: number };
}

/** Measures the ingester; `say` gets progress. */
export async function benchIngest(say: (line: string) => void): Promise<Figure[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bondline-bench-'));
  try {
    say(`signing ${BATCHES} batches of ${READINGS_PER_BATCH} readings`);
    const corpus = await makeCorpus({ count: BATCHES, devices: DEVICES, nowMs: Date.now() });
    const bound = batchBound(corpus.tokens[0] ?? new Uint8Array());
    say(`bound of one core: ${Math.round(bound)} batches/s`);
    const full = await measure(directory, 'full', corpus, 0, say);
    const halfRate = Math.max(10, full.batchesPerSecond / 2);
    const half = await measure(
      directory,
      'half',
      { ...corpus, tokens: corpus.tokens.slice(0, Math.floor(halfRate * LATENCY_SECONDS)) },
      halfRate,
      say,
    );
    const forged = forgeOneInTen(corpus);
    const among = await measure(directory, 'among forged', forged, 0, say);
    const honest = among.batchesPerSecond * (corpus.tokens.length / forged.tokens.length);
    const boundAfter = batchBound(corpus.tokens[0] ?? new Uint8Array());
    const meanBound = (bound + boundAfter) / 2;
    const readings = full.batchesPerSecond * READINGS_PER_BATCH;
    return [
      figure('ingest.readingsPerSecond', readings, 'readings/s', meanBound * READINGS_PER_BATCH),
      figure('ingest.batchesPerSecond', full.batchesPerSecond, 'batches/s', meanBound),
      // One message in ten is refused and kept as evidence; the others must not feel it.
      figure(
        'ingest.readingsPerSecondAmongForged',
        honest * READINGS_PER_BATCH,
        'readings/s',
        full.batchesPerSecond * READINGS_PER_BATCH,
      ),
      figure('ingest.residentMiB', full.residentMiB, 'MiB', RESIDENT_MIB_MAX),
      // What the bare work alone takes: for a thousand batches, and for one.
      figure('ingest.cpuSecondsPerThousandBatches', full.cpuPerThousand, 's', 1000 / meanBound),
      figure('ingest.latencyP99Ms', half.latencyP99Ms, 'ms', 1000 / meanBound),
    ];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure(
  directory: string,
  name: string,
  corpus: Corpus & { readonly forged?: number },
  rate: number,
  say: (line: string) => void,
): Promise<{
  batchesPerSecond: number;
  residentMiB: number;
  cpuPerThousand: number;
  latencyP99Ms: number;
}> {
  const folder = join(directory, name.replaceAll(' ', '-'));
  const trusted = join(folder, 'trusted');
  mkdirSync(trusted, { recursive: true });
  writeFileSync(join(folder, 'passphrase'), 'a passphrase for one measurement only\n');
  const config = join(folder, 'ingest.yaml');
  writeFileSync(
    config,
    [
      'ingester: { name: bench, tenant: bench, data: ./data }',
      'keys: { store: file, path: keys.json, passphraseFile: passphrase }',
      'http: { host: 127.0.0.1, port: 0 }',
      'sources: [ { source: embedded, connection: { host: 127.0.0.1, port: 0 } } ]',
      '',
    ].join('\n'),
  );
  writeFileSync(join(trusted, 'did.json'), JSON.stringify(corpus.organisation.document));
  for (const [index, token] of corpus.enrolments.entries()) {
    writeFileSync(join(trusted, `meter-${index}.jwt`), token);
  }
  const file = join(folder, 'corpus');
  writeFileSync(file, corpusFile(corpus.tokens));

  const ingester = new RunningCommand('ingest', ['run', config, '--json', '--attached']);
  try {
    const ready = await ingester.ready();
    await mustRun('ingest', ['trust', config, 'add', trusted]);
    const cpuBefore = cpuSeconds(ingester.pid);
    const load = await runLoad(String(ready['mqtt']), corpus.gateway, file, rate);
    const finished = performance.now();
    const appliedAt = await waitApplied(String(ready['http']), corpus.tokens.length);
    // The clock stops when the last twin has changed; starting the load process is not counted.
    const seconds = load.seconds + Math.max(0, appliedAt - finished) / 1000;
    if (load.outcomes['accepted'] !== corpus.tokens.length - (corpus.forged ?? 0)) {
      throw new Error(`not all were accepted: ${JSON.stringify(load.outcomes)}`);
    }
    say(
      `${name}: ${load.batches} batches in ${seconds.toFixed(1)} s, receipt p50 ${load.latencyMs.p50.toFixed(1)} ms, p99 ${load.latencyMs.p99.toFixed(1)} ms`,
    );
    return {
      batchesPerSecond: load.batches / seconds,
      residentMiB: peakResidentMiB(ingester.pid),
      cpuPerThousand: ((cpuSeconds(ingester.pid) - cpuBefore) / load.batches) * 1000,
      latencyP99Ms: load.latencyMs.p99,
    };
  } finally {
    await ingester.stop();
  }
}

/** The corpus with a forgery before every tenth batch: one letter of its payload is another. */
function forgeOneInTen(corpus: Corpus): Corpus & { readonly forged: number } {
  const tokens = corpus.tokens.flatMap((token, index) => {
    if (index % 10 !== 0) return [token];
    const copy = Uint8Array.from(token);
    const at = copy.indexOf(DOT) + 1_000;
    copy[at] = copy[at] === LETTER ? LETTER + 1 : LETTER;
    return [copy, token];
  });
  return { ...corpus, tokens, forged: tokens.length - corpus.tokens.length };
}

const DOT = 0x2e;
/** The letter A of base64url. */
const LETTER = 0x41;

/** Runs the load process and returns what it printed. */
function runLoad(url: string, gateway: string, file: string, rate: number): Promise<LoadResult> {
  const script = fileURLToPath(new URL('./load.ts', import.meta.url));
  const args = [script, url, gateway, file, String(WINDOW), String(rate)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  return new Promise((done, fail) => {
    child.once('close', (code) => {
      if (code === 0) done(JSON.parse(out) as LoadResult);
      else fail(new Error(`the load process ended with exit code ${code}`));
    });
  });
}

/** Waits until every batch has changed its twin; returns when that was seen. */
async function waitApplied(base: string, batches: number): Promise<number> {
  for (;;) {
    const response = await fetch(`${base.replace(/\/$/, '')}/api/status`);
    const status = (await response.json()) as { applied?: number; positions: number };
    if ((status.applied ?? 0) >= status.positions && status.positions >= batches) {
      return performance.now();
    }
    await new Promise((done) => setTimeout(done, 20));
  }
}

function corpusFile(tokens: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const token of tokens) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(token.length);
    parts.push(length, token);
  }
  return Buffer.concat(parts);
}
