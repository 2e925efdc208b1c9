import { encode } from 'cborg';
import { describe, expect, it } from 'vitest';
import type { PayloadSettings } from '../../../../../gateway/drivers/mqtt/mapping.ts';
import { arrival, type Places, readBy, rows, values } from '../../../../support/mqtt-payload.ts';

describe('a SenML pack', () => {
  const senml: PayloadSettings = { senml: true };
  const places: Places = {
    air: { path: 'urn:dev:box:temp' },
    rh: { path: 'urn:dev:box:humidity', rec20: 'P1' },
  };

  it('resolves base names, times and units as RFC 8428 says', () => {
    const pack = JSON.stringify([
      { bn: 'urn:dev:box:', bt: 1.7e9, bu: 'Cel', n: 'temp', v: 4.5 },
      { n: 'temp', t: 1.5, v: 4.25 },
      { n: 'humidity', u: '%RH', t: -1, v: 80 },
      { bn: 'urn:dev:other:', n: 'temp', v: 99 },
    ]);
    const set = readBy(pack, senml, places);
    expect(rows(set)).toEqual([
      ['air', '4.5', 1_700_000_000_000],
      ['air', '4.25', 1_700_000_001_500],
      ['rh', '80', 1_699_999_999_000],
    ]);
    expect(set.samples.every(({ quality }) => quality === 'good')).toBe(true);
    expect(set.missing).toBeUndefined();
  });

  it('counts a small time from now, and knows no now for what was retained', () => {
    const pack = '[{"n":"urn:dev:box:temp","v":1,"t":-2.5}]';
    const one = { air: places['air'] ?? {} };
    expect(readBy(pack, senml, one).samples[0]?.sourceTimeMs).toBe(arrival.gatewayTimeMs - 2_500);
    const retained = readBy(pack, senml, one, { retained: true }).samples[0];
    expect(retained).toMatchObject({ quality: 'uncertain', status: 'mqtt:retained' });
    expect(retained).not.toHaveProperty('sourceTimeMs');
  });

  it('says what another unit is, and gives no sum of two numbers as raw words', () => {
    const one = { air: places['air'] ?? {} };
    const kelvin = readBy('[{"n":"urn:dev:box:temp","u":"K","v":277}]', senml, one);
    expect(kelvin.samples).toMatchObject([{ quality: 'bad', status: 'mqtt:unit-is-K' }]);
    const sum = readBy('[{"n":"urn:dev:box:temp","bv":270,"v":7}]', senml, one);
    expect(sum).toEqual({ samples: [], missing: { points: ['air'], cause: 'nonsense' } });
  });

  it('that must not be processed is not', () => {
    const one = { air: places['air'] ?? {} };
    for (const pack of [
      '[{"bver":11,"n":"urn:dev:box:temp","v":1}]',
      '[{"bver":"x","n":"urn:dev:box:temp","v":1}]',
      '[{"n":"urn:dev:box:temp","v":1,"must_":1}]',
      '[{"n":"urn:dev:box:temp","v":1,"vs":"1"}]',
      '[1]',
      '{"n":"urn:dev:box:temp","v":1}',
      '[]',
    ]) {
      expect(readBy(pack, senml, one).missing, pack).toEqual({
        points: ['air'],
        cause: 'nonsense',
      });
    }
  });

  it('in CBOR has numbers for names', () => {
    const pack = encode([
      new Map<number, unknown>([
        [-2, 'urn:dev:box:'],
        [-3, 1.7e9],
        [0, 'temp'],
        [1, 'Cel'],
        [2, 4.5],
      ]),
      new Map<number, unknown>([
        [0, 'temp'],
        [6, 10],
        [2, 5],
      ]),
    ]);
    const set = readBy(pack, { format: 'cbor', senml: true }, { air: places['air'] ?? {} });
    expect(values(set)).toEqual([4.5, 5]);
    expect(set.samples.map((sample) => sample.sourceTimeMs)).toEqual([
      1_700_000_000_000, 1_700_000_010_000,
    ]);
  });
});
