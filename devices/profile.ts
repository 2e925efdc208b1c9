/**
 * A device profile: what is true of a device kind wherever it is installed. Data only, so that
 * gateway, ingester, simulator and documentation read the same lines. What is true of one site
 * (address, unit id, identity, goods, cadence) is configuration.
 */
import { strict as assert } from 'node:assert';
import { hash } from 'node:crypto';
import { pointMistakes } from './point-check.ts';
import type { Encoding } from './reading.ts';
import { units } from './units.ts';

/** Where a point stands in a Modbus device. Addresses are the protocol's, counted from 0. */
export interface ModbusPlace {
  readonly table: 'coil' | 'discrete' | 'input' | 'holding';
  readonly address: number;
  /**
   * `enron`: the register is 4 bytes wide and counts as one (Daniel/Enron map, ranges 5001 to
   * 5999 and 7001 to 7999). Default `standard`: 2 bytes a register.
   */
  readonly width?: 'standard' | 'enron';
  /** Without `order`, the order that the device's connection settings state (default `ABCD`). */
  readonly encoding: PlaceEncoding;
  /** Registers that the value covers. Needed for text; else it follows from the encoding. */
  readonly registers?: number;
}

/** An encoding whose order may be left to the device. */
export type PlaceEncoding = Omit<Encoding, 'order'> & Partial<Pick<Encoding, 'order'>>;

/** Where a point stands in an OPC UA server, by browse path below the device's root node. */
export interface OpcuaPlace {
  /**
   * Path of browse names: of a variable below the configured root, e.g. `Caster/CastingSpeed`; or,
   * with `event`, of a field below that event type, e.g. `HeatId`. Names are in the root node's
   * namespace; `2:` before one names another by its index, `nsu=http://vendor.example/UA/;` by its
   * URI, which no restart of the server changes.
   */
  readonly path: string;
  /**
   * Browse name of the event type that carries the field; its events come from the root node.
   * It may have its namespace before it like a name of `path`, e.g. `0:LimitAlarmType`.
   */
  readonly event?: string;
  /** Element of an array, counted from 0: `3`, or `1,2` of a matrix. */
  readonly index?: string;
  /** Field of a structure: names with slashes between, e.g. `Zones[2]/Temperature`. */
  readonly field?: string;
  /**
   * What the server itself leaves out: changes up to `absolute` in the wire's unit, or up to
   * `percent` of its EURange. Default: the point's `deadband`, in the wire's unit.
   */
  readonly deadband?: { readonly absolute: number } | { readonly percent: number };
  /** How often the server looks at the value, milliseconds. Default: the connection's setting. */
  readonly samplingMs?: number;
}

/** Where a point stands in a payload published over MQTT. */
export interface MqttPlace {
  /** Topic below the configured prefix, e.g. `telemetry`. */
  readonly topic: string;
  /**
   * Path to the value in the payload, or in each sample: member names with dots between, e.g.
   * `supplyAir.temperature`; or, beginning with `$`, a JSONPath (RFC 9535). Empty: the payload or
   * sample itself. Where samples name their points, the name; in a binary payload the offset, or
   * `offset:length`, in bytes.
   */
  readonly path: string;
  /** What the payload is. Default: the connection's setting, else `json`. */
  readonly format?: PayloadFormat;
  /** JSONPath of the samples in the payload; default the setting, else the payload is one. */
  readonly samples?: string;
  /** Path of the time in each sample; default the setting, else the members `time` and `timeMs`. */
  readonly time?: string;
  readonly timeFormat?: TimeFormat;
  /** Path, in each sample, of the text that says the value's unit, as Rec 20 code or in UCUM. */
  readonly unit?: string;
  /** A payload may leave the value out: then it is not missing. */
  readonly optional?: boolean;
  /** How the bytes of a binary value are to be read; `string` keeps a plain payload as text. */
  readonly encoding?: PlaceEncoding;
}

