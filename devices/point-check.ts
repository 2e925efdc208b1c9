/** What the types cannot say of a point: parts of its definition that contradict each other. */
import type { ModbusPlace, PointDefinition } from './profile.ts';
import { type Encoding, numberBytes } from './reading.ts';

/** One thing that a point gets wrong: where below the point, and what to write instead. */
export interface PointMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Registers of the longest BCD number: 16 digits. */
const BCD_REGISTERS_MAX = 4;

/** The ways to convert; a point has one of them. */
const conversions = [['scale', 'offset'], ['linear'], ['table']] as const;

/** Every contradiction in the definition of a point. */
export function pointMistakes(point: PointDefinition): PointMistake[] {
  const place = point.modbus ? modbusPlaceMistakes(point.modbus) : [];
  return [
    ...rangeMistakes(point),
    ...conversionMistakes(point),
    ...place.map((mistake) => ({ ...mistake, path: ['modbus', ...mistake.path] })),
  ];
}

/** Contradictions in a place, whatever the device's settings are. */
export function modbusPlaceMistakes(place: ModbusPlace): PointMistake[] {
  const { encoding, table } = place;
  const { type } = encoding;
  if (table === 'coil' || table === 'discrete') {
    if (type !== 'bool') {
      return [at(['encoding', 'type'], `a ${table} is one bit; its encoding type must be bool`)];
    }
    if (encoding.bit === undefined) return [];
    return [at(['encoding', 'bit'], `a ${table} is one bit: leave "bit" out`)];
  }
  if (type === 'json') {
    return [at(['encoding', 'type'], 'json stands in payloads, never in registers')];
  }
  return [...sizeMistakes(place), ...partMistakes(place), ...orderMistakes(place)];
}

function rangeMistakes({ deadband, maxSilenceMs, range }: PointDefinition): PointMistake[] {
  const mistakes: PointMistake[] = [];
  if (range && range[0] > range[1]) {
    const message = `[${range.join(', ')}] is empty: write the lower bound first`;
    mistakes.push(at(['range'], message));
  }
  if (deadband && 'percent' in deadband && !range) {
    const message = 'a deadband in percent is one of the range: add "range", or write "absolute"';
    mistakes.push(at(['deadband', 'percent'], message));
  }
  if (maxSilenceMs !== undefined && !deadband) {
    const message = 'without a deadband every value is signed: add "deadband", or leave it out';
    mistakes.push(at(['maxSilenceMs'], message));
  }
  return mistakes;
}

function conversionMistakes(point: PointDefinition): PointMistake[] {
  const { linear, sentinels = [], table } = point;
  const used = conversions.flatMap((keys) => keys.find((key) => point[key] !== undefined) ?? []);
  const [first] = used;
  const mistakes = used.slice(1).map((other) => {
    const message = `stands beside "${first}": a point has scale and offset, or linear, or table`;
    return at([other], message);
  });
  const type = point.modbus?.encoding.type;
  if (first && (type === 'bool' || type === 'string')) {
    mistakes.push(at([first], `a ${type} is no number: leave "${first}" out`));
  }
  if (linear && linear[0] === linear[1]) {
    mistakes.push(
      at(['linear'], `wire low and wire high are both ${linear[0]}: no line goes there`),
    );
  }
  const fallsAt = (table ?? []).findIndex(
    ([wire], row) => row > 0 && !(wire > wireOf(table, row - 1)),
  );
  if (fallsAt > 0) {
    const message = `the wire numbers must rise: ${wireOf(table, fallsAt)} follows ${wireOf(table, fallsAt - 1)}`;
    mistakes.push(at(['table', fallsAt], message));
  }
  for (const [index, sentinel] of sentinels.entries()) {
    if (!Number.isInteger(sentinel) || Math.abs(sentinel) <= Number.MAX_SAFE_INTEGER) continue;
    if (type !== 'int64' && type !== 'uint64' && type !== 'bcd') continue;
    const message = `${sentinel} is rounded when it is read: write sentinelBits, e.g. ['0xffffffffffffffff']`;
    mistakes.push(at(['sentinels', index], message));
  }
  return mistakes;
}

function wireOf(table: PointDefinition['table'], row: number): number {
  return table?.[row]?.[0] ?? Number.NaN;
}

function sizeMistakes({ encoding, registers, width }: ModbusPlace): PointMistake[] {
  const { type } = encoding;
  const bytes = numberBytes[type];
  const perRegister = width === 'enron' ? 4 : 2;
  if (type === 'string' || type === 'bcd') {
    if (registers === undefined) {
      return [at([], `is ${type}, so it needs "registers": how many it covers`)];
    }
    if (type === 'bcd' && (registers * perRegister) / 2 > BCD_REGISTERS_MAX) {
      const most = (2 * BCD_REGISTERS_MAX) / perRegister;
      return [at(['registers'], `a BCD number has at most ${most} of these registers: 16 digits`)];
    }
    return [];
  }
  if (bytes === undefined) {
    if (registers === undefined || [2, 4, 8].includes(registers * perRegister)) return [];
    return [at(['registers'], 'a bool stands in 1, 2 or 4 words of 16 bits')];
  }
  if (width === 'enron' && bytes < 4) {
    const message = `a register of 4 bytes holds no ${type}: write a type of 32 or 64 bits, or width: standard`;
    return [at(['encoding', 'type'], message)];
  }
  const needed = Math.ceil(bytes / perRegister);
  if (registers === undefined || registers === needed) return [];
  return [at(['registers'], `${type} covers ${needed}: write that, or leave "registers" out`)];
}

/** `bit` and `byte` name a part of a register. */
function partMistakes({ encoding, registers, width }: ModbusPlace): PointMistake[] {
  const { bit, byte, type } = encoding;
  const mistakes: PointMistake[] = [];
  if (byte !== undefined && type !== 'int8' && type !== 'uint8') {
    mistakes.push(at(['encoding', 'byte'], `only int8 and uint8 are one byte, ${type} is not`));
  }
  if (bit === undefined) return mistakes;
  if (type !== 'bool') {
    mistakes.push(
      at(['encoding', 'bit'], `only a bool is one bit, ${type} is not: write type: bool`),
    );
    return mistakes;
  }
  const bits = 16 * (registers ?? 1) * (width === 'enron' ? 2 : 1);
  if (bit >= bits) {
    const message = `the bits here are 0 to ${bits - 1}: write a lower one, or more "registers"`;
    mistakes.push(at(['encoding', 'bit'], message));
  }
  return mistakes;
}

function orderMistakes({ encoding }: ModbusPlace): PointMistake[] {
  const { order, type } = encoding;
  if (order === undefined || order.length === 4 || numberBytes[type] === 8) return [];
  const message = `eight letters order the bytes of 64 bits, and ${type} has other ones: write four letters, e.g. ${shortOrder(order)}`;
  return [at(['encoding', 'order'], message)];
}

/** The four letters that say of 32 bits what eight say of the last half of 64. */
function shortOrder(order: Encoding['order']): string {
  const half = order.slice(0, 4);
  const letters = half.includes('A') ? 'ABCD' : 'EFGH';
  return [...half].map((letter) => 'ABCD'[letters.indexOf(letter)]).join('');
}

function at(path: readonly (string | number)[], message: string): PointMistake {
  return { path, message };
}
