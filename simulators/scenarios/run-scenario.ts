/**
 * Brings a scenario to life on one machine: simulators, gateways and the ingester, each a process
 * of its own, and ends them in order. `npm start` is `bondline-sim run border`.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { makeDirectory } from '../../devices/io/directory.ts';
import { type Clock, formatTime, type Random } from '../../devices/runtime.ts';
import { readLedger } from '../ledger.ts';
import { allEnded, type Child, type Launcher, runCommand, startChild } from './child.ts';
import {
  type IngesterStatus,
  type ListedTwin,
  readExport,
  readStatus,
  readTwins,
  summariseAlerts,
  summariseTwin,
} from './ingester-api.ts';
import { countLost } from './lost.ts';
import { ensurePassphrase, prepareSite, type SiteFolders, siteFolders } from './prepare.ts';
import type { Scenario, ScenarioSite } from './scenario.ts';
import { choosePort, writeSettings } from './settings.ts';
import { type Counts, formatTable, type SiteRow, type Summary, sumCounts } from './summary.ts';

export interface ScenarioOptions {
  readonly scenario: Scenario;
  /** Folder that holds everything the run keeps, e.g. `var/border`. */
  readonly directory: string;
  /** Folder of the example configurations of this scenario. */
  readonly examples: string;
  readonly fresh: boolean;
  /** Seconds to run; absent: until `stop` aborts. */
  readonly forSeconds?: number;
  /** No console hint and no table: the caller prints the summary. */
  readonly quiet: boolean;
  readonly launcher: Launcher;
  readonly clock: Clock;
  readonly random: Random;
  readonly stop: AbortSignal;
  /** Progress, one line a call. */
  readonly say: (line: string) => void;
  /** Redraws the live table. */
  readonly draw: (lines: readonly string[]) => void;
}

interface RunningSite {
  readonly site: ScenarioSite;
  readonly folders: SiteFolders;
  readonly ledgerFile: string;
  readonly simulator: Child;
  readonly gateway: Child;
  readonly fingerprint: string;
}

interface Running {
  readonly ingester: Child;
  readonly base: string;
  /** Journal position when the run began. */
  readonly from: number;
  readonly sites: readonly RunningSite[];
}

/** Ctrl-C must be over within 5 s; gateways get this long to empty their outboxes, */
const DRAIN_SECONDS = 2;
/** and every process this long to end before it is ended. */
const GRACE_MS = 3_500;
/** A timed run waits this long for the last receipts before it counts. */
const SETTLE_MS = 15_000;

export interface ScenarioResult {
  readonly summary?: Summary;
  /** What went wrong, sentence by sentence; empty when all is well. */
  readonly faults: readonly string[];
}

/** Runs the scenario to its end; resolves when every process that it started has ended. */
export async function runScenario(options: ScenarioOptions): Promise<ScenarioResult> {
  const children: Child[] = [];
  try {
    const running = await startAll(options, children);
    if (!options.quiet) options.say(`console: ${running.base}/`);
    const first = await firstTwins(options, running);
    await watch(options, running);
    if (options.forSeconds === undefined) return { faults: [] };
    return await finish(options, running, first);
  } catch (error) {
    if (!options.stop.aborted || error !== options.stop.reason) throw error;
    options.say('stopped while the sites were set up; the next start goes on from there');
    return { faults: [] };
  } finally {
    await stopAll(children);
  }
}

/**
 * Starts simulators and ingester side by side, then each site's gateway as soon as it can.
 *
 * @throws the reason of `stop` where that aborts meanwhile.
 */
