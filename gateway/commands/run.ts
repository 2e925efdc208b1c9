/** `bondline-gateway run`: the gateway itself, until it is told to stop. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '../../devices/errors.ts';
import { unlockKeyStore } from '../../devices/io/key-store-open.ts';
import { keyStoreSettings } from '../../devices/io/key-store-settings.ts';
import { isDiskFailure, leaveAlone } from '../../devices/io/sqlite.ts';
import { createLog, type Log } from '../../devices/runtime.ts';
import type { GatewayConfig } from '../config.ts';
import { GATEWAY_LABEL } from '../config-check.ts';
import { enrolledDidOf } from '../enrolments.ts';
import {
  askMachineClock,
  type Gateway,
  readGatewayConfig,
  registries,
  startGateway,
} from '../gateway.ts';
import { formatStatus } from '../health.ts';
import { keyLabelsOf, signingDidOf } from '../key-generations.ts';
import type { Outbox } from '../outbox.ts';
import { openOutbox } from '../outbox-client.ts';
import type { Identity } from '../outbox-message.ts';
import { createReloader, type Reloader } from '../reload.ts';
import {
  type CommandContext,
  EXIT,
  type LoadedConfig,
  loadConfig,
  parseArguments,
  parseSeconds,
  readFileIfAny,
  useEncryption,
} from './command.ts';
import { startServices } from './run-services.ts';

const OPTIONS = {
  json: { type: 'boolean' },
  attached: { type: 'boolean' },
  drain: { type: 'string' },
} as const;

const DRAIN_SECONDS = 3;
const STATUS_MS = 1_000;
/** On a terminal the status is said this often. */
const STATUS_SHOWN_MS = 10_000;
/** Signing what was read may take this long: a TPM takes its time, and all devices stop at once. */
const SIGN_MS = 30_000;
/** Beyond that and the drain, stopping takes at most this long. */
const STOP_MS = 1_500;

export async function runRun(args: readonly string[], context: CommandContext): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const drainMs = 1_000 * parseSeconds('drain', values.drain, DRAIN_SECONDS);
  const { clock, err, out } = context;
  const log = createLog({ component: 'gateway', level: 'info', clock, write: err });
  const loaded = loadConfig(positionals[0] ?? '', context);
  const gateway = await open(positionals[0] ?? '', loaded, context, log);

  const over = new AbortController();
  const stop = () => over.abort();
  context.stop.addEventListener('abort', stop, { once: true });
  if (context.stop.aborted) stop();
  if (values.attached) context.onInputEnd(stop);
  let failure: unknown;
  void gateway.failed.then((error) => {
    failure = error;
    stop();
  });

  const services = await startServices({ config: loaded.config, gateway, context, log });
  const { did, devices } = gateway;
  context.onHangup?.(() => void services.reload(() => gateway.reloader.reload()));
  const { url } = services;
  if (values.json) out(`${JSON.stringify({ ready: true, gateway: did, devices, http: url })}\n`);
  else log.info('running', { gateway: did, devices: Object.keys(devices).join(', '), status: url });
  services.ready();
  await tellStatus(gateway, { json: values.json === true, context, log, over: over.signal });
  if (isDiskFailure(failure)) {
    const { config, resolvePath } = loaded;
    if (!leaveAlone([join(resolvePath(config.gateway.data), 'outbox.db')])) throw failure;
    err(`${explain(failure)}\n`);
    return EXIT.failed;
  }
  if (failure !== undefined) {
    err(`${explain(failure)}\n`);
    return EXIT.failed;
  }

  log.info('stopping');
  services.stopping();
  const signed = new AbortController();
  const stopped = gateway.reloader.close().then(() => gateway.stop(drainMs, () => signed.abort()));
  stopped.catch(() => undefined);
  const tooLong = clock.sleep(SIGN_MS, signed.signal).then(() => clock.sleep(drainMs + STOP_MS));
  const last = await Promise.race([stopped, tooLong]);
  await services.close();
  if (!last) {
    log.error('did not stop in time; only what is signed is in the outbox');
    return EXIT.failed;
  }
  if (values.json) out(`${JSON.stringify(last)}\n`);
  else log.info(formatStatus(last));
  return EXIT.well;
}

