/** Other ways to read a point: each with what it would mean, and its price in bits. */
import type { ModbusPlace, PointDefinition } from '../../devices/profile.ts';
import {
  type ByteOrder,
  byteOrders,
  type Encoding,
  numberBytes,
  type RawType,
} from '../../devices/reading.ts';
import { units } from '../../devices/units.ts';
import type { PointSeries } from './series.ts';

/** What kind of mistake a guess supposes. */
export type GuessKind = 'order' | 'type' | 'scale' | 'unit' | 'address' | 'width';

export interface Guess {
  readonly kind: GuessKind;
  /** Same for the same mistake at different points, e.g. `order CDAB`. */
  readonly key: string;
  /** What it looks like, in a few words. */
  readonly says: string;
  /** The line of YAML to write instead, below the point. */
  readonly write: string;
  /** How unlikely such a mistake is by itself. */
  readonly priceBits: number;
  /** Raw words to read, one each time. */
  readonly raws: readonly string[];
  readonly encoding: Encoding;
  readonly point: PointDefinition;
}

const PRICE = { order: 4, type: 6, sign: 4, scale: 4, unit: 6, address: 10, width: 2 } as const;
const PER_DECADE = 1.5;
const DECADES_MAX = 6;

const SAYS: Readonly<Record<string, string>> = {
  AB: 'bytes not swapped',
  BA: 'bytes swapped',
  ABCD: 'big-endian',
  CDAB: 'words swapped',
  BADC: 'bytes of each word swapped',
  DCBA: 'little-endian: words and bytes swapped',
};

/** Every guess about a series of raw words that came as configured. */
export function guessesOf(series: PointSeries): Guess[] {
  const { encoding, point, raws } = series;
  const conversions = [...scaleGuesses(series), ...unitGuesses(series)];
  if (!series.place || encoding === undefined || raws.length === 0) return conversions;
  return [...orderGuesses(series, encoding), ...typeGuesses(series, encoding), ...conversions].map(
    (guess) => ({ ...guess, point: { ...point, ...guess.point } }),
  );
}

/** Four letters where they say it all; eight for what only 64 bits can have. */
function ordersOf(type: RawType): readonly ByteOrder[] {
  const bytes = numberBytes[type] ?? 0;
  if (bytes === 8) {
    const same: readonly string[] = ['ABCDEFGH', 'BADCFEHG', 'GHEFCDAB', 'HGFEDCBA'];
    return byteOrders.filter((order) => !same.includes(order));
  }
  if (bytes === 4 || type === 'bcd') return byteOrders.filter((order) => order.length === 4);
  return bytes === 2 ? ['ABCD', 'BADC'] : [];
}

function orderGuesses({ point, raws }: PointSeries, encoding: Encoding): Guess[] {
  return ordersOf(encoding.type)
    .filter((order) => order !== encoding.order)
    .map((order) => withEncoding({ ...encoding, order }, { point, raws }, 'order', PRICE.order));
}

const INTEGERS: Readonly<Record<number, readonly RawType[]>> = {
  2: ['int16', 'uint16'],
  4: ['int32', 'uint32'],
  8: ['int64', 'uint64'],
};
const FLOATS: Readonly<Record<number, RawType>> = { 4: 'float32', 8: 'float64' };

/** A float read as an integer or the other way round, the other sign, packed decimals. */
function typeGuesses({ point, raws }: PointSeries, encoding: Encoding): Guess[] {
  const { type } = encoding;
  const bytes = numberBytes[type] ?? (raws[0] ?? '').length / 2;
  const isFloat = type.startsWith('float');
  const others: [RawType, number][] = [];
  for (const integer of INTEGERS[bytes] ?? []) {
    others.push([integer, isFloat || type === 'bcd' ? PRICE.type : PRICE.sign]);
  }
  const float = FLOATS[bytes];
  if (float !== undefined) others.push([float, PRICE.type]);
  if (!isFloat && bytes >= 2) others.push(['bcd', PRICE.type + 1]);
  return others
    .filter(([other]) => other !== type)
    .flatMap(([other, price]) =>
      [encoding.order, ...ordersOf(other).filter((order) => order !== encoding.order)].map(
        (order) =>
          withEncoding(
            { type: other, order },
            { point, raws },
            'type',
            price + (order === encoding.order ? 0 : PRICE.order),
          ),
      ),
    );
}

