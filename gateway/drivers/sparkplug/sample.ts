/** Samples of the metrics that an edge node says: raw words, quality and time as it states them. */
import type { Quality, Sample } from '../../../devices/reading.ts';
import type { NamedMetric } from './birth.ts';
import { rawOf } from './datatype.ts';

/** Quality codes of the property `Quality` (specification 3.0 §6.4.9.1). */
const BAD = 0;
const GOOD = 192;
const STALE = 500;

const EMPTY = { type: 'string', order: 'ABCD' } as const;

/**
 * One sample of a metric. Its time is the metric's own, or else the payload's. A historical value
 * is `archived`: it fills a gap and is never the present one. A value that is null, stated to be
 * bad, not of its type or no scalar is `bad`; what is stated to be stale is `uncertain`.
 */
export function sampleOf(
  point: string,
  { datatype, metric }: NamedMetric,
  message: { readonly timestamp?: bigint; readonly gatewayTimeMs: number },
): Sample {
  const { qualityCode = GOOD, value, isHistorical, isTransient, isNull } = metric;
  const raw = value === undefined || isNull ? undefined : rawOf(datatype, value);
  const words = [
    ...(raw === undefined ? ['null'] : raw.fault === undefined ? [] : [raw.fault]),
    ...(qualityCode === GOOD ? [] : [qualityWord(qualityCode)]),
    ...(isHistorical ? ['historical'] : []),
    ...(isTransient ? ['transient'] : []),
  ];
  const timestamp = metric.timestamp ?? message.timestamp;
  const isBad = raw === undefined || raw.fault !== undefined || qualityCode === BAD;
  const stated: Quality = qualityCode === GOOD ? 'good' : 'uncertain';
  return {
    point,
    rawHex: raw?.rawHex ?? '',
    encoding: raw?.fault === undefined ? (raw?.encoding ?? EMPTY) : EMPTY,
    quality: isBad ? 'bad' : isHistorical ? 'archived' : stated,
    ...(words.length > 0 && { status: words.map((word) => `sparkplug:${word}`).join('; ') }),
    ...(timestamp !== undefined && { sourceTimeMs: Number(timestamp) }),
    gatewayTimeMs: message.gatewayTimeMs,
  };
}

/** A sample that says only that there is no value, and why. */
export function emptySample(
  point: string,
  why: 'stale' | 'not-in-birth',
  times: { readonly gatewayTimeMs: number; readonly sourceTimeMs?: number },
): Sample {
  const { gatewayTimeMs, sourceTimeMs } = times;
  return {
    point,
    rawHex: '',
    encoding: EMPTY,
    quality: 'bad',
    status: `sparkplug:${why}`,
    ...(sourceTimeMs !== undefined && { sourceTimeMs }),
    gatewayTimeMs,
  };
}

function qualityWord(code: number): string {
  if (code === BAD) return 'bad';
  return code === STALE ? 'stale' : `quality-${code}`;
}
