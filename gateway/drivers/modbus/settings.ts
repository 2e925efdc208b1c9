/** The `connection` block of a Modbus device, and the line that it describes. */
import { limits } from '../../../devices/limits.ts';
import { type SchemaMistake, type Static, Type } from '../../../devices/schema.ts';
import { readingOptions } from './options.ts';
import type { Address } from './wire.ts';

const closed = { additionalProperties: false } as const;

const host = Type.String({
  description:
    'Host name or address of the device, or of the gateway to its serial line. Default: none; required unless transport is rtu.',
  minLength: 1,
  maxLength: 253,
  examples: ['192.168.1.10'],
});

const port = Type.Integer({
  description: 'TCP port (number). Default 502; with transport tls 802.',
  minimum: 1,
  maximum: 65_535,
});

const path = Type.String({
  description: 'Device file of the serial port. Default: none; required where transport is rtu.',
  minLength: 1,
  maxLength: 255,
  examples: ['/dev/ttyUSB0'],
});

const file = (what: string) =>
  Type.String({ description: `${what}, a PEM file. Required.`, minLength: 1, maxLength: 4_096 });

const tls = Type.Object(
  {
    ca: file('Certificates of the authorities that may sign the device’s certificate'),
    certificate: file('Our own certificate, which the device checks'),
    key: file('Private key of our own certificate'),
    serverName: Type.Optional(
      Type.String({
        description: 'Name that the device’s certificate must hold. Default: host.',
        minLength: 1,
        maxLength: 253,
      }),
    ),
  },
  {
    ...closed,
    description: 'Files for Modbus/TCP Security. Default: none; required where transport is tls.',
  },
);

const backup = Type.Object(
  { host: Type.Optional(host), port: Type.Optional(port), path: Type.Optional(path) },
  {
    ...closed,
    description:
      'Second address of the same device, asked while the first fails: host and port, or path. Default: none.',
  },
);

const serial = {
  baudRate: Type.Optional(
    Type.Integer({
      description: 'Bits per second on the serial port (number). Default 19200.',
      default: 19_200,
      minimum: 300,
      maximum: 4_000_000,
    }),
  ),
  parity: Type.Optional(
    Type.Enum(['none', 'even', 'odd'], {
      description: 'Parity on the serial port. Default even.',
      default: 'even',
    }),
  ),
  dataBits: Type.Optional(
    Type.Integer({
      description: 'Data bits on the serial port (number). Default 8.',
      default: 8,
      minimum: 7,
      maximum: 8,
    }),
  ),
  stopBits: Type.Optional(
    Type.Integer({
      description: 'Stop bits on the serial port (number). Default 1.',
      default: 1,
      minimum: 1,
      maximum: 2,
    }),
  ),
};

export const settings = Type.Object(
  {
    transport: Type.Optional(
      Type.Enum(['tcp', 'rtu', 'rtu-over-tcp', 'tls'], {
        description:
          'How frames travel: tcp, Modbus TCP with its header; rtu, on a serial port; rtu-over-tcp, serial frames with their checksum on a socket; tls, Modbus/TCP Security. Default tcp.',
        default: 'tcp',
      }),
    ),
    host: Type.Optional(host),
    port: Type.Optional(port),
    path: Type.Optional(path),
    ...serial,
    tls: Type.Optional(tls),
    backup: Type.Optional(backup),
    unitId: Type.Integer({
      description:
        'Unit id of the device (number). Devices with the same address share a connection. Default 1.',
      default: 1,
      minimum: 0,
      maximum: 255,
    }),
    timeoutMs: Type.Integer({
      description:
        'How long this device may take to accept and to answer a request (ms). Default 1000.',
      default: limits.modbusTimeoutMsDefault,
      minimum: limits.modbusTimeoutMsMin,
      maximum: limits.modbusTimeoutMsMax,
    }),
    retries: Type.Optional(
      Type.Integer({
        description:
          'How often a question without a right answer is asked again (number). Default 0; with rtu and rtu-over-tcp 1.',
        minimum: 0,
        maximum: limits.modbusRetriesMax,
      }),
    ),
    inFlight: Type.Optional(
      Type.Integer({
        description:
          'Requests on the connection at the same time (number); more than 1 only with tcp and tls. Default 1.',
        default: 1,
        minimum: 1,
        maximum: limits.modbusInFlightMax,
      }),
    ),
    archives: Type.Optional(
      Type.Object(
        {
          gapMs: Type.Optional(
            Type.Integer({
              description:
                'After no answer for this long, the device’s archive is asked for what was missed (ms). Default 60000.',
              default: limits.archiveGapMsDefault,
              minimum: 1_000,
              maximum: 86_400_000,
            }),
          ),
          zoneMinutes: Type.Optional(
            Type.Integer({
              description: 'How far the device’s clock is ahead of UTC (minutes). Default 0.',
              default: 0,
              minimum: -14 * 60,
              maximum: 14 * 60,
            }),
          ),
        },
        {
          ...closed,
          description: 'How gaps are filled where the profile names an archive. Default: as below.',
        },
      ),
    ),
    ...readingOptions,
  },
  {
    ...closed,
    if: { properties: { transport: { const: 'rtu' } }, required: ['transport'] },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's keyword, not a promise.
    then: { required: ['path'] },
    else: { required: ['host'] },
  },
);

