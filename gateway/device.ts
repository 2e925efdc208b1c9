/** One device at work: its connection, its loop, and the way from its samples to its batches. */
import type { DeviceProfile } from '../devices/profile.ts';
import { profileDigest } from '../devices/profile.ts';
import type { Loss } from '../devices/reading.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { ClockWatch } from './clock.ts';
import type { DeviceConfig } from './config.ts';
import { createDeviceClockWatch, type DeviceClockWatch } from './device-clock.ts';
import { createDeviceWatch, type DeviceState } from './device-state.ts';
import { readSigned } from './draft.ts';
import type { Connection, DeviceHistory, Driver, SampleSet } from './driver.ts';
import type { DeviceStatus } from './health.ts';
import { hasRoom, type IssueGate, type IssueOptions, Issuer } from './issue.ts';
import { createLastValues, type LastValues } from './last-values.ts';
import { listen } from './listen.ts';
import { createLossLedger } from './losses.ts';
import { type GoodsMemory, measure, planMeasurement } from './measure.ts';
import type { Appended, Outbox } from './outbox.ts';
import { poll } from './poll.ts';
import { planReports, Reporter } from './report.ts';
import type { DeviceSnapshot } from './snapshot.ts';
import { createUrgency } from './urgency.ts';

export interface DeviceOptions {
  readonly config: DeviceConfig;
  readonly did: string;
  readonly profile: DeviceProfile;
  readonly driver: Driver;
  /** DID of the gateway. */
  readonly gateway: string;
  /** What a reload may change meanwhile: digest of the configuration, and URI of the place. */
  readonly site: () => { readonly configuration: string; readonly facility: string };
  readonly dataDirectory: string;
  readonly resolvePath: (path: string) => string;
  /** What is durable of the device from before this start; absent where nothing is. */
  readonly history?: DeviceHistory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly clockWatch: ClockWatch;
  readonly outbox: Outbox;
  readonly gate: IssueGate;
  readonly enrolment: (did: string) => ReturnType<IssueOptions['head']>['enrolment'];
  readonly onSampled: (count: number) => void;
  readonly onAppended: IssueOptions['onAppended'];
  /** A batch that the device signed itself is durable. */
  readonly onKept: (appended: Appended, isUrgent: boolean) => void;
  readonly onFailure: (error: unknown) => void;
}

export interface RunningDevice {
  readonly did: string;
  readonly config: DeviceConfig;
  status(): DeviceStatus;
  /** All but what only the ingester knows of it. */
  snapshot(): Omit<DeviceSnapshot, 'held'>;
  /**
   * Goes over to another key: what was read until now is signed with the one before, in a batch
   * that is its last, what is read from now on with this one. Resolves when both are durable.
   */
  rename(did: string): Promise<void>;
  /** Stops asking; resolves when nothing comes any more. */
  stop(abort: AbortSignal): Promise<void>;
  /** Signs what is left; resolves when it is durable. */
  flush(): Promise<void>;
}

/** The options with the DID as it is now, since a device may go over to another key. */
type Named = DeviceOptions & { did: string };

