import { describe, expect, it } from 'vitest';
import type { MqttPlace } from '../../../../../devices/profile.ts';
import {
  mistakesOfMapping,
  type PayloadSettings,
} from '../../../../../gateway/drivers/mqtt/mapping.ts';
import { pointsOf, readBy, rows, values } from '../../../../support/mqtt-payload.ts';

describe('a plain payload', () => {
  const text: PayloadSettings = { format: 'text' };
  const plain = (payload: string | Uint8Array, type = 'Temperature') =>
    readBy(payload, text, { p: { path: '', type } });

  it('is one number, as JSON writes it, or a truth value', () => {
    for (const good of ['-18.250', '0', '-0.5', '1E+2', 'true', 'false', '18446744073709551615']) {
      const set = plain(good);
      expect(rows(set)).toEqual([['p', good, undefined]]);
      expect(values(set)).toEqual([
        good.length > 16 ? BigInt(good) : (JSON.parse(good) as number | boolean),
      ]);
    }
  });

  it('that some reader takes for another number is refused', () => {
    const wrong = [
      '',
      ' 5',
      '5\n',
      '+5',
      '05',
      '.5',
      '5.',
      '21,5',
      '0x1F',
      '1_000',
      'NaN',
      'Infinity',
      '--5',
      '5 °C',
      'ON',
      '"5"',
      '٥',
      'true ',
    ];
    for (const payload of wrong) {
      expect(plain(payload), JSON.stringify(payload)).toEqual({
        samples: [],
        missing: { points: ['p'], cause: 'nonsense' },
      });
    }
  });

  it('is a text where its point is one', () => {
    expect(values(plain('05', 'bl:Identifier'))).toEqual(['05']);
    expect(values(plain('docked', 'bl:Text'))).toEqual(['docked']);
    expect(plain(Uint8Array.of(0xff), 'bl:Text').missing?.points).toEqual(['p']);
    const encoding = { type: 'string' } as const;
    expect(values(readBy('ON', text, { p: { path: '', type: 'bl:State', encoding } }))).toEqual([
      'ON',
    ]);
  });

  it('retained is uncertain, since it has no time', () => {
    const set = readBy('5', text, { p: { path: '' } }, { retained: true });
    expect(set.samples).toMatchObject([{ quality: 'uncertain', status: 'mqtt:retained' }]);
  });

  it('is the document itself where JSON has an empty path', () => {
    expect(rows(readBy('5.0', undefined, { p: { path: '' } }))).toEqual([['p', '5.0', undefined]]);
    expect(readBy(' {}', undefined, { p: { path: '' } }).missing?.points).toEqual(['p']);
  });
});

describe('a binary payload', () => {
  const binary: PayloadSettings = { format: 'binary' };
  const bytes = Buffer.from('0102fffe41a40000544553540a', 'hex');

  it('is cut at fixed offsets and read by each point’s encoding', () => {
    const set = readBy(bytes, binary, {
      a: { path: '0', encoding: { type: 'uint16' } },
      b: { path: '2', encoding: { type: 'int16' } },
      c: { path: '4', encoding: { type: 'float32' } },
      d: { path: '8:4', encoding: { type: 'string' } },
      e: { path: '0', encoding: { type: 'uint16', order: 'DCBA' } },
      past: { path: '10', encoding: { type: 'float32' } },
    });
    expect(values(set)).toEqual([258, -2, 20.5, 'TEST', 513]);
    expect(set.samples[2]?.rawHex).toBe('41a40000');
    expect(set.missing?.points).toEqual(['past']);
  });

  it('needs an encoding and an offset', () => {
    const wrong = (place: Partial<MqttPlace>) =>
      mistakesOfMapping(binary, pointsOf({ p: place }))[0]?.message ?? '';
    expect(wrong({ path: '0' })).toContain('needs an encoding');
    expect(wrong({ path: 'x', encoding: { type: 'int8' } })).toContain('offset');
    expect(wrong({ path: '0', encoding: { type: 'json' } })).toContain('format of payloads');
  });
});
