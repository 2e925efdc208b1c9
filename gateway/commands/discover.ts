/** `bondline-gateway discover`: browses an OPC UA server and writes a configuration of it. */
import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import { writeFileDurably } from '../../devices/io/write-file.ts';
import { goodsKinds } from '../../devices/profile.ts';
import { createLog, formatTime } from '../../devices/runtime.ts';
import { compileReporter } from '../../devices/schema.ts';
import { discoverServer } from '../drivers/opcua/discover.ts';
import { type SuggestedDevice, suggestDevice } from '../drivers/opcua/discover-points.ts';
import type { Discovered } from '../drivers/opcua/found.ts';
import { loadOpcua } from '../drivers/opcua/library.ts';
import { openSecured } from '../drivers/opcua/link.ts';
import { openPki } from '../drivers/opcua/security.ts';
import { checkOpcua, type OpcuaSettings, opcuaSettings } from '../drivers/opcua/settings.ts';
import { type CommandContext, EXIT, parseArguments, parseSeconds } from './command.ts';
import { writeConfig } from './discover-config.ts';

const text = { type: 'string' } as const;
const OPTIONS = {
  out: text,
  root: text,
  data: text,
  mode: text,
  policy: text,
  user: text,
  'password-file': text,
  'user-cert': text,
  'user-key': text,
  insecure: { type: 'boolean' },
  depth: text,
  nodes: text,
  time: text,
  organisation: text,
  ingester: text,
  facility: text,
  uplink: text,
  goods: text,
  json: { type: 'boolean' },
} as const;

const DEPTH = { fallback: 8, most: 32 };
const NODES = { fallback: 5_000, most: 100_000 };
const TIME_SECONDS = 60;

export async function runDiscover(
  args: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { positionals, values } = parseArguments(args, OPTIONS, ['opc.tcp://HOST:PORT']);
  const [url = ''] = positionals;
  const { data = 'data', goods = 'steel-piece', out: file } = values;
  if (file !== undefined && existsSync(file)) {
    throw new EdgeError('CFG_USAGE', `${file} is there already: name another file with --out`);
  }
  if (!(goodsKinds as readonly string[]).includes(goods)) {
    throw new EdgeError('CFG_USAGE', `--goods ${goods} is not one of: ${goodsKinds.join(', ')}`);
  }
  const { user, 'password-file': passwordFile } = values;
  const { 'user-cert': certFile, 'user-key': keyFile } = values;
  const paths = { passwordFile, certFile, keyFile };
  const connection = connectionOf(url, values, present({ name: user, ...fromHere(paths) }));
  const found = await browse(settingsOf(connection), data, {
    context,
    rootPath: values.root,
    depth: wholeNumber('depth', values.depth, DEPTH),
    nodes: wholeNumber('nodes', values.nodes, NODES),
    timeMs: 1_000 * parseSeconds('time', values.time, TIME_SECONDS),
  });
  const devices = devicesOf(found);
  const points = devices.reduce((sum, device) => sum + device.points.length, 0);
  if (values.json) {
    const shown = { url, truncated: found.truncated, devices };
    context.out(`${JSON.stringify(shown)}\n`);
    return EXIT.well;
  }
  if (points === 0) {
    const told = `nothing below ${values.root ?? 'Objects'} of ${url} can be a point`;
    throw new EdgeError('GW_OPCUA_NOTHING_FOUND', told);
  }
  const { facility, ingester, organisation, uplink } = values;
  const folder = file === undefined ? '.' : dirname(resolve(file));
  const written = writeConfig({
    devices: devices.filter((device) => device.points.length > 0),
    connection: { ...connection, ...userFrom(connection, folder) },
    data: file === undefined ? data : relative(folder, resolve(data)) || '.',
    madeAt: formatTime(context.clock.nowMs()),
    truncated: found.truncated,
    fill: { facility, goods, ingester, organisation, uplink },
  });
  if (file === undefined) context.out(written);
  else {
    writeFileDurably(file, written);
    const filled = ![organisation, ingester, facility, uplink].includes(undefined);
    const next = filled ? 'then' : 'fill in what is marked, then';
    context.out(`${file}: ${points} points; ${next}: bondline-gateway check ${file}\n`);
  }
  if (found.truncated !== undefined) context.err(`not complete: ended ${found.truncated}\n`);
  return EXIT.well;
}

