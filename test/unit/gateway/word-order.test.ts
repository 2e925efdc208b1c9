/**
 * Raw words of every type in every order, against a decoder that shares nothing with the one under
 * test: letters say where each byte goes, and values come from sums and powers of two.
 */
import { describe, expect, it } from 'vitest';
import type { ByteOrder, Encoding, RawType, Value } from '../../../devices/reading.ts';
import { decode } from '../../../gateway/decode.ts';

/** The letters of an order for each length in bytes, written out by hand. */
const LETTERS: Readonly<Record<ByteOrder, Readonly<Partial<Record<number, string>>>>> = {
  ABCD: { 1: 'A', 2: 'AB', 4: 'ABCD', 6: 'ABCDEF', 8: 'ABCDEFGH' },
  CDAB: { 1: 'A', 2: 'AB', 4: 'CDAB', 6: 'EFCDAB', 8: 'GHEFCDAB' },
  BADC: { 1: 'A', 2: 'BA', 4: 'BADC', 6: 'BADCFE', 8: 'BADCFEHG' },
  DCBA: { 1: 'A', 2: 'BA', 4: 'DCBA', 6: 'FEDCBA', 8: 'HGFEDCBA' },
  ABCDEFGH: { 2: 'AB', 4: 'ABCD', 8: 'ABCDEFGH' },
  BADCFEHG: { 2: 'BA', 4: 'BADC', 8: 'BADCFEHG' },
  CDABGHEF: { 2: 'AB', 4: 'CDAB', 8: 'CDABGHEF' },
  DCBAHGFE: { 2: 'BA', 4: 'DCBA', 8: 'DCBAHGFE' },
  EFGHABCD: { 2: 'AB', 4: 'ABCD', 8: 'EFGHABCD' },
  FEHGBADC: { 2: 'BA', 4: 'BADC', 8: 'FEHGBADC' },
  GHEFCDAB: { 2: 'AB', 4: 'CDAB', 8: 'GHEFCDAB' },
  HGFEDCBA: { 2: 'BA', 4: 'DCBA', 8: 'HGFEDCBA' },
};

const ORDERS = Object.keys(LETTERS) as ByteOrder[];
const FOUR = ORDERS.filter((order) => order.length === 4);

/** Powers of two by doubling and halving, each step exact. */
const POWERS = new Map<number, number>([[0, 1]]);
for (let n = 1; n <= 1_023; n += 1) POWERS.set(n, (POWERS.get(n - 1) ?? 0) * 2);
for (let n = -1; n >= -1_074; n -= 1) POWERS.set(n, (POWERS.get(n + 1) ?? 0) / 2);

/** Bytes on the wire, most significant first. */
function inOrder(wire: readonly number[], order: ByteOrder): number[] {
  const letters = LETTERS[order][wire.length];
  if (letters === undefined) throw new Error(`${order} says nothing of ${wire.length} bytes`);
  const bytes: number[] = [];
  for (const [at, byte] of wire.entries()) bytes['ABCDEFGH'.indexOf(letters[at] ?? '')] = byte;
  return bytes;
}

function sum(bytes: readonly number[]): number {
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

function wide(bytes: readonly number[]): bigint {
  return (BigInt(sum(bytes.slice(0, 4))) << 32n) + BigInt(sum(bytes.slice(4)));
}

function exact(value: bigint): number | bigint {
  return value > 9_007_199_254_740_991n || value < -9_007_199_254_740_991n ? value : Number(value);
}

/** IEEE 754 by its definition: sign, biased exponent, fraction. */
function float(bytes: readonly number[], exponentBits: number): number {
  const fractionBits = 8 * bytes.length - 1 - exponentBits;
  const bits = bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n);
  const fraction = Number(bits % (1n << BigInt(fractionBits)));
  const exponent = Number((bits >> BigInt(fractionBits)) % (1n << BigInt(exponentBits)));
  const sign = bits >> BigInt(8 * bytes.length - 1) === 1n ? -1 : 1;
  const top = 2 ** exponentBits - 1;
  const bias = 2 ** (exponentBits - 1) - 1;
  const power = (n: number) => POWERS.get(n) ?? Number.NaN;
  if (exponent === top) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  const lead = exponent === 0 ? 0 : 2 ** fractionBits;
  const value = sign * (lead + fraction) * power(Math.max(exponent, 1) - bias - fractionBits);
  // Nothing distinguishes −0 from 0 in JSON.
  return value === 0 ? 0 : value;
}

