/**
 * The gateway: wires poll, measure, issue, outbox, forward and sink by direct calls. The only file
 * of the gateway that reads the registries.
 */
import { strict as assert } from 'node:assert';
import { type ConfigResult, readConfig } from '../devices/io/config-file.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase, profileDigest } from '../devices/profile.ts';
import { profiles } from '../devices/profiles/registry.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import { type ClockWatch, createClockWatch } from './clock.ts';
import { checkedConfigSchema, type GatewayConfig } from './config.ts';
import { checkGatewayConfig, checkNested, profileOf, type Registries } from './config-check.ts';
import { type RunningDevice, startDevice } from './device.ts';
import { drivers } from './drivers/registry.ts';
import { createEnrolments, type Enrolments } from './enrolments.ts';
import { Forwarder, type Send } from './forward.ts';
import { type Counters, composeStatus, createCounters, type StatusLine } from './health.ts';
import type { IssueGate } from './issue.ts';
import type { Outbox } from './outbox.ts';
import type { OpenSink } from './sink.ts';
import { sinks } from './sinks/registry.ts';

/** Everything that a configuration may name. */
export const registries: Registries = { profiles, drivers, sinks };

/** Reads and checks a configuration; never touches the network. @throws EdgeError CFG_UNREADABLE */
export function readGatewayConfig(file: string): ConfigResult<GatewayConfig> {
  return readConfig(
    file,
    checkedConfigSchema,
    (config) => checkGatewayConfig(config, registries),
    (value) => checkNested(value, registries),
  );
}

export interface GatewayOptions {
  /** A configuration that has been checked against `known`. */
  readonly config: GatewayConfig;
  /** Its text; batches carry the digest. */
  readonly configText: string;
  readonly known: Registries;
  /** DIDs of the gateway and, by name, of its devices. */
  readonly did: string;
  readonly devices: ReadonlyMap<string, string>;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Resolves a path named in the configuration. */
  readonly resolvePath: (path: string) => string;
  /** Bytes of a file, or `undefined` where there is none. */
  readonly readFile: (path: string) => Uint8Array | undefined;
}

export interface Gateway {
  status(): Promise<StatusLine>;
  /** Resolves, with the reason, when the gateway can go on no more and must be stopped. */
  readonly failed: Promise<unknown>;
  /**
   * Stops asking, signs what is there, forwards until the outbox is empty or `drainMs` is over
   * (from the call), and closes everything. Resolves with the last status.
   */
  stop(drainMs: number): Promise<StatusLine>;
}

/** Starts the gateway; resolves when every device's loop runs. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { clock, config, log, outbox } = options;
  const counters = createCounters();
  const failure = createFailure();
  const clockWatch = createClockWatch(clock, config.clock ?? { source: 'unknown' });
  const enrolments = openEnrolments(options);
  const forwarder = new Forwarder({
    outbox,
    enrolments,
    gateway: options.did,
    ingester: config.uplink.ingester,
    clock,
    log,
    onSettled({ accepted, refused }) {
      counters.delivered += accepted;
      counters.refused += refused;
    },
    onFailure: failure.report,
  });
  const running = await startDevices(options, {
    counters,
    clockWatch,
    enrolments,
    forwarder,
    onFailure: failure.report,
  });
  let isUp = false;
  const sink = await openSink(options, {
    onReceipt: (bytes) => forwarder.receipt(bytes),
    onState(connected, send) {
      isUp = connected;
      forwarder.uplink(connected ? send : undefined);
    },
  });
  const stopWatching = every(clock, limits.clockWatchMs, () => {
    clockWatch.observe();
    if (enrolments.refresh()) forwarder.enrolmentsChanged();
  });
  const status = async () =>
    composeStatus({
      timeMs: clock.nowMs(),
      site: config.gateway.name,
      counters,
      outbox: await outbox.stats(),
      held: forwarder.held(),
      uplink: isUp,
      devices: running.map((device) => device.status()),
    });
  return {
    status,
    failed: failure.happened,
    async stop(drainMs) {
      const until = clock.monotonicMs() + drainMs;
      stopWatching();
      await stopDevices(running, clock);
      await Promise.all(running.map((device) => device.flush()));
      while ((await status()).waiting > 0 && clock.monotonicMs() < until) {
        await clock.sleep(DRAIN_LOOK_MS);
      }
      await forwarder.stop();
      const last = await status();
      await within(clock, CLOSE_MS, sink.close());
      await outbox.close();
      return last;
    },
  };
}

/** The stages that all devices share. */
interface Stages {
  readonly counters: Counters;
  readonly clockWatch: ClockWatch;
  readonly enrolments: Enrolments;
  readonly forwarder: Forwarder;
  readonly onFailure: (error: unknown) => void;
}

