/** `bondline-gateway enrol-request`: one signed request a device, for the organisation's wallet. */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { composeEnrolRequest } from '../../devices/credential/enrol-request.ts';
import { EdgeError } from '../../devices/errors.ts';
import { makeDirectory } from '../../devices/io/directory.ts';
import type { KeyPlace, KeyStore } from '../../devices/io/key-store.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import { profileDigest } from '../../devices/profile.ts';
import type { DeviceConfig } from '../config.ts';
import { GATEWAY_LABEL, profileOf } from '../config-check.ts';
import { enrolledDidOf } from '../enrolments.ts';
import { registries } from '../gateway.ts';
import { keyLabelsOf, nextLabelOf, signingDidOf } from '../key-generations.ts';
import { planReports, signedCadenceMs } from '../report.ts';
import {
  type CommandContext,
  EXIT,
  loadConfig,
  openKeys,
  parseArguments,
  readFileIfAny,
} from './command.ts';

const OPTIONS = {
  out: { type: 'string' },
  rotate: { type: 'string' },
  lost: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

interface Request {
  readonly device: string;
  readonly did: string;
  readonly file: string;
  readonly supersedes?: string;
}

export async function runEnrolRequest(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['CONFIG']);
  const { lost = false, out, rotate } = values;
  if (out === undefined) throw new EdgeError('CFG_USAGE', '--out DIR is missing');
  if (lost && rotate === undefined) throw new EdgeError('CFG_USAGE', '--lost belongs to --rotate');
  const loaded = loadConfig(positionals[0] ?? '', context);
  const devices = loaded.config.devices.filter(({ name }) => (rotate ?? name) === name);
  if (devices.length === 0) {
    throw new EdgeError('CFG_USAGE', `no device of the configuration is called "${rotate}"`);
  }
  const store = await openKeys(loaded, context);
  const requests: Request[] = [];
  try {
    const gateway = await store.signer(GATEWAY_LABEL);
    for (const device of devices) {
      const enrolledDid = enrolledIn(device, loaded.resolvePath);
      const at = { store, enrolledDid };
      const keys = await (rotate === undefined
        ? keyInUse(device.name, at)
        : successorOf(device.name, { ...at, lost }));
      const asked = askFor(device, store.place, context.clock.nowMs());
      const token = await composeEnrolRequest(asked, { ...keys, gateway });
      const file = join(out, `${device.name}.jwt`);
      write(out, file, token);
      const supersedes = keys.superseded?.did;
      const did = keys.device.did;
      requests.push({ device: device.name, did, file, ...(supersedes && { supersedes }) });
    }
  } finally {
    await store.close();
  }
  if (values.json) context.out(`${JSON.stringify({ requests })}\n`);
  else context.out(linesOf(requests, { lost, out, isRotation: rotate !== undefined }));
  return EXIT.well;
}

type Signers = Omit<Parameters<typeof composeEnrolRequest>[1], 'gateway'>;

interface Keys {
  readonly store: KeyStore;
  /** DID that the enrolment at hand names. */
  readonly enrolledDid: string | undefined;
}

async function keyInUse(name: string, { enrolledDid, store }: Keys): Promise<Signers> {
  const keys = store.list();
  const did = signingDidOf(name, { keys, enrolledDid, signed: new Set() });
  const label = keys.find((key) => key.did === did)?.label ?? name;
  return { device: await store.signer(label) };
}

/** The key that comes after the one in use; made unless an earlier request made it. */
async function successorOf(name: string, at: Keys & { readonly lost: boolean }): Promise<Signers> {
  const { enrolledDid, lost, store } = at;
  const order = keyLabelsOf(name);
  const own = order.flatMap((label) => store.list().filter((key) => key.label === label));
  const inUse = signingDidOf(name, { keys: own, enrolledDid, signed: new Set() });
  const oldDid = enrolledDid ?? inUse;
  if (oldDid === undefined) {
    throw new EdgeError('KEY_NOT_FOUND', `looking for the key of "${name}" that is to be replaced`);
  }
  const place = own.findIndex(({ did }) => did === oldDid);
  if (place < 0 && !lost) {
    const what = `the enrolled key of "${name}", ${oldDid}, is not in the key store; if it is lost, say --lost`;
    throw new EdgeError('KEY_NOT_FOUND', what);
  }
  const labels = own.map(({ label }) => label);
  const next = own[place + 1] ?? (await store.create(nextLabelOf(name, labels), 'ES256'));
  const old = own[place];
  const superseded =
    lost || !old ? { did: oldDid, lost: true as const } : await store.signer(old.label);
  return { device: await store.signer(next.label), superseded };
}

function enrolledIn(
  { enrolment }: DeviceConfig,
  resolvePath: (path: string) => string,
): string | undefined {
  if (enrolment === undefined) return undefined;
  const token = readFileIfAny(resolvePath(enrolment));
  return token && enrolledDidOf(token);
}

function linesOf(
  requests: readonly Request[],
  { isRotation, lost, out }: { isRotation: boolean; lost: boolean; out: string },
): string {
  const command = isRotation
    ? `bondline-wallet rotate WALLET --request ${out}/*.jwt${lost ? ' --lost' : ''} --out enrolments`
    : `bondline-wallet enrol WALLET --request ${out}/*.jwt --facility FILE --goods PREFIX --out enrolments`;
  return [
    ...requests.map(({ device, file }) => `${device}: ${file}`),
    `next: ${command}`,
    '      (where the organisation keeps its wallet)',
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function askFor(config: DeviceConfig, place: KeyPlace, requestedMs: number) {
  const profile = profileOf(config, registries.profiles);
  assert(profile, `configuration was not checked: no profile for ${config.name}`);
  const everyMs = config.everyMs ?? 1_000;
  return {
    label: config.name,
    profile: { name: profile.name, digest: profileDigest(profile) },
    // What is promised is what is signed, which report by exception makes rarer.
    cadenceMs: signedCadenceMs(profile, planReports(profile, config.report), everyMs),
    heartbeatMs: config.heartbeatMs ?? 60_000,
    keyLocation: place === 'file' ? 'gateway-file' : 'gateway-secure-element',
    requestedMs,
  } as const;
}

function write(directory: string, file: string, token: Uint8Array): void {
  try {
    makeDirectory(directory);
    writeFileDurably(file, token);
  } catch (cause) {
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${file}`, { cause });
  }
}