async function startAll(options: ScenarioOptions, children: Child[]): Promise<Running> {
  const { scenario, directory, launcher } = options;
  if (options.fresh) rmSync(directory, { recursive: true, force: true });
  const logs = join(directory, 'logs');
  makeDirectory(logs);
  const runId = formatTime(options.clock.nowMs()).replaceAll(/[:.]/g, '');
  const keep = (child: Child) => {
    children.push(child);
    return child;
  };

  const simulators = new Map<string, { child: Child; ledgerFile: string }>();
  for (const site of scenario.sites) {
    const folders = siteFolders(directory, site.name);
    makeDirectory(folders.simulator);
    const ledgerFile = join(folders.simulator, `ledger-${runId}.jsonl`);
    const port = await choosePort(site.devices.port, `${site.name}'s simulator`, options.say);
    const args = ['device', site.devices.profile, '--port', String(port), '--attached'];
    args.push('--ledger', ledgerFile, '--directory', folders.simulator, ...site.devices.args);
    const logFile = join(logs, `${site.name}-simulator.log`);
    const name = `${site.name}'s simulator`;
    const child = keep(startChild(launcher, { name, command: 'sim', args, logFile }));
    simulators.set(site.name, { child, ledgerFile });
  }
  const ingester = keep(await startIngester(options, logs));
  const { http, mqtt, ingester: ingesterDid } = strings(await ingester.ready);
  const base = (http ?? '').replace(/\/$/, '');
  const { positions: from } = await readStatus(base);

  const sites = await allEnded(
    scenario.sites.map(async (site): Promise<RunningSite> => {
      const simulator = simulators.get(site.name);
      if (!simulator) throw new Error(`no simulator for ${site.name}`);
      const folders = siteFolders(directory, site.name);
      const connect = site.connect(await simulator.child.ready);
      await prepareSite({
        launcher,
        random: options.random,
        site,
        folders,
        template: join(options.examples, site.name, 'gateway.yaml'),
        settings: [
          [['uplink', 'ingester'], ingesterDid],
          [['uplink', 'connection', 'url'], mqtt],
          ...connect,
        ],
      });
      const config = join(directory, 'ingest', 'ingest.yaml');
      await runCommand(launcher, 'ingest', ['trust', config, 'add', folders.published]);
      const logFile = join(logs, `${site.name}-gateway.log`);
      const args = ['run', folders.config, '--json', '--attached', '--drain', `${DRAIN_SECONDS}`];
      const name = `${site.name}'s gateway`;
      options.stop.throwIfAborted();
      const gateway = keep(startChild(launcher, { name, command: 'gateway', args, logFile }));
      const fingerprint =
        strings(await gateway.ready)
          ['gateway']?.split(':')
          .at(-1) ?? '';
      options.say(`${site.name}: gateway is running`);
      return {
        site,
        folders,
        ledgerFile: simulator.ledgerFile,
        simulator: simulator.child,
        gateway,
        fingerprint,
      };
    }),
  );
  options.stop.throwIfAborted();
  return { ingester, base, from, sites };
}

async function startIngester(options: ScenarioOptions, logs: string): Promise<Child> {
  const { scenario, launcher } = options;
  const folder = join(options.directory, 'ingest');
  makeDirectory(folder);
  ensurePassphrase(join(folder, 'passphrase'), options.random);
  writeFileSync(join(folder, 'routes.geojson'), JSON.stringify(scenario.routes));
  const http = await choosePort(scenario.ports.http, 'the console', options.say);
  const mqtt = await choosePort(scenario.ports.mqtt, 'the uplink broker', options.say);
  const config = join(folder, 'ingest.yaml');
  writeSettings({
    template: join(options.examples, 'ingest.yaml'),
    target: config,
    settings: [
      [['http', 'port'], http],
      [['sources', 0, 'connection', 'port'], mqtt],
    ],
  });
  return startChild(launcher, {
    name: 'the ingester',
    command: 'ingest',
    args: ['run', config, '--json', '--attached'],
    logFile: join(logs, 'ingest.log'),
  });
}

/** Waits until the first twins of goods are there, so that "moved" has a start. */
async function firstTwins(
  options: ScenarioOptions,
  running: Running,
): Promise<readonly ListedTwin[]> {
  let twins: readonly ListedTwin[] = [];
  const until = options.clock.monotonicMs() + SETTLE_MS;
  while (!options.stop.aborted && options.clock.monotonicMs() < until) {
    twins = await readTwins(running.base);
    if (twins.some(isGoods)) break;
    await options.clock.sleep(100, options.stop);
  }
  return twins;
}

/** Shows the table until the time is over, the stop comes, or a process ends by itself. */
async function watch(options: ScenarioOptions, running: Running): Promise<void> {
  const { clock, stop } = options;
  const until =
    options.forSeconds === undefined
      ? Number.POSITIVE_INFINITY
      : clock.monotonicMs() + options.forSeconds * 1000;
  let ended: string | undefined;
  for (const child of [running.ingester, ...running.sites.flatMap(processes)]) {
    void child.exited.then(() => {
      ended ??= child.name;
    });
  }
  while (!stop.aborted && clock.monotonicMs() < until) {
    if (ended) throw new EdgeError('SIM_CHILD_ENDED', `running the scenario without ${ended}`);
    options.draw(formatTable(running.sites.map((site) => tableRow(site, clock.nowMs()))));
    await clock.sleep(Math.min(1_000, until - clock.monotonicMs()), stop);
  }
}

function processes(site: RunningSite): Child[] {
  return [site.simulator, site.gateway];
}

