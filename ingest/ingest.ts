/**
 * Wires the ingester's stages: source, receive, admit, record, receipts, apply. `createIngest` is
 * the part without threads, files and sockets, which the simulation runs; `startIngester` puts the
 * real ones around it.
 */
import { EdgeError, explain } from '../devices/errors.ts';
import type { Signer } from '../devices/io/key-store.ts';
import { fetchDocument } from '../devices/io/resolve/fetch-document.ts';
import { resolveSettings } from '../devices/io/resolve/resolve-settings.ts';
import { createResolver } from '../devices/io/resolve/resolver.ts';
import { isDiskFailure } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { Admitter } from './admitter.ts';
import { type Api, type ApiOptions, startApi } from './api.ts';
import { createCheckpoints } from './checkpoints.ts';
import { createHealth, type Health } from './health.ts';
import { createHeldBook, type HeldBook } from './held.ts';
import { answerImport, type ImportAnswer } from './import-evidence.ts';
import type { OpenJournal } from './journal.ts';
import type { ListCheck } from './journal-index.ts';
import { answerOfficer, type OfficerAnswer } from './officer.ts';
import type { Authorities, Requirements } from './party-book.ts';
import { answerStep, isStepRequest, type StepAnswer } from './party-pending.ts';
import { answerSubmit, type SubmitAnswer } from './party-submit.ts';
import { createRates, type RateSettings } from './rates.ts';
import { createReceipts } from './receipts.ts';
import { createReceive, type Receive } from './receive.ts';
import { createRecorder, type Outcome, type Recorder } from './record.ts';
import { rules } from './rules/registry.ts';
import { sources } from './sources/registry.ts';
import { type Closer, openStages, type StageOptions } from './stages.ts';
import { consoleDirectory, rulesInForce } from './startup.ts';
import { type StatusRefresh, startStatusRefresh } from './status-refresh.ts';
import type { EntryKind, NewEntry } from './store.ts';
import { createTeller } from './tell.ts';
import { startTicks } from './ticks.ts';
import { hasEnrolments } from './trust.ts';
import { createTrustDesk, type TrustDesk } from './trust-change.ts';
import { answerTrust } from './trust-request.ts';
import { createWays, type Ways, withPort } from './ways.ts';
import { openSources, sayTaken, uplinkOf } from './ways-open.ts';

export interface IngestOptions {
  readonly tenant: string;
  readonly journal: OpenJournal;
  readonly admitter: Admitter;
  /** Signs receipts; its DID is the ingester's. */
  readonly signer: Signer;
  /** Whose word counts on standing, bonds and calibrations. */
  readonly authorities?: Authorities;
  readonly require?: Requirements;
  readonly clock: Clock;
  readonly log: Log;
  /** Hands a receipt to the transport. Never rejects. */
  readonly reply: (gateway: string, receipt: Uint8Array) => Promise<void>;
  /** Told after each commit how many entries the journal has, so that application goes on. */
  readonly wake: (size: number) => void;
  /** How much each gateway may send; absent where nobody sends more than it should. */
  readonly rates?: RateSettings;
  /** When status lists were last found at their address; absent where nobody looks for them. */
  readonly checks?: readonly ListCheck[];
  /** Told once when a stage failed; nothing is acknowledged from then on. */
  readonly failed: (error: unknown) => void;
}

export interface Ingest {
  readonly receive: Receive['receive'];
  readonly room: Receive['room'];
  /** As `SourceContext.known`. */
  known(gateway: string): void;
  readonly trust: Recorder['trust'];
  readonly learnOwn: Recorder['learnOwn'];
  readonly desk: TrustDesk;
  /** Judges and stores credentials that a person hands over. */
  submit(request: unknown): Promise<SubmitAnswer>;
  /** Admits and stores what a person carried in a file, and signs receipts for it. */
  import(request: unknown): Promise<ImportAnswer>;
  /** Does what an officer decided about what is in doubt, or about a custody step that waits. */
  decide(request: unknown): Promise<OfficerAnswer | StepAnswer>;
  readonly health: Health;
  readonly held: HeldBook;
  /** Journals the routes and rules in force, unless the last entry says the same. */
  activateRules(rules: Uint8Array): Promise<void>;
  /** Takes nothing more; resolves when what was taken is stored and receipted. */
  drain(): Promise<void>;
}

