/**
 * The devices of one gateway: starts them, and when the configuration changes stops and starts
 * those that changed. The others keep their connections and notice nothing.
 */
import { strict as assert } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { explain } from '../devices/errors.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { ClockWatch } from './clock.ts';
import type { DeviceConfig } from './config.ts';
import { profileOf, type Registries } from './config-check.ts';
import { type DeviceOptions, type RunningDevice, startDevice } from './device.ts';
import type { Enrolments } from './enrolments.ts';
import type { Counters, DeviceStatus } from './health.ts';
import type { IssueGate } from './issue.ts';
import type { Outbox } from './outbox.ts';
import type { DeviceSnapshot } from './snapshot.ts';
import { within } from './wait.ts';

export interface FleetOptions {
  readonly known: Registries;
  /** DID of the gateway. */
  readonly gateway: string;
  readonly site: DeviceOptions['site'];
  readonly dataDirectory: string;
  readonly resolvePath: (path: string) => string;
  readonly outbox: Outbox;
  readonly counters: Counters;
  readonly clockWatch: ClockWatch;
  readonly enrolments: Enrolments;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** There are new rows in the outbox; perhaps urgent ones. */
  readonly onCommitted: (isUrgent: boolean) => void;
  readonly onFailure: (error: unknown) => void;
}

/** DIDs of the devices whose keys are there, by name. */
export type DeviceDids = ReadonlyMap<string, string>;

export interface Fleet {
  /** Starts all of them. @throws what a driver throws that cannot be opened */
  start(devices: readonly DeviceConfig[], dids: DeviceDids): Promise<void>;
  /** Stops and signs what is left of those that `devices` does not have as they are. */
  stopOthers(devices: readonly DeviceConfig[]): Promise<void>;
  /** Starts those that do not run. One that cannot be started is down, and says why. */
  startOthers(devices: readonly DeviceConfig[], dids: DeviceDids): Promise<void>;
  /** A device goes over to another key; its connection stays. */
  rename(name: string, did: string): Promise<void>;
  /** Stops asking; resolves when nothing comes any more. */
  stop(): Promise<void>;
  /** Signs what is left; resolves when it is durable. */
  flush(): Promise<void>;
  /** In the order of the configuration. */
  statuses(): DeviceStatus[];
  snapshots(): Omit<DeviceSnapshot, 'held'>[];
}

/** What there is of a configured device. */
type Member =
  | { readonly config: DeviceConfig; readonly running: RunningDevice }
  | { readonly config: DeviceConfig; readonly running?: never; readonly absent: DeviceStatus };

/** How long a poll in flight may take when a device stops, and closing what is open. */
const LAST_READ_MS = 1_200;
const CLOSE_MS = 500;

export function createFleet(options: FleetOptions): Fleet {
  const { clock, log } = options;
  const gate: IssueGate = { pending: 0 };
  let members: readonly Member[] = [];
  /** Wall time at which devices of this run were stopped, by DID. */
  const stoppedMs = new Map<string, number>();

  async function startOne(config: DeviceConfig, did: string): Promise<Member> {
    const mark = (await options.outbox.marks()).find(({ device }) => device === did);
    const lastMs = Math.max(mark?.lastMs ?? 0, stoppedMs.get(did) ?? 0);
    const history = mark && { ...mark, lastMs };
    const running = await startDevice({
      ...optionsOf(options, config, did, gate),
      ...(history && { history }),
    });
    return { config, running };
  }

  function absent(config: DeviceConfig, reason: string): Member {
    log.error('a device cannot be started', { device: config.name, reason });
    const { name } = config;
    return { config, absent: { name, state: 'down', sinceMs: clock.nowMs(), reason } };
  }

  async function stopThese(leaving: readonly RunningDevice[]): Promise<void> {
    await stopAll(leaving, clock);
    for (const { did } of leaving) stoppedMs.set(did, clock.nowMs());
  }

  return {
    async start(devices, dids) {
      const starts = devices.map((config) => {
        const did = dids.get(config.name);
        assert(did, `there is no key for device ${config.name}`);
        return startOne(config, did);
      });
      members = await Promise.all(starts);
    },
    async stopOthers(devices) {
      const stays = ({ config }: Member) => devices.some((other) => isSame(config, other));
      const leaving = members.flatMap((member) => (stays(member) ? [] : (member.running ?? [])));
      members = members.filter((member) => stays(member) && member.running);
      await stopThese(leaving);
      await Promise.all(leaving.map((device) => device.flush()));
    },
    async startOthers(devices, dids) {
      const starts = devices.map(async (config) => {
        const known = members.find((member) => member.config.name === config.name);
        if (known) return { ...known, config };
        const did = dids.get(config.name);
        if (!did) return absent(config, NO_KEY);
        return startOne(config, did).catch((error: unknown) => absent(config, explain(error)));
      });
      members = await Promise.all(starts);
    },
    async rename(name, did) {
      await members.find(({ config }) => config.name === name)?.running?.rename(did);
    },
    stop: () => stopThese(members.flatMap(({ running }) => running ?? [])),
    async flush() {
      await Promise.all(members.map(({ running }) => running?.flush()));
    },
    statuses: () => members.map((member) => member.running?.status() ?? statusOf(member)),
    snapshots: () =>
      members.map((member) => member.running?.snapshot() ?? absentSnapshot(member, options.known)),
  };
}

