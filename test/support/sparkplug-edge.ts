/**
 * What an edge node says, written down byte by byte by hand: an encoder that shares nothing with
 * the gateway's decoder. Real edge nodes are tested in test/peers.
 */

/** Numbers of the data types (specification 3.0 §6.4.16). */
export const type = {
  int8: 1,
  int32: 3,
  int64: 4,
  uint64: 8,
  float: 9,
  double: 10,
  bool: 11,
  string: 12,
};

export interface SaidMetric {
  readonly name?: string;
  readonly alias?: number | bigint;
  readonly timestamp?: number | bigint;
  readonly datatype?: number;
  readonly isHistorical?: boolean;
  readonly isTransient?: boolean;
  readonly isNull?: boolean;
  readonly quality?: number;
  readonly int?: number;
  readonly long?: bigint;
  readonly float?: number;
  readonly double?: number;
  readonly bool?: boolean;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly dataset?: Uint8Array;
}

export interface SaidPayload {
  readonly timestamp?: number | bigint;
  readonly seq?: number | bigint;
  readonly metrics?: readonly SaidMetric[];
}

export function encode({ timestamp, seq, metrics = [] }: SaidPayload): Buffer {
  return Buffer.concat([
    ...(timestamp === undefined ? [] : [number(1, timestamp)]),
    ...metrics.map((metric) => block(2, encodeMetric(metric))),
    ...(seq === undefined ? [] : [number(3, seq)]),
  ]);
}

function encodeMetric(metric: SaidMetric): Buffer {
  const parts: Buffer[] = [];
  if (metric.name !== undefined) parts.push(block(1, Buffer.from(metric.name)));
  if (metric.alias !== undefined) parts.push(number(2, metric.alias));
  if (metric.timestamp !== undefined) parts.push(number(3, metric.timestamp));
  if (metric.datatype !== undefined) parts.push(number(4, metric.datatype));
  if (metric.isHistorical) parts.push(number(5, 1));
  if (metric.isTransient) parts.push(number(6, 1));
  if (metric.isNull) parts.push(number(7, 1));
  if (metric.quality !== undefined) {
    const value = Buffer.concat([number(1, 3), number(3, metric.quality >>> 0)]);
    parts.push(block(9, Buffer.concat([block(1, Buffer.from('Quality')), block(2, value)])));
  }
  if (metric.int !== undefined) parts.push(number(10, metric.int >>> 0));
  if (metric.long !== undefined) parts.push(number(11, BigInt.asUintN(64, metric.long)));
  if (metric.float !== undefined) {
    const bytes = Buffer.alloc(4);
    bytes.writeFloatLE(metric.float);
    parts.push(tag(12, 5), bytes);
  }
  if (metric.double !== undefined) {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(metric.double);
    parts.push(tag(13, 1), bytes);
  }
  if (metric.bool !== undefined) parts.push(number(14, metric.bool ? 1 : 0));
  if (metric.text !== undefined) parts.push(block(15, Buffer.from(metric.text)));
  if (metric.bytes !== undefined) parts.push(block(16, metric.bytes));
  if (metric.dataset !== undefined) parts.push(block(17, metric.dataset));
  return Buffer.concat(parts);
}

function number(field: number, value: number | bigint): Buffer {
  return Buffer.concat([tag(field, 0), varint(BigInt(value))]);
}

function block(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([tag(field, 2), varint(BigInt(bytes.length)), bytes]);
}

function tag(field: number, wireType: number): Buffer {
  return varint(BigInt((field << 3) | wireType));
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let left = value;
  do {
    bytes.push(Number(left & 127n) | (left > 127n ? 128 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
}

/** The session's number as a metric. */
export function bdSeq(value: number): SaidMetric {
  return { name: 'bdSeq', timestamp: 1, datatype: type.int64, long: BigInt(value) };
}

/** The command that every edge node offers. */
export const rebirthMetric: SaidMetric = {
  name: 'Node Control/Rebirth',
  timestamp: 1,
  datatype: type.bool,
  bool: false,
};