/** What a payload is: a JSON or CBOR document, one plain text, or bytes at fixed offsets. */
export const payloadFormats = ['json', 'cbor', 'text', 'binary'] as const;
export type PayloadFormat = (typeof payloadFormats)[number];

/** How a payload writes a time: RFC 3339, a count since 1970 of s, ms, us or ns, or any of them. */
export const timeFormats = ['rfc3339', 's', 'ms', 'us', 'ns', 'any'] as const;
export type TimeFormat = (typeof timeFormats)[number];

/** Where a point stands in what a Sparkplug B edge node or device publishes. */
export interface SparkplugPlace {
  /** Name of the metric as its birth certificate states it, e.g. `Reefer/Supply Air`. */
  readonly metric: string;
}

/** Bounds of the error of a good value: the larger of the two counts. */
export interface Accuracy {
  /** In the point's unit, plus or minus. */
  readonly absolute?: number;
  /** Percent of the value, plus or minus. */
  readonly percent?: number;
}

/**
 * What a value says over time: as it is now, counted since ever, set by somebody, a state, or the
 * mean over an interval.
 */
export const quantities = ['instantaneous', 'total', 'setpoint', 'state', 'average'] as const;
export type Quantity = (typeof quantities)[number];

/** Which change of a value cannot wait. */
export const urgentChanges = ['change', 'rising', 'falling', 'event'] as const;
export type UrgentChange = (typeof urgentChanges)[number];

/** One thing that a device can say. */
export interface PointDefinition {
  readonly summary: string;
  /** EPCIS measurement type, e.g. `Temperature`; text values use `bl:Text`. */
  readonly type: string;
  /** UN/ECE Rec 20 code; empty when there is no unit. */
  readonly unit: string;
  /** Closed range of plausible values in `unit`; a value outside is `uncertain`. */
  readonly range?: readonly [number, number];
  /** Values that mean "no value" in this device; they become `bad`, status `sentinel`. */
  readonly sentinels?: readonly number[];
  /**
   * The same as bit patterns: hex of the whole value, most significant digit first, e.g.
   * `0x7fc00001` for one certain not-a-number, or what no double holds exactly.
   */
  readonly sentinelBits?: readonly string[];
  /** From the wire's number to `unit`: value = wire × scale + offset. */
  readonly scale?: number;
  readonly offset?: number;
  /** Instead of scale and offset: [wire low, wire high, value low, value high], a straight line. */
  readonly linear?: readonly [number, number, number, number];
  /** Instead: [wire, value] pairs, rising by wire; between two of them a straight line. */
  readonly table?: readonly (readonly [number, number])[];
  /** How far a good value may be from the truth. */
  readonly accuracy?: Accuracy;
  readonly quantity?: Quantity;
  /**
   * What a good value of this point is by its nature: `forced`, where an engineer put it in the
   * place of a measurement; `estimated`, where the device computed it from something else.
   */
  readonly nature?: 'forced' | 'estimated';
  /** How often the device has a new value, milliseconds. */
  readonly cadenceMs?: number;
  /**
   * Report by exception: a value is signed when it moved by more than this since the last one
   * that was signed (in the unit, or percent of `range`'s span), when its quality or status
   * changed, or after `maxSilenceMs`. Absent: every value is signed.
   */
  readonly deadband?: { readonly absolute: number } | { readonly percent: number };
  /** Default with a deadband: `limits.reportSilenceMsDefault`. */
  readonly maxSilenceMs?: number;
  /**
   * An alarm, a door or a seal: its batch is closed at once and sent before all others when the
   * value changes, when it rises or falls (a truth value: becomes true or false), or, where each
   * value tells of an event of its own, whenever one comes.
   */
  readonly urgent?: UrgentChange;
  /** Names the goods: the value completes the goods' URI for all points of the same sample time. */
  readonly identifies?: GoodsKind;
  /**
   * Group of points that are read or published together (`events` of a line, one payload);
   * default: one group for the device.
   */
  readonly group?: string;
  readonly modbus?: ModbusPlace;
  readonly opcua?: OpcuaPlace;
  readonly mqtt?: MqttPlace;
  readonly sparkplug?: SparkplugPlace;
}

