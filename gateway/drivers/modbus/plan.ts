/** Plans the requests that read a device's points: as few as the protocol allows. */
import { strict as assert } from 'node:assert';
import { limits } from '../../../devices/limits.ts';
import type { ModbusPlace } from '../../../devices/profile.ts';
import type { Encoding, RawType, Sample } from '../../../devices/reading.ts';

/** The read function codes (Modbus Application Protocol V1.1b3 §6.1 to §6.4). */
export type ReadCode = 1 | 2 | 3 | 4;

/** A point's place in the answer of a block. */
export interface BlockItem {
  readonly point: string;
  readonly encoding: Encoding;
  /** First register (or bit), counted from the block's first. */
  readonly start: number;
  /** Registers (or bits). */
  readonly size: number;
}

/** One request, and the points that its answer holds. */
export interface Block {
  readonly code: ReadCode;
  readonly width: 'standard' | 'enron';
  readonly address: number;
  /** Registers or bits asked for; a 4-byte register counts as one. */
  readonly quantity: number;
  readonly items: readonly BlockItem[];
}

/** A point that is to be read. */
export interface PlacedPoint {
  readonly point: string;
  readonly place: ModbusPlace;
}

const CODES = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

const BYTES: Readonly<Partial<Record<RawType, number>>> = {
  bool: 2,
  int8: 2,
  uint8: 2,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float32: 4,
  float64: 8,
};

/** Whether the table holds bits rather than registers. */
export function holdsBits(place: ModbusPlace): boolean {
  return place.table === 'coil' || place.table === 'discrete';
}

/**
 * Registers (or bits) that a point covers, or `undefined` when neither its encoding nor its
 * `registers` says so.
 */
export function sizeOf(place: ModbusPlace): number | undefined {
  if (holdsBits(place)) return 1;
  if (place.registers !== undefined) return place.registers;
  const bytes = BYTES[place.encoding.type];
  return bytes === undefined ? undefined : Math.ceil(bytes / registerBytes(place.width));
}

/** Bytes that one register has in an answer. */
export function registerBytes(width: 'standard' | 'enron' | undefined): number {
  return width === 'enron' ? 4 : 2;
}

/** The most registers (or bits) that one request of this kind may ask for. */
export function quantityMax(place: Pick<ModbusPlace, 'table' | 'width'>): number {
  if (place.table === 'coil' || place.table === 'discrete') return limits.modbusBitsMax;
  return place.width === 'enron' ? limits.modbusWideRegistersMax : limits.modbusRegistersMax;
}

/**
 * Coalesces points into blocks: neighbours in one table share a request while the request stays
 * within the protocol's limit and no hole is longer than `limits.modbusHoleMax`. Going through
 * the addresses in order and opening a new block only when forced to gives the fewest blocks.
 * Places must have passed `check` of the driver.
 */
export function planBlocks(points: readonly PlacedPoint[]): Block[] {
  const kinds = new Map<string, Range[]>();
  for (const { point, place } of points) {
    const size = sizeOf(place);
    assert(size !== undefined && size <= quantityMax(place), `${point} fits into no request`);
    const key = `${place.table} ${place.width ?? 'standard'}`;
    const ranges = kinds.get(key) ?? [];
    ranges.push({ point, place, start: place.address, end: place.address + size });
    kinds.set(key, ranges);
  }
  return [...kinds.values()].flatMap(coalesce);
}

/**
 * Two halves of a block, for when a device refuses it as a whole; `undefined` when it holds one
 * point only.
 */
export function splitBlock(block: Block): readonly [Block, Block] | undefined {
  if (block.items.length < 2) return undefined;
  const middle = Math.ceil(block.items.length / 2);
  return [narrow(block, block.items.slice(0, middle)), narrow(block, block.items.slice(middle))];
}

/** Bytes that a right answer to the block holds. */
export function answerBytes(block: Pick<Block, 'code' | 'width' | 'quantity'>): number {
  if (block.code <= 2) return Math.ceil(block.quantity / 8);
  return block.quantity * registerBytes(block.width);
}

/**
 * The samples that an answer holds: the bytes exactly as they came, in hex. A bit has no bytes of
 * its own, so it becomes `01` or `00`. `data` must have `answerBytes(block)` bytes.
 */
export function samplesOf(block: Block, data: Buffer, gatewayTimeMs: number): Sample[] {
  if (block.code <= 2) {
    return block.items.map((item) => {
      const set = ((data[item.start >> 3] ?? 0) >> (item.start & 7)) & 1;
      return sample(item, set === 1 ? '01' : '00', gatewayTimeMs);
    });
  }
  // One conversion for the whole answer, then slices: ten thousand points a second cost little.
  const hex = data.toString('hex');
  const digits = 2 * registerBytes(block.width);
  return block.items.map((item) => {
    const from = item.start * digits;
    return sample(item, hex.slice(from, from + item.size * digits), gatewayTimeMs);
  });
}

interface Range extends PlacedPoint {
  readonly start: number;
  readonly end: number;
}

function coalesce(ranges: readonly Range[]): Block[] {
  const sorted = [...ranges].sort((a, b) => a.start - b.start || a.end - b.end);
  const blocks: Block[] = [];
  let open: Range[] = [];
  let from = 0;
  let to = 0;
  for (const range of sorted) {
    const max = quantityMax(range.place);
    const fits = range.start - to <= limits.modbusHoleMax && range.end - from <= max;
    if (open.length === 0 || !fits) {
      if (open.length > 0) blocks.push(toBlock(open, from, to));
      open = [];
      from = range.start;
      to = range.end;
    }
    open.push(range);
    to = Math.max(to, range.end);
  }
  if (open.length > 0) blocks.push(toBlock(open, from, to));
  return blocks;
}

function toBlock(ranges: readonly Range[], from: number, to: number): Block {
  const [first] = ranges;
  assert(first !== undefined);
  return {
    code: CODES[first.place.table],
    width: first.place.width ?? 'standard',
    address: from,
    quantity: to - from,
    items: ranges.map(({ point, place, start, end }) => ({
      point,
      encoding: { order: 'ABCD', ...place.encoding },
      start: start - from,
      size: end - start,
    })),
  };
}

function narrow(block: Block, items: readonly BlockItem[]): Block {
  const from = Math.min(...items.map((item) => item.start));
  const to = Math.max(...items.map((item) => item.start + item.size));
  return {
    ...block,
    address: block.address + from,
    quantity: to - from,
    items: items.map((item) => ({ ...item, start: item.start - from })),
  };
}

function sample(item: BlockItem, rawHex: string, gatewayTimeMs: number): Sample {
  const { point, encoding } = item;
  return { point, rawHex, encoding, quality: 'good', gatewayTimeMs };
}
