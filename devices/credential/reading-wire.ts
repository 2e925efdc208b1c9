/**
 * Readings, losses and times to their members in a batch's payload, and back: the part of the wire
 * form that repeats. What goes together stands together, so that the two ways stay inverses.
 */
import { strict as assert } from 'node:assert';
import type { CredentialCode } from '../errors/credential.ts';
import { limits } from '../limits.ts';
import type { Loss, LostBatches, Quality, Reading, ReadingGroup, Value } from '../reading.ts';
import { formatTime, readTimeExactly } from '../runtime.ts';
import type { ElementPayload, LossPayload, ReportPayload } from './batch-schema.ts';
import { isMeasurementType } from './measurement.ts';

/**
 * Carries a refusal out of the loops of `readBatch`, which turns it into a returned one.
 * VC_CONTRADICTION unless another code is given.
 */
export class Disagreement extends Error {
  readonly refusalCode: CredentialCode;

  constructor(message: string, code: CredentialCode = 'VC_CONTRADICTION') {
    super(message);
    this.refusalCode = code;
  }
}

/** Instants that `YYYY-MM-DDTHH:MM:SS.mmmZ` can write: the years 0001 to 9999. */
const TIME_MIN = -62_135_596_800_000;
const TIME_MAX = 253_402_300_799_999;

/** Whether a time can be signed: whole milliseconds in the years 0001 to 9999. */
export function isWireTime(timeMs: number): boolean {
  return Number.isInteger(timeMs) && timeMs >= TIME_MIN && timeMs <= TIME_MAX;
}

/** JSON text around one reading's own texts: member names, quotes, commas. */
const REPORT_BYTES = 230;
/** The member of a server's time: `"bl:serverTime":"2026-11-21T12:00:01.012Z",`. */
export const SERVER_TIME_BYTES = 43;

/**
 * At most so many bytes of the token does one reading take, for closing a batch before it is too
 * large. Texts count six bytes a character (an escape), and base64url makes four bytes of three.
 */
export function readingBytesMax(reading: Reading): number {
  const { type, unit, point, rawHex, serverTimeMs, status = '', value } = reading;
  const text = typeof value === 'string' ? value.length : String(value ?? '').length;
  const free = (Math.min(status.length, limits.statusMax) + text) * 6;
  const plain = type.length + unit.length + point.length + rawHex.length + REPORT_BYTES;
  const time = serverTimeMs === undefined ? 0 : SERVER_TIME_BYTES;
  return Math.ceil(((plain + free + time) * 4) / 3);
}

/** One sensor element of a group. */
export function elementOf(group: ReadingGroup, device: string): ElementPayload {
  assert(group.readings.length > 0, 'a group has at least one reading');
  const sensorMetadata: ElementPayload['sensorMetadata'] = {
    time: writeTime(group.timeMs),
    deviceID: device,
  };
  if (group.gatewayTimeMs !== undefined) {
    sensorMetadata['bl:gatewayTime'] = writeTime(group.gatewayTimeMs);
  }
  if (group.deviceClock !== undefined) {
    assert(group.gatewayTimeMs !== undefined, 'a time that is in doubt has another beside it');
    sensorMetadata['bl:deviceClock'] = group.deviceClock;
  }
  if (group.about !== undefined) sensorMetadata['bl:about'] = group.about;
  return { sensorMetadata, sensorReport: group.readings.map((one) => reportOf(one, group)) };
}

function reportOf(reading: Reading, { timeMs }: ReadingGroup): ReportPayload {
  const { type, value, unit, rawHex, quality, serverTimeMs, status, point } = reading;
  assert(serverTimeMs !== timeMs, `${point}: a server's time is said where it is another`);
  assert((value === undefined) === (quality === 'bad'), `${point}: a value exactly if not bad`);
  const report: Partial<ReportPayload> & { type: string } = { type };
  if (value !== undefined) putValue(report, value, point);
  if (unit !== '') report.uom = unit;
  if (rawHex !== '') report.hexBinaryValue = rawHex;
  report['bl:point'] = point;
  if (quality !== 'good') report['bl:quality'] = quality;
  if (status) report['bl:status'] = wellFormed(status.slice(0, limits.statusMax));
  if (serverTimeMs !== undefined) report['bl:serverTime'] = writeTime(serverTimeMs);
  if (quality === 'bad') report.exception = 'ERROR_CONDITION';
  return report as ReportPayload;
}

