/**
 * The gateway: wires poll, measure, issue, outbox, forward and sink by direct calls. The only file
 * of the gateway that reads the registries.
 */
import { strict as assert } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { EdgeError } from '../devices/errors.ts';
import { type ConfigResult, readConfig, resolveFrom } from '../devices/io/config-file.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase, profileDigest } from '../devices/profile.ts';
import { profiles } from '../devices/profiles/registry.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import { type AskClock, type ClockWatch, createClockWatch } from './clock.ts';
import { askFirst, thisMachine } from './clock-sources/machine.ts';
import { clockSources } from './clock-sources/registry.ts';
import { checkedConfigSchema, type GatewayConfig } from './config.ts';
import { checkGatewayConfig, checkNested, profileOf, type Registries } from './config-check.ts';
import { completed, completeUplink, writtenInvitation } from './config-uplink.ts';
import { drivers } from './drivers/registry.ts';
import { createEnrolments, type EnrolledDevice, type Enrolments } from './enrolments.ts';
import { createFleet, type DeviceDids, type Fleet } from './fleet.ts';
import { Forwarder } from './forward.ts';
import { type Counters, composeStatus, createCounters, type StatusLine } from './health.ts';
import type { Outbox, Settled } from './outbox.ts';
import type { Vouch } from './outbox-message.ts';
import { createPaperTaker, paperFolder } from './paper-folder.ts';
import { receiptFolder, takeReceipts } from './receipt-folder.ts';
import { sinks } from './sinks/registry.ts';
import type { GatewaySnapshot } from './snapshot.ts';
import { createUplink, type Uplink } from './uplink.ts';
import { every, within } from './wait.ts';
import { createWitness, type Witness, type WitnessState } from './witness.ts';
import { witnessFolder } from './witness-folder.ts';

/** Everything that a configuration may name. */
export const registries: Registries = { profiles, drivers, sinks };

/** Asks the services of this machine about its clock. */
export const askMachineClock: AskClock = (statement, signal) =>
  askFirst(clockSources, thisMachine(), statement, signal);

/** Reads and checks a configuration; never touches the network. @throws EdgeError CFG_UNREADABLE */
export function readGatewayConfig(file: string): ConfigResult<GatewayConfig> {
  const result = readConfig(
    file,
    checkedConfigSchema,
    (config) => [...completeUplink(config, file), ...checkGatewayConfig(config, registries)],
    (value) => checkNested(value, registries),
  );
  return result.ok ? { ...result, value: completed(result.value) } : result;
}

/**
 * Where the invitation that a configuration names belongs; the file itself may not be there yet.
 *
 * @throws EdgeError CFG_UNREADABLE; CFG_INVALID when the configuration names none
 */
export function invitationPathOf(file: string): string {
  let named: string | undefined;
  readConfig(file, checkedConfigSchema, undefined, (value) => {
    named = writtenInvitation(value);
    return [];
  });
  if (named !== undefined) return resolveFrom(file, named);
  throw new EdgeError('CFG_INVALID', `looking for uplink.invitation in ${file}`);
}

export interface GatewayOptions {
  /** A configuration that has been checked against `known`. */
  readonly config: GatewayConfig;
  /** Its text; batches carry the digest. */
  readonly configText: string;
  readonly known: Registries;
  /** DIDs of the gateway and, by name, of its devices. */
  readonly did: string;
  readonly devices: DeviceDids;
  readonly outbox: Outbox;
  /** Signs with the gateway's key; needed where it was invited, and to be a witness. */
  readonly vouch?: Vouch;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Asks the service that sets this machine's clock; absent where there is nobody to ask. */
  readonly askClock?: AskClock;
  /** Opens a key that was made meanwhile, so that the outbox signs with it; `false` without one. */
  readonly openKey: (device: string, did: string) => Promise<boolean>;
  /** Resolves a path named in the configuration. */
  readonly resolvePath: (path: string) => string;
  /** Bytes of a file, or `undefined` where there is none. */
  readonly readFile: (path: string) => Uint8Array | undefined;
}

