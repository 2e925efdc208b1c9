import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode } from '../../../../../gateway/decode.ts';
import type { PayloadSettings } from '../../../../../gateway/drivers/mqtt/mapping.ts';
import { type Places, readBy } from '../../../../support/mqtt-payload.ts';

describe('whatever comes', () => {
  const all: readonly (readonly [PayloadSettings | undefined, Places])[] = [
    [undefined, { a: { path: '$..v' }, b: { path: 'r.0.v' } }],
    [{ samples: '$.r[*]', time: '$.t', timeFormat: 'any' }, { v: {} }],
    [{ samples: '$.r[*]', name: 'n', value: 'v', unit: 'u' }, { v: {} }],
    [{ senml: true }, { v: {} }],
    [{ format: 'cbor', samples: '$.r[*]', time: 't', timeFormat: 'ns' }, { v: {} }],
    [{ format: 'cbor', senml: true }, { v: {} }],
    [{ format: 'text' }, { v: { path: '' } }],
    [{ format: 'binary' }, { v: { path: '3', encoding: { type: 'int32' } } }],
  ];
  const document = {
    r: [
      { n: 'v', v: 1.5, t: 1_700_000_000, u: 'CEL' },
      { n: 'v', v: null, t: 'x' },
    ],
  };
  const seeds = [Buffer.from(JSON.stringify(document)), Buffer.from(encode(document))];

  const tell = (payload: Uint8Array, retained: boolean) => {
    for (const [settings, places] of all) {
      const { samples, missing } = readBy(payload, settings, places, { retained });
      const known = Object.keys(places);
      for (const sample of samples) {
        expect(known).toContain(sample.point);
        expect(sample.rawHex).toMatch(/^([0-9a-f]{2})*$/);
        expect(() => decode(sample.rawHex, sample.encoding)).not.toThrow();
      }
      for (const point of missing?.points ?? []) expect(known).toContain(point);
    }
  };

  it('random bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), tell), { numRuns: 300 });
  });

  it('a document with a few bytes changed never throws', () => {
    const change = fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(change, { maxLength: 4 }),
        (seed, changes) => {
          const payload = Buffer.from(seed);
          for (const [at, byte] of changes) payload[at % payload.length] = byte;
          tell(payload, false);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('any JSON document never throws, as JSON or as CBOR', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        tell(Buffer.from(JSON.stringify(value)), false);
        tell(encode(value), true);
      }),
      { numRuns: 300 },
    );
  });
});