type Connection = Partial<OpcuaSettings> & { readonly url: string };

/** The connection as it is written down: without what is the default anyhow. */
function connectionOf(
  url: string,
  { insecure, mode, policy }: { insecure?: boolean; mode?: string; policy?: string },
  user: Readonly<Record<string, string>>,
): Connection {
  const none = mode === 'None';
  const block = {
    url,
    securityMode: mode,
    securityPolicy: policy ?? (none ? 'None' : undefined),
    insecure,
    user: Object.keys(user).length > 0 ? user : undefined,
  };
  // Checked by `settingsOf` before anything is done with it.
  return present(block) as unknown as Connection;
}

/** Members that are there. */
function present<T>(members: Readonly<Record<string, T | undefined>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(members).filter((entry): entry is [string, T] => entry[1] !== undefined),
  );
}

function fromHere(paths: Readonly<Record<string, string | undefined>>) {
  return Object.fromEntries(
    Object.entries(paths).map(([name, path]) => [name, path && resolve(path)]),
  );
}

/** Paths of the user's files from where the configuration will lie. */
function userFrom({ user }: Connection, folder: string): Pick<Connection, 'user'> | object {
  if (!user) return {};
  const { name, ...files } = user;
  const near = Object.entries(files).map(([key, path]) => [key, relative(folder, path ?? '')]);
  return { user: { ...(name !== undefined && { name }), ...Object.fromEntries(near) } };
}

/** The connection with its defaults. @throws EdgeError CFG_USAGE with every mistake */
function settingsOf(connection: Connection): OpcuaSettings {
  const block: unknown = structuredClone(connection);
  const mistakes = compileReporter(opcuaSettings)(block);
  // The reporter has checked the block and filled in the defaults.
  const settings = block as OpcuaSettings;
  const wrong = mistakes.length > 0 ? mistakes : checkOpcua(settings, {});
  if (wrong.length === 0) return settings;
  throw new EdgeError('CFG_USAGE', wrong.map(({ message }) => message).join('; '));
}

function wholeNumber(
  name: string,
  given: string | undefined,
  { fallback, most }: { readonly fallback: number; readonly most: number },
): number {
  if (given === undefined) return fallback;
  const number = Number(given);
  if (/^\d+$/.test(given) && number >= 1 && number <= most) return number;
  throw new EdgeError('CFG_USAGE', `--${name} ${given} is not a number from 1 to ${most}`);
}

async function browse(
  settings: OpcuaSettings,
  data: string,
  options: {
    readonly context: CommandContext;
    readonly rootPath: string | undefined;
    readonly depth: number;
    readonly nodes: number;
    readonly timeMs: number;
  },
): Promise<Discovered> {
  const { context, ...bounds } = options;
  const { clock, err, stop: signal } = context;
  const log = createLog({ component: 'discover', level: 'warn', clock, write: err });
  const opcua = await loadOpcua(log);
  const directory = join(resolve(data), 'pki');
  const pki = await openPki({ opcua, directory, clock, log });
  const device = settings.url;
  const opened = await openSecured({
    opcua,
    pki,
    settings,
    pinned: undefined,
    clock,
    context: { device, log },
    signal,
  });
  try {
    const { session } = opened;
    return await discoverServer({ opcua, session, clock, signal, ...bounds });
  } finally {
    await opened.close();
  }
}

function devicesOf({ namespaceUris, roots }: Discovered): SuggestedDevice[] {
  const taken = new Set<string>(['gateway']);
  return roots.map((root) => {
    const device = suggestDevice(root, taken, namespaceUris);
    taken.add(device.name);
    return device;
  });
}
