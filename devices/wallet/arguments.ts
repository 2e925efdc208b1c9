/** Reads the wallet's command lines: flags, and flags that take several values. */
import { parseArgs } from 'node:util';
import { patterns } from '../credential/batch-schema.ts';
import type { Party } from '../credential/enrolment.ts';
import { EdgeError } from '../errors.ts';
import { parseTime } from '../runtime.ts';

/** How the options of a command are read. */
export interface OptionForm {
  /** Options with one value. */
  readonly single?: readonly string[];
  /** Options with one or more values: `--goods A B`, or given again. */
  readonly several?: readonly string[];
  /** Options without a value. */
  readonly flags?: readonly string[];
  /** How many arguments stand without an option: just so many, or from least to most. */
  readonly positionals: number | readonly [number, number];
}

/** What a command line says. */
export interface Arguments {
  readonly positionals: readonly string[];
  readonly one: (name: string) => string | undefined;
  readonly all: (name: string) => readonly string[];
  readonly has: (name: string) => boolean;
  /** @throws EdgeError CFG_USAGE when it is missing. */
  readonly required: (name: string) => string;
}

/**
 * Reads `args`. `--json` and `--help` are known to every command.
 *
 * @throws EdgeError CFG_USAGE for unknown options, missing values, and too few or many arguments.
 */
export function readArguments(args: readonly string[], form: OptionForm): Arguments {
  const { single = [], several = [], flags = [] } = form;
  const string = { type: 'string', multiple: true } as const;
  const options = Object.fromEntries([
    ...[...single, ...several].map((name) => [name, string] as const),
    ...[...flags, 'json', 'help'].map((name) => [name, { type: 'boolean' }] as const),
  ]);
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: spread(args, several), options, allowPositionals: true });
  } catch (cause) {
    throw usage(cause instanceof Error ? (cause.message.split('. ')[0] ?? '') : String(cause));
  }
  const { values, positionals } = parsed;
  const all = (name: string): readonly string[] => (values[name] as string[] | undefined) ?? [];
  for (const name of single) {
    if (all(name).length > 1) throw usage(`--${name} is given more than once`);
  }
  const [least = 0, most = least] = [form.positionals].flat();
  const isCounted = positionals.length >= least && positionals.length <= most;
  if (!isCounted && values['help'] !== true) {
    throw usage(`${least} argument(s) expected, ${positionals.length} given`);
  }
  const one = (name: string): string | undefined => all(name)[0];
  return {
    positionals,
    one,
    all,
    has: (name) => values[name] === true,
    required(name) {
      const value = one(name);
      if (value === undefined) throw usage(`--${name} is required`);
      return value;
    },
  };
}

/** A mistake on the command line. */
export function usage(message: string): EdgeError {
  return new EdgeError('CFG_USAGE', message);
}

/** `DID=NAME` of an option. @throws EdgeError CFG_USAGE */
export function partyOf(option: string, text: string): Party {
  const at = text.indexOf('=');
  const id = text.slice(0, at);
  const name = text.slice(at + 1).trim();
  if (at < 0 || !isUri(id) || name === '' || name.length > 200) {
    throw usage(`--${option} takes DID=NAME, e.g. did:web:shipper.example=Shipper`);
  }
  return { id, name };
}

/** A URI of an option. @throws EdgeError CFG_USAGE */
export function uriOf(option: string, text: string): string {
  if (isUri(text)) return text;
  throw usage(`--${option} ${text} is not a URI, e.g. did:web:mill.example/heat/`);
}

/** Milliseconds of an option that is a time. @throws EdgeError CFG_USAGE */
export function timeOf(option: string, text: string): number {
  const timeMs = parseTime(text);
  if (timeMs !== undefined) return timeMs;
  throw usage(`--${option} ${text} is not a time, e.g. 2027-01-31T00:00:00Z`);
}

function isUri(text: string): boolean {
  return new RegExp(patterns.uri).test(text) && text.length <= 512;
}

/** `--goods A B` as `--goods A --goods B`, which `parseArgs` understands. */
function spread(args: readonly string[], several: readonly string[]): string[] {
  const out: string[] = [];
  let current: string | undefined;
  let values = 0;
  for (const arg of args) {
    if (arg.startsWith('-')) {
      current = several.find((name) => arg === `--${name}`);
      values = 0;
      out.push(arg);
    } else {
      if (current !== undefined && values > 0) out.push(`--${current}`);
      values += 1;
      out.push(arg);
    }
  }
  return out;
}