/** Opens the device's connection and starts its loop. */
export async function startDevice(given: DeviceOptions): Promise<RunningDevice> {
  const options: Named = { ...given };
  const { clock, config, driver, log, onFailure, profile, random } = options;
  const points = Object.keys(profile.points);
  const everyMs = config.everyMs ?? 1_000;
  const watch = createDeviceWatch({ device: config.name, clock, log });
  const connection = await driver.open(config.connection, profile.points, {
    clock,
    random,
    log,
    gateway: options.gateway,
    device: config.name,
    dataDirectory: options.dataDirectory,
    resolvePath: options.resolvePath,
    everyMs,
    ...(profile.archives && { archives: profile.archives }),
    ...(options.history && { history: options.history }),
  });
  const isPush = connection.subscribe !== undefined;
  const stages = openStages(options, { everyMs, isPush });
  const { issuer, take } = stages;
  const stop = new AbortController();
  const abort = new AbortController();
  const missed = whileNotRunning(options, { everyMs, connection, points });
  if (missed) await issuer.add([], [missed]);

  const loop = isPush
    ? listen({
        connection,
        points,
        everyMs,
        clock,
        watch,
        stop: stop.signal,
        take: async (set, losses) => {
          const durable = take(set, losses);
          issuer.hurry();
          await durable;
        },
      })
    : poll({
        device: config.name,
        connection,
        points,
        everyMs,
        phaseMs: Math.min(everyMs, PHASE_MS_MAX) * random.fraction(),
        clock,
        log,
        watch,
        stop: stop.signal,
        abort: abort.signal,
        hasRoom: () => hasRoom(options.gate),
        take: (set, losses) => void take(set, losses).catch(onFailure),
      });
  loop.catch(onFailure);

  const status = () => statusOf(config.name, watch.state(), connection);
  return {
    get did() {
      return options.did;
    },
    config,
    status,
    snapshot: () => snapshotOf(options, { connection, everyMs, isPush, stages, status: status() }),
    async rename(did) {
      const last = issuer.cut();
      options.did = did;
      // What reports by exception says everything once in its new name.
      stages.reporter.forget();
      // Its first batch says at once that the key is in use, also to the next start.
      await Promise.all([last, issuer.cut()]);
    },
    async stop(cut) {
      cut.addEventListener('abort', () => abort.abort(), { once: true });
      stop.abort();
      await loop.catch(() => undefined);
      await connection.close();
    },
    flush() {
      stages.reporter.close();
      return issuer.stop();
    },
  };
}

/** First reads are spread over this long. */
const PHASE_MS_MAX = 1_000;

/** The steps from samples to batches, and what is seen on the way. */
interface Stages {
  readonly issuer: Issuer;
  readonly reporter: Reporter;
  readonly clocks: DeviceClockWatch;
  readonly values: LastValues;
  /** Monotonic time of the newest sample; absent before the first. */
  readonly heardAt: () => number | undefined;
  readonly take: (set: SampleSet, losses: readonly Loss[]) => Promise<void>;
}

function openStages(
  options: DeviceOptions,
  { everyMs, isPush }: { everyMs: number; isPush: boolean },
): Stages {
  const { clock, config, log, onFailure, profile } = options;
  const reporter: Reporter = new Reporter({
    plan: planReports(profile, config.report),
    clock,
    release: (groups) => void issuer.add(groups, []).catch(onFailure),
  });
  const issuer = openIssuer(options, reporter, everyMs);
  const clocks = createDeviceClockWatch({ device: config.name, isPolled: !isPush, clock, log });
  const values = createLastValues(profile);
  let heardAt: number | undefined;
  const sign = createTaker(options, { issuer, reporter, clocks, values });
  return {
    issuer,
    reporter,
    clocks,
    values,
    heardAt: () => heardAt,
    take(set, losses) {
      const { credentials = [], samples } = set;
      if (samples.length + credentials.length > 0) heardAt = clock.monotonicMs();
      return sign(set, losses);
    },
  };
}

function openIssuer(options: DeviceOptions, reporter: Reporter, everyMs: number): Issuer {
  const { clock, clockWatch, config, gate, onAppended, onFailure, outbox, profile } = options;
  const { gateway, site } = options;
  const named = { name: profile.name, digest: profileDigest(profile) };
  return new Issuer({
    flushMs: config.flushMs ?? 1_000,
    heartbeatMs: config.heartbeatMs ?? 60_000,
    clock,
    clockWatch,
    outbox,
    gate,
    losses: createLossLedger(2 * everyMs),
    suppressed: reporter,
    onAppended(appended, draft) {
      // What was not kept is not what a reader saw last.
      if (appended.dropped > 0) reporter.forget();
      onAppended(appended, draft);
    },
    onFailure,
    head: () => {
      const device = options.did;
      const enrolment = options.enrolment(device);
      const { configuration, facility: readPoint } = site();
      const { form, decoys = false } = options.config.credential ?? {};
      const selective = form === 'vc+sd-jwt' && { selective: { decoys } };
      const head = { device, gateway, profile: named, configuration, readPoint, ...selective };
      return enrolment ? { ...head, enrolment } : head;
    },
  });
}

