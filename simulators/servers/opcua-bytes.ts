/**
 * The bytes of a value as an OPC UA server sends it: little endian, OPC 10000-6 §5.2.2, texts as
 * UTF-8 without their length. Written for the ledger and independent of the gateway's decoder.
 */

/** Built-in types that a simulated device uses, with their numbers in OPC 10000-6 Table 1. */
export const builtInTypes = {
  Boolean: 1,
  SByte: 2,
  Byte: 3,
  Int16: 4,
  UInt16: 5,
  Int32: 6,
  UInt32: 7,
  Int64: 8,
  UInt64: 9,
  Float: 10,
  Double: 11,
  String: 12,
  DateTime: 13,
} as const;

export type BuiltInType = keyof typeof builtInTypes;

/** A value that a device holds; times are milliseconds since 1970. */
export type ServedValue = number | bigint | string | boolean;

/** 1601-01-01 to 1970-01-01 in units of 100 ns. */
const TICKS_TO_1970 = 116_444_736_000_000_000n;

/** Lower-case hex of `value` as `type`. */
export function servedHex(type: BuiltInType, value: ServedValue): string {
  const view = new DataView(new ArrayBuffer(8));
  switch (type) {
    case 'Boolean':
      return value === true ? '01' : '00';
    case 'SByte':
      view.setInt8(0, Number(value));
      return hex(view, 1);
    case 'Byte':
      view.setUint8(0, Number(value));
      return hex(view, 1);
    case 'Int16':
      view.setInt16(0, Number(value), true);
      return hex(view, 2);
    case 'UInt16':
      view.setUint16(0, Number(value), true);
      return hex(view, 2);
    case 'Int32':
      view.setInt32(0, Number(value), true);
      return hex(view, 4);
    case 'UInt32':
      view.setUint32(0, Number(value), true);
      return hex(view, 4);
    case 'Int64':
      view.setBigInt64(0, BigInt(value), true);
      return hex(view, 8);
    case 'UInt64':
      view.setBigUint64(0, BigInt(value), true);
      return hex(view, 8);
    case 'Float':
      view.setFloat32(0, Number(value), true);
      return hex(view, 4);
    case 'Double':
      view.setFloat64(0, Number(value), true);
      return hex(view, 8);
    case 'String':
      return Buffer.from(new TextEncoder().encode(String(value))).toString('hex');
    case 'DateTime':
      view.setBigInt64(0, BigInt(Number(value)) * 10_000n + TICKS_TO_1970, true);
      return hex(view, 8);
  }
}

function hex(view: DataView, bytes: number): string {
  let text = '';
  for (let at = 0; at < bytes; at += 1) text += view.getUint8(at).toString(16).padStart(2, '0');
  return text;
}
