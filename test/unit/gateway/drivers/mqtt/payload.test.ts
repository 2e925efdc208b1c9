import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import { compileMapping } from '../../../../../gateway/drivers/mqtt/mapping.ts';
import { readPayload } from '../../../../../gateway/drivers/mqtt/payload.ts';

const arrival = { gatewayTimeMs: 5_000, retained: false };

function read(payload: string | Uint8Array, paths: string[], more = {}) {
  const mqtt = (path: string) => ({ summary: '', type: '', unit: '', mqtt: { topic: '', path } });
  const points = Object.fromEntries(paths.map((path) => [path, mqtt(path)]));
  const mapping = compileMapping(undefined, points);
  return readPayload(Buffer.from(payload), mapping, { ...arrival, ...more });
}

/** The source text of the first point, or `undefined`. */
function textOf(payload: string, path: string): string | undefined {
  const [sample] = read(payload, [path]).samples;
  return sample && Buffer.from(sample.rawHex, 'hex').toString();
}

describe('a JSON payload', () => {
  it('gives the text of each value exactly as the sensor wrote it', () => {
    expect(textOf('{"t":{"air": -18.250 }}', 't.air')).toBe('-18.250');
    expect(textOf('{"n":1E+2}', 'n')).toBe('1E+2');
    expect(textOf('{"n":-0}', 'n')).toBe('-0');
    expect(textOf('{"n":18446744073709551615}', 'n')).toBe('18446744073709551615');
    expect(textOf('{"b":true}', 'b')).toBe('true');
    expect(textOf('{"s":"a\\u00e9\\n"}', 's')).toBe('"a\\u00e9\\n"');
    expect(textOf('{"s":"°C"}', 's')).toBe('"°C"');
    expect(textOf('{"list":[1,2.50]}', 'list.1')).toBe('2.50');
  });

  it('says how the bytes are to be read, and good where nothing speaks against it', () => {
    expect(read('{"a":1}', ['a'])).toEqual({
      samples: [
        {
          point: 'a',
          rawHex: '31',
          encoding: { type: 'json', order: 'ABCD' },
          quality: 'good',
          gatewayTimeMs: 5_000,
        },
      ],
    });
  });

  it('takes the time that the source states', () => {
    const time = (text: string) => read(text, ['a']).samples[0]?.sourceTimeMs;
    expect(time('{"a":1,"time":"2026-11-21T23:07:23.5Z"}')).toBe(
      Date.UTC(2026, 10, 21, 23, 7, 23, 500),
    );
    expect(time('{"a":1,"time":"2026-11-21T16:07:23-07:00"}')).toBe(
      Date.UTC(2026, 10, 21, 23, 7, 23),
    );
    expect(time('{"a":1,"timeMs":1700000000123}')).toBe(1_700_000_000_123);
    expect(time('{"a":1}')).toBeUndefined();
  });

  it('doubts values whose time is no time', () => {
    for (const time of ['"2026-11-21"', '"2026-11-21T23:07:23"', '"soon"', '5', 'null', '{}']) {
      const [sample] = read(`{"a":1,"time":${time}}`, ['a']).samples;
      const object = time === '{}';
      expect(sample, time).toMatchObject(
        object
          ? { quality: 'good' }
          : { rawHex: '31', quality: 'uncertain', status: 'mqtt:time-invalid' },
      );
      expect(sample).not.toHaveProperty('sourceTimeMs');
    }
    expect(read('{"a":1,"timeMs":1.5}', ['a']).samples[0]?.status).toBe('mqtt:time-invalid');
  });

  it('doubts a retained value without a time, and trusts one that has its own', () => {
    const retained = { retained: true };
    expect(read('{"a":1}', ['a'], retained).samples[0]).toMatchObject({
      quality: 'uncertain',
      status: 'mqtt:retained',
    });
    expect(read('{"a":1,"timeMs":5}', ['a'], retained).samples[0]).toMatchObject({
      quality: 'good',
      sourceTimeMs: 5,
    });
  });

  it('makes null a bad value, never a number', () => {
    expect(read('{"a":null}', ['a']).samples).toEqual([
      expect.objectContaining({ quality: 'bad', status: 'mqtt:null', rawHex: '6e756c6c' }),
    ]);
  });

  it('misses the points that it does not hold, and gives the others', () => {
    const { samples, missing } = read('{"a":1,"o":{"x":1},"l":[1]}', [
      'a',
      'b',
      'o',
      'o.x.y',
      'l',
      'l.length',
      'toString',
      '__proto__.x',
    ]);
    expect(samples.map((s) => s.point)).toEqual(['a']);
    expect(missing).toEqual({
      points: ['b', 'o', 'o.x.y', 'l', 'l.length', 'toString', '__proto__.x'],
      cause: 'nonsense',
    });
  });

  const broken: Record<string, string | Uint8Array> = {
    'no JSON': 'temperature=5',
    'half of it': '{"a":1',
    'a member twice': '{"a":1,"a":2}',
    'a member twice, spelt in two ways': '{"a":1,"\\u0061":2}',
    'a member twice, deep in it': '{"a":1,"b":[{"c":{"d":1,"d":1}}]}',
    'two values': '{"a":1}{"a":2}',
    nothing: '',
    'a number': '5',
    'a byte order mark': '\ufeff{"a":1}',
    'not UTF-8': Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]),
    NaN: '{"a":NaN}',
    'too deep': `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
    'one byte too large': `{"a":1}${' '.repeat(limits.mqttPayloadBytesMax - 6)}`,
  };
  for (const [name, payload] of Object.entries(broken)) {
    it(`that is broken (${name}) is missing as nonsense`, () => {
      expect(read(payload, ['a'])).toEqual({
        samples: [],
        missing: { points: ['a'], cause: 'nonsense' },
      });
    });
  }

  it('that is as large as may be is read', () => {
    const payload = `{"a":1}${' '.repeat(limits.mqttPayloadBytesMax - 7)}`;
    expect(read(payload, ['a']).samples).toHaveLength(1);
  });

  it('gives back every value of any document, through its own text', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
    );
    const key = fc
      .string({ minLength: 1 })
      .filter((name) => !/^\$$|^\$\[|\./.test(name) && name !== 'time' && name !== 'timeMs');
    fc.assert(
      fc.property(fc.dictionary(key, fc.dictionary(key, leaf)), (document) => {
        const text = JSON.stringify(document, null, 1);
        for (const [outer, members] of Object.entries(document)) {
          for (const [inner, value] of Object.entries(members)) {
            const [sample] = read(text, [`${outer}.${inner}`]).samples;
            const source = Buffer.from(sample?.rawHex ?? '', 'hex').toString();
            expect(source).toBe(JSON.stringify(value));
          }
        }
      }),
    );
  });

  it('never throws, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { samples, missing } = read(bytes, ['a', 'b.c']);
        expect(samples.length + (missing?.points.length ?? 0)).toBe(2);
      }),
    );
  });
});