type Opened = Gateway & {
  readonly reloader: Reloader;
  readonly did: string;
  readonly devices: Readonly<Record<string, string>>;
};

async function open(
  file: string,
  loaded: LoadedConfig,
  context: CommandContext,
  log: Log,
): Promise<Opened> {
  const { config, resolvePath, text } = loaded;
  const { clock, random } = context;
  const keys = await unlockKeyStore(keyStoreSettings(config.keys, resolvePath), context);
  await useEncryption(loaded, keys.secret, context);
  const { identities, openKeys, outbox, vouch } = await openOutbox(
    {
      file: join(resolvePath(config.gateway.data), 'outbox.db'),
      keys,
      countBatches: config.keys.countBatches ?? false,
      labels: [GATEWAY_LABEL, ...config.devices.map(({ name }) => name)],
      bytesMax: config.outbox?.bytesMax ?? 0,
      whenFull: config.outbox?.whenFull ?? 'keep-oldest',
    },
    log,
  );
  const did = identities.find(({ label }) => label === GATEWAY_LABEL)?.did ?? '';
  const keysOf = (names: readonly string[]) => openKeys(names.flatMap(keyLabelsOf));
  try {
    const devices = await signingDids(config, { keysOf, outbox, resolvePath });
    const gateway = await startGateway({
      config,
      configText: text,
      known: registries,
      did,
      devices,
      outbox,
      vouch,
      clock,
      random,
      log,
      askClock: askMachineClock,
      openKey: async (name, wanted) => (await keysOf([name])).some((key) => key.did === wanted),
      resolvePath,
      readFile: readFileIfAny,
    });
    const reloader = createReloader({
      first: { config, configText: text },
      gateway,
      read: () => readGatewayConfig(file),
      readText: () => readText(file),
      openKeys: (now) => signingDids(now, { keysOf, outbox, resolvePath }),
      clock,
      log,
    });
    return { ...gateway, reloader, did, devices: Object.fromEntries(devices) };
  } catch (error) {
    await outbox.close();
    throw error;
  }
}

/** Under which DID each device signs, where it has a key. */
async function signingDids(
  { devices }: Pick<GatewayConfig, 'devices'>,
  at: {
    readonly keysOf: (names: readonly string[]) => Promise<readonly Identity[]>;
    readonly outbox: Pick<Outbox, 'marks'>;
    readonly resolvePath: (path: string) => string;
  },
): Promise<Map<string, string>> {
  const keys = await at.keysOf(devices.map(({ name }) => name));
  const signed = new Set((await at.outbox.marks()).map(({ device }) => device));
  const dids = new Map<string, string>();
  for (const { enrolment, name } of devices) {
    const token = enrolment === undefined ? undefined : readFileIfAny(at.resolvePath(enrolment));
    const did = signingDidOf(name, { keys, enrolledDid: token && enrolledDidOf(token), signed });
    if (did !== undefined) dids.set(name, did);
  }
  return dids;
}

/** A line of status at a steady rate, until `over`. */
async function tellStatus(
  gateway: Gateway,
  options: { json: boolean; context: CommandContext; log: Log; over: AbortSignal },
): Promise<void> {
  const { context, json, log, over } = options;
  while (true) {
    await context.clock.sleep(json ? STATUS_MS : STATUS_SHOWN_MS, over);
    if (over.aborted) return;
    const line = await gateway.status().catch(() => undefined);
    // A status that cannot be had is reported through `failed`.
    if (!line) continue;
    if (json) context.out(`${JSON.stringify(line)}\n`);
    else log.info(formatStatus(line));
  }
}

/** The file's text, or `undefined` where it cannot be read now. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