function digits(bytes: readonly number[]): number | bigint | undefined {
  const text = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return /^[0-9]+$/.test(text) ? exact(BigInt(text)) : undefined;
}

function negative(value: number, bits: number): number {
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}

function expected(
  wire: readonly number[],
  { type, order, bit, byte }: Encoding,
): Value | undefined {
  const bytes = inOrder(wire, order);
  const eight = bytes.length === 2 && byte !== 'high' ? bytes[1] : bytes[0];
  switch (type) {
    case 'int8':
      return negative(eight ?? 0, 8);
    case 'uint8':
      return eight;
    case 'int16':
      return negative(sum(bytes), 16);
    case 'uint16':
      return sum(bytes);
    case 'int32':
      return negative(sum(bytes), 32);
    case 'uint32':
      return sum(bytes);
    case 'int64':
      return exact(wide(bytes) >= 1n << 63n ? wide(bytes) - (1n << 64n) : wide(bytes));
    case 'uint64':
      return exact(wide(bytes));
    case 'float16':
      return float(bytes, 5);
    case 'float32':
      return float(bytes, 8);
    case 'float64':
      return float(bytes, 11);
    case 'bcd':
      return digits(bytes);
    case 'bool':
      if (bit === undefined) return bytes.some((part) => part !== 0);
      return (
        Math.floor((bytes[bytes.length - 1 - Math.floor(bit / 8)] ?? 0) / 2 ** (bit % 8)) % 2 === 1
      );
    default:
      throw new Error(`${type} is no type of registers`);
  }
}

const NUMBERS: readonly [RawType, number][] = [
  ['int8', 1],
  ['uint8', 1],
  ['int8', 2],
  ['uint8', 2],
  ['int16', 2],
  ['uint16', 2],
  ['float16', 2],
  ['int32', 4],
  ['uint32', 4],
  ['float32', 4],
  ['int64', 8],
  ['uint64', 8],
  ['float64', 8],
  ['bcd', 2],
  ['bcd', 4],
  ['bcd', 6],
  ['bcd', 8],
];

/** Every encoding that a register can have, with its length in bytes. */
const CASES: { readonly bytes: number; readonly encoding: Encoding }[] = [
  ...NUMBERS.flatMap(([type, bytes]) =>
    (bytes === 8 ? ORDERS : FOUR).map((order) => ({ bytes, encoding: { type, order } })),
  ),
  ...(['int8', 'uint8'] as const).flatMap((type) =>
    FOUR.flatMap((order) =>
      (['high', 'low'] as const).map((byte) => ({ bytes: 2, encoding: { type, order, byte } })),
    ),
  ),
  ...[2, 4, 8].flatMap((bytes) =>
    (bytes === 8 ? ORDERS : FOUR).flatMap((order) => [
      { bytes, encoding: { type: 'bool', order } as const },
      ...Array.from({ length: 8 * bytes }, (_, bit) => ({
        bytes,
        encoding: { type: 'bool', order, bit } as const,
      })),
    ]),
  ),
];

/** Marsaglia's xorshift on 32 bits, so that a failure can be had again from its seed. */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Bytes at random; every fourth time with the patterns at which types begin and end. */
function randomWire(random: () => number, type: RawType, bytes: number): number[] {
  const edges = [0x00, 0xff, 0x7f, 0x80, 0x7c, 0xfc, 0x01, 0xfe];
  const isEdge = random() % 4 === 0;
  return Array.from({ length: bytes }, () => {
    const drawn = random();
    if (type === 'bcd' && drawn % 64 !== 0)
      return 16 * ((drawn >>> 8) % 10) + ((drawn >>> 16) % 10);
    return isEdge && drawn % 3 !== 0 ? (edges[(drawn >>> 8) % 8] ?? 0) : (drawn >>> 8) & 0xff;
  });
}

function check(wire: readonly number[], encoding: Encoding): void {
  const hex = wire.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const got = decode(hex, encoding);
  const want = expected(wire, encoding);
  if (!Object.is(got, want)) {
    expect.fail(`${hex} as ${JSON.stringify(encoding)}: ${String(got)}, not ${String(want)}`);
  }
}

const TIMES = 1_000_000;

