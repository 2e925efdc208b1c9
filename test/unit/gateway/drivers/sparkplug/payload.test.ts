import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import { decodePayload, encodeRequest } from '../../../../../gateway/drivers/sparkplug/payload.ts';
import { encode } from '../../../../support/sparkplug-edge.ts';

const none = { isHistorical: false, isTransient: false, isNull: false };
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('a payload', () => {
  it('keeps every bit of its times, numbers and aliases', () => {
    fc.assert(
      fc.property(u64, u64, u64, u64, (timestamp, seq, alias, long) => {
        const bytes = encode({ timestamp, seq, metrics: [{ name: 'm', alias, timestamp, long }] });
        expect(decodePayload(bytes)).toEqual({
          timestamp,
          seq,
          metrics: [{ ...none, name: 'm', alias, timestamp, value: { kind: 'long', value: long } }],
        });
      }),
    );
  });

  it('gives the members of a value as they came', () => {
    const bytes = encode({
      metrics: [
        { int: -5 },
        { float: 1.5 },
        { double: -18.25 },
        { bool: true },
        { text: 'größer' },
        { bytes: Buffer.from('00ff', 'hex') },
        { dataset: Buffer.from('0801', 'hex') },
        { isNull: true, isHistorical: true, isTransient: true, quality: 500 },
        { quality: -1 },
      ],
    });
    const metrics = decodePayload(bytes)?.metrics ?? [];
    expect(metrics.map(({ value }) => value && { ...value, ...hex(value) })).toEqual([
      { kind: 'int', value: 2 ** 32 - 5 },
      { kind: 'float', bytes: '0000c03f' },
      { kind: 'double', bytes: '00000000004032c0' },
      { kind: 'boolean', value: true },
      { kind: 'string', bytes: Buffer.from('größer').toString('hex') },
      { kind: 'bytes', bytes: '00ff' },
      { kind: 'structure', bytes: '0801' },
      undefined,
      undefined,
    ]);
    expect(metrics[7]).toEqual({
      isNull: true,
      isHistorical: true,
      isTransient: true,
      qualityCode: 500,
    });
    expect(metrics[8]?.qualityCode).toBe(-1);
  });

  it('skips fields that it does not know, and takes the last of several values', () => {
    // Field 99 as a varint, then a metric with an int and then a Boolean.
    const bytes = Buffer.from([0x98, 0x06, 7, 0x12, 4, 0x50, 1, 0x70, 1]);
    expect(decodePayload(bytes)?.metrics).toEqual([
      { ...none, value: { kind: 'boolean', value: true } },
    ]);
  });

  it('tck-id-payloads-propertyset-keys-array-size, …-values-array-size: unequal arrays are refused', () => {
    const whole = encode({ metrics: [{ quality: 192 }] });
    expect(decodePayload(whole)?.metrics[0]?.qualityCode).toBe(192);
    const keyOnly = Buffer.concat([Buffer.from([0x0a, 7]), Buffer.from('Quality')]);
    const metric = Buffer.concat([Buffer.from([0x4a, keyOnly.length]), keyOnly]);
    const bytes = Buffer.concat([Buffer.from([0x12, metric.length]), metric]);
    expect(decodePayload(bytes)).toBeUndefined();
  });

  it('that is cut short or is not one is refused, whatever its bytes', () => {
    const whole = encode({ timestamp: 1, seq: 2, metrics: [{ name: 'm', text: 'x' }] });
    for (let length = 1; length < whole.length; length += 1) {
      const metrics = decodePayload(whole.subarray(0, length))?.metrics ?? [];
      expect([[], decodePayload(whole)?.metrics], `${length}`).toContainEqual(metrics);
    }
    expect(decodePayload(Buffer.from([0x12, 3, 0x0a, 1, 0xff]))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const payload = decodePayload(bytes);
        if (payload !== undefined) expect(payload.metrics.length).toBeLessThanOrEqual(100);
      }),
      { numRuns: 2_000 },
    );
  });

  it('with a byte changed is refused or decoded, never anything between', () => {
    const whole = encode({
      timestamp: 1,
      seq: 2,
      metrics: [{ name: 'm', alias: 3, datatype: 10, double: 1, quality: 192 }],
    });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        const payload = decodePayload(bytes);
        for (const { value } of payload?.metrics ?? []) {
          if (value?.kind === 'double') expect(value.bytes).toHaveLength(8);
        }
      }),
    );
  });

  it('holds so many metrics and no more', () => {
    const one = Buffer.from([0x12, 0]);
    const many = Buffer.concat(Array<Buffer>(limits.sparkplugMetricsMax).fill(one));
    expect(decodePayload(many)?.metrics).toHaveLength(limits.sparkplugMetricsMax);
    expect(decodePayload(Buffer.concat([many, one]))).toBeUndefined();
  });

  it('of a request has a time, one metric and no sequence number', () => {
    expect(decodePayload(encodeRequest('x', 1_767_225_600_000))).toEqual({
      timestamp: 1_767_225_600_000n,
      metrics: [
        {
          ...none,
          name: 'x',
          timestamp: 1_767_225_600_000n,
          datatype: 11,
          value: { kind: 'boolean', value: true },
        },
      ],
    });
  });
});

function hex(value: object): { bytes?: string } {
  return 'bytes' in value && value.bytes instanceof Uint8Array
    ? { bytes: Buffer.from(value.bytes).toString('hex') }
    : {};
}
