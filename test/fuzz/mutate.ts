/** Changes valid inputs: bits, lengths, nesting, letters, numbers, and members of JSON. */
import fc from 'fast-check';
import { changeJson } from './mutate-json.ts';
import type { Seed } from './parser.ts';

/** One change; the numbers choose where, how much and what, and shrink to zero. */
interface Change {
  readonly kind: keyof typeof changes;
  readonly at: number;
  readonly size: number;
  readonly pick: number;
}

/** How an input is made; small and readable, so that a failing one can be shrunk. */
export type Recipe =
  | { readonly from: number; readonly changes: readonly Change[] }
  | { readonly bytes: Uint8Array }
  | { readonly text: string };

const CHOICES = 0x3fff_ffff;
/** Longest run that is put in, bytes: more than any of the wire's bounds. */
const RUN_EXPONENT_MAX = 18;
const REPEATS_MAX = 300;
/** A change that would make it longer is left out: time and memory would be those of the length. */
const INPUT_BYTES_MAX = 4 * 1024 * 1024;
const NEST_MAX = 4_000;

const numbers = [
  '9'.repeat(20_000),
  ...['0', '-0', '-1', '1e400', '-1e400', '1e-400', '9007199254740993', '18446744073709551616'],
  ...['0.1e99999999', '00', '01', '+1', '.5', '1.', '0x1f', 'NaN', 'Infinity', 'null', 'true'],
  ...['123456789012345678901234567890.5', '2147483648', '-2147483649', '1795327200000000', '1E2'],
];

const texts = [
  ...['\\ud800', '\\udfff\\ud800', '\\u0000', '\u2028', '\u202e', '\ufeff', '\ufffe', '𝟘', '\0'],
  ...['__proto__', 'constructor', 'toString', '"', '\\', '\\"', '\n', '\t', '~', '.', '=', '%00'],
  ...['..', '/../', '*', '&a [*a,*a]', '!!binary x', '<<: *a', '%{x}', 'did:web:', 'https://[::]'],
].map((text) => Buffer.from(text));

const badUtf8 = ['c080', 'eda080', 'f8888080', 'ff', '80', 'e282', 'f4908080', 'efbbbf'].map(
  (hex) => Buffer.from(hex, 'hex'),
);

const openers = ['[', '{"a":', '[[', '{"a":[', '- ', '{a: ', '"', '(', '<a>'].map((text) =>
  Buffer.from(text),
);
/** Of CBOR: arrays, maps, tags, items of unknown length; of protocol buffers and DER: lengths. */
const binaryOpeners = ['81', 'a101', 'c1', '9f', 'bf01', 'd9d9f7', '1280', '3080'].map((hex) =>
  Buffer.from(hex, 'hex'),
);
const closers: Readonly<Record<string, string>> = {
  '[': ']',
  '{"a":': '}',
  '[[': ']]',
  '{"a":[': ']}',
};

