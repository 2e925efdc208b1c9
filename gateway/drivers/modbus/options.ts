/** Settings that say how a device's points are read: byte order, wide registers, requests. */
import { limits } from '../../../devices/limits.ts';
import { modbusPlaceMistakes } from '../../../devices/point-check.ts';
import type { ModbusPlace, PointDefinition } from '../../../devices/profile.ts';
import { type ByteOrder, byteOrders, type Encoding } from '../../../devices/reading.ts';
import { compileChecker, type SchemaMistake, type Static, Type } from '../../../devices/schema.ts';
import { holdsBits, quantityMax, type RequestLimits, sizeOf } from './plan.ts';

const closed = { additionalProperties: false } as const;

const address = (description: string) => Type.Integer({ description, minimum: 0, maximum: 65_535 });

/** Members of the connection settings; each may be left out. */
export const readingOptions = {
  order: Type.Optional(
    Type.Enum(byteOrders, {
      description:
        'Byte order of every point that states none. Values shorter than 64 bits take of eight letters what concerns them. Default ABCD.',
      default: 'ABCD',
    }),
  ),
  enron: Type.Optional(
    Type.Array(
      Type.Tuple([address('First address of the range.'), address('Last address of the range.')]),
      {
        description:
          'Ranges of addresses, first and last, whose registers have 4 bytes (Daniel/Enron map), e.g. [[5001, 5999], [7001, 7999]]. A point may say otherwise by its width. Default none.',
        maxItems: 32,
        default: [],
      },
    ),
  ),
  requests: Type.Optional(
    Type.Object(
      {
        registersMax: Type.Optional(
          Type.Integer({
            description: `Most registers in one request; a register of 4 bytes counts as two. Default ${limits.modbusRegistersMax}.`,
            minimum: 1,
            maximum: limits.modbusRegistersMax,
            default: limits.modbusRegistersMax,
          }),
        ),
        bitsMax: Type.Optional(
          Type.Integer({
            description: `Most coils or discrete inputs in one request. Default ${limits.modbusBitsMax}.`,
            minimum: 1,
            maximum: limits.modbusBitsMax,
            default: limits.modbusBitsMax,
          }),
        ),
        holeMax: Type.Optional(
          Type.Integer({
            description:
              'Registers or bits that nobody asked for and that are read all the same, in a row, to save a request. Default 8.',
            minimum: 0,
            maximum: limits.modbusBitsMax,
            default: limits.modbusHoleMax,
          }),
        ),
        forbidden: Type.Optional(
          Type.Array(
            Type.Object(
              {
                table: Type.Enum(['coil', 'discrete', 'input', 'holding'], {
                  description: 'Table of the Modbus device. Required.',
                }),
                from: address('First address. Required.'),
                to: address('Last address. Required.'),
              },
              { ...closed, description: 'Addresses of one table.' },
            ),
            {
              description: 'Never read, not even in a hole. Default none.',
              maxItems: 256,
              default: [],
            },
          ),
        ),
        pauseMs: Type.Optional(
          Type.Integer({
            description:
              'Pause after each answer of this device, before its next request (ms). Default 0.',
            minimum: 0,
            maximum: limits.modbusPauseMsMax,
            default: 0,
          }),
        ),
      },
      {
        ...closed,
        description: 'How points are put together into requests. Default: as few as can be.',
        default: {},
      },
    ),
  ),
} as const;

const readingSettings = Type.Object(readingOptions);
const isReadingSettings = compileChecker(readingSettings);
export type ReadingSettings = Static<typeof readingSettings>;

/** These settings of a connection block that passed its schema. */
export function readingSettingsOf(connection: unknown): ReadingSettings {
  return isReadingSettings(connection) ? connection : {};
}

type Points = Readonly<Record<string, PointDefinition>>;

const ADDRESSES = 65_536;

/** What the planner needs of the settings. */
export function requestLimits({ requests = {} }: ReadingSettings): RequestLimits {
  return {
    registersMax: requests.registersMax ?? limits.modbusRegistersMax,
    bitsMax: requests.bitsMax ?? limits.modbusBitsMax,
    holeMax: requests.holeMax ?? limits.modbusHoleMax,
    forbidden: requests.forbidden ?? [],
  };
}

/** A place with nothing left to the device. */
export function placeOnDevice(
  place: ModbusPlace,
  { order = 'ABCD', enron = [] }: ReadingSettings,
): ModbusPlace & { readonly encoding: Encoding } {
  const { encoding, address: first, table } = place;
  const isWide = (table === 'holding' || table === 'input') && enron.some(holds(first));
  const width = place.width ?? (isWide ? 'enron' : 'standard');
  return { ...place, width, encoding: withOrder(encoding, order) };
}

function withOrder(encoding: ModbusPlace['encoding'], order: ByteOrder): Encoding {
  // The object itself where it is complete, so that samples name the profile's own encoding.
  return isComplete(encoding) ? encoding : { ...encoding, order };
}

function isComplete(encoding: ModbusPlace['encoding']): encoding is Encoding {
  return encoding.order !== undefined;
}

function holds(address: number) {
  return ([from = 0, to = 0]: readonly number[]) => address >= from && address <= to;
}

/** Mistakes that the schema cannot see: of the settings by themselves, then of each point. */
export function readingMistakes(settings: ReadingSettings, points: Points): SchemaMistake[] {
  const mistakes: SchemaMistake[] = [];
  for (const [index, [from, to]] of (settings.enron ?? []).entries()) {
    if (from <= to) continue;
    const message = `[${from}, ${to}] is empty: write the first address first`;
    mistakes.push({ path: ['enron', index], message });
  }
  for (const [index, { from, to }] of requestLimits(settings).forbidden.entries()) {
    if (from <= to) continue;
    const message = `${from} to ${to} is empty: write the first address in "from"`;
    mistakes.push({ path: ['requests', 'forbidden', index], message });
  }
  for (const [name, point] of Object.entries(points)) {
    const message = pointMistake(point, settings);
    if (message !== undefined) mistakes.push({ path: [], message: `point ${name} ${message}` });
  }
  return mistakes;
}

function pointMistake(point: PointDefinition, settings: ReadingSettings): string | undefined {
  if (point.modbus === undefined) return 'has no modbus place; give it a table and an address';
  const place = placeOnDevice(point.modbus, settings);
  // Eight letters of the device are no mistake of a point that has fewer bytes.
  const [wrong] = modbusPlaceMistakes({ ...place, encoding: point.modbus.encoding });
  if (wrong)
    return wrong.path.length === 0 ? wrong.message : `${wrong.path.join('.')}: ${wrong.message}`;
  const size = sizeOf(place) ?? 0;
  const max = quantityMax(place, requestLimits(settings));
  const { address: first, table } = place;
  const last = first + size - 1;
  if (size < 1 || size > max) {
    return `covers ${size} registers; one request reads 1 to ${max}`;
  }
  if (last >= ADDRESSES) return `ends at address ${last}; addresses are 0 to ${ADDRESSES - 1}`;
  const barred = requestLimits(settings).forbidden.find(
    (range) => range.table === table && first <= range.to && last >= range.from,
  );
  if (barred) return `needs ${table} ${barred.from} to ${barred.to}, which requests.forbidden bars`;
  const torn = (settings.enron ?? []).find((range) => holds(first)(range) && !holds(last)(range));
  if (torn && place.width === 'enron' && !holdsBits(place)) {
    return `begins in the enron range ${torn.join(' to ')} and ends behind it, at ${last}`;
  }
  return undefined;
}