function withEncoding(
  encoding: Encoding,
  { point, raws }: Pick<PointSeries, 'point' | 'raws'>,
  kind: 'order' | 'type',
  priceBits: number,
): Guess {
  const { order, type } = encoding;
  const letters = numberBytes[type] === 2 ? order.slice(0, 2) : order;
  const ordered = SAYS[letters] ?? `bytes in the order ${order}`;
  const write = `encoding: { type: ${type}, order: ${order} }`;
  if (kind === 'order') {
    const key = `order ${order}`;
    return { kind, key, says: ordered, write, priceBits, raws, encoding, point };
  }
  const says = `${type}, ${ordered}`;
  return { kind, key: `type ${type} ${order}`, says, write, priceBits, raws, encoding, point };
}

/** The same wire numbers, a power of ten off. */
function scaleGuesses({ encoding, point, raws }: PointSeries): Guess[] {
  if (encoding === undefined || point.linear || point.table || point.identifies) return [];
  const guesses: Guess[] = [];
  for (let decades = -DECADES_MAX; decades <= DECADES_MAX; decades += 1) {
    if (decades === 0) continue;
    const scale = Number(((point.scale ?? 1) * 10 ** decades).toPrecision(12));
    const factor = decades > 0 ? `1${'0'.repeat(decades)}` : `0.${'0'.repeat(-decades - 1)}1`;
    guesses.push({
      kind: 'scale',
      key: `scale ${decades}`,
      says: `scale off by a factor of ${factor}`,
      write: `scale: ${scale}`,
      priceBits: PRICE.scale + PER_DECADE * Math.abs(decades),
      raws,
      encoding,
      point: { ...point, scale },
    });
  }
  return guesses;
}

/** The device speaks another unit of the same quantity. */
function unitGuesses({ encoding, point, raws }: PointSeries): Guess[] {
  const own = units.get(point.unit);
  const isPlain = (point.scale ?? 1) === 1 && !point.offset && !point.linear && !point.table;
  if (encoding === undefined || own?.scale === undefined || !isPlain) return [];
  const guesses: Guess[] = [];
  for (const other of units.values()) {
    if (other.quantity !== own.quantity || other.scale === undefined) continue;
    const scale = Number((other.scale / own.scale).toPrecision(12));
    const offset = ((other.offset ?? 0) - (own.offset ?? 0)) / own.scale;
    if (other.ucum === own.ucum || (scale === 1 && offset === 0) || other.quantity === 'count') {
      continue;
    }
    const line = `scale: ${scale}${offset === 0 ? '' : `, offset: ${Number(offset.toPrecision(12))}`}`;
    guesses.push({
      kind: 'unit',
      key: `unit ${other.code}`,
      says: `the device speaks ${other.symbol} (${other.code}), not ${own.symbol} (${own.code})`,
      write: `${line}    # or unit: ${other.code} and the range in it`,
      priceBits: PRICE.unit,
      raws,
      encoding,
      point: { ...point, scale, offset },
    });
  }
  return guesses;
}

/** The registers beside, or the same ones in the other width; `rawHex` is what stands there. */
export function placeGuess(
  { encoding, place, point }: PointSeries,
  probe: {
    readonly kind: 'address' | 'width';
    readonly place: ModbusPlace;
    readonly rawHex: string;
  },
): Guess | undefined {
  const { type } = point.modbus?.encoding ?? {};
  if (place === undefined || type === undefined) return undefined;
  const shift = probe.place.address - place.address;
  const isAddress = probe.kind === 'address';
  const width = probe.place.width ?? 'standard';
  return {
    kind: probe.kind,
    key: isAddress ? `address ${shift}` : `width ${width}`,
    says: isAddress
      ? `address off by one: it stands ${shift < 0 ? 'one before' : 'one after'}, at ${probe.place.address}`
      : `registers of ${width === 'enron' ? '4' : '2'} bytes`,
    write: isAddress ? `address: ${probe.place.address}` : widthLine(probe.place),
    priceBits: PRICE[probe.kind],
    raws: [probe.rawHex],
    encoding: encoding ?? { type, order: place.encoding.order ?? 'ABCD' },
    point,
  };
}

/** The usual ranges of such registers are written once, for the device. */
function widthLine({ address, width }: ModbusPlace): string {
  const isUsual = (address > 5_000 && address < 6_000) || (address > 7_000 && address < 8_000);
  if (width !== 'enron' || !isUsual) return `width: ${width ?? 'standard'}`;
  return 'width: enron    # or in the connection, enron: [[5001, 5999], [7001, 7999]]';
}