function createTaker(
  options: DeviceOptions,
  { clocks, issuer, reporter, values }: Omit<Stages, 'heardAt' | 'take'>,
): Stages['take'] {
  const { config, onFailure, onKept, onSampled, outbox, profile } = options;
  const plan = planMeasurement(profile, config.goods);
  const memory: GoodsMemory = new Map();
  const urgency = createUrgency(profile);
  return async (set, losses) => {
    const { credentials = [], forget, message, samples } = set;
    if (samples.length > 0) onSampled(samples.length);
    const named = message !== undefined && { message };
    const works: Promise<unknown>[] = credentials.map((token) => {
      const isUrgent = urgency.isPossible && urgency.judge(readSigned(token).groups);
      const kept = { token, witness: options.did, ...named };
      return outbox
        .keep(isUrgent ? { ...kept, priority: 'urgent' } : kept)
        .then((appended) => onKept(appended, isUrgent));
    });
    if (forget !== undefined) works.push(outbox.forget({ device: options.did, messages: forget }));
    const groups = clocks.judge(measure(set, plan, memory));
    values.take(groups);
    reporter.lost(losses);
    const signed = reporter.take(groups);
    works.push(issuer.add(signed, losses, { isUrgent: urgency.judge(signed), ...named }));
    await Promise.all(works).catch((error: unknown) => {
      onFailure(error);
      throw error;
    });
  };
}

/** What was not read between the device's last batch and this start. */
function whileNotRunning(
  { clock, history }: DeviceOptions,
  known: { everyMs: number; connection: Connection; points: readonly string[] },
): Loss | undefined {
  const lastMs = history?.lastMs;
  if (lastMs === undefined || known.connection.silence?.whileAway) return undefined;
  const toMs = clock.nowMs();
  const intervals = Math.floor((toMs - lastMs) / known.everyMs);
  if (intervals <= 0) return undefined;
  return { fromMs: lastMs, toMs, count: intervals * known.points.length, cause: 'not-running' };
}

function snapshotOf(
  { clock, config, did, profile }: DeviceOptions,
  now: {
    readonly connection: Connection;
    readonly everyMs: number;
    readonly isPush: boolean;
    readonly stages: Stages;
    readonly status: DeviceStatus;
  },
): ReturnType<RunningDevice['snapshot']> {
  const { connection, everyMs, isPush, stages, status } = now;
  const fault = stages.clocks.fault();
  const heardAt = stages.heardAt();
  // A subscription whose server vouches for it is as fresh as that.
  const isVouched = isPush && connection.silence?.whileRunning && connection.state?.().up;
  const ageMs = isVouched ? 0 : heardAt === undefined ? undefined : clock.monotonicMs() - heardAt;
  return {
    ...status,
    did,
    driver: config.driver,
    profile: profile.name,
    everyMs,
    ...(ageMs !== undefined && { ageMs }),
    ...(fault !== undefined && { clock: fault }),
    counters: connection.counters?.() ?? {},
    certificates: connection.certificates?.() ?? [],
    points: stages.values.snapshot(),
  };
}

function statusOf(
  name: string,
  { condition, reason, sinceMs }: DeviceState,
  connection: Connection,
): DeviceStatus {
  const said = connection.state?.();
  if (said && !said.up) {
    const why = said.reason ?? reason;
    return { name, state: 'down', sinceMs, ...(why !== undefined && { reason: why }) };
  }
  return { name, state: condition, sinceMs, ...(reason !== undefined && { reason }) };
}
