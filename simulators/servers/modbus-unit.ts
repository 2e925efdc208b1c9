/**
 * What one Modbus unit holds: its registers and bits as bytes, filled from a profile's values.
 * Values are encoded here by the simulator's own rules; the gateway decodes by its own.
 */
import { strict as assert } from 'node:assert';
import type { DeviceProfile, ModbusPlace } from '../../devices/profile.ts';

export type ModbusTable = ModbusPlace['table'];

/** Codes of a refused request (MODBUS Application Protocol V1.1b3 §7). */
export const modbusException = {
  illegalFunction: 1,
  illegalAddress: 2,
  illegalValue: 3,
} as const;

/** A unit as the server sees it. */
export interface ModbusUnit {
  /** The device's name in the ledger. */
  readonly device: string;
  /**
   * The bytes of the answer's data part, or an exception code. `quantity` is as requested; the
   * server has checked that it is not 0.
   */
  read(table: ModbusTable, address: number, quantity: number): Uint8Array | number;
  /** Points of the profile that lie fully inside a range, with their bytes in the answer. */
  served(
    table: ModbusTable,
    address: number,
    quantity: number,
    data: Uint8Array,
  ): Iterable<ServedPoint>;
}

export interface ServedPoint {
  readonly point: string;
  readonly rawHex: string;
}

/** A run of registers of one width, or of bits (one byte of memory a bit). */
export interface Region {
  readonly table: ModbusTable;
  readonly address: number;
  readonly count: number;
  /** Bytes a register: 2, 4 in the Enron ranges 5001 to 5999 and 7001 to 7999, 1 for bits. */
  readonly width: 1 | 2 | 4;
}

interface Held extends Region {
  readonly bytes: Buffer;
}

interface PlacedPoint {
  readonly name: string;
  readonly table: ModbusTable;
  readonly address: number;
  /** Registers (or bits) that it takes. */
  readonly span: number;
}

/** A unit with memory behind it. */
export interface RegisterUnit extends ModbusUnit {
  /** Puts a point's value into its registers. */
  set(point: string, value: number | bigint | boolean): void;
  /** Puts bytes at a register of any region. */
  setBytes(table: ModbusTable, address: number, bytes: Uint8Array): void;
  /**
   * Answers requests for one register by itself, where the quantity field means something else,
   * as the record index of an Enron archive does.
   */
  answerRecords(address: number, answer: (index: number) => Uint8Array | undefined): void;
}

/** A protocol data unit is 253 bytes at most: function code, byte count and these. */
export const DATA_BYTES_MAX = 250;

/**
 * A unit that holds a profile's points. `extra` names further registers to keep (a device has
 * more than a profile reads); the profile's own points make regions where none covers them.
 */
export function createProfileUnit(
  profile: DeviceProfile,
  device: string,
  extra: readonly Region[] = [],
): RegisterUnit {
  const placed: PlacedPoint[] = [];
  const places = new Map<string, ModbusPlace>();
  for (const [name, definition] of Object.entries(profile.points)) {
    const place = definition.modbus;
    if (!place) continue;
    const span = sizeOf(place) / widthOf(place);
    placed.push({ name, table: place.table, address: place.address, span });
    places.set(name, place);
  }
  const covered = (point: PlacedPoint) =>
    extra.some((region) => region.table === point.table && contains(region, point));
  const own = placed
    .filter((point) => !covered(point))
    .map((point): Region => {
      const place = places.get(point.name);
      assert(place);
      return {
        table: point.table,
        address: point.address,
        count: point.span,
        width: widthOf(place),
      };
    });
  const unit = createUnit({ device, regions: [...extra, ...joined(own)], points: placed });
  return {
    ...unit,
    set(point, value) {
      const place = places.get(point);
      assert(place, `profile ${profile.name} has no Modbus point ${point}`);
      unit.setBytes(place.table, place.address, encode(place, value));
    },
  };
}

/** A unit of plain regions, without a profile; nothing of it enters a ledger. */
export function createPlainUnit(device: string, regions: readonly Region[]): RegisterUnit {
  const unit = createUnit({ device, regions, points: [] });
  return {
    ...unit,
    set(point) {
      assert.fail(`unit ${device} has no profile and so no point ${point}`);
    },
  };
}

