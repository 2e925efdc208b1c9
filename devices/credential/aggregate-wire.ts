/**
 * Aggregates to their members in a batch's payload, and back. They stand apart from the readings,
 * with a beginning and an end in place of a time, so that nobody takes one for a sample.
 */
import { strict as assert } from 'node:assert';
import type { Aggregate, AggregateGroup, Quality, Value } from '../reading.ts';
import type { AggregatePayload } from './batch-schema.ts';
import { isMeasurementType } from './measurement.ts';
import { Disagreement, INTEGER, readTime, wellFormed, writeTime } from './reading-wire.ts';

type ReportPayload = AggregatePayload['sensorReport'][number];

/** The sensor element of a group. */
export function payloadOfAggregates(group: AggregateGroup, device: string): AggregatePayload {
  assert(group.aggregates.length > 0, 'a group has at least one aggregate');
  assert(group.fromMs <= group.toMs, 'an aggregate ends after it begins');
  return {
    sensorMetadata: {
      startTime: writeTime(group.fromMs),
      endTime: writeTime(group.toMs),
      deviceID: device,
      ...(group.about !== undefined && { 'bl:about': group.about }),
    },
    sensorReport: group.aggregates.map(reportOf),
  };
}

function reportOf(aggregate: Aggregate): ReportPayload {
  const { bad, count, last, maximum, mean, minimum, point, quality, type, unit } = aggregate;
  assert(count >= 1 && bad <= count, `${point}: it stands for a reading`);
  assert((last === undefined) === (quality === 'bad'), `${point}: a last value if not bad`);
  for (const number of [minimum, maximum, mean]) {
    assert(number === undefined || Number.isFinite(number), `${point}: finite`);
  }
  return {
    type,
    ...(minimum !== undefined && { minValue: minimum }),
    ...(maximum !== undefined && { maxValue: maximum }),
    ...(mean !== undefined && { meanValue: mean }),
    ...(unit !== '' && { uom: unit }),
    'bl:point': point,
    'bl:count': count,
    ...(bad > 0 && { 'bl:bad': bad }),
    ...(last !== undefined && lastOf(last)),
    ...(quality !== 'good' && { 'bl:quality': quality }),
    ...(quality === 'bad' && { exception: 'ERROR_CONDITION' }),
  };
}

function lastOf(last: Value): Pick<ReportPayload, 'bl:lastValue' | 'bl:valueType'> {
  if (typeof last === 'bigint') {
    return { 'bl:lastValue': last.toString(), 'bl:valueType': 'xsd:integer' };
  }
  return { 'bl:lastValue': typeof last === 'string' ? wellFormed(last) : last };
}

/** Whether the members of an aggregate agree. Returns how many there are. @throws Disagreement */
export function checkAggregates(element: AggregatePayload, device: string): number {
  const { sensorMetadata: metadata, sensorReport } = element;
  if (metadata.deviceID !== device) throw new Disagreement('a deviceID is not the issuer');
  if (readTime(metadata.startTime) > readTime(metadata.endTime)) {
    throw new Disagreement('an aggregate ends before it begins');
  }
  for (const report of sensorReport) checkReport(report);
  return sensorReport.length;
}

function checkReport(report: ReportPayload): void {
  const { type, minValue, maxValue, meanValue, 'bl:point': point } = report;
  const { 'bl:bad': bad = 0, 'bl:count': count, 'bl:lastValue': last } = report;
  const fail = (why: string) => {
    throw new Disagreement(`${point}: ${why}`);
  };
  const isBad = report['bl:quality'] === 'bad';
  if (bad > count || (bad === count) !== isBad) fail('bad exactly if no reading had a value');
  if ((last === undefined) !== isBad) fail('a last value exactly if the quality is not bad');
  if ((report.exception !== undefined) !== isBad) fail('ERROR_CONDITION exactly if it is bad');
  const isInteger = report['bl:valueType'] !== undefined;
  if (isInteger && (typeof last !== 'string' || !INTEGER.test(last))) {
    fail('not an integer in canonical form');
  }
  const numbers = [minValue, maxValue, meanValue].filter((one) => one !== undefined);
  const isNumeric = typeof last === 'number' || isInteger;
  if (numbers.length !== (isNumeric ? 3 : 0)) fail('least, greatest and mean of numbers only');
  if (minValue !== undefined && maxValue !== undefined && minValue > maxValue) {
    fail('the least value is above the greatest');
  }
  if (!isMeasurementType(type)) {
    throw new Disagreement(`${point}: ${type} is not a measurement type of EPCIS`, 'VC_SCHEMA');
  }
}

/** The group of an element that `checkAggregates` found in order. */
export function aggregatesOf(element: AggregatePayload): AggregateGroup {
  const { endTime, startTime, 'bl:about': about } = element.sensorMetadata;
  return {
    fromMs: readTime(startTime),
    toMs: readTime(endTime),
    ...(about !== undefined && { about }),
    aggregates: element.sensorReport.map(aggregateOf),
  };
}

function aggregateOf(report: ReportPayload): Aggregate {
  const { maxValue, meanValue, minValue, type, uom, 'bl:lastValue': last } = report;
  const quality: Quality = report['bl:quality'] ?? 'good';
  const value = report['bl:valueType'] !== undefined ? BigInt(last as string) : last;
  return {
    ...{ point: report['bl:point'], type, unit: uom ?? '' },
    ...{ count: report['bl:count'], bad: report['bl:bad'] ?? 0, quality },
    ...(minValue !== undefined && { minimum: minValue }),
    ...(maxValue !== undefined && { maximum: maxValue }),
    ...(meanValue !== undefined && { mean: meanValue }),
    ...(value !== undefined && { last: value }),
  };
}