function tableRow(site: RunningSite, nowMs: number): SiteRow {
  const line = site.gateway.latest();
  const devices = (line['devices'] ?? []) as { name: string; state: string }[];
  const down = devices.filter((device) => device.state !== 'up').map((device) => device.name);
  const newestMs = numberOf(line, 'newestMs');
  return {
    site: site.site.name,
    signed: numberOf(line, 'signed'),
    waiting: numberOf(line, 'waiting'),
    delivered: numberOf(line, 'delivered'),
    refused: numberOf(line, 'refused'),
    ...(newestMs > 0 ? { newestAgeMs: Math.max(0, nowMs - newestMs) } : {}),
    remark: down.length > 0 ? `no answer: ${down.join(', ')}` : '',
  };
}

/** Lets everything come to rest, then counts. */
async function finish(
  options: ScenarioOptions,
  running: Running,
  first: readonly ListedTwin[],
): Promise<ScenarioResult> {
  for (const site of running.sites) site.simulator.send('quiet');
  await options.clock.sleep(1_000, options.stop);
  await Promise.all(running.sites.map((site) => site.gateway.stop(SETTLE_MS)));
  const status = await settledStatus(options, running);
  const twins = await readTwins(running.base);
  const exported = await readExport(running.base, running.from);
  await Promise.all(running.sites.map((site) => site.simulator.stop(GRACE_MS)));

  const faults: string[] = [];
  const sites: Record<string, Counts> = {};
  for (const site of running.sites) {
    const { name } = site.site;
    const { lost, examples } = countLost(readLedger(site.ledgerFile), exported);
    sites[name] = countSite(site, status, lost);
    if (lost > 0) faults.push(`${name}: ${lost} lost, first ${JSON.stringify(examples[0])}`);
    if (!hasMoved(site.site, first, twins)) faults.push(`${name}: no twin moved`);
  }
  return {
    summary: {
      sites,
      total: sumCounts(Object.values(sites)),
      latencyMs: { p50: status.latencyMs.p50, p99: status.latencyMs.p99 },
      twins: twins.map(summariseTwin),
      alerts: summariseAlerts(twins, formatTime),
    },
    faults,
  };
}

/** The status once the ingester has applied all that it holds, or as it is after a while. */
async function settledStatus(options: ScenarioOptions, running: Running): Promise<IngesterStatus> {
  const delivered = running.sites.reduce(
    (sum, site) => sum + numberOf(site.gateway.latest(), 'delivered'),
    0,
  );
  const until = options.clock.monotonicMs() + SETTLE_MS;
  for (;;) {
    const status = await readStatus(running.base);
    const verified = Object.values(status.sites).reduce((sum, c) => sum + c.verifiedReadings, 0);
    if (verified >= delivered || options.clock.monotonicMs() > until) return status;
    await options.clock.sleep(100);
  }
}

function countSite(site: RunningSite, status: IngesterStatus, lost: number): Counts {
  const line = site.gateway.latest();
  const seen = status.sites[site.fingerprint];
  return {
    sampled: numberOf(line, 'sampled'),
    signed: numberOf(line, 'signed'),
    delivered: numberOf(line, 'delivered'),
    verified: seen?.verifiedReadings ?? 0,
    held: seen?.held ?? 0,
    refused: seen?.refused ?? 0,
    lost,
  };
}

/** Whether a twin of the site's goods came to be, or was observed anew, since the run began. */
function hasMoved(
  site: ScenarioSite,
  first: readonly ListedTwin[],
  now: readonly ListedTwin[],
): boolean {
  const before = new Map(first.map((twin) => [twin.id, twin.observedMs]));
  const parties = [site.possessor?.id, site.organisation.did];
  return now.some(
    (twin) =>
      isGoods(twin) &&
      parties.includes(twin.control['possessor']?.party) &&
      twin.observedMs > (before.get(twin.id) ?? 0),
  );
}

function isGoods(twin: ListedTwin): boolean {
  return twin.kind !== 'device' && twin.kind !== 'facility';
}

/** Gateways first, so that the ingester can still sign for what they hold. */
async function stopAll(children: readonly Child[]): Promise<void> {
  const ingesters = children.filter((child) => child.name === 'the ingester');
  const others = children.filter((child) => child.name !== 'the ingester');
  await Promise.all(others.map((child) => child.stop(GRACE_MS)));
  await Promise.all(ingesters.map((child) => child.stop(1_000)));
}

function strings(line: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(line).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  );
}

function numberOf(line: Readonly<Record<string, unknown>>, key: string): number {
  const value = line[key];
  return typeof value === 'number' ? value : 0;
}
