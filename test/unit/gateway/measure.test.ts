import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import type { DeviceProfile, PointDefinition } from '../../../devices/profile.ts';
import type { Sample } from '../../../devices/reading.ts';
import { measure, measureSample, planMeasurement } from '../../../gateway/measure.ts';

const place = {
  modbus: { table: 'holding', address: 0, encoding: { type: 'float64', order: 'ABCD' } },
} as const;
const temperature: PointDefinition = {
  summary: '',
  type: 'Temperature',
  unit: 'CEL',
  range: [-40, 100],
  sentinels: [-999],
  ...place,
};

function hexOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}

function sample(value: number | string, more: Partial<Sample> = {}): Sample {
  const text = typeof value === 'string';
  return {
    point: 'temperature',
    rawHex: text ? Buffer.from(value).toString('hex') : hexOf(value),
    encoding: { type: text ? 'string' : 'float64', order: 'ABCD' },
    quality: 'good',
    gatewayTimeMs: 1_000,
    ...more,
  };
}

describe('one sample', () => {
  it('is decoded, scaled and keeps its raw words', () => {
    const reading = measureSample(sample(20), { ...temperature, scale: 0.1, offset: 5 });
    expect(reading).toEqual({
      point: 'temperature',
      type: 'Temperature',
      unit: 'CEL',
      value: 7,
      rawHex: hexOf(20),
      quality: 'good',
    });
  });

  it('is uncertain where the device states a time that no calendar here has', () => {
    for (const sourceTimeMs of [253_402_300_800_000, -62_135_596_800_001, 2 ** 64, Number.NaN]) {
      expect(measureSample(sample(20, { sourceTimeMs }), temperature)).toMatchObject({
        value: 20,
        quality: 'uncertain',
        status: 'source-time-invalid',
      });
    }
    const last = measureSample(sample(20, { sourceTimeMs: 253_402_300_799_999 }), temperature);
    expect(last.quality).toBe('good');
    const archived = sample(20, { sourceTimeMs: Number.NaN, quality: 'archived', status: 'a' });
    expect(measureSample(archived, temperature)).toMatchObject({
      quality: 'archived',
      status: 'a; source-time-invalid',
    });
  });

  it('at the edge of its range is good, beyond it uncertain', () => {
    expect(measureSample(sample(100), temperature).quality).toBe('good');
    const beyond = measureSample(sample(100.001), temperature);
    expect(beyond).toMatchObject({ quality: 'uncertain', status: 'out-of-range', value: 100.001 });
    const forced = measureSample(sample(-41, { quality: 'forced' }), temperature);
    expect(forced).toMatchObject({ quality: 'uncertain', status: 'forced; out-of-range' });
  });

  it('of a point that is forced by its nature is never a good measurement', () => {
    const setPoint: PointDefinition = { ...temperature, nature: 'forced' };
    expect(measureSample(sample(20), setPoint)).toMatchObject({ quality: 'forced', value: 20 });
    const doubted = sample(20, { quality: 'uncertain', status: 'opcua:Uncertain' });
    expect(measureSample(doubted, setPoint)).toMatchObject({ quality: 'uncertain' });
    expect(measureSample(sample(Number.NaN), setPoint)).toMatchObject({ quality: 'bad' });
  });

  it('that is no number is bad and has no value', () => {
    const cases: [number, string][] = [
      [Number.NaN, 'not-a-number'],
      [Number.POSITIVE_INFINITY, 'infinite'],
      [Number.NEGATIVE_INFINITY, 'infinite'],
      [-999, 'sentinel'],
    ];
    for (const [value, status] of cases) {
      const reading = measureSample(sample(value), temperature);
      expect(reading).toMatchObject({ quality: 'bad', status, rawHex: hexOf(value) });
      expect(reading).not.toHaveProperty('value');
    }
  });

  it('that overflows when it is scaled is bad', () => {
    const reading = measureSample(sample(1e300), { ...temperature, scale: 1e300 });
    expect(reading).toMatchObject({ quality: 'bad', status: 'infinite' });
  });

  it('that the wire calls bad keeps the protocol’s own words', () => {
    const reading = measureSample(sample(1, { quality: 'bad', status: 'opcua:BadX' }), temperature);
    expect(reading).toMatchObject({ quality: 'bad', status: 'opcua:BadX' });
    expect(reading).not.toHaveProperty('value');
  });

  it('whose bytes do not fit says so', () => {
    const reading = measureSample(sample(1, { rawHex: '0001' }), temperature);
    expect(reading).toMatchObject({ quality: 'bad', status: 'undecodable', rawHex: '0001' });
  });

  it('of unreasonable length becomes bad, without a part of its raw words', () => {
    const fits = sample('x'.repeat(limits.rawBytesMax));
    expect(measureSample(fits, temperature).quality).toBe('good');
    const over = sample('x'.repeat(limits.rawBytesMax + 1));
    expect(measureSample(over, temperature)).toMatchObject({ status: 'too-large', rawHex: '' });
  });

  it('of 64 bits keeps every digit unless it is scaled', () => {
    const total = sample(0, {
      rawHex: 'ffffffffffffffff',
      encoding: { type: 'uint64', order: 'ABCD' },
    });
    const { range: _, sentinels: __, ...plain } = temperature;
    expect(measureSample(total, plain).value).toBe(18_446_744_073_709_551_615n);
    expect(measureSample(total, { ...plain, scale: 0.5 }).value).toBe(2 ** 63);
  });

  it('is never NaN, infinite or null, whatever came', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 12 }),
        fc.constantFrom('float32', 'float64', 'int64', 'json', 'string', 'uint16'),
        fc.double(),
        (bytes, type, scale) => {
          const rawHex = Buffer.from(bytes).toString('hex');
          const encoding = { type, order: 'ABCD' } as const;
          const { value, quality } = measureSample(sample(0, { rawHex, encoding }), {
            ...temperature,
            scale,
          });
          if (quality === 'bad') return value === undefined;
          return value !== null && (typeof value !== 'number' || Number.isFinite(value));
        },
      ),
    );
  });
});

