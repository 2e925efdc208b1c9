import { describe, expect, it } from 'vitest';
import { limits } from '../../../../../devices/limits.ts';
import {
  mistakesOfMapping,
  type PayloadSettings,
} from '../../../../../gateway/drivers/mqtt/mapping.ts';
import { pointsOf, readBy, rows } from '../../../../support/mqtt-payload.ts';

describe('a JSONPath', () => {
  const document = '{"a.b":1.50,"list":[{"id":"x","v":1},{"id":"y","v":2.0}],"o":{"p":{"q":7}}}';

  it('finds what dotted names cannot, and gives the text of the value', () => {
    const set = readBy(document, undefined, {
      dotted: { path: "$['a.b']" },
      chosen: { path: "$.list[?@.id=='y'].v" },
      last: { path: '$.list[-1].v' },
      deep: { path: '$..q' },
    });
    expect(rows(set)).toEqual([
      ['dotted', '1.50', undefined],
      ['chosen', '2.0', undefined],
      ['last', '2.0', undefined],
      ['deep', '7', undefined],
    ]);
  });

  it('that selects several values selects none', () => {
    const set = readBy(document, undefined, { v: { path: '$.list[*].v' }, q: { path: '$.o.p.q' } });
    expect(rows(set)).toEqual([['q', '7', undefined]]);
    expect(set.missing).toEqual({ points: ['v'], cause: 'nonsense' });
  });

  it('finds nothing on a prototype, whatever it is called', () => {
    const set = readBy('{"__proto__":{"x":1}}', undefined, {
      own: { path: "$['__proto__'].x" },
      inherited: { path: '$.toString' },
    });
    expect(rows(set)).toEqual([['own', '1', undefined]]);
  });

  it('takes patterns from the path only', () => {
    const from = (path: string) => mistakesOfMapping(undefined, pointsOf({ p: { path } }));
    expect(from("$[?match(@.a, 'x.*')]")).toEqual([]);
    expect(from('$[?match(@.a, @.b)]')[0]?.message).toContain('must be a text');
    expect(from('$[?search(@.a, $.b)]')).toHaveLength(1);
  });

  it('does not ask a whole document again for each value that it judges', () => {
    const from = (path: string) => mistakesOfMapping(undefined, pointsOf({ p: { path } }));
    for (const path of [
      '$[?count($..*)>@]',
      '$[?@.a && $[*]]',
      '$[?!(@.a==1 || length($.b)==value($..c))]',
    ]) {
      expect(from(path)[0]?.message, path).toContain('must name one value');
    }
    expect(from('$.list[?@.id==$.wanted].v')).toEqual([]);
    const set = readBy('{"wanted":"y","list":[{"id":"x","v":1},{"id":"y","v":2.0}]}', undefined, {
      p: { path: '$.list[?@.id==$.wanted].v' },
    });
    expect(rows(set)).toEqual([['p', '2.0', undefined]]);
  });

  it('is as deep as a payload may be, and as wide', () => {
    const deep = (levels: number) => `{"a":${'['.repeat(levels)}5${']'.repeat(levels)},"v":1}`;
    const find = { p: { path: '$..v' } };
    expect(readBy(deep(31), undefined, find).samples).toHaveLength(1);
    expect(readBy(deep(32), undefined, find).missing?.points).toEqual(['p']);
    const wide = `{"a":[${Array(20_000).fill('{}').join(',')}],"v":1}`;
    expect(readBy(wide, undefined, find).samples).toHaveLength(1);
  });

  it('with a mistake is said, with the point that has it', () => {
    for (const path of ['$.a[', '$..', '$[?@.a ==]', '$.a.', '.a', 'a..b']) {
      const [mistake, ...others] = mistakesOfMapping(undefined, pointsOf({ air: { path } }));
      expect(mistake?.message, path).toContain('point air has the path');
      expect(others).toEqual([]);
    }
    expect(mistakesOfMapping({ samples: 'readings' }, {})).toEqual([
      {
        path: ['payload', 'samples'],
        message: '"readings": write a JSONPath that begins with $, e.g. $[*]',
      },
    ]);
  });
});