describe('the table of word orders', () => {
  it(`is that of an independent decoder, for ${TIMES} random values of all types`, () => {
    const seed = Number(process.env['SEED'] ?? 0x5eed_0003);
    const random = xorshift(seed);
    const counts = new Map<string, number>();
    // Bits are many encodings: half of the values are numbers, so that each order has thousands.
    const numbers = CASES.filter(({ encoding }) => encoding.type !== 'bool');
    for (let time = 0; time < TIMES; time += 1) {
      const cases = time % 2 === 0 ? numbers : CASES;
      const { bytes, encoding } = cases[random() % cases.length] ?? CASES[0] ?? expect.fail();
      check(randomWire(random, encoding.type, bytes), encoding);
      const key = `${encoding.type} ${bytes} ${encoding.order}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect([...counts.values()].reduce((total, count) => total + count)).toBe(TIMES);
    const kinds = new Set(CASES.map(({ bytes, encoding: e }) => `${e.type} ${bytes} ${e.order}`));
    expect(counts.size).toBe(kinds.size);
    expect(Math.min(...counts.values()), `seed ${seed}`).toBeGreaterThan(1_000);
  });

  it('is that of an independent decoder for every half float there is', () => {
    for (let bits = 0; bits < 0x1_0000; bits += 1) {
      const wire = [Math.floor(bits / 256), bits % 256];
      check(wire, { type: 'float16', order: 'ABCD' });
      check(wire, { type: 'float16', order: 'DCBA' });
    }
  });

  it('is right at the edges of every class of float, in every order', () => {
    const heads = ['0000', '0001', '007f', '0080', '3f80', '7f7f', '7f80', '7fc0', '7fff', '7ff0'];
    const tails = ['0000', '0001', 'ffff', '8000'];
    for (const type of ['float32', 'float64'] as const) {
      for (const head of heads.flatMap((h) => [
        h,
        `${(0x8 + Number(h[0])).toString(16)}${h.slice(1)}`,
      ])) {
        for (const tail of tails) {
          const hex = (head + tail.repeat(3)).slice(0, type === 'float32' ? 8 : 16);
          const wire = hex.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
          for (const order of type === 'float32' ? FOUR : ORDERS) check(wire, { type, order });
        }
      }
    }
  });

  it('keeps every bit of 64-bit integers at their edges, in every order', () => {
    const edges = [0n, 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n];
    for (const edge of [...edges, ...edges.map((value) => 2n ** 64n - 1n - value)]) {
      const bytes = Array.from({ length: 8 }, (_, at) =>
        Number((edge >> BigInt(56 - 8 * at)) & 255n),
      );
      for (const order of ORDERS) {
        const wire = [...(LETTERS[order][8] ?? '')].map((l) => bytes['ABCDEFGH'.indexOf(l)] ?? 0);
        const got = decode(Buffer.from(wire).toString('hex'), { type: 'uint64', order });
        expect(BigInt(got as number | bigint)).toBe(edge);
        check(wire, { type: 'int64', order });
      }
    }
  });

  it('says nothing of what does not fit: a digit above nine, a bit beyond the value, six of eight', () => {
    const bcd = (hex: string, order: ByteOrder) => decode(hex, { type: 'bcd', order });
    expect(bcd('12a4', 'ABCD')).toBeUndefined();
    expect(bcd('9999999999999999', 'ABCD')).toBe(9_999_999_999_999_999n);
    expect(bcd('123456789012', 'EFGHABCD')).toBeUndefined();
    expect(bcd('12345678901234567890', 'ABCD')).toBeUndefined();
    expect(decode('0001', { type: 'bool', order: 'ABCD', bit: 16 })).toBeUndefined();
  });
});

describe('complaints about word orders', () => {
  it('edge 22 (thingsboard-gateway #614, #1453, #1275, telegraf #8633): 123456.7 read in each order is 123456.7, never gibberish', () => {
    const sent: Readonly<Partial<Record<ByteOrder, string>>> = {
      ABCD: '47f1205a',
      CDAB: '205a47f1',
      BADC: 'f1475a20',
      DCBA: '5a20f147',
    };
    for (const [order, hex] of Object.entries(sent)) {
      const encoding = { type: 'float32', order: order as ByteOrder } as const;
      expect(decode(hex, encoding)).toBe(Math.fround(123_456.7));
    }
    // A 64-bit order is spelled by its letters; two devices that both "swap words" may differ.
    expect(decode('0000000000012345', { type: 'uint64', order: 'ABCDEFGH' })).toBe(0x12345);
    expect(decode('0001234500000000', { type: 'uint64', order: 'EFGHABCD' })).toBe(0x12345);
    expect(decode('2345000100000000', { type: 'uint64', order: 'GHEFCDAB' })).toBe(0x12345);
    expect(decode('0000000023450001', { type: 'uint64', order: 'CDABGHEF' })).toBe(0x12345);
  });
});
