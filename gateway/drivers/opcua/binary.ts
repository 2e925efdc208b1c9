/**
 * How long a value is in OPC UA Binary (OPC 10000-6 §5.2), so that the bytes of one field can be
 * found in a structure without making anything of those before it.
 */

/** Numbers of the built-in types, OPC 10000-6 Table 1, that have no fixed length. */
const STRING = 12;
const BYTE_STRING = 15;
const XML_ELEMENT = 16;
const NODE_ID = 17;
const EXPANDED_NODE_ID = 18;
const QUALIFIED_NAME = 20;
const LOCALIZED_TEXT = 21;
const EXTENSION_OBJECT = 22;
const DATA_VALUE = 23;
const VARIANT = 24;
const DIAGNOSTIC_INFO = 25;

const FIXED: Readonly<Record<number, number>> = {
  1: 1,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 4,
  8: 8,
  9: 8,
  10: 4,
  11: 8,
  13: 8,
  14: 16,
  19: 4,
};

/** A value may hold values that hold values; no honest one is deeper. */
const DEPTH_MAX = 16;

/** Thrown inside this folder when the bytes do not hold what their type says; caught there. */
export class NotThere extends Error {}

/** Bytes and a place in them. */
export class Cursor {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  /** Goes on by `count` bytes and returns them. */
  take(count: number): Buffer {
    const end = this.at + count;
    if (count < 0 || end > this.bytes.length) throw new NotThere('the bytes end before the value');
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  uint8(): number {
    return this.take(1).readUInt8();
  }

  uint32(): number {
    return this.take(4).readUInt32LE();
  }

  int32(): number {
    return this.take(4).readInt32LE();
  }

  /** A length before bytes or elements; -1 is a null, which has none. */
  length(): number {
    return Math.max(0, this.int32());
  }

  /** The bytes behind their length (String, ByteString, XmlElement). */
  counted(): Buffer {
    return this.take(this.length());
  }
}

/** Goes past one value of a built-in type. */
export function skipBuiltIn(cursor: Cursor, type: number, depth = 0): void {
  if (depth > DEPTH_MAX) throw new NotThere('the value is nested too deeply');
  const fixed = FIXED[type];
  if (fixed !== undefined) {
    cursor.take(fixed);
    return;
  }
  switch (type) {
    case STRING:
    case BYTE_STRING:
    case XML_ELEMENT:
      cursor.counted();
      return;
    case NODE_ID:
    case EXPANDED_NODE_ID:
      skipNodeId(cursor);
      return;
    case QUALIFIED_NAME:
      cursor.take(2);
      cursor.counted();
      return;
    case LOCALIZED_TEXT:
      localizedText(cursor);
      return;
    case EXTENSION_OBJECT:
      skipNodeId(cursor);
      if (cursor.uint8() !== 0) cursor.counted();
      return;
    case DATA_VALUE:
      skipDataValue(cursor, depth);
      return;
    case VARIANT:
      skipVariant(cursor, depth);
      return;
    case DIAGNOSTIC_INFO:
      skipDiagnosticInfo(cursor, depth);
      return;
    default:
      throw new NotThere(`there is no built-in type ${type}`);
  }
}

/** OPC 10000-6 §5.2.2.14: a mask, then the parts that it names. Returns the text's bytes. */
export function localizedText(cursor: Cursor): Buffer {
  const mask = cursor.uint8();
  if (mask & 1) cursor.counted();
  return mask & 2 ? cursor.counted() : Buffer.alloc(0);
}

/** OPC 10000-6 §5.2.2.9 and §5.2.2.10. */
function skipNodeId(cursor: Cursor): void {
  const mask = cursor.uint8();
  switch (mask & 0x3f) {
    case 0:
      cursor.take(1);
      break;
    case 1:
      cursor.take(3);
      break;
    case 2:
      cursor.take(6);
      break;
    case 3:
    case 5:
      cursor.take(2);
      cursor.counted();
      break;
    case 4:
      cursor.take(18);
      break;
    default:
      throw new NotThere('a node id has no such form');
  }
  if (mask & 0x80) cursor.counted();
  if (mask & 0x40) cursor.take(4);
}

/** OPC 10000-6 §5.2.2.17. */
function skipDataValue(cursor: Cursor, depth: number): void {
  const mask = cursor.uint8();
  if (mask & 0x01) skipVariant(cursor, depth);
  if (mask & 0x02) cursor.take(4);
  if (mask & 0x04) cursor.take(8);
  if (mask & 0x10) cursor.take(2);
  if (mask & 0x08) cursor.take(8);
  if (mask & 0x20) cursor.take(2);
}

/** OPC 10000-6 §5.2.2.16. */
function skipVariant(cursor: Cursor, depth: number): void {
  const mask = cursor.uint8();
  const type = mask & 0x3f;
  if (type === 0) return;
  if ((mask & 0x80) === 0) {
    skipBuiltIn(cursor, type, depth + 1);
    return;
  }
  const count = cursor.length();
  for (let index = 0; index < count; index += 1) skipBuiltIn(cursor, type, depth + 1);
  if (mask & 0x40) cursor.take(4 * cursor.length());
}

/** OPC 10000-6 §5.2.2.12. */
function skipDiagnosticInfo(cursor: Cursor, depth: number): void {
  const mask = cursor.uint8();
  for (const bit of [0x01, 0x02, 0x04, 0x08]) if (mask & bit) cursor.take(4);
  if (mask & 0x10) cursor.counted();
  if (mask & 0x20) cursor.take(4);
  if (mask & 0x40) skipBuiltIn(cursor, DIAGNOSTIC_INFO, depth + 1);
}