async function startDevices(options: GatewayOptions, stages: Stages): Promise<RunningDevice[]> {
  const { clock, config, known, log, outbox, random, resolvePath } = options;
  const { clockWatch, counters, enrolments, forwarder, onFailure } = stages;
  const gate: IssueGate = { pending: 0 };
  const marks = new Map((await outbox.marks()).map(({ device, lastMs }) => [device, lastMs]));
  const starts = config.devices.map((device) => {
    const did = didOf(options, device.name);
    const lastMs = marks.get(did);
    const driver = known.drivers[device.driver];
    assert(driver, `configuration was not checked: there is no driver ${device.driver}`);
    return startDevice({
      config: device,
      did,
      profile: profileFor(options, device),
      driver,
      gateway: options.did,
      configuration: digestMultibase(Buffer.from(options.configText)),
      facility: config.facility,
      dataDirectory: resolvePath(config.gateway.data),
      resolvePath,
      ...(lastMs !== undefined && { lastMs }),
      clock,
      random,
      log,
      clockWatch,
      outbox,
      gate,
      enrolment: () => enrolments.of(did),
      onSampled(count) {
        counters.sampled += count;
        counters.newestMs = clock.nowMs();
      },
      onAppended({ batches, dropped, lossesSigned, readings }) {
        counters.signed += readings;
        counters.batches += batches;
        counters.lossesSigned += lossesSigned;
        counters.dropped += dropped;
        forwarder.committed();
      },
      onFailure,
    });
  });
  return Promise.all(starts);
}

function openEnrolments(options: GatewayOptions): Enrolments {
  const enrolments = createEnrolments({
    devices: options.config.devices.map((device) => ({
      name: device.name,
      did: didOf(options, device.name),
      profileDigest: profileDigest(profileFor(options, device)),
      ...(device.enrolment !== undefined && { path: options.resolvePath(device.enrolment) }),
    })),
    gateway: options.did,
    readFile: options.readFile,
    log: options.log,
  });
  enrolments.refresh();
  return enrolments;
}

/** How long a poll in flight may take when the gateway stops, and closing what is open. */
const LAST_READ_MS = 1_200;
const CLOSE_MS = 500;
const DRAIN_LOOK_MS = 25;

/** Lets polls in flight finish, then breaks them off. */
async function stopDevices(running: readonly RunningDevice[], clock: Clock): Promise<void> {
  const cut = new AbortController();
  const stopped = Promise.all(running.map((device) => device.stop(cut.signal)));
  await within(clock, LAST_READ_MS, stopped);
  cut.abort();
  await within(clock, CLOSE_MS, stopped);
}

/** Waits for `work`, but no longer than `ms`. */
async function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const done = work.then(
    () => over.abort(),
    () => over.abort(),
  );
  await Promise.race([done, clock.sleep(ms, over.signal)]);
}

/** Calls `action` every `ms` until the returned function is called. */
function every(clock: Clock, ms: number, action: () => void): () => void {
  let cancel = clock.after(ms, tick);
  function tick(): void {
    cancel = clock.after(ms, tick);
    action();
  }
  return () => cancel();
}

function createFailure(): { happened: Promise<unknown>; report: (error: unknown) => void } {
  let report: (error: unknown) => void = () => undefined;
  const happened = new Promise<unknown>((resolve) => {
    report = resolve;
  });
  return { happened, report: (error) => report(error) };
}

async function openSink(
  { clock, config, did, known, log, random, resolvePath }: GatewayOptions,
  events: {
    onReceipt: (bytes: Uint8Array) => void;
    onState: (connected: boolean, send: Send) => void;
  },
): Promise<OpenSink> {
  const sink = known.sinks[config.uplink.sink];
  assert(sink, `configuration was not checked: there is no sink ${config.uplink.sink}`);
  const closing = new AbortController();
  // A sink may come up before `open` has returned.
  const opened: Promise<OpenSink> = sink.open(
    config.uplink.connection,
    {
      onReceipt: events.onReceipt,
      onState: (connected) =>
        events.onState(connected, async (token) => (await opened).send(token, closing.signal)),
    },
    { clock, random, log, gateway: did, resolvePath },
  );
  const open = await opened;
  return {
    send: open.send,
    close() {
      closing.abort();
      return open.close();
    },
  };
}

function didOf(options: GatewayOptions, name: string): string {
  const did = options.devices.get(name);
  assert(did, `there is no key for device ${name}`);
  return did;
}

function profileFor(options: GatewayOptions, device: GatewayConfig['devices'][number]) {
  const profile = profileOf(device, options.known.profiles);
  assert(profile, `configuration was not checked: no profile for ${device.name}`);
  return profile;
}