export function createIngest(options: IngestOptions): Ingest {
  const { tenant, journal, admitter, clock, log } = options;
  const health = createHealth(limits.sitesMax);
  const held = createHeldBook(limits.heldDevicesMax);
  const recorder = createRecorder({
    tenant,
    journal,
    admitter,
    appended: (size) => {
      health.gauge({ positions: size });
      options.wake(size);
    },
    ...(options.authorities && { authorities: options.authorities }),
    ...(options.require && { require: options.require }),
  });
  recorder.learnChecks(options.checks ?? []);
  recorder.learnOwn([options.signer.did]);
  const receipts = createReceipts({ ...options, freed: () => receive.look() });
  const tell = createTeller({ health, held, log });

  const rates = options.rates && createRates(clock, options.rates);
  const receive = createReceive({
    admitter,
    record: recorder.record,
    unsignedBytes: receipts.waitingBytes,
    ...(rates && { rates }),
    stored(outcomes) {
      for (const { gateway, kind } of outcomes) if (kind === 'batch') rates?.know(gateway);
      receipts.add(outcomes);
      tell(outcomes, clock.nowMs());
      health.gauge({ queueBytes: receive.queuedBytes() });
    },
    failed: options.failed,
  });

  const ownEntry = (kind: EntryKind, bytes: Uint8Array): NewEntry => {
    const receivedMs = Math.round(clock.nowMs());
    const digest = digestMultibase(bytes);
    return { header: { version: 1, tenant, kind, receivedMs, digest }, bytes };
  };
  const stopTicks = startTicks(
    clock,
    async () => {
      if (!hasEnrolments(recorder.trust)) return;
      const text = JSON.stringify({ atMs: Math.round(clock.nowMs()) });
      await recorder.append([ownEntry('tick', Buffer.from(text))]);
    },
    options.failed,
  );

  health.gauge({ positions: journal.found.size });
  const importing = {
    ...{ admitter, recorder, signer: options.signer, nowMs: () => clock.nowMs() },
    told: (outcomes: readonly Outcome[]) => tell(outcomes, clock.nowMs()),
  };
  const officer = { recorder, journal: journal.doubts, tenant };
  return {
    receive: receive.receive,
    room: receive.room,
    known: (gateway) => rates?.know(gateway),
    trust: recorder.trust,
    learnOwn: recorder.learnOwn,
    desk: createTrustDesk({ tenant, recorder, nowMs: () => clock.nowMs() }),
    submit: (request) => answerSubmit(recorder, request, () => clock.nowMs()),
    import: (request) => answerImport(importing, request),
    decide: (request) =>
      isStepRequest(request)
        ? answerStep({ recorder, tenant, index: journal.parties }, request, () => clock.nowMs())
        : answerOfficer(officer, request, () => clock.nowMs()),
    health,
    held,
    async activateRules(rules) {
      const last = journal.found.last.findLast(({ header }) => header.kind === 'rules');
      if (last?.header.digest === digestMultibase(rules)) return;
      await recorder.append([ownEntry('rules', rules)]);
    },
    async drain() {
      stopTicks();
      await receive.drain();
      await receipts.drain();
    },
  };
}

export interface Ingester {
  /** Addresses of the console and of the first source. */
  readonly http: string;
  readonly mqtt: string;
  /** Addresses of all sources, in the order of the configuration. */
  readonly uplinks: readonly string[];
  /** DID of the key that signs receipts. */
  readonly did: string;
  /** Resolves with the reason when it cannot go on; nothing is acknowledged from then on. */
  readonly failed: Promise<unknown>;
  /** Stops in order; what was acknowledged is stored. Idempotent. */
  close(): Promise<void>;
}

export interface IngesterOptions extends StageOptions {
  readonly random: Random;
  /** Process id, for control.json. */
  readonly pid: number;
  /** `any`: where a port is taken, another one is used and the log says so. */
  readonly ports: 'exact' | 'any';
}

/**
 * Starts an ingester. What cannot be opened ends the start, and what was opened is closed again,
 * but for a disk that failed: then everything is left as it is.
 *
 * @throws EdgeError KEY_*, DB_*, CFG_DIRECTORY_UNWRITABLE, IN_PORT_TAKEN, IN_LISTEN
 */
export async function startIngester(options: IngesterOptions): Promise<Ingester> {
  const closers: Closer[] = [];
  let closing: Promise<void> | undefined;
  let fault: unknown;
  let failed: (error: unknown) => void = () => {};
  const failure = new Promise<unknown>((resolve) => {
    failed = (error) => {
      fault ??= error;
      resolve(error);
    };
  });
  const close = () => {
    closing ??= closeAll(closers, options.log);
    return closing;
  };
  try {
    return { ...(await open(options, { closers, failed, failure })), close };
  } catch (error) {
    const disk = [error, fault].find(isDiskFailure);
    // Closing would sync what could not be synced: the caller ends the process.
    if (disk instanceof EdgeError && disk.code === 'DB_DISK_FAILED') throw disk;
    if (disk) throw new EdgeError('DB_DISK_FAILED', 'starting', { cause: disk });
    await close();
    throw error;
  }
}

const NOT_DRAINED = 'not all that was taken is stored and answered; gateways send it again';

/** The last that was opened is the first that is closed. */
async function closeAll(closers: readonly Closer[], log: Log): Promise<void> {
  for (const close of closers.toReversed()) {
    try {
      await close();
    } catch (error) {
      log.error('something did not close in order', { error: explain(error) });
    }
  }
}

