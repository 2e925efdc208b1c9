import { describe, expect, it } from 'vitest';
import type { Metric } from '../../../../../gateway/drivers/sparkplug/payload.ts';
import { emptySample, sampleOf } from '../../../../../gateway/drivers/sparkplug/sample.ts';

const plain: Metric = {
  isHistorical: false,
  isTransient: false,
  isNull: false,
  value: { kind: 'int', value: 7 },
};
const message = { timestamp: 5n, gatewayTimeMs: 9 };

function sample(metric: Partial<Metric>, datatype = 3) {
  return sampleOf('p', { name: 'M', datatype, metric: { ...plain, ...metric } }, message);
}

describe('a sample of a metric', () => {
  it('tck-id-payloads-name-birth-data-requirement: has the metric’s time, or else the payload’s', () => {
    expect(sample({ timestamp: 3n })).toEqual({
      point: 'p',
      rawHex: '00000007',
      encoding: { type: 'int32', order: 'ABCD' },
      quality: 'good',
      sourceTimeMs: 3,
      gatewayTimeMs: 9,
    });
    expect(sample({}).sourceTimeMs).toBe(5);
  });

  it('tck-id-payloads-propertyset-quality-value-value: is bad, good or stale as it is stated', () => {
    expect(sample({ qualityCode: 192 })).toMatchObject({ quality: 'good' });
    expect(sample({ qualityCode: 192 })).not.toHaveProperty('status');
    expect(sample({ qualityCode: 0 })).toMatchObject({ quality: 'bad', status: 'sparkplug:bad' });
    expect(sample({ qualityCode: 500 })).toMatchObject({
      quality: 'uncertain',
      status: 'sparkplug:stale',
      rawHex: '00000007',
    });
    expect(sample({ qualityCode: 64 })).toMatchObject({
      quality: 'uncertain',
      status: 'sparkplug:quality-64',
    });
  });

  it('tck-id-operational-behavior-data-publish-nbirth-values, …-dbirth-values: null is no value', () => {
    expect(sample({ isNull: true })).toMatchObject({
      quality: 'bad',
      status: 'sparkplug:null',
      rawHex: '',
    });
    const { value: _, ...rest } = plain;
    const silent = sampleOf('p', { name: 'M', datatype: 3, metric: rest }, message);
    expect(silent).toMatchObject({ quality: 'bad', status: 'sparkplug:null' });
  });

  it('that is historical is archived and never the present value', () => {
    expect(sample({ isHistorical: true })).toMatchObject({
      quality: 'archived',
      status: 'sparkplug:historical',
    });
    expect(sample({ isHistorical: true, qualityCode: 0 })).toMatchObject({
      quality: 'bad',
      status: 'sparkplug:bad; sparkplug:historical',
    });
  });

  it('that is transient is a value, and says so', () => {
    expect(sample({ isTransient: true })).toMatchObject({
      quality: 'good',
      status: 'sparkplug:transient',
    });
  });

  it('of a structure, or of another type than the birth said, is bad', () => {
    expect(sample({}, 16)).toMatchObject({
      quality: 'bad',
      status: 'sparkplug:not-a-scalar DataSet',
    });
    expect(sample({}, 10)).toMatchObject({ quality: 'bad', status: 'sparkplug:not-a-Double' });
  });

  it('can say that there is none', () => {
    expect(emptySample('p', 'stale', { gatewayTimeMs: 9 })).toMatchObject({
      point: 'p',
      rawHex: '',
      quality: 'bad',
      status: 'sparkplug:stale',
    });
  });
});