function putValue(report: Partial<ReportPayload>, value: Value, point: string): void {
  switch (typeof value) {
    case 'number':
      assert(Number.isFinite(value), `${point}: ${value} is not a number that can be signed`);
      report.value = value;
      break;
    case 'bigint':
      report.stringValue = value.toString();
      report['bl:valueType'] = 'xsd:integer';
      break;
    case 'boolean':
      report.booleanValue = value;
      break;
    default:
      report.stringValue = wellFormed(value);
  }
}

/**
 * Whether the members of a sensor element agree; what the schema cannot say. Returns the number of
 * its readings. @throws Disagreement
 */
export function checkElement(element: ElementPayload, device: string): number {
  const { sensorMetadata: metadata, sensorReport } = element;
  if (metadata.deviceID !== device) throw new Disagreement('a deviceID is not the issuer');
  const gatewayTime = metadata['bl:gatewayTime'];
  if (metadata['bl:deviceClock'] !== undefined && gatewayTime === undefined) {
    throw new Disagreement('a time that is in doubt has no gateway time beside it');
  }
  readTime(metadata.time);
  if (gatewayTime !== undefined) readTime(gatewayTime);
  for (const report of sensorReport) checkReport(report, metadata.time);
  return sensorReport.length;
}

/** The group of a sensor element that `checkElement` found in order. */
export function groupOf(element: ElementPayload): ReadingGroup {
  const { sensorMetadata: metadata, sensorReport } = element;
  const gatewayTime = metadata['bl:gatewayTime'];
  const deviceClock = metadata['bl:deviceClock'];
  const about = metadata['bl:about'];
  const timeMs = readTime(metadata.time);
  return {
    timeMs,
    ...(gatewayTime !== undefined && { gatewayTimeMs: readTime(gatewayTime) }),
    ...(deviceClock !== undefined && { deviceClock }),
    ...(about !== undefined && { about }),
    readings: sensorReport.map(readingOf),
  };
}

function checkReport(report: ReportPayload, time: string): void {
  const { type, 'bl:point': point, 'bl:serverTime': serverTime } = report;
  const isBad = report['bl:quality'] === 'bad';
  if (hasValue(report) === isBad) {
    throw new Disagreement(`${point}: a value exactly if the quality is not bad`);
  }
  if ((report.exception !== undefined) !== isBad) {
    throw new Disagreement(`${point}: ERROR_CONDITION exactly if the quality is bad`);
  }
  if (!isMeasurementType(type)) {
    throw new Disagreement(`${point}: ${type} is not a measurement type of EPCIS`, 'VC_SCHEMA');
  }
  if (serverTime === undefined) return;
  readTime(serverTime);
  // One statement has one text: a server's time that is the element's own is left out.
  if (serverTime === time) {
    throw new Disagreement(`${point}: the server's time is the time of the element`);
  }
}

function readingOf(report: ReportPayload): Reading {
  const { type, uom, hexBinaryValue } = report;
  const point = report['bl:point'];
  const status = report['bl:status'];
  const quality: Quality = report['bl:quality'] ?? 'good';
  const value = valueOfReport(report);
  const serverTime = report['bl:serverTime'];
  return {
    ...{ point, type, unit: uom ?? '', rawHex: hexBinaryValue ?? '', quality },
    ...(value !== undefined && { value }),
    ...(status !== undefined && { status }),
    ...(serverTime !== undefined && { serverTimeMs: readTime(serverTime) }),
  };
}