async function open(
  options: IngesterOptions,
  parts: {
    readonly closers: Closer[];
    readonly failed: (error: unknown) => void;
    readonly failure: Promise<unknown>;
  },
): Promise<Omit<Ingester, 'close'>> {
  const { closers, failed, failure } = parts;
  const { config, clock, log } = options;
  const { ingester, statusRefresh } = config;
  const { tenant } = ingester;

  const stages = await openStages(options, { closers, failed });
  const { admitter, apply, control, feed, journal, journalFile, keys, signer, twinsFile } = stages;
  void failure.then(control.keep);

  const ways: Ways = createWays({
    clock,
    log,
    resolvePath: (path) => path,
    receive: (message) =>
      checkpoints.hear(message) ? ingest.room(message.gateway) : ingest.receive(message),
    room: (gateway) => ingest.room(gateway),
    known: (gateway) => ingest.known(gateway),
    tooLarge: () => ingest.health.tooLarge(),
  });
  const ingest = createIngest({
    tenant,
    journal,
    checks: statusRefresh.enabled ? journal.found.checks : [],
    admitter,
    authorities: config.authorities,
    require: config.require,
    ...{ signer, clock, log, wake: apply.wake, failed },
    reply(gateway, receipt) {
      checkpoints.answered(gateway);
      return ways.reply(gateway, receipt);
    },
    rates: config.rates,
  });
  const checkpoints = createCheckpoints({
    ...{ journal, signer, clock, log, reply: ways.reply, failed },
    everyMs: 1_000 * config.checkpoints.everySeconds,
  });
  await ingest.activateRules(rulesInForce(config.routes, rules));
  apply.wake(journal.found.size);
  closers.push(() => ways.close());
  closers.push(async () => void (await inTime(clock, limits.checkpointStopMs, checkpoints.stop())));
  closers.push(() => drainAll(options, ways, ingest));
  if (statusRefresh.enabled) {
    const refresh = refreshOf(options, ingest, failed);
    closers.push(() => refresh.stop());
    // What is known to be published is looked for before anything is judged by it.
    const isKnown = journal.found.checks.length > 0;
    if (isKnown) await Promise.race([refresh.first, clock.sleep(limits.statusFirstMs)]);
  }
  const uplink = await uplinkOf(
    { ...options, known: sources },
    { keys, did: signer.did, ...ingest },
  );
  closers.push(() => uplink?.close());
  ingest.learnOwn(keys.list().map(({ did }) => did));
  const addresses = await openSources({ ...options, known: sources }, ways, uplink);
  const [mqtt = ''] = addresses;

  const change = (request: unknown) => answerTrust(ingest.desk, request);
  const token = Buffer.from(options.random.bytes(24)).toString('base64url');
  const served = { journalFile, twinsFile, clock, log, feed, apply };
  const api = await openApi(options, {
    ...served,
    consoleDirectory: consoleDirectory(import.meta.url),
    ingester: signer.did,
    name: ingester.name,
    health: ingest.health.snapshot,
    held: ingest.held.list,
    checkpoints: checkpoints.state,
    trust: {
      token,
      change,
      submit: ingest.submit,
      import: ingest.import,
      decide: ingest.decide,
      list: ingest.desk.list,
    },
  });
  closers.push(() => api.close());
  const { address: http } = api;
  const { did } = signer;
  control.write({ pid: options.pid, http, mqtt, uplinks: addresses, ingester: did, token });
  return { http, mqtt, uplinks: addresses, did, failed: failure };
}

/** Stores and answers what was taken, as far as that is possible in time. */
async function drainAll({ clock, log }: IngesterOptions, ways: Ways, ingest: Ingest) {
  ways.rest();
  if (!(await inTime(clock, limits.drainMs, ingest.drain()))) log.warn(NOT_DRAINED);
}

/** Whether something was done within so many milliseconds; it is waited for no longer. */
async function inTime(clock: Clock, ms: number, work: Promise<void>): Promise<boolean> {
  const waited = new AbortController();
  const isLate = clock.sleep(ms, waited.signal).then(() => false);
  const isDone = await Promise.race([work.then(() => true), isLate]);
  waited.abort();
  return isDone;
}

function refreshOf(
  { clock, config, log, random }: IngesterOptions,
  { desk, trust }: Ingest,
  failed: (error: unknown) => void,
): StatusRefresh {
  const settings = resolveSettings(config.resolve, clock);
  return startStatusRefresh({
    ...{ clock, desk, failed, log, random, trust },
    fetch: (url, signal) => fetchDocument(url, { ...settings, signal }),
    resolver: (signal) => createResolver({ ...settings, signal }),
  });
}

function openApi(
  { config, ports, log }: IngesterOptions,
  rest: Omit<ApiOptions, 'host' | 'port'>,
): Promise<Api> {
  const { host } = config.http;
  return withPort(config.http.port, (port) => startApi({ ...rest, host, port }), {
    any: ports === 'any',
    say: (taken) => sayTaken(log, 'the console', taken),
  });
}
