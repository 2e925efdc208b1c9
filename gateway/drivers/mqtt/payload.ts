/** What a JSON payload says about a device's points, each with the source text of its value. */
import { limits } from '../../../devices/limits.ts';
import type { Encoding, Sample } from '../../../devices/reading.ts';
import { parseTime } from '../../../devices/runtime.ts';
import type { SampleSet } from '../../driver.ts';

/** A point, and the member names from the payload's root to its value. */
export interface PayloadPoint {
  readonly point: string;
  readonly path: readonly string[];
}

/** What is known of the message besides its payload. */
export interface Arrival {
  readonly gatewayTimeMs: number;
  /** The broker kept it from before we subscribed [MQTT-3.3.1-8]; its age is not known. */
  readonly retained: boolean;
}

const JSON_TEXT: Encoding = { type: 'json', order: 'ABCD' };

/** Marks a value that was parsed; no payload can hold this key. */
const SOURCE = Symbol('source');

/** A string, number, boolean or null with its own text, such as `-18.250`. */
interface Token {
  readonly [SOURCE]: string;
  readonly value: unknown;
}

/**
 * The samples that a payload holds for `points`. A payload that cannot be read (too large, not
 * UTF-8, not JSON), and a point that it does not hold, are missing with cause `nonsense`.
 *
 * The raw words are the bytes of the value exactly as they stood in the payload: `1.50` and `1.5`
 * are one number but two texts. The time is the payload's own `time` (RFC 3339) or `timeMs`.
 * Where it has none, a retained message is `uncertain`: it may be a year old.
 */
export function readPayload(
  payload: Uint8Array,
  points: readonly PayloadPoint[],
  arrival: Arrival,
): SampleSet {
  const root = parse(payload);
  const time = timeOf(root);
  const doubts = [
    ...(time === 'invalid' ? ['mqtt:time-invalid'] : []),
    ...(typeof time !== 'number' && arrival.retained ? ['mqtt:retained'] : []),
  ];
  const samples: Sample[] = [];
  const missing: string[] = [];
  for (const { point, path } of points) {
    const token = at(root, path);
    if (token === undefined) {
      missing.push(point);
      continue;
    }
    const status = token.value === null ? ['mqtt:null', ...doubts] : doubts;
    samples.push({
      point,
      rawHex: Buffer.from(token[SOURCE], 'utf8').toString('hex'),
      encoding: JSON_TEXT,
      quality: token.value === null ? 'bad' : doubts.length > 0 ? 'uncertain' : 'good',
      ...(status.length > 0 && { status: status.join('; ') }),
      ...(typeof time === 'number' && { sourceTimeMs: time }),
      gatewayTimeMs: arrival.gatewayTimeMs,
    });
  }
  if (missing.length === 0) return { samples };
  return { samples, missing: { points: missing, cause: 'nonsense' } };
}

/** `JSON.parse` with source text access (ECMAScript 2026), which its TypeScript type lacks. */
const parseWithSource: (
  text: string,
  reviver: (key: string, value: unknown, context?: { readonly source?: string }) => unknown,
) => unknown = JSON.parse;

/** The payload with a token in place of each primitive value, or `undefined`. */
function parse(payload: Uint8Array): unknown {
  if (payload.length > limits.mqttPayloadBytesMax) return undefined;
  try {
    // A byte order mark is not JSON (RFC 8259 §8.1), so it is left in for the parser to refuse.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload);
    return parseWithSource(text, (_, value, context) =>
      context?.source === undefined ? value : ({ [SOURCE]: context.source, value } satisfies Token),
    );
  } catch {
    // Also what nests too deep for the parser's stack.
    return undefined;
  }
}

/** The token at `path`, by own members only: nothing is found on a prototype. */
function at(root: unknown, path: readonly string[]): Token | undefined {
  let node = root;
  for (const key of path) {
    if (!isObject(node) || isToken(node) || !Object.hasOwn(node, key)) return undefined;
    node = node[key];
  }
  return isToken(node) ? node : undefined;
}

function timeOf(root: unknown): number | 'invalid' | undefined {
  const text = at(root, ['time']);
  if (text !== undefined) {
    return (typeof text.value === 'string' ? parseTime(text.value) : undefined) ?? 'invalid';
  }
  const number = at(root, ['timeMs']);
  if (number === undefined) return undefined;
  return Number.isSafeInteger(number.value) ? Number(number.value) : 'invalid';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isToken(value: unknown): value is Token {
  return isObject(value) && SOURCE in value;
}