function profile(points: Record<string, Partial<PointDefinition>>): DeviceProfile {
  const base = { summary: '', type: 'Count', unit: '', ...place };
  return {
    name: 'test-meter',
    summary: '',
    source: '',
    protocol: 'modbus',
    reportsOn: 'pipeline-batch',
    points: Object.fromEntries(
      Object.entries(points).map(([name, p]) => [name, { ...base, ...p }]),
    ),
  };
}

const at = (point: string, value: number | string, more: Partial<Sample> = {}) =>
  sample(value, { point, ...more });

describe('a set of samples', () => {
  const metered = profile({
    batch: { identifies: 'pipeline-batch' },
    flow: {},
  });
  const plan = planMeasurement(metered, 'did:web:you.example/batch/');

  it('is about the goods that its identifying point names, percent-encoded', () => {
    const groups = measure(
      { samples: [at('flow', 1), at('batch', 'CDB 0284/é')] },
      plan,
      new Map(),
    );
    expect(groups).toHaveLength(1);
    expect(groups[0]).toMatchObject({
      timeMs: 1_000,
      about: 'did:web:you.example/batch/CDB%200284%2F%C3%A9',
    });
    expect(groups[0]?.readings.map(({ point }) => point)).toEqual(['flow', 'batch']);
    expect(groups[0]).not.toHaveProperty('gatewayTimeMs');
  });

  it('is about nothing when the identifying value is bad, empty or too long', () => {
    for (const value of [Number.NaN, '', 'x'.repeat(129), 'é'.repeat(128)]) {
      const [group] = measure({ samples: [at('batch', value), at('flow', 1)] }, plan, new Map());
      expect(group, String(value)).not.toHaveProperty('about');
    }
  });

  it('without the identifying point is about what was named last, until that is missing', () => {
    const memory = new Map<string, string>();
    measure({ samples: [at('batch', 'A')] }, plan, memory);
    const [second] = measure({ samples: [at('flow', 1)] }, plan, memory);
    expect(second?.about).toBe('did:web:you.example/batch/A');
    const lost = { points: ['batch'], cause: 'timeout' } as const;
    const [third] = measure({ samples: [at('flow', 1)], missing: lost }, plan, memory);
    expect(third).not.toHaveProperty('about');
    const [fourth] = measure({ samples: [at('flow', 1)] }, plan, memory);
    expect(fourth).not.toHaveProperty('about');
  });

  it('groups by the source’s time, keeps the gateway’s beside it and the order of a point', () => {
    const samples = [
      at('flow', 1, { sourceTimeMs: 500.7 }),
      at('flow', 2, { sourceTimeMs: 600 }),
      at('flow', 3, { sourceTimeMs: 500 }),
      at('flow', 4),
      at('flow', 5, { sourceTimeMs: Number.NaN }),
    ];
    const groups = measure({ samples }, plan, new Map());
    expect(groups.map((g) => [g.timeMs, g.gatewayTimeMs, g.readings.length])).toEqual([
      [500, 1_000, 1],
      [600, 1_000, 1],
      [500, 1_000, 1],
      [1_000, undefined, 2],
    ]);
  });

  it('has the server’s time where it is another than the group’s and a calendar has it', () => {
    const samples = [
      at('flow', 1, { sourceTimeMs: 500, serverTimeMs: 503.9 }),
      at('flow', 2, { sourceTimeMs: 600, serverTimeMs: 600.5 }),
      at('flow', 3, { sourceTimeMs: 700, serverTimeMs: 253_402_300_800_000 }),
      at('flow', 4, { sourceTimeMs: 800, serverTimeMs: Number.NaN }),
      at('flow', 5, { sourceTimeMs: Number.NaN, serverTimeMs: 900 }),
      at('flow', 6, { sourceTimeMs: 950 }),
    ];
    const readings = measure({ samples }, plan, new Map()).flatMap((group) => group.readings);
    expect(readings.map(({ serverTimeMs }) => serverTimeMs)).toEqual([
      503,
      undefined,
      undefined,
      undefined,
      900,
      undefined,
    ]);
    expect(readings.map((one) => 'serverTimeMs' in one)).toEqual(
      [503, 0, 0, 0, 900, 0].map((timeMs) => timeMs > 0),
    );
  });

  it('that names goods twice gives each sample the name of its time', () => {
    const samples = [
      at('batch', 'A', { sourceTimeMs: 100 }),
      at('batch', 'B', { sourceTimeMs: 200 }),
      at('flow', 1, { sourceTimeMs: 50 }),
      at('flow', 2, { sourceTimeMs: 199 }),
      at('flow', 3, { sourceTimeMs: 200 }),
    ];
    const memory = new Map([['', 'did:web:you.example/batch/0']]);
    const abouts = measure({ samples }, plan, memory)
      .flatMap((g) => g.readings.map((r) => [r.point, r.value, g.about?.at(-1)]))
      .filter(([point]) => point === 'flow');
    expect(abouts).toEqual([
      ['flow', 1, '0'],
      ['flow', 2, 'A'],
      ['flow', 3, 'B'],
    ]);
    expect(memory.get('')).toBe('did:web:you.example/batch/B');
  });

  it('of a point that the profile does not have is a fault of the driver', () => {
    expect(() => measure({ samples: [at('other', 1)] }, plan, new Map())).toThrow(/other/);
  });
});