/** What int64 and uint64 can say has at most 20 digits; more is not worth parsing. */
export const INTEGER = /^(0|-?[1-9]\d{0,38})$/;

/** Whether there is a value; at most one, and a whole number in its canonical text. */
function hasValue(report: ReportPayload): boolean {
  const { value, stringValue, booleanValue } = report;
  let count = 0;
  if (value !== undefined) count += 1;
  if (stringValue !== undefined) count += 1;
  if (booleanValue !== undefined) count += 1;
  if (count > 1) throw new Disagreement(`${report['bl:point']}: several values`);
  const isInteger = report['bl:valueType'] !== undefined;
  if (isInteger && (stringValue === undefined || !INTEGER.test(stringValue))) {
    throw new Disagreement(`${report['bl:point']}: not an integer in canonical form`);
  }
  return count === 1;
}

function valueOfReport(report: ReportPayload): Value | undefined {
  const { value, stringValue, booleanValue } = report;
  if (report['bl:valueType'] !== undefined && stringValue !== undefined) return BigInt(stringValue);
  return value ?? stringValue ?? booleanValue;
}

/** The payload of a loss. */
export function payloadOfLoss(loss: Loss): LossPayload {
  return {
    'bl:from': writeTime(loss.fromMs),
    'bl:to': writeTime(loss.toMs),
    'bl:count': loss.count,
    'bl:cause': loss.cause,
    ...(loss.estimated && { 'bl:estimated': true }),
    ...(loss.points && { 'bl:points': [...loss.points] }),
    ...(loss.batches && { 'bl:batches': payloadOfBatches(loss.batches) }),
  };
}

function payloadOfBatches(batches: LostBatches): NonNullable<LossPayload['bl:batches']> {
  const { counter, digest, first, last, nonce } = batches;
  return {
    'bl:counter': counter,
    'bl:nonce': nonce,
    'bl:firstSequence': first,
    'bl:lastSequence': last,
    ...(digest !== undefined && { digestMultibase: digest }),
  };
}

/** Whether the times of a loss are times, and its batches in order. @throws Disagreement */
export function checkLoss(loss: LossPayload): void {
  readTime(loss['bl:from']);
  readTime(loss['bl:to']);
  const batches = loss['bl:batches'];
  if (batches && batches['bl:firstSequence'] > batches['bl:lastSequence']) {
    throw new Disagreement('the batches of a loss end before they begin');
  }
}

/** The loss of a payload. */
export function lossOf(loss: LossPayload): Loss {
  const points = loss['bl:points'];
  const batches = loss['bl:batches'];
  return {
    fromMs: readTime(loss['bl:from']),
    toMs: readTime(loss['bl:to']),
    count: loss['bl:count'],
    cause: loss['bl:cause'],
    ...(loss['bl:estimated'] && { estimated: true }),
    ...(points && { points }),
    ...(batches && { batches: batchesOf(batches) }),
  };
}

function batchesOf(batches: NonNullable<LossPayload['bl:batches']>): LostBatches {
  const { digestMultibase: digest } = batches;
  return {
    counter: batches['bl:counter'],
    nonce: batches['bl:nonce'],
    first: batches['bl:firstSequence'],
    last: batches['bl:lastSequence'],
    ...(digest !== undefined && { digest }),
  };
}

/** Text of a time; asserts that it can be signed. */
export function writeTime(timeMs: number): string {
  assert(isWireTime(timeMs), `${timeMs} is not a time that can be signed`);
  return formatTime(timeMs);
}

/** Milliseconds of a time that exists: there is no 30 February, and no hour 24. */
export function readTime(text: string): number {
  const timeMs = readTimeExactly(text);
  if (timeMs === undefined) throw new Disagreement(`${text} is not a time`, 'VC_SCHEMA');
  return timeMs;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** The text with U+FFFD for each lone surrogate, which UTF-8 cannot carry. */
export function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? text.replaceAll(/\p{Surrogate}/gu, '\ufffd') : text;
}