/** A point of an archive's record. */
export interface ArchivePoint extends PointDefinition {
  /** Position of its 32-bit float in the record, 0 for the first after date and time. */
  readonly column: number;
  /** The live point whose increase over the period is this value, so that both can be compared. */
  readonly increaseOf?: string;
}

/** A ring of records in which a device sums up each finished period (Enron archive). */
export interface ArchiveDefinition {
  readonly summary: string;
  /** Holding register that is asked with the record's index in the place of the quantity. */
  readonly address: number;
  /** Records in the ring; indices are 1 to this. */
  readonly records: number;
  readonly periodMs: number;
  /** Whether a record is stamped with its period's start or with its end. */
  readonly stamp: 'start' | 'end';
  readonly points: Readonly<Record<string, ArchivePoint>>;
}

/** The kinds of goods that a device can report on. */
export const goodsKinds = [
  'pipeline-batch',
  'gas-flow',
  'steel-heat',
  'steel-piece',
  'container',
  'parcel',
] as const;
export type GoodsKind = (typeof goodsKinds)[number];

/** The field protocols; each is the name of a driver and of the member of a point's place. */
export const protocols = ['modbus', 'opcua', 'mqtt', 'sparkplug'] as const;
export type Protocol = (typeof protocols)[number];

/** What is true of a device kind. */
export interface DeviceProfile {
  /** Kebab-case, equal to the file's name. */
  readonly name: string;
  readonly summary: string;
  /** Where the map was taken from, so that a reader can check it. */
  readonly source: string;
  readonly protocol: Protocol;
  readonly reportsOn: GoodsKind;
  readonly points: Readonly<Record<string, PointDefinition>>;
  /** What the device keeps of finished periods, by name; asked for only to fill a gap. */
  readonly archives?: Readonly<Record<string, ArchiveDefinition>>;
}

/** Every point of a profile: those that are read, and those of its archives. */
export function allPointsOf(profile: DeviceProfile): Readonly<Record<string, PointDefinition>> {
  const archived = Object.values(profile.archives ?? {}).map(({ points }) => points);
  return Object.assign({}, profile.points, ...archived);
}

/** Checks a profile once, when its module loads; a mistake here is a programmer's. */
export function defineProfile(profile: DeviceProfile): DeviceProfile {
  assert(/^[a-z][a-z0-9-]*$/.test(profile.name), `profile name ${profile.name} is not kebab-case`);
  for (const [name, point] of Object.entries(allPointsOf(profile))) {
    const where = `${profile.name}.${name}`;
    assert(/^[a-z][A-Za-z0-9]*$/.test(name), `${where} is not camelCase`);
    assert(point[profile.protocol] !== undefined, `${where} has no ${profile.protocol} place`);
    assert(point.unit === '' || units.has(point.unit), `${where} has an unknown unit`);
    for (const { path, message } of pointMistakes(point)) {
      assert.fail(`${[where, ...path].join('.')}: ${message}`);
    }
  }
  return profile;
}

/** SHA-256 over the profile's JSON, as a multihash in multibase base64url (`uEi…`). */
export function profileDigest(profile: DeviceProfile): string {
  return digestMultibase(Buffer.from(JSON.stringify(profile)));
}

/**
 * SHA-256 of `bytes` as a multihash (0x12 0x20 ‖ digest) in multibase base64url (`u`): the form
 * of `digestMultibase` in W3C VCDM 2.0 §5.3.
 */
export function digestMultibase(bytes: Uint8Array): string {
  const digest = hash('sha256', bytes, 'buffer');
  return `u${Buffer.concat([Buffer.from([0x12, 0x20]), digest]).toString('base64url')}`;
}
