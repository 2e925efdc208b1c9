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
import { createClockWatch } from './clock.ts';
import { type GatewayConfig, gatewayConfigSchema } from './config.ts';
import { checkGatewayConfig, profileOf, type Registries } from './config-check.ts';
import { type RunningDevice, startDevice } from './device.ts';
import { drivers } from './drivers/registry.ts';
import { createEnrolments } from './enrolments.ts';
import { createForwarder } from './forward.ts';
import { composeStatus, createCounters, type StatusLine } from './health.ts';
import type { IssueGate } from './issue.ts';
import type { Outbox } from './outbox.ts';
import type { OpenSink } from './sink.ts';
import { sinks } from './sinks/registry.ts';

/** Everything that a configuration may name. */
export const registries: Registries = { profiles, drivers, sinks };

/** Reads and checks a configuration; never touches the network. @throws EdgeError CFG_UNREADABLE */
export function readGatewayConfig(file: string): ConfigResult<GatewayConfig> {
  return readConfig(file, gatewayConfigSchema, (config) => checkGatewayConfig(config, registries));
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
  const { clock, config, log, outbox, random } = options;
  const counters = createCounters();
  const gate: IssueGate = { pending: 0 };
  const clockWatch = createClockWatch(clock, config.clock ?? { source: 'unknown' });
  const failure = createFailure(log);
  const enrolments = createEnrolments({
    devices: config.devices.map((device) => ({
      name: device.name,
      did: didOf(options, device.name),
      profileDigest: profileDigest(profileFor(options, device)),
      ...(device.enrolment !== undefined && { path: options.resolvePath(device.enrolment) }),
    })),
    gateway: options.did,
    readFile: options.readFile,
    log,
  });
  enrolments.refresh();
  const forwarder = createForwarder({
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

  let isUp = false;
  const sink = await openSink(options, {
    onReceipt: (bytes) => forwarder.receipt(bytes),
    onState(connected, send) {
      isUp = connected;
      forwarder.uplink(connected ? send : undefined);
    },
  });

  const marks = new Map((await outbox.marks()).map(({ device, lastMs }) => [device, lastMs]));
  const running = await Promise.all(
    config.devices.map((device) => {
      const did = didOf(options, device.name);
      const lastMs = marks.get(did);
      const driver = options.known.drivers[device.driver];
      assert(driver, `configuration was not checked: there is no driver ${device.driver}`);
      return startDevice({
        config: device,
        did,
        profile: profileFor(options, device),
        driver,
        gateway: options.did,
        configuration: digestMultibase(Buffer.from(options.configText)),
        facility: config.facility,
        dataDirectory: options.resolvePath(config.gateway.data),
        resolvePath: options.resolvePath,
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
        onFailure: failure.report,
      });
    }),
  );
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
      let last = await status();
      while (last.waiting > 0 && clock.monotonicMs() < until) {
        await clock.sleep(DRAIN_LOOK_MS);
        last = await status();
      }
      await forwarder.stop();
      await within(clock, CLOSE_MS, sink.close());
      last = await status();
      await outbox.close();
      return last;
    },
  };
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

function createFailure(log: Log): { happened: Promise<unknown>; report: (error: unknown) => void } {
  let resolve: (error: unknown) => void = () => undefined;
  const happened = new Promise<unknown>((onFailure) => {
    resolve = onFailure;
  });
  let isReported = false;
  return {
    happened,
    report(error) {
      if (!isReported) log.debug('the gateway cannot go on', { error: String(error) });
      isReported = true;
      resolve(error);
    },
  };
}

async function openSink(
  { clock, config, did, known, log, random, resolvePath }: GatewayOptions,
  events: {
    onReceipt: (bytes: Uint8Array) => void;
    onState: (connected: boolean, send: (token: Uint8Array) => Promise<void>) => void;
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