export type ModbusSettings = Static<typeof settings>;

/** What the devices on one connection share. */
export interface LineSettings {
  /** Devices with the same key share the connection. */
  readonly key: string;
  readonly framing: 'mbap' | 'rtu';
  /** The first, and the others that stand in for it. */
  readonly addresses: readonly Address[];
  readonly inFlight: number;
  /** Silence before each request, milliseconds: 3.5 characters on a serial port, else 0. */
  readonly quietMs: number;
}

/** The line that a device's settings describe; they must have passed `settings` and `check`. */
export function lineOf(
  device: ModbusSettings,
  resolvePath: (path: string) => string = (path) => path,
): LineSettings {
  const { backup: second, inFlight = 1, transport = 'tcp' } = device;
  const isSerial = transport === 'rtu';
  const addresses = [device, ...(second ? [{ ...device, ...second }] : [])].map((place) =>
    addressOf(place, resolvePath),
  );
  return {
    key: `${transport} ${addresses.map(nameOf).join(' ')}`,
    framing: transport === 'tcp' || transport === 'tls' ? 'mbap' : 'rtu',
    addresses,
    inFlight,
    quietMs: isSerial ? quietMs(device.baudRate ?? 19_200) : 0,
  };
}

/** How an address is called in logs: `host:port` or the path of the serial port. */
export function nameOf(address: Address): string {
  return address.kind === 'serial' ? address.path : `${address.host}:${address.port}`;
}

/** How often a question is asked again. */
export function retriesOf({ retries, transport = 'tcp' }: ModbusSettings): number {
  return retries ?? (transport === 'rtu' || transport === 'rtu-over-tcp' ? 1 : 0);
}

/** What the schema cannot say of the fields that belong to one transport. */
export function checkLine(device: ModbusSettings): SchemaMistake[] {
  const { backup: second, transport = 'tcp' } = device;
  const isSerial = transport === 'rtu';
  const hasOrder = transport === 'rtu' || transport === 'rtu-over-tcp';
  const mistakes: SchemaMistake[] = [];
  const say = (path: readonly string[], message: string) => mistakes.push({ path, message });
  if (isSerial && (device.host ?? device.port) !== undefined) {
    say(['transport'], 'is rtu, a serial port: leave host and port out, or use rtu-over-tcp');
  }
  if (!isSerial && device.path !== undefined) {
    say(['path'], `is a serial port, which transport ${transport} does not use; write rtu`);
  }
  if (transport === 'tls' && !device.tls) say([], 'transport tls needs "tls": the files it uses');
  if (transport !== 'tls' && device.tls) say(['tls'], 'is used only where transport is tls');
  if (hasOrder && (device.inFlight ?? 1) > 1) {
    say(['inFlight'], `must be 1 with ${transport}: its frames have no number to tell them by`);
  }
  if (hasOrder && device.unitId === 0) {
    say(['unitId'], 'is 0, which is for messages to all devices: none of them answers');
  }
  if (!second) return mistakes;
  if (isSerial && second.path === undefined) say(['backup'], 'needs the path of a serial port');
  if (!isSerial && second.host === undefined) say(['backup'], 'needs a host');
  if (isSerial ? (second.host ?? second.port) !== undefined : second.path !== undefined) {
    say(['backup'], `has a field that transport ${transport} does not use`);
  }
  return mistakes;
}

function addressOf(place: ModbusSettings, resolvePath: (path: string) => string): Address {
  const { transport = 'tcp', host: name = '' } = place;
  if (transport === 'rtu') {
    const { baudRate = 19_200, dataBits = 8, parity = 'even', path: at = '', stopBits = 1 } = place;
    return { kind: 'serial', path: resolvePath(at), baudRate, dataBits, parity, stopBits };
  }
  const { port: number = transport === 'tls' ? 802 : 502, tls: files } = place;
  if (transport !== 'tls' || files === undefined) return { kind: 'tcp', host: name, port: number };
  return {
    kind: 'tls',
    host: name,
    port: number,
    serverName: files.serverName ?? name,
    ca: resolvePath(files.ca),
    certificate: resolvePath(files.certificate),
    key: resolvePath(files.key),
  };
}

/**
 * 3.5 characters of 11 bits, and 1.75 ms at more than 19,200 bits per second (Modbus over Serial
 * Line V1.02 §2.5.1.1).
 */
function quietMs(baudRate: number): number {
  return baudRate > 19_200 ? 1.75 : (3.5 * 11 * 1_000) / baudRate;
}
