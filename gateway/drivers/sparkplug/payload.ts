/**
 * A Sparkplug B payload as its bytes say: the field numbers of the public schema (Eclipse Tahu,
 * `sparkplug_b.proto`), and the gateway's one door to `protobufjs`. Integers keep every bit.
 */
import protobuf from 'protobufjs/minimal.js';
import { limits } from '../../../devices/limits.ts';

const { Reader, Writer } = protobuf;
type Reader = InstanceType<typeof Reader>;

/** The member of a metric's or property's value that was set, as it came. */
export type WireValue =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'long'; readonly value: bigint }
  /** IEEE 754, least significant byte first, as on the wire: 4 bytes or 8. */
  | { readonly kind: 'float' | 'double'; readonly bytes: Uint8Array }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** Text in UTF-8, bytes, or a structure that is not looked into. */
  | { readonly kind: 'string' | 'bytes' | 'structure'; readonly bytes: Uint8Array };

export interface Metric {
  readonly name?: string;
  readonly alias?: bigint;
  /** Milliseconds since 1970 as the source states them. */
  readonly timestamp?: bigint;
  readonly datatype?: number;
  readonly isHistorical: boolean;
  readonly isTransient: boolean;
  readonly isNull: boolean;
  /** The property `Quality`, where it is set: 0 bad, 192 good, 500 stale. */
  readonly qualityCode?: number;
  readonly value?: WireValue;
}

export interface Payload {
  readonly timestamp?: bigint;
  readonly metrics: readonly Metric[];
  readonly seq?: bigint;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** The tag of a field: its number and its wire type. */
const field = (number: number, wireType: number) => (number << 3) | wireType;

/**
 * Decodes a payload, or `undefined` where the bytes are not one: cut short, not UTF-8, or more
 * metrics than `limits.sparkplugMetricsMax`. Unknown fields are skipped, as protocol buffers ask.
 */
export function decodePayload(bytes: Uint8Array): Payload | undefined {
  try {
    return readPayload(bytes);
  } catch {
    // The reader says in words of its own what does not fit; here it is one verdict.
    return undefined;
  }
}

function readPayload(bytes: Uint8Array): Payload {
  const reader = Reader.create(bytes);
  const metrics: Metric[] = [];
  const payload: Mutable<Payload> = { metrics };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    switch (tag) {
      case field(1, VARINT):
        payload.timestamp = readLong(reader);
        break;
      case field(2, LENGTH):
        if (metrics.length >= limits.sparkplugMetricsMax) throw new RangeError('too many metrics');
        metrics.push(readMetric(Reader.create(reader.bytes())));
        break;
      case field(3, VARINT):
        payload.seq = readLong(reader);
        break;
      default:
        skip(reader, tag);
    }
  }
  return payload;
}

function readMetric(reader: Reader): Metric {
  const metric: Mutable<Metric> = { isHistorical: false, isTransient: false, isNull: false };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    switch (tag) {
      case field(1, LENGTH):
        metric.name = textOf(reader.bytes());
        break;
      case field(2, VARINT):
        metric.alias = readLong(reader);
        break;
      case field(3, VARINT):
        metric.timestamp = readLong(reader);
        break;
      case field(4, VARINT):
        metric.datatype = reader.uint32();
        break;
      case field(5, VARINT):
        metric.isHistorical = reader.bool();
        break;
      case field(6, VARINT):
        metric.isTransient = reader.bool();
        break;
      case field(7, VARINT):
        metric.isNull = reader.bool();
        break;
      case field(9, LENGTH): {
        const code = readQuality(Reader.create(reader.bytes()));
        if (code !== undefined) metric.qualityCode = code;
        break;
      }
      default: {
        // The value's members begin at 10, in the order that `readValue` knows.
        const value = readValue(reader, tag, 10);
        if (value === undefined) skip(reader, tag);
        else metric.value = value;
      }
    }
  }
  return metric;
}

/** A value's member, where `tag` is one; the members are numbered from `first`. */
function readValue(reader: Reader, tag: number, first: number): WireValue | undefined {
  switch (tag) {
    case field(first, VARINT):
      return { kind: 'int', value: reader.uint32() };
    case field(first + 1, VARINT):
      return { kind: 'long', value: readLong(reader) };
    case field(first + 2, FIXED32):
      return { kind: 'float', bytes: readFixed(reader, 4) };
    case field(first + 3, FIXED64):
      return { kind: 'double', bytes: readFixed(reader, 8) };
    case field(first + 4, VARINT):
      return { kind: 'boolean', value: reader.bool() };
    case field(first + 5, LENGTH): {
      const bytes = reader.bytes();
      textOf(bytes);
      return { kind: 'string', bytes };
    }
    case field(first + 6, LENGTH):
      return { kind: 'bytes', bytes: reader.bytes() };
    case field(first + 7, LENGTH):
    case field(first + 8, LENGTH):
    case field(first + 9, LENGTH):
      return { kind: 'structure', bytes: reader.bytes() };
    default:
      return undefined;
  }
}

/** The property `Quality` of a property set: keys and values stand in two arrays side by side. */
function readQuality(reader: Reader): number | undefined {
  const keys: string[] = [];
  const codes: (number | undefined)[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === field(1, LENGTH)) keys.push(textOf(reader.bytes()));
    else if (tag === field(2, LENGTH)) codes.push(readCode(Reader.create(reader.bytes())));
    else skip(reader, tag);
    if (keys.length > limits.sparkplugMetricsMax) throw new RangeError('too many properties');
  }
  // Arrays of unequal length do not say which value is whose.
  if (keys.length !== codes.length) throw new RangeError('a property set without its values');
  return codes[keys.indexOf('Quality')];
}

/** The integer of a property value; its members are numbered from 3. */
function readCode(reader: Reader): number | undefined {
  let code: number | undefined;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === field(3, VARINT)) code = reader.uint32() | 0;
    else if (tag === field(4, VARINT)) code = Number(BigInt.asIntN(64, readLong(reader)));
    else skip(reader, tag);
  }
  return code;
}

function skip(reader: Reader, tag: number): void {
  reader.skipType(tag & 7, 0, tag >>> 3);
}

/** 64 bits as they came. */
function readLong(reader: Reader): bigint {
  const { high, low } = reader.uint64();
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function readFixed(reader: Reader, length: number): Uint8Array {
  const from = reader.pos;
  reader.skip(length);
  return reader.buf.slice(from, from + length);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

const BOOLEAN = 11;

/**
 * The bytes of a payload with a time and one true Boolean, without a sequence number: all that a
 * rebirth request is. There is no encoder for anything else.
 */
export function encodeRequest(name: string, timeMs: number): Uint8Array {
  const metric = Writer.create()
    .uint32(field(1, LENGTH))
    .string(name)
    .uint32(field(3, VARINT))
    .uint64(timeMs)
    .uint32(field(4, VARINT))
    .uint32(BOOLEAN)
    .uint32(field(14, VARINT))
    .bool(true)
    .finish();
  return Writer.create()
    .uint32(field(1, VARINT))
    .uint64(timeMs)
    .uint32(field(2, LENGTH))
    .bytes(metric)
    .finish();
}
