/** One device at work: its connection, its loop, and the way from its samples to its batches. */
import type { DeviceProfile } from '../devices/profile.ts';
import { profileDigest } from '../devices/profile.ts';
import type { Loss } from '../devices/reading.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { ClockWatch } from './clock.ts';
import type { DeviceConfig } from './config.ts';
import { createDeviceWatch } from './device-state.ts';
import type { Connection, Driver, SampleSet } from './driver.ts';
import type { DeviceStatus } from './health.ts';
import { hasRoom, type IssueGate, type IssueOptions, Issuer } from './issue.ts';
import { listen } from './listen.ts';
import { createLossLedger } from './losses.ts';
import { type GoodsMemory, measure, planMeasurement } from './measure.ts';
import type { Outbox } from './outbox.ts';
import { poll } from './poll.ts';

export interface DeviceOptions {
  readonly config: DeviceConfig;
  readonly did: string;
  readonly profile: DeviceProfile;
  readonly driver: Driver;
  /** DID of the gateway, digest of its configuration, and URI of its place. */
  readonly gateway: string;
  readonly configuration: string;
  readonly facility: string;
  readonly dataDirectory: string;
  readonly resolvePath: (path: string) => string;
  /** Newest time in the device's history before this start, if it has one. */
  readonly lastMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly clockWatch: ClockWatch;
  readonly outbox: Outbox;
  readonly gate: IssueGate;
  readonly enrolment: () => ReturnType<IssueOptions['head']>['enrolment'];
  readonly onSampled: (count: number) => void;
  readonly onAppended: IssueOptions['onAppended'];
  readonly onFailure: (error: unknown) => void;
}

export interface RunningDevice {
  status(): DeviceStatus;
  /** Stops asking; resolves when nothing comes any more. */
  stop(abort: AbortSignal): Promise<void>;
  /** Signs what is left; resolves when it is durable. */
  flush(): Promise<void>;
}

/** Opens the device's connection and starts its loop. */
export async function startDevice(options: DeviceOptions): Promise<RunningDevice> {
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
  });
  const issuer = openIssuer(options, everyMs);
  const take = createTaker(options, issuer);
  const stop = new AbortController();
  const abort = new AbortController();
  const isPush = connection.subscribe !== undefined;
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

  return {
    status: () => statusOf(config.name, watch.state(), connection),
    async stop(cut) {
      cut.addEventListener('abort', () => abort.abort(), { once: true });
      stop.abort();
      await loop.catch(() => undefined);
      await connection.close();
    },
    flush: () => issuer.stop(),
  };
}

/** First reads are spread over this long. */
const PHASE_MS_MAX = 1_000;

function openIssuer(options: DeviceOptions, everyMs: number): Issuer {
  const { clock, clockWatch, config, gate, onAppended, onFailure, outbox, profile } = options;
  const { did: device, gateway, configuration, facility: readPoint } = options;
  const named = { name: profile.name, digest: profileDigest(profile) };
  return new Issuer({
    flushMs: config.flushMs ?? 1_000,
    heartbeatMs: config.heartbeatMs ?? 60_000,
    clock,
    clockWatch,
    outbox,
    gate,
    losses: createLossLedger(2 * everyMs),
    onAppended,
    onFailure,
    head: () => {
      const enrolment = options.enrolment();
      const head = { device, gateway, profile: named, configuration, readPoint };
      return enrolment ? { ...head, enrolment } : head;
    },
  });
}

function createTaker(
  { config, onSampled, profile }: DeviceOptions,
  issuer: Issuer,
): (set: SampleSet, losses: readonly Loss[]) => Promise<void> {
  const plan = planMeasurement(profile, config.goods);
  const memory: GoodsMemory = new Map();
  return async (set, losses) => {
    if (set.samples.length > 0) onSampled(set.samples.length);
    await issuer.add(measure(set, plan, memory), losses);
  };
}

/** What was not read between the device's last batch and this start. */
function whileNotRunning(
  { clock, lastMs }: DeviceOptions,
  known: { everyMs: number; connection: Connection; points: readonly string[] },
): Loss | undefined {
  // A source without a state of its own is a broker, which keeps messages while we are away.
  const isKept = known.connection.subscribe && !known.connection.state;
  if (lastMs === undefined || isKept) return undefined;
  const toMs = clock.nowMs();
  const intervals = Math.floor((toMs - lastMs) / known.everyMs);
  if (intervals <= 0) return undefined;
  return { fromMs: lastMs, toMs, count: intervals * known.points.length, cause: 'not-running' };
}

function statusOf(
  name: string,
  { condition, reason, sinceMs }: ReturnType<ReturnType<typeof createDeviceWatch>['state']>,
  connection: Connection,
): DeviceStatus {
  const said = connection.state?.();
  if (said && !said.up) {
    const why = said.reason ?? reason;
    return { name, state: 'down', sinceMs, ...(why !== undefined && { reason: why }) };
  }
  return { name, state: condition, sinceMs, ...(reason !== undefined && { reason }) };
}