describe('goods', () => {
  const mill = profile({
    heat: { identifies: 'steel-heat', group: 'cast' },
    speed: { group: 'cast' },
    piece: { identifies: 'steel-piece', group: 'piece' },
    weight: { group: 'piece' },
    power: {},
  });

  it('of several kinds stand apart by the kind’s segment, and groups by their own name', () => {
    const plan = planMeasurement(mill, 'did:web:mill.example/');
    const samples = [
      at('heat', '26041'),
      at('speed', 1),
      at('piece', '26041-03'),
      at('weight', 2),
      at('power', 3),
    ];
    const abouts = measure({ samples }, plan, new Map()).map((g) => [g.about, g.readings.length]);
    expect(abouts).toEqual([
      ['did:web:mill.example/heat/26041', 2],
      ['did:web:mill.example/piece/26041-03', 2],
      [undefined, 1],
    ]);
  });

  it('that no point names are the setting itself', () => {
    const plan = planMeasurement(profile({ flow: {} }), 'urn:epc:id:bic:MSKU9070323');
    const [group] = measure({ samples: [at('flow', 1)] }, plan, new Map());
    expect(group?.about).toBe('urn:epc:id:bic:MSKU9070323');
  });

  it('that are not set are none', () => {
    const [group] = measure(
      { samples: [at('power', 1)] },
      planMeasurement(mill, undefined),
      new Map(),
    );
    expect(group).not.toHaveProperty('about');
  });
});