/** A configuration to change to: checked, and without changes that need a new process. */
export type Reload = Pick<GatewayOptions, 'config' | 'configText' | 'devices'>;

export interface Gateway {
  status(): Promise<StatusLine>;
  /** All that can be seen of it now. Cheap: what devices said last is kept, nobody is asked. */
  snapshot(): Promise<GatewaySnapshot>;
  /**
   * Changes to another configuration (reload.ts says which may be): devices that are the same keep
   * their connections, the others are stopped, signed and started; batches name the new digest.
   * One call at a time. Rejects when the uplink cannot be opened, and then the old one is closed.
   */
  reload(to: Reload): Promise<void>;
  /** Resolves, with the reason, when the gateway can go on no more and must be stopped. */
  readonly failed: Promise<unknown>;
  /**
   * Stops asking, signs what is there, forwards until the outbox is empty or `drainMs` is over
   * (from the call), and closes everything. Resolves with the last status. `onSigned` is called
   * when all that was read is on disk, which takes as long as the key takes.
   */
  stop(drainMs: number, onSigned?: () => void): Promise<StatusLine>;
}

const DRAIN_LOOK_MS = 25;
const WITNESS_MS = 500;

function createForwarder(
  { clock, config, did: gateway, log, outbox }: GatewayOptions,
  parts: {
    readonly counters: Counters;
    readonly enrolments: Enrolments;
    readonly failure: ReturnType<typeof createFailure>;
  },
): Forwarder {
  const { counters, enrolments, failure } = parts;
  return new Forwarder({
    ...{ outbox, enrolments, gateway, clock, log },
    ingester: config.uplink.ingester,
    onSettled: (settled) => countSettled(counters, settled),
    onFailure: failure.report,
  });
}

function countSettled(counters: Counters, { accepted, refused }: Settled): void {
  counters.delivered += accepted;
  counters.refused += refused;
}

/** Starts the gateway; resolves when every device's loop runs. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { clock, log, outbox } = options;
  const startedMs = clock.nowMs();
  const counters = createCounters();
  const failure = createFailure();
  let { config } = options;
  let configuration = digestMultibase(Buffer.from(options.configText));
  const clockWatch = createClockWatch(clock, clockOf(config), options.askClock);
  const enrolments = createEnrolments({
    devices: enrolled(options, options),
    gateway: options.did,
    readFile: options.readFile,
    log,
  });
  enrolments.refresh();
  const forwarder = createForwarder(options, { counters, enrolments, failure });
  const fleet = createFleet({
    ...options,
    gateway: options.did,
    site: () => ({ configuration, facility: config.facility }),
    dataDirectory: options.resolvePath(config.gateway.data),
    counters,
    clockWatch,
    enrolments,
    onCommitted: (isUrgent) => forwarder.committed(isUrgent),
    onFailure: failure.report,
  });
  const goOver = createSuccession({ ...options, enrolments, fleet });
  clockWatch.observe();
  await fleet.start(config.devices, options.devices);
  const tokens = () => enrolments.tokens().values();
  const witness = witnessOf(options, () => config.uplink.ingester, failure);
  const uplink = createUplink({ ...options, forwarder, gateway: options.did, tokens, witness });
  await uplink.open(config.uplink);
  const stopWatching = every(clock, limits.clockWatchMs, () => {
    clockWatch.observe();
    if (!enrolments.refresh()) return;
    forwarder.enrolmentsChanged();
    goOver().catch(failure.report);
  });
  const stopTaking = takeFiles(options, { counters, failure, forwarder });
  const parts = { counters, clockWatch, fleet, forwarder, uplink, witness, startedMs };
  const status = async () => statusOf(options, config, parts);
  return {
    status,
    snapshot: () => snapshotOf(options, { ...parts, config, configuration }),
    failed: failure.happened,
    async reload(to) {
      const before = config;
      // What is left of devices that change was read under the old configuration.
      await fleet.stopOthers(to.config.devices);
      config = to.config;
      configuration = digestMultibase(Buffer.from(to.configText));
      clockWatch.state(clockOf(config));
      enrolments.replace(enrolled(options, to));
      if (enrolments.refresh()) forwarder.enrolmentsChanged();
      await goOver();
      await fleet.startOthers(config.devices, to.devices);
      if (!isDeepStrictEqual(before.uplink, config.uplink)) await uplink.open(config.uplink);
    },
    async stop(drainMs, onSigned) {
      const until = clock.monotonicMs() + drainMs;
      stopWatching();
      stopTaking();
      await fleet.stop();
      await fleet.flush();
      onSigned?.();
      while ((await status()).waiting > 0 && clock.monotonicMs() < until) {
        await clock.sleep(DRAIN_LOOK_MS);
      }
      await forwarder.stop();
      const last = await status();
      await uplink.close();
      // The outbox has the key that signs for what is being kept.
      if (witness) await within(clock, WITNESS_MS, witness.idle());
      await outbox.close();
      return last;
    },
  };
}

/**
 * Lets devices go over to keys that were enrolled in place of theirs. The ingester hears of an
 * enrolment before what is signed under it, since both go one way and the enrolment goes first.
 */
