/** Plans the requests that read a device's points: as few as the protocol allows. */
import { strict as assert } from 'node:assert';
import { limits } from '../../../devices/limits.ts';
import type { ModbusPlace } from '../../../devices/profile.ts';
import { type Encoding, numberBytes, type Sample } from '../../../devices/reading.ts';

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
  /** In the order of their addresses. */
  readonly items: readonly BlockItem[];
  /** The refused block that this is a half of. */
  readonly halfOf?: Block;
}

/** A point that is to be read; its place leaves nothing to the device (options.ts). */
export interface PlacedPoint {
  readonly point: string;
  readonly place: ModbusPlace & { readonly encoding: Encoding };
}

/** What a request to a device may be. */
export interface RequestLimits {
  /** Registers of 2 bytes; one of 4 bytes counts as two. */
  readonly registersMax: number;
  readonly bitsMax: number;
  /** Registers or bits in a row that nobody asked for. */
  readonly holeMax: number;
  /** Addresses, first and last, that no request touches. */
  readonly forbidden: readonly {
    readonly table: ModbusPlace['table'];
    readonly from: number;
    readonly to: number;
  }[];
}

/** What the protocol itself allows. */
const PROTOCOL_LIMITS: RequestLimits = {
  registersMax: limits.modbusRegistersMax,
  bitsMax: limits.modbusBitsMax,
  holeMax: limits.modbusHoleMax,
  forbidden: [],
};

const CODES = { coil: 1, discrete: 2, holding: 3, input: 4 } as const;

function tableOf(code: ReadCode): ModbusPlace['table'] {
  if (code === 1) return 'coil';
  if (code === 2) return 'discrete';
  return code === 3 ? 'holding' : 'input';
}

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
  if (place.encoding.type === 'bool') return 1;
  const bytes = numberBytes[place.encoding.type];
  return bytes === undefined ? undefined : Math.ceil(bytes / registerBytes(place.width));
}

/** Bytes that one register has in an answer. */
export function registerBytes(width: 'standard' | 'enron' | undefined): number {
  return width === 'enron' ? 4 : 2;
}

/** The most registers (or bits) that one request of this kind may ask for. */
export function quantityMax(
  place: Pick<ModbusPlace, 'table' | 'width'>,
  { registersMax, bitsMax }: Pick<RequestLimits, 'registersMax' | 'bitsMax'> = PROTOCOL_LIMITS,
): number {
  if (place.table === 'coil' || place.table === 'discrete') return bitsMax;
  return place.width === 'enron' ? Math.floor(registersMax / 2) : registersMax;
}

/**
 * Coalesces points into blocks: neighbours in one table share a request while the request stays
 * within the limits, no hole is longer than allowed and none holds a forbidden address. Going
 * through the addresses in order and opening a new block only when forced to gives the fewest
 * blocks. Places must have passed `check` of the driver.
 */
export function planBlocks(
  points: readonly PlacedPoint[],
  allowed: RequestLimits = PROTOCOL_LIMITS,
): Block[] {
  const kinds = new Map<string, Range[]>();
  for (const { point, place } of points) {
    const size = sizeOf(place);
    assert(size !== undefined && size <= quantityMax(place, allowed), `${point} fits no request`);
    const key = `${place.table} ${place.width ?? 'standard'}`;
    const ranges = kinds.get(key) ?? [];
    ranges.push({ point, place, start: place.address, end: place.address + size });
    kinds.set(key, ranges);
  }
  return [...kinds.values()].flatMap((ranges) => coalesce(ranges, allowed));
}

/** Two blocks as one, or `undefined` where one request may not read both; `a` begins first. */
export function joinBlocks(a: Block, b: Block, allowed: RequestLimits): Block | undefined {
  if (a.code !== b.code || a.width !== b.width) return undefined;
  const shift = b.address - a.address;
  const quantity = Math.max(a.quantity, shift + b.quantity);
  const { code, width, address } = a;
  const table = tableOf(code);
  const isOpen = isReadable({ from: address + a.quantity, to: b.address, table }, allowed);
  if (!isOpen || quantity > quantityMax({ table, width }, allowed)) return undefined;
  const moved = b.items.map((item) => ({ ...item, start: item.start + shift }));
  return { code, width, address, quantity, items: [...a.items, ...moved] };
}

/**
 * Two halves of a block, for when a device refuses it as a whole; `undefined` when it holds one
 * point only.
 */
export function splitBlock(block: Block): readonly [Block, Block] | undefined {
  if (block.items.length < 2) return undefined;
  const middle = Math.ceil(block.items.length / 2);
  return [
    { ...narrow(block, block.items.slice(0, middle)), halfOf: block },
    { ...narrow(block, block.items.slice(middle)), halfOf: block },
  ];
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

function coalesce(ranges: readonly Range[], allowed: RequestLimits): Block[] {
  // One order for points that overlap too: learn.ts puts blocks together again by the same one.
  const sorted = [...ranges].sort(
    (a, b) => a.start - b.start || a.end - b.end || a.point.localeCompare(b.point),
  );
  const blocks: Block[] = [];
  let open: Range[] = [];
  let from = 0;
  let to = 0;
  for (const range of sorted) {
    const { table } = range.place;
    const fits =
      range.end - from <= quantityMax(range.place, allowed) &&
      isReadable({ from: to, to: range.start, table }, allowed);
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

/** Whether a request may read over the hole from `from` to before `to`; an empty one always. */
function isReadable(
  hole: { readonly from: number; readonly to: number; readonly table: ModbusPlace['table'] },
  { forbidden, holeMax }: RequestLimits,
): boolean {
  if (hole.to <= hole.from) return true;
  if (hole.to - hole.from > holeMax) return false;
  return !forbidden.some(
    ({ from, table, to }) => table === hole.table && from < hole.to && to >= hole.from,
  );
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
      encoding: place.encoding,
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
