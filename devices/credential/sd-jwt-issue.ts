/**
 * Makes selectively disclosable tokens (VC-JOSE-COSE §3.2, RFC 9901): parts of a payload go into
 * disclosures beside the token, and whoever holds it shows only some of them.
 */
import { strict as assert } from 'node:assert';
import type { Signer } from '../identity/signer.ts';
import type { Random } from '../runtime.ts';
import { type PreparedToken, prepareToken } from './jws.ts';
import { isRefusal } from './refusal.ts';
import { digestOfDisclosure, readDisclosure } from './sd-jwt.ts';

/** A payload whose parts stand in disclosures. */
export interface Concealed {
  readonly payload: string;
  readonly disclosures: readonly string[];
}

export interface ConcealOptions {
  readonly random: Random;
  /**
   * Arrays are filled up with decoys, so that their length does not tell how much is hidden. A
   * decoy is a disclosure of `null`: who gets it can see that nothing was left out on the way;
   * nobody else can tell it from what is hidden.
   */
  readonly decoys: boolean;
}

/** Members on the way to what is to be concealed; `*` at its end means each element of an array. */
export type ConcealPath = readonly string[];

/** What is concealed in a batch: each element, and each of the goods that they are about. */
const BATCH: readonly ConcealPath[] = [
  ['credentialSubject', 'epcList', '*'],
  ['credentialSubject', 'sensorElementList', '*'],
  ['credentialSubject', 'bl:aggregates', 'sensorElementList', '*'],
];

/** RFC 9901 §9.3: 128 bits. */
const SALT_BYTES = 16;
/** With decoys an array has a multiple of so many elements. */
const DECOY_STEP = 16;
const TILDE = '~';

/** A batch as `vc+sd-jwt`, with all of its disclosures. */
export function prepareSelectiveBatch(options: {
  readonly payload: string;
  readonly signer: Signer;
  readonly random: Random;
  readonly decoys: boolean;
}): PreparedToken {
  const { payload, disclosures } = conceal(options.payload, BATCH, options);
  const token = prepareToken({ payload, signer: options.signer, typ: 'vc+sd-jwt' });
  return {
    bytes: disclosures.reduce((sum, { length }) => sum + length + 1, token.bytes + 1),
    sign: async () => withDisclosures(await token.sign(), disclosures),
  };
}

/** Signs a batch as `vc+sd-jwt`, with all of its disclosures. */
export function signBatchSelectively(
  options: Parameters<typeof prepareSelectiveBatch>[0],
): Promise<Uint8Array> {
  return prepareSelectiveBatch(options).sign();
}

/** The token with disclosures, in the form of RFC 9901 §4. */
export function withDisclosures(token: Uint8Array, disclosures: readonly string[]): Uint8Array {
  const tail = ['', ...disclosures, ''].join(TILDE);
  return Buffer.concat([token, Buffer.from(tail, 'latin1')]);
}

/**
 * Moves parts of a payload into disclosures. Paths must exist, but for those that end with `*`,
 * and none may lie within another.
 */
export function conceal(
  payload: string,
  paths: readonly ConcealPath[],
  options: ConcealOptions,
): Concealed {
  const whole = JSON.parse(payload) as JsonObject;
  const disclosures: string[] = [];
  const hide = (...said: readonly unknown[]): string => {
    const salt = Buffer.from(options.random.bytes(SALT_BYTES)).toString('base64url');
    const text = Buffer.from(JSON.stringify([salt, ...said])).toString('base64url');
    disclosures.push(text);
    return digestOfDisclosure(text);
  };
  for (const path of paths) concealAt(whole, path, hide, options);
  return { payload: JSON.stringify({ ...whole, _sd_alg: 'sha-256' }), disclosures };
}

type JsonObject = Record<string, unknown>;

function concealAt(
  whole: JsonObject,
  path: ConcealPath,
  hide: (...said: readonly unknown[]) => string,
  options: ConcealOptions,
): void {
  const isEach = path.at(-1) === '*';
  const way = isEach ? path.slice(0, -2) : path.slice(0, -1);
  const last = path.at(isEach ? -2 : -1);
  const holder = way.reduce<unknown>((at, name) => (at as JsonObject | undefined)?.[name], whole);
  if (isEach && holder === undefined) return;
  assert(typeof holder === 'object' && holder !== null && last !== undefined, path.join('.'));
  const object = holder as JsonObject;
  const value = object[last];
  if (isEach) {
    if (!Array.isArray(value)) return;
    const elements = options.decoys ? filledUp(value, options.random) : value;
    object[last] = elements.map((element) => ({ '...': hide(element) }));
    return;
  }
  assert(value !== undefined, `there is nothing at ${path.join('.')}`);
  delete object[last];
  const digests = [...((object['_sd'] as string[] | undefined) ?? []), hide(last, value)];
  // In order of their text, so that the order of the members does not show (RFC 9901 §4.2.4.1).
  object['_sd'] = digests.sort();
}

/** The elements in their order, with decoys at places that chance names. */
function filledUp(elements: readonly unknown[], random: Random): unknown[] {
  const whole = [...elements];
  const length = Math.max(1, Math.ceil(elements.length / DECOY_STEP)) * DECOY_STEP;
  while (whole.length < length) {
    const [a = 0, b = 0] = random.bytes(2);
    whole.splice(((a << 8) | b) % (whole.length + 1), 0, null);
  }
  return whole;
}

/**
 * The token with only those disclosures that `keep` wants to show; it is given the value of each.
 * The token must have been opened before (`openCompact`), so that its disclosures are in order.
 */
export function showOnly(bytes: Uint8Array, keep: (value: unknown) => boolean): Uint8Array {
  const [token = '', ...disclosures] = Buffer.from(bytes).toString('latin1').split(TILDE);
  const kept = disclosures.filter((text) => {
    if (text === '') return false;
    const disclosure = readDisclosure(text);
    return !isRefusal(disclosure) && keep(disclosure.value);
  });
  return withDisclosures(Buffer.from(token, 'latin1'), kept);
}