function createSuccession({
  enrolments,
  fleet,
  log,
  openKey,
}: Pick<GatewayOptions, 'log' | 'openKey'> & { enrolments: Enrolments; fleet: Fleet }) {
  let tail = Promise.resolve();
  async function goOver(): Promise<void> {
    for (const succession of enrolments.successions()) {
      const { from, name, to } = succession;
      if (!(await openKey(name, to))) {
        log.warn('a new key is enrolled but not in the key store', { device: name, did: to });
        continue;
      }
      // From here on batches may name it.
      enrolments.succeeded(succession);
      await fleet.rename(name, to);
      log.info('signs with its new key', { device: name, from, to });
    }
  }
  return (): Promise<void> => {
    tail = tail.then(goOver);
    return tail;
  };
}

const NO_WITNESS: WitnessState = { contradiction: false, silent: false, unproven: false };

/** A witness of the ingester's journal, where there is a key to say so with. */
function witnessOf(
  { clock, config, did: gateway, log, resolvePath, vouch }: GatewayOptions,
  ingester: () => string,
  { report: onFailure }: ReturnType<typeof createFailure>,
): Witness | undefined {
  if (!vouch) return undefined;
  const folder = witnessFolder(resolvePath(config.gateway.data));
  const signed = (payload: string) => vouch({ payload, typ: 'bondline-witness+jwt' });
  return createWitness({ folder, gateway, ingester, vouch: signed, onFailure, clock, log });
}

/** Takes what people lay into its folders, as long as it runs; returns what ends it. */
function takeFiles(
  options: GatewayOptions,
  parts: Pick<Parts, 'counters' | 'forwarder'> & { failure: ReturnType<typeof createFailure> },
): () => void {
  const { counters, failure, forwarder } = parts;
  const stopCarrying = carryPapers(options, forwarder, failure);
  const stopSettling = settleByFiles(options, counters, failure);
  return () => {
    stopCarrying();
    stopSettling();
  };
}

/** Takes papers of parties to the ingester as long as it runs; returns what ends it. */
function carryPapers(
  { clock, config, log, outbox, resolvePath }: GatewayOptions,
  forwarder: Forwarder,
  failure: ReturnType<typeof createFailure>,
): () => void {
  const folder = paperFolder(resolvePath(config.gateway.data));
  const papers = createPaperTaker({ folder, outbox, log });
  return every(clock, limits.paperLookMs, () => {
    papers.take().then((isNew) => {
      if (isNew) forwarder.committed(true);
    }, failure.report);
  });
}