const NO_KEY = 'it has no key; bondline-gateway keygen CONFIG makes it, then reload';

/** Everything but the enrolment, which is looked at all the time. */
function isSame(a: DeviceConfig, b: DeviceConfig): boolean {
  const { enrolment: _, ...one } = a;
  const { enrolment: __, ...other } = b;
  return isDeepStrictEqual(one, other);
}

function optionsOf(
  options: FleetOptions,
  config: DeviceConfig,
  did: string,
  gate: IssueGate,
): DeviceOptions {
  const { clock, counters, enrolments, known, onCommitted } = options;
  const driver = known.drivers[config.driver];
  assert(driver, `configuration was not checked: there is no driver ${config.driver}`);
  const profile = profileOf(config, known.profiles);
  assert(profile, `configuration was not checked: no profile for ${config.name}`);
  return {
    ...options,
    config,
    did,
    profile,
    driver,
    gate,
    enrolment: (named) => enrolments.of(named),
    onSampled(count) {
      counters.sampled += count;
      counters.newestMs = clock.nowMs();
    },
    onAppended({ batches, dropped, lossesSigned, readings }, draft) {
      counters.signed += readings;
      counters.batches += batches;
      counters.lossesSigned += lossesSigned;
      counters.dropped += dropped;
      if (batches > 0) counters.suppressed += draft.suppressed ?? 0;
      onCommitted(draft.priority === 'urgent');
    },
    onKept({ batches, dropped, readings }, isUrgent) {
      counters.sampled += readings + dropped;
      counters.batches += batches;
      counters.dropped += dropped;
      counters.newestMs = clock.nowMs();
      onCommitted(isUrgent);
    },
  };
}

/** Lets polls in flight finish, then breaks them off. */
async function stopAll(devices: readonly RunningDevice[], clock: Clock): Promise<void> {
  if (devices.length === 0) return;
  const cut = new AbortController();
  const stopped = Promise.all(devices.map((device) => device.stop(cut.signal)));
  await within(clock, LAST_READ_MS, stopped);
  cut.abort();
  await within(clock, CLOSE_MS, stopped);
}

function statusOf(member: Member): DeviceStatus {
  return member.running ? member.running.status() : member.absent;
}

function absentSnapshot(member: Member, known: Registries): Omit<DeviceSnapshot, 'held'> {
  const { config } = member;
  const profile = profileOf(config, known.profiles);
  const points = Object.entries(profile?.points ?? {});
  return {
    ...statusOf(member),
    did: '',
    driver: config.driver,
    profile: profile?.name ?? '',
    everyMs: config.everyMs ?? 1_000,
    counters: {},
    certificates: [],
    points: points.map(([point, { summary, unit }]) => ({ point, summary, unit })),
  };
}