function createUnit(options: {
  device: string;
  regions: readonly Region[];
  points: readonly PlacedPoint[];
}): Omit<RegisterUnit, 'set'> {
  const held: Held[] = options.regions.map((region) => ({
    ...region,
    bytes: Buffer.alloc(region.count * region.width),
  }));
  const records = new Map<number, (index: number) => Uint8Array | undefined>();
  // A gateway asks for the same few ranges again and again, so which points lie in a range is
  // worked out once for each; the map is bounded by what one master asks in practice.
  const inRange = new Map<string, { point: string; from: number; to: number }[]>();

  function find(table: ModbusTable, address: number, quantity: number): Held | undefined {
    return held.find(
      (region) => region.table === table && contains(region, { address, span: quantity }),
    );
  }

  function pointsWithin(table: ModbusTable, address: number, region: Held, quantity: number) {
    const key = `${table} ${address} ${quantity}`;
    const known = inRange.get(key);
    if (known) return known;
    const found = options.points
      .filter((point) => point.table === table && point.address >= address)
      .filter((point) => point.address + point.span <= address + quantity)
      .map((point) => ({
        point: point.name,
        from: (point.address - address) * region.width,
        to: (point.address - address + point.span) * region.width,
      }));
    if (inRange.size < 1_000) inRange.set(key, found);
    return found;
  }

  return {
    device: options.device,
    read(table, address, quantity) {
      const record = table === 'holding' ? records.get(address) : undefined;
      if (record) return record(quantity) ?? modbusException.illegalAddress;
      const bits = table === 'coil' || table === 'discrete';
      // [MODBUS V1.1b3 §6.1, §6.3] at most 2000 bits or 125 registers; wide ones fill it sooner.
      if (quantity > (bits ? 2_000 : 125)) return modbusException.illegalValue;
      const region = find(table, address, quantity);
      if (!region) return modbusException.illegalAddress;
      if (!bits && quantity * region.width > DATA_BYTES_MAX) return modbusException.illegalValue;
      const from = (address - region.address) * region.width;
      const bytes = region.bytes.subarray(from, from + quantity * region.width);
      return bits ? packBits(bytes) : bytes;
    },
    *served(table, address, quantity, data) {
      if (options.points.length === 0 || records.has(address)) return;
      const region = find(table, address, quantity);
      if (!region) return;
      const bits = region.width === 1;
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      for (const { point, from, to } of pointsWithin(table, address, region, quantity)) {
        // A bit has no bytes of its own; the ledger notes it as 01 or 00.
        const bit = ((bytes[from >> 3] ?? 0) >> (from & 7)) & 1;
        yield { point, rawHex: bits ? `0${bit}` : bytes.toString('hex', from, to) };
      }
    },
    setBytes(table, address, bytes) {
      const region = find(table, address, 1);
      assert(region, `unit ${options.device} holds no ${table} ${address}`);
      region.bytes.set(bytes, (address - region.address) * region.width);
    },
    answerRecords(address, answer) {
      records.set(address, answer);
    },
  };
}

function contains(region: Region, part: { address: number; span: number }): boolean {
  return (
    part.address >= region.address && part.address + part.span <= region.address + region.count
  );
}

/** Joins runs that touch or overlap, so that one request can read across them. */
function joined(regions: readonly Region[]): Region[] {
  const sorted = [...regions].sort(
    (a, b) => a.table.localeCompare(b.table) || a.width - b.width || a.address - b.address,
  );
  const result: Region[] = [];
  for (const region of sorted) {
    const last = result.at(-1);
    const touches =
      last?.table === region.table &&
      last.width === region.width &&
      region.address <= last.address + last.count;
    if (!last || !touches) {
      result.push(region);
      continue;
    }
    const end = Math.max(last.address + last.count, region.address + region.count);
    result[result.length - 1] = { ...last, count: end - last.address };
  }
  return result;
}

/** Bits in the order of MODBUS V1.1b3 §6.1: the first in the lowest bit of the first byte. */
function packBits(bits: Uint8Array): Uint8Array {
  const packed = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [index, bit] of bits.entries()) {
    if (bit === 0) continue;
    packed[index >> 3] = (packed[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return packed;
}

function widthOf(place: ModbusPlace): 1 | 2 | 4 {
  if (place.table === 'coil' || place.table === 'discrete') return 1;
  return place.width === 'enron' ? 4 : 2;
}

function sizeOf(place: ModbusPlace): number {
  if (widthOf(place) === 1) return 1;
  if (place.registers !== undefined) return place.registers * widthOf(place);
  switch (place.encoding.type) {
    case 'int32':
    case 'uint32':
    case 'float32':
      return 4;
    case 'int64':
    case 'uint64':
    case 'float64':
      return 8;
    default:
      return widthOf(place);
  }
}

/** A value as the bytes of its registers, in the order that the profile states. */
export function encode(place: ModbusPlace, value: number | bigint | boolean): Uint8Array {
  const bytes = Buffer.alloc(sizeOf(place));
  if (widthOf(place) === 1) return Buffer.from([value ? 1 : 0]);
  writeBigEndian(bytes, place.encoding.type, value);
  const { order } = place.encoding;
  // Named by where the most significant bytes go: swapped within words (B before A), words
  // swapped (C before A), or both.
  const swapBytes = order === 'BADC' || order === 'DCBA';
  const swapWords = order === 'CDAB' || order === 'DCBA';
  if (swapBytes) bytes.swap16();
  if (!swapWords) return bytes;
  const words: Buffer[] = [];
  for (let at = bytes.length - 2; at >= 0; at -= 2) words.push(bytes.subarray(at, at + 2));
  return Buffer.concat(words);
}

function writeBigEndian(bytes: Buffer, type: string, value: number | bigint | boolean): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = typeof value === 'bigint' ? value : BigInt(Math.trunc(Number(value) || 0));
  switch (type) {
    case 'float32':
      view.setFloat32(0, Number(value));
      break;
    case 'float64':
      view.setFloat64(0, Number(value));
      break;
    case 'int32':
    case 'uint32':
      view.setUint32(0, Number(BigInt.asUintN(32, whole)));
      break;
    case 'int64':
    case 'uint64':
      view.setBigUint64(0, BigInt.asUintN(64, whole));
      break;
    default:
      // Narrow values stand in the last bytes of their register.
      view.setUint16(bytes.length - 2, Number(BigInt.asUintN(16, whole)));
  }
}