/** Takes receipts that a person carried back, as long as it runs; returns what ends it. */
function settleByFiles(
  { clock, config, did: gateway, log, outbox, resolvePath }: GatewayOptions,
  counters: Counters,
  failure: ReturnType<typeof createFailure>,
): () => void {
  const folder = receiptFolder(resolvePath(config.gateway.data));
  const { ingester } = config.uplink;
  const onSettled = (settled: Settled) => countSettled(counters, settled);
  let isBusy = false;
  return every(clock, limits.paperLookMs, () => {
    if (isBusy) return;
    isBusy = true;
    const done = takeReceipts({ folder, gateway, ingester, log, outbox, onSettled });
    done.then(() => {
      isBusy = false;
    }, failure.report);
  });
}

/** What status and snapshot look at. */
interface Parts {
  readonly counters: Counters;
  readonly clockWatch: ClockWatch;
  readonly fleet: Fleet;
  readonly forwarder: Forwarder;
  readonly uplink: Uplink;
  readonly witness: Witness | undefined;
  readonly startedMs: number;
}

async function statusOf(
  { clock, outbox }: GatewayOptions,
  config: GatewayConfig,
  { counters, fleet, forwarder, uplink }: Parts,
): Promise<StatusLine> {
  const stats = await outbox.stats();
  return composeStatus({
    timeMs: clock.nowMs(),
    site: config.gateway.name,
    counters,
    outbox: stats,
    held: forwarder.held(),
    uplink: uplink.isUp(),
    devices: fleet.statuses(),
  });
}

async function snapshotOf(
  { clock, did, outbox }: GatewayOptions,
  facts: Parts & { readonly config: GatewayConfig; readonly configuration: string },
): Promise<GatewaySnapshot> {
  const { clockWatch, config, configuration, counters, fleet, forwarder, uplink, witness } = facts;
  const { bytes, damaged, gaveWay, readings, rows } = await outbox.stats();
  const bytesMax = config.outbox?.bytesMax ?? limits.outboxBytesMaxDefault;
  const held = new Set(forwarder.held());
  return {
    timeMs: clock.nowMs(),
    startedMs: facts.startedMs,
    site: config.gateway.name,
    did,
    configuration,
    counters: { ...counters },
    uplink: { up: uplink.isUp() },
    outbox: { rows, readings, bytes, bytesMax, damaged, gaveWay },
    // Steps since the start: a batch counts those since the one before.
    clock: clockWatch.quality(0),
    witness: witness?.state() ?? NO_WITNESS,
    devices: fleet.snapshots().map((device) => ({ ...device, held: held.has(device.did) })),
  };
}

function clockOf({ clock }: GatewayConfig) {
  return clock ?? { source: 'auto' as const };
}

/** The devices that have a key, and those of them that sign by themselves. */
function enrolled(
  { known, resolvePath }: Pick<GatewayOptions, 'known' | 'resolvePath'>,
  { config, devices }: Pick<GatewayOptions, 'config' | 'devices'>,
): EnrolledDevice[] {
  return config.devices.flatMap((device) => {
    const profile = profileOf(device, known.profiles);
    assert(profile, `configuration was not checked: no profile for ${device.name}`);
    const did = devices.get(device.name);
    const of = (one: string, file: string | undefined): EnrolledDevice => ({
      ...{ name: device.name, did: one, profileDigest: profileDigest(profile) },
      ...(file !== undefined && { path: resolvePath(file) }),
    });
    const signer = known.drivers[device.driver]?.signer?.(device.connection);
    return [
      ...(did === undefined ? [] : [of(did, device.enrolment)]),
      ...(signer === undefined ? [] : [of(signer.did, signer.enrolment)]),
    ];
  });
}

function createFailure(): { happened: Promise<unknown>; report: (error: unknown) => void } {
  let report: (error: unknown) => void = () => undefined;
  const happened = new Promise<unknown>((resolve) => {
    report = resolve;
  });
  return { happened, report: (error) => report(error) };
}
