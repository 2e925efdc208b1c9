/** The command line of `bondline-sim`: parsed once, every mistake an EdgeError CFG_USAGE. */
import { parseArgs } from 'node:util';
import { EdgeError } from '../devices/errors.ts';

export interface DeviceArguments {
  readonly profile: string;
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly seed: number;
  readonly pace: number;
  readonly everyMs: number;
  readonly attached: boolean;
  readonly ledgerFile?: string;
  readonly directory?: string;
  readonly batchBarrels?: number;
  readonly units?: number;
  readonly registers?: number;
  readonly containers: readonly { readonly container: string; readonly startKm: number }[];
  readonly routeFile?: string;
  readonly topicPrefix?: string;
  readonly setPoint?: number;
  /** Lines that are obeyed as soon as the device is up. */
  readonly orders: readonly string[];
}

export interface ScenarioArguments {
  readonly scenario: string;
  readonly directory?: string;
  readonly forSeconds?: number;
  readonly fresh: boolean;
  readonly json: boolean;
}

/** @throws EdgeError CFG_USAGE */
export function parseDeviceArguments(args: readonly string[]): DeviceArguments {
  const { values, positionals } = parsed(args, {
    host: { type: 'string' },
    port: { type: 'string' },
    name: { type: 'string' },
    seed: { type: 'string' },
    pace: { type: 'string' },
    every: { type: 'string' },
    attached: { type: 'boolean' },
    ledger: { type: 'string' },
    directory: { type: 'string' },
    batch: { type: 'string' },
    units: { type: 'string' },
    registers: { type: 'string' },
    container: { type: 'string', multiple: true },
    route: { type: 'string' },
    prefix: { type: 'string' },
    'set-point': { type: 'string' },
    fault: { type: 'string' },
    // Every command knows it; here it changes nothing, since a device speaks JSON anyway.
    json: { type: 'boolean' },
  });
  const text = (name: string) => values[name] as string | undefined;
  const number = (name: string, low: number, high: number) =>
    numberOf(`--${name}`, text(name), low, high);
  return {
    profile: onlyOne(positionals, 'PROFILE'),
    host: text('host') ?? '127.0.0.1',
    port: number('port', 0, 65_535) ?? 0,
    name: text('name') ?? 'fc-1',
    seed: number('seed', 0, 2 ** 31) ?? 1,
    pace: number('pace', 0.01, 10_000) ?? 1,
    everyMs: number('every', 10, 3_600_000) ?? 1_000,
    attached: values['attached'] === true,
    containers: ((values['container'] ?? []) as string[]).map(containerOf),
    orders: text('fault') === undefined ? [] : [`fault ${text('fault')}`],
    ...optional('ledgerFile', text('ledger')),
    ...optional('directory', text('directory')),
    ...optional('batchBarrels', number('batch', 1, 1e9)),
    ...optional('units', number('units', 1, 247)),
    ...optional('registers', number('registers', 2, 65_536)),
    ...optional('routeFile', text('route')),
    ...optional('topicPrefix', text('prefix')),
    ...optional('setPoint', number('set-point', -70, 40)),
  };
}

/** @throws EdgeError CFG_USAGE */
export function parseScenarioArguments(args: readonly string[]): ScenarioArguments {
  const { values, positionals } = parsed(args, {
    fresh: { type: 'boolean' },
    json: { type: 'boolean' },
    for: { type: 'string' },
    data: { type: 'string' },
  });
  if (values['json'] === true && values['for'] === undefined) {
    throw usage('--json prints what came of a run, so it needs --for SECONDS');
  }
  return {
    scenario: onlyOne(positionals, 'SCENARIO'),
    fresh: values['fresh'] === true,
    json: values['json'] === true,
    ...optional('forSeconds', numberOf('--for', values['for'] as string | undefined, 1, 1e7)),
    ...optional('directory', values['data'] as string | undefined),
  };
}

type Options = Readonly<Record<string, { type: 'string' | 'boolean'; multiple?: boolean }>>;

function parsed(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (cause) {
    throw new EdgeError('CFG_USAGE', 'reading the command line', { cause });
  }
}

function onlyOne(positionals: readonly string[], what: string): string {
  const [first, ...others] = positionals;
  if (first !== undefined && others.length === 0) return first;
  throw usage(`exactly one ${what} is needed, not ${positionals.length}`);
}

function numberOf(
  option: string,
  text: string | undefined,
  low: number,
  high: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && value >= low && value <= high) return value;
  throw usage(`${option} takes a number from ${low} to ${high}, not "${text}"`);
}

/** `MSKU9070323` or `MSKU9070323@430`: the number, and the kilometre at which it starts. */
function containerOf(text: string): { container: string; startKm: number } {
  const [container = '', at] = text.split('@');
  return { container, startKm: numberOf('--container …@KM', at, 0, 40_000) ?? 0 };
}

function usage(message: string): EdgeError {
  return new EdgeError('CFG_USAGE', message);
}

/** An object with the key only where there is a value (`exactOptionalPropertyTypes`). */
function optional<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: V });
}
