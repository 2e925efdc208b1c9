/** What a device says: samples as they came off the wire, and the readings made of them. */

/**
 * How far a value can be relied on. `forced`: an engineer overrode the input at the device;
 * `estimated`: the device computed it from something else; `archived`: the device kept it in its
 * own archive and gave it later, so that it fills a gap and is never the present value.
 */
export type Quality = 'good' | 'uncertain' | 'bad' | 'forced' | 'estimated' | 'archived';

/**
 * The shape of the raw bytes of a sample. `json` is the UTF-8 text of one JSON value, `cbor` the
 * encoded form of one CBOR data item.
 */
export type RawType =
  | 'bool'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float16'
  | 'float32'
  | 'float64'
  | 'bcd'
  | 'string'
  | 'json'
  | 'cbor';

/**
 * The order of the bytes on the wire, most significant first named `A`. For 16-bit values only
 * the first two letters count (`AB` or `BA`). With four letters, 64-bit values have their words
 * in the same or in the reverse order (`CDAB` is GHEFCDAB); eight letters name every order that
 * swaps bytes in words, words in halves, or halves.
 */
export type ByteOrder =
  | 'ABCD'
  | 'CDAB'
  | 'BADC'
  | 'DCBA'
  | 'ABCDEFGH'
  | 'BADCFEHG'
  | 'CDABGHEF'
  | 'DCBAHGFE'
  | 'EFGHABCD'
  | 'FEHGBADC'
  | 'GHEFCDAB'
  | 'HGFEDCBA';

/** Bytes of a number of each type on the wire; those of the other types vary. */
export const numberBytes: Readonly<Partial<Record<RawType, 1 | 2 | 4 | 8>>> = {
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  float16: 2,
  int32: 4,
  uint32: 4,
  float32: 4,
  int64: 8,
  uint64: 8,
  float64: 8,
};

/** Every byte order, those of four letters first. */
export const byteOrders = [
  'ABCD',
  'CDAB',
  'BADC',
  'DCBA',
  'ABCDEFGH',
  'BADCFEHG',
  'CDABGHEF',
  'DCBAHGFE',
  'EFGHABCD',
  'FEHGBADC',
  'GHEFCDAB',
  'HGFEDCBA',
] as const satisfies readonly ByteOrder[];

/** How raw bytes are to be read. */
export interface Encoding {
  readonly type: RawType;
  readonly order: ByteOrder;
  /**
   * `bool` in registers: which bit, 0 the lowest, after the bytes were put in order. Absent: true
   * when any bit is set.
   */
  readonly bit?: number;
  /** 8-bit values in a register: which byte. Default `low`. */
  readonly byte?: 'high' | 'low';
}

/** One answer of a device about one point, before anything was made of it. */
export interface Sample {
  /** The point's name in the device's profile. */
  readonly point: string;
  /** The words or bytes exactly as they came, in lower-case hex; empty if none came. */
  readonly rawHex: string;
  /** How the driver says these bytes are to be read. */
  readonly encoding: Encoding;
  /** The quality that the wire itself stated. */
  readonly quality: Quality;
  /** The protocol's own words for a quality that is not good, e.g. `opcua:BadSensorFailure`. */
  readonly status?: string;
  /** Milliseconds since 1970 as the source states them; absent where the protocol has no time. */
  readonly sourceTimeMs?: number;
  /**
   * Milliseconds since 1970 as a server between source and gateway states them; absent where there
   * is none, and where it states no time but the source's.
   */
  readonly serverTimeMs?: number;
  /** Wall time of the gateway when the answer was complete. */
  readonly gatewayTimeMs: number;
}

/** A value as it is shown and signed. A `bigint` is an integer that a double cannot hold. */
export type Value = number | bigint | string | boolean;

/** One value of one point with all that is known of it, except the time of its group. */
export interface Reading {
  readonly point: string;
  /** EPCIS measurement type (GS1 Web Vocabulary) or a URI of our own. */
  readonly type: string;
  /** UN/ECE Rec 20 code; empty for values that have no unit. */
  readonly unit: string;
  /** Absent when the quality is `bad`. */
  readonly value?: Value;
  readonly rawHex: string;
  readonly quality: Quality;
  readonly status?: string;
  /** What a server between source and gateway states, where that is not the time of the group. */
  readonly serverTimeMs?: number;
}

/**
 * Why a device's own time cannot be believed. `jumped`: it went back, or ahead of the gateway's,
 * just now; `wrong`: it is where it cannot be; `stuck`: it stands still while values change.
 */
export const deviceClockFaults = ['jumped', 'stuck', 'wrong'] as const;
export type DeviceClockFault = (typeof deviceClockFaults)[number];

/** All readings of one sample time about one thing; becomes one EPCIS sensor element. */
export interface ReadingGroup {
  /** Sample time, milliseconds since 1970: the source's own where it states one. */
  readonly timeMs: number;
  /** Gateway time, present where the source stated a time of its own. */
  readonly gatewayTimeMs?: number;
  /** Only beside a gateway time: `timeMs` is what the device said, and it cannot be believed. */
  readonly deviceClock?: DeviceClockFault;
  /** URI of the goods that these readings are about; absent when they are about the device. */
  readonly about?: string;
  readonly readings: readonly Reading[];
}

/** Why values that should have been read or kept are missing. */
export type LossCause =
  | 'absent'
  | 'timeout'
  | 'refused'
  | 'nonsense'
  | 'queue-full'
  | 'storage-full'
  | 'not-running'
  | 'damaged'
  | 'given-way'
  | 'thinned'
  | 'rolled-back';

/** What was not read or not kept: signed like a reading, so that a hole is evidence too. */
export interface Loss {
  readonly fromMs: number;
  readonly toMs: number;
  /** Number of point values that are missing. */
  readonly count: number;
  readonly cause: LossCause;
  /** The count is a guess by the batches beside it: what would have told it is damaged too. */
  readonly estimated?: true;
  /** The points concerned; absent when it is all points of the device. */
  readonly points?: readonly string[];
  /** Batches that were signed and will not come, so that their places are no open gap. */
  readonly batches?: LostBatches;
}

/** Batches of one epoch without a hole between them. */
export interface LostBatches {
  readonly counter: number;
  readonly nonce: string;
  readonly first: number;
  readonly last: number;
  /** Digest of the last one, which a following batch names; absent where it cannot be known. */
  readonly digest?: string;
}

/**
 * What stands for readings of one point that gave way to it. It is no sample: it never becomes a
 * value of a twin.
 */
export interface Aggregate {
  readonly point: string;
  readonly type: string;
  readonly unit: string;
  /** Readings that it stands for, and how many of them had no value. */
  readonly count: number;
  readonly bad: number;
  /** The least good quality of those that had a value; `bad` where none had. */
  readonly quality: Quality;
  /** Of numbers only, as doubles. */
  readonly minimum?: number;
  readonly maximum?: number;
  readonly mean?: number;
  /** The last value; absent exactly if the quality is `bad`. */
  readonly last?: Value;
}

/** Aggregates about the same thing. */
export interface AggregateGroup {
  /** First and last time of the readings: the device's, or the gateway's where that is in doubt. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly about?: string;
  readonly aggregates: readonly Aggregate[];
}
