/**
 * The contract of a parser under attack: anything that takes bytes of strangers. It gives a value,
 * or refuses with a code; it never throws anything else, and never takes long.
 */
import { isRefusal } from '../../devices/credential/refusal.ts';
import { EdgeError, errorCatalogue } from '../../devices/errors.ts';

/** What came of one input. */
export type Outcome =
  | { readonly taken: true; readonly value: unknown }
  | { readonly taken: false; readonly code: string };

/** An input that must be taken as it is, to be changed afterwards. */
export interface Seed {
  readonly bytes: Uint8Array;
  /** Makes the whole input of the changed bytes: signs a payload, packs a token. */
  readonly wrap?: (inner: Uint8Array) => Uint8Array;
  /** It is refused as it is, after much of the way. */
  readonly isRefused?: boolean;
}

/** A parser that is ready to be asked. */
export interface Prepared {
  /** Valid inputs, made by our own composers, the same in each run. */
  readonly seeds: readonly Seed[];
  readonly parse: (bytes: Uint8Array) => Outcome | Promise<Outcome>;
  /** A second opinion: what is wrong with the outcome, if anything. */
  readonly doubt?: (bytes: Uint8Array, outcome: Outcome) => string | undefined;
  readonly close?: () => void | Promise<void>;
}

export interface Parser {
  /** Lower case, words joined by hyphens. */
  readonly name: string;
  /** Memory that its caches may come to hold, MiB, where that is more than a few. */
  readonly cachesMiB?: number;
  readonly prepare: () => Prepared | Promise<Prepared>;
}

/** What parsers say that refuse by giving nothing. */
const NOTHING = 'NOTHING';

/** `undefined` and refusals are refusals; anything else was taken. */
export function outcomeOf(value: unknown): Outcome {
  if (value === undefined) return { taken: false, code: NOTHING };
  if (typeof value === 'object' && value !== null && isRefusal(value)) return refused(value.code);
  return { taken: true, value };
}

/** A refusal with a code of the catalogue; a code for failures of our own is no refusal. */
export function refused(code: string): Outcome {
  if (!Object.hasOwn(errorCatalogue, code)) throw new Error(`${code} is no code of the catalogue`);
  if (code === 'VC_INTERNAL') throw new Error('it failed inside, with VC_INTERNAL');
  return { taken: false, code };
}

/** What an action gives; an EdgeError is a refusal, any other error goes on as a crash. */
export function attempt(action: () => unknown): Outcome {
  try {
    return outcomeOf(action());
  } catch (error) {
    if (error instanceof EdgeError) return refused(error.code);
    throw error;
  }
}

/** The same for what takes a while. */
export async function attemptLater(action: () => Promise<unknown>): Promise<Outcome> {
  try {
    return outcomeOf(await action());
  } catch (error) {
    if (error instanceof EdgeError) return refused(error.code);
    throw error;
  }
}