/** Each takes bytes and gives others; none changes what it was given. */
const changes = {
  flip: (bytes: Buffer, { at, pick }: Change) => {
    if (bytes.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    const place = at % copy.length;
    copy[place] = (copy[place] ?? 0) ^ (1 << (pick & 7));
    return copy;
  },
  set: (bytes: Buffer, { at, pick }: Change) => {
    if (bytes.length === 0) return bytes;
    const copy = Buffer.from(bytes);
    copy[at % copy.length] = pick & 0xff;
    return copy;
  },
  cut: (bytes: Buffer, { at, size }: Change) => {
    const from = at % (bytes.length + 1);
    const rest = bytes.length - from;
    // Every second time all that follows goes.
    const count = size % 2 === 0 ? rest : (size >> 1) % (rest + 1);
    return replaced(bytes, from, from + count, Buffer.alloc(0));
  },
  repeat: (bytes: Buffer, { at, size, pick }: Change) => {
    const from = at % (bytes.length + 1);
    const count = 1 + (size % 64);
    const part = bytes.subarray(from, from + count);
    const times = pick % REPEATS_MAX;
    return replaced(bytes, from, from, Buffer.concat(Array.from({ length: times }, () => part)));
  },
  grow: (bytes: Buffer, { at, size, pick }: Change) => {
    const from = at % (bytes.length + 1);
    return replaced(bytes, from, from, Buffer.alloc(2 ** (size % RUN_EXPONENT_MAX), pick & 0xff));
  },
  nest: (bytes: Buffer, { at, size, pick }: Change) => {
    const from = at % (bytes.length + 1);
    const known = pick % 3 === 0 ? binaryOpeners : openers;
    const opener = known[(pick >> 2) % known.length] ?? Buffer.alloc(0);
    const times = size % NEST_MAX;
    const closer = closers[opener.toString()];
    if (closer === undefined) return replaced(bytes, from, from, repeated(opener, times));
    const inner = Buffer.concat([repeated(opener, times), repeated(Buffer.from(closer), times)]);
    return replaced(bytes, from, from, inner);
  },
  letters: (bytes: Buffer, { at, pick }: Change) => {
    const from = at % (bytes.length + 1);
    const known = pick % 4 === 0 ? badUtf8 : texts;
    return replaced(bytes, from, from, known[(pick >> 2) % known.length] ?? Buffer.alloc(0));
  },
  number: (bytes: Buffer, { at, pick }: Change) => {
    const found = [...bytes.toString('latin1').matchAll(/-?\d[\d.eE+-]*/g)];
    const one = found[at % Math.max(1, found.length)];
    const text = numbers[pick % numbers.length] ?? '';
    if (one === undefined) return bytes;
    return replaced(bytes, one.index, one.index + one[0].length, Buffer.from(text));
  },
  /** A length or count of 1, 2, 4 or 8 bytes that says something else. */
  length: (bytes: Buffer, { at, size, pick }: Change) => {
    if (bytes.length === 0) return bytes;
    const width = 1 << (size & 3);
    const value = Buffer.alloc(8);
    const said =
      [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff][pick % 10] ?? 0;
    if (size & 4) value.writeUInt32LE(said);
    else value.writeUInt32BE(said, 4);
    const from = at % bytes.length;
    const part = size & 4 ? value.subarray(0, width) : value.subarray(8 - width);
    return replaced(bytes, from, Math.min(bytes.length, from + width), part);
  },
  swap: (bytes: Buffer, { at, size, pick }: Change) => {
    const [a = 0, b = 0, c = 0] = [at, size, pick]
      .map((one) => one % (bytes.length + 1))
      .sort((x, y) => x - y);
    const parts = [
      [0, a],
      [b, c],
      [a, b],
      [c, bytes.length],
    ] as const;
    return Buffer.concat(parts.map(([from, to]) => bytes.subarray(from, to)));
  },
  splice: (bytes: Buffer, _change: Change) => bytes,
  json: (bytes: Buffer, change: Change) => changeJson(bytes, change),
} as const;

const kinds = Object.keys(changes) as (keyof typeof changes)[];
/** What keeps the form gets further into a parser, so it comes more often. */
const often: readonly (keyof typeof changes)[] = [
  ...kinds,
  'json',
  'json',
  'json',
  'json',
  'number',
];

const choice = fc.noBias(fc.integer({ min: 0, max: CHOICES }));

const change: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom(...often), choice, choice, choice)
  .map(([kind, at, size, pick]) => ({ kind, at, size, pick }));

/** Recipes, most of them changes of valid inputs, a few of them bytes and texts of nobody. */
export const recipes: fc.Arbitrary<Recipe> = fc.oneof(
  {
    weight: 18,
    arbitrary: fc
      .tuple(choice, fc.array(change, { minLength: 1, maxLength: 3 }))
      .map(([from, made]) => ({ from, changes: made })),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => ({ bytes })) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4 }).map((text) => ({ text })) },
);

/** The input of a recipe. */
export function bake(recipe: Recipe, seeds: readonly Seed[]): Uint8Array {
  if ('bytes' in recipe) return recipe.bytes;
  if ('text' in recipe) return Buffer.from(recipe.text);
  const seed = seeds[recipe.from % seeds.length];
  if (seed === undefined) return new Uint8Array();
  let bytes: Buffer = Buffer.from(seed.bytes);
  for (const one of recipe.changes) {
    const next = one.kind === 'splice' ? spliced(bytes, one, seeds) : changes[one.kind](bytes, one);
    if (next.length <= INPUT_BYTES_MAX) bytes = next;
  }
  return seed.wrap?.(bytes) ?? bytes;
}

/** A part of another input in the place of a part of this one. */
function spliced(bytes: Buffer, { at, size, pick }: Change, seeds: readonly Seed[]): Buffer {
  const other = seeds[pick % seeds.length]?.bytes ?? bytes;
  const from = at % (bytes.length + 1);
  const start = size % (other.length + 1);
  const count = (pick >> 4) % (other.length - start + 1);
  return replaced(bytes, from, from + count, other.subarray(start, start + count));
}

function replaced(bytes: Buffer, from: number, to: number, by: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
}

function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.alloc(bytes.length * times, bytes);
}