describe('an array of samples', () => {
  const settings: PayloadSettings = { samples: '$.readings[*]', time: '$.t', timeFormat: 's' };

  it('gives each sample its own time, in the order of the payload', () => {
    const payload =
      '{"readings":[{"t":1700000002.5,"air":4.10,"rh":80},{"t":1700000001,"air":4.2,"rh":81}]}';
    expect(rows(readBy(payload, settings, { air: {}, rh: {} }))).toEqual([
      ['air', '4.10', 1_700_000_002_500],
      ['rh', '80', 1_700_000_002_500],
      ['air', '4.2', 1_700_000_001_000],
      ['rh', '81', 1_700_000_001_000],
    ]);
  });

  it.each([
    ['rfc3339', '"2023-11-14T23:13:20.5+01:00"', 1_700_000_000_500],
    ['s', '1700000000', 1_700_000_000_000],
    ['s', '1700000000.999999', 1_700_000_000_999],
    ['s', '"1700000000"', 1_700_000_000_000],
    ['s', '-1.5', -1_500],
    ['ms', '1700000000123', 1_700_000_000_123],
    ['us', '1700000000123999', 1_700_000_000_123],
    ['us', '-1', -1],
    ['ns', '1700000000123456789', 1_700_000_000_123],
    ['ns', '1700000000999999999', 1_700_000_000_999],
    ['any', '"2023-11-14T22:13:20Z"', 1_700_000_000_000],
    ['any', '1700000000', 1_700_000_000_000],
    ['any', '1700000000123', 1_700_000_000_123],
    ['any', '1700000000123456', 1_700_000_000_123],
    ['any', '1700000000123456789', 1_700_000_000_123],
  ] as const)('understands %s: %s', (timeFormat, text, expected) => {
    const set = readBy(
      `[{"t":${text},"air":1}]`,
      { samples: '$[*]', time: 't', timeFormat },
      { air: {} },
    );
    expect(set.samples).toMatchObject([{ quality: 'good', sourceTimeMs: expected }]);
  });

  it.each([
    ['rfc3339', '1700000000'],
    ['rfc3339', '"2023-11-14T22:13:20"'],
    ['s', '"2023-11-14T22:13:20Z"'],
    ['s', '""'],
    ['s', '"0x10"'],
    ['s', 'true'],
    ['s', '{}'],
    ['s', '1e400'],
    ['ms', '99999999999999999999'],
    ['ns', `"${'9'.repeat(400)}"`],
  ] as const)('doubts a sample whose time is no time: %s %s', (timeFormat, text) => {
    const set = readBy(
      `[{"t":${text},"air":1}]`,
      { samples: '$[*]', time: 't', timeFormat },
      { air: {} },
    );
    expect(set.samples).toMatchObject([{ quality: 'uncertain', status: 'mqtt:time-invalid' }]);
    expect(set.samples[0]).not.toHaveProperty('sourceTimeMs');
  });

  it('takes the time of the payload where a sample has none', () => {
    const payload = '{"timeMs":5,"readings":[{"air":1},{"timeMs":6,"air":2}]}';
    expect(rows(readBy(payload, { samples: '$.readings[*]' }, { air: {} }))).toEqual([
      ['air', '1', 5],
      ['air', '2', 6],
    ]);
  });

  it('misses a point once for each sample that lacks it, unless it may be left out', () => {
    const payload = '{"readings":[{"t":1,"air":1},{"t":2},{"t":3,"rh":[]}]}';
    const set = readBy(payload, settings, { air: {}, rh: {}, usda: { optional: true } });
    expect(rows(set)).toEqual([['air', '1', 1_000]]);
    expect(set.missing).toEqual({ points: ['rh', 'air'], cause: 'nonsense', count: 5 });
  });

  it('counts samples beyond the bound as lost, and keeps the first', () => {
    const many = limits.mqttSamplesMax + 7;
    const payload = JSON.stringify(Array.from({ length: many }, (_, t) => ({ t, air: t })));
    const set = readBy(payload, { ...settings, samples: '$[*]' }, { air: {} });
    expect(set.samples).toHaveLength(limits.mqttSamplesMax);
    expect(set.samples.at(-1)?.sourceTimeMs).toBe((limits.mqttSamplesMax - 1) * 1_000);
    expect(set.missing).toEqual({ points: ['air'], cause: 'nonsense', count: 7 });
  });

  it('that is empty, or not there, is nonsense', () => {
    for (const payload of ['{"readings":[]}', '{}', '5', 'null', '{"readings":5}']) {
      expect(readBy(payload, settings, { air: {} })).toEqual({
        samples: [],
        missing: { points: ['air'], cause: 'nonsense' },
      });
    }
  });

  it('may name its points', () => {
    const named: PayloadSettings = {
      samples: '$.e[*]',
      name: 'n',
      value: 'v',
      time: 't',
      timeFormat: 'ms',
    };
    const payload =
      '{"e":[{"n":"a","v":1.0,"t":1},{"n":"?","v":9,"t":2},{"n":"a","v":2,"t":3},{"n":"b"}]}';
    const set = readBy(payload, named, { one: { path: 'a' }, two: { path: 'b' } });
    expect(rows(set)).toEqual([
      ['one', '1.0', 1],
      ['one', '2', 3],
    ]);
    expect(set.missing).toEqual({ points: ['two'], cause: 'nonsense' });
    // A message about other sensors is no fault of ours.
    expect(readBy('{"e":[{"n":"z","v":1}]}', named, { one: { path: 'a' } })).toEqual({
      samples: [],
    });
  });

  it('of another unit than the profile says has no value that could be signed', () => {
    const set = readBy(
      '[{"air":40,"u":"FAH"},{"air":4,"u":"CEL"},{"air":5,"u":"Cel"},{"air":6}]',
      {
        samples: '$[*]',
        unit: 'u',
      },
      { air: {} },
    );
    expect(set.samples.map(({ quality, status }) => [quality, status])).toEqual([
      ['bad', 'mqtt:unit-is-FAH'],
      ['good', undefined],
      ['good', undefined],
      ['good', undefined],
    ]);
  });
});

describe('settings that contradict each other', () => {
  it.each<[PayloadSettings, string]>([
    [{ value: 'v' }, '"value" needs "name"'],
    [{ senml: true, name: 'n' }, 'SenML says itself'],
    [{ format: 'text', samples: '$[*]' }, 'one sample a message'],
    [{ samples: '$[' }, 'as a JSONPath it is not right'],
    [{ time: 'a..b' }, 'single dots'],
  ])('%o', (settings, message) => {
    expect(mistakesOfMapping(settings, {})[0]?.message).toContain(message);
  });

  it('a plain text has no path, and a name is needed where samples are named', () => {
    const of = (settings: PayloadSettings, path: string) =>
      mistakesOfMapping(settings, pointsOf({ p: { path } }))[0]?.message;
    expect(of({ format: 'text' }, 'a')).toContain('leave it empty');
    expect(of({ senml: true }, '')).toContain('write the name');
  });
});
