import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchDraft } from '../../../../devices/credential/batch.ts';
import { batchSchema } from '../../../../devices/credential/batch-schema.ts';
import {
  composeBatch,
  readBatch,
  readBatchHead,
} from '../../../../devices/credential/batch-wire.ts';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import { isWireTime, readingBytesMax } from '../../../../devices/credential/reading-wire.ts';
import { parseStrictJson } from '../../../../devices/credential/strict-json.ts';
import { limits } from '../../../../devices/limits.ts';
import { profiles } from '../../../../devices/profiles/registry.ts';
import type { Reading } from '../../../../devices/reading.ts';
import { formatTime } from '../../../../devices/runtime.ts';
import { arbitraryDraft, arbitraryIds, arbitraryPlace } from '../../../support/arbitrary-batch.ts';
import { memorySigner } from '../../../support/identity.ts';
import { readingGroups, someDigest, someProfile } from '../../../support/signed-batch.ts';

const signer = memorySigner();
const place = { epoch: { counter: 1, nonce: '0'.repeat(32) }, sequence: 1 };
const ids = {
  credential: 'urn:uuid:9a1f6b1e-7f3c-4b52-8d0b-1c2d3e4f5a03',
  event: 'urn:uuid:0d0b2b6e-6a3a-4b1e-8a0e-51c1f1a4a004',
};

function draftOf(changes: Partial<BatchDraft> = {}): BatchDraft {
  return {
    device: signer.did,
    gateway: signer.did,
    profile: someProfile,
    configuration: someDigest,
    readPoint: 'did:web:northline.example/facility/neche',
    clock: { source: 'unknown', monotonicMs: 1, steps: 0 },
    closedMs: 1_763_766_001_000,
    groups: [],
    losses: [],
    ...changes,
  };
}

function withReading(reading: Partial<Reading>): string {
  const whole: Reading = {
    point: 'a',
    type: 'Temperature',
    unit: 'CEL',
    rawHex: '',
    quality: 'good',
    ...reading,
  };
  return composeBatch(draftOf({ groups: [{ timeMs: 0, readings: [whole] }] }), place, ids);
}

/** The payload of two elements, with `change` made to it. */
function changed(change: (payload: never) => void): unknown {
  const groups = readingGroups({ fromMs: 0, times: 2, points: 2, about: 'urn:x:1' });
  const payload = JSON.parse(composeBatch(draftOf({ groups }), place, ids)) as never;
  change(payload);
  return payload;
}

describe('a batch on the wire', () => {
  it('comes back exactly, whatever it says', () => {
    fc.assert(
      fc.property(arbitraryDraft, arbitraryPlace, arbitraryIds, (draft, at, named) => {
        const text = composeBatch(draft, at, named);
        const parsed = parseStrictJson(text);
        if (!('value' in parsed)) throw new Error(parsed.reason);
        // A clone has plain objects, where fast-check also makes some without a prototype.
        const said = structuredClone({ id: named.credential, ...draft, ...at });
        expect(readBatch(parsed.value)).toStrictEqual(said);
      }),
      { numRuns: 300 },
    );
  });

  it('says of itself what its readings say, without them', () => {
    fc.assert(
      fc.property(arbitraryDraft, arbitraryPlace, arbitraryIds, (draft, at, named) => {
        const { aggregates = [], groups, losses: _, ...head } = draft;
        const abouts = [...groups, ...aggregates].flatMap(({ about }) =>
          about === undefined ? [] : [about],
        );
        const readings = groups.reduce((sum, group) => sum + group.readings.length, 0);
        const said = {
          id: named.credential,
          ...head,
          ...at,
          goods: [...new Set(abouts)],
          readings,
        };
        expect(readBatchHead(JSON.parse(composeBatch(draft, at, named)))).toStrictEqual(
          structuredClone(said),
        );
      }),
    );
  });

  it('is composed to the byte as it would be again', () => {
    fc.assert(
      fc.property(arbitraryDraft, arbitraryPlace, arbitraryIds, (draft, at, named) => {
        const text = composeBatch(draft, at, named);
        const batch = readBatch(JSON.parse(text));
        if ('code' in batch) throw new Error(batch.reason);
        expect(composeBatch(batch, batch, named)).toBe(text);
      }),
    );
  });

  it('is refused where an aggregate contradicts itself', () => {
    const aggregate = {
      ...{
        point: 'level',
        type: 'Length',
        unit: 'MTR',
        count: 4,
        bad: 1,
        quality: 'good' as const,
      },
      ...{ minimum: 1, maximum: 3, mean: 2, last: 2 },
    };
    const group = { fromMs: 1_000, toMs: 2_000, aggregates: [aggregate] };
    type Element = Record<string, Record<string, unknown> & Record<string, unknown>[]>;
    const refusedFor = (change: (element: Element) => void): unknown => {
      const payload = JSON.parse(composeBatch(draftOf({ aggregates: [group] }), place, ids));
      change(payload.credentialSubject['bl:aggregates'].sensorElementList[0]);
      const batch = readBatch(payload);
      return 'code' in batch ? batch.code : undefined;
    };
    expect(refusedFor(() => undefined)).toBeUndefined();
    const report = (change: Record<string, unknown>) =>
      refusedFor(({ sensorReport }) => Object.assign(sensorReport?.[0] ?? {}, change));
    for (const change of [
      { minValue: 4 },
      { minValue: undefined },
      { 'bl:lastValue': undefined },
      { 'bl:bad': 4 },
      { 'bl:quality': 'bad' },
      { exception: 'ERROR_CONDITION' },
      { 'bl:lastValue': 'two' },
      { 'bl:valueType': 'xsd:integer' },
    ]) {
      expect(report(change), JSON.stringify(change)).toBe('VC_CONTRADICTION');
    }
    // A value would make it a sample.
    expect(report({ value: 2 })).toBe('VC_SCHEMA');
    expect(report({ type: 'Warmth' })).toBe('VC_SCHEMA');
    const metadata = (change: Record<string, unknown>) =>
      refusedFor(({ sensorMetadata }) => Object.assign(sensorMetadata ?? {}, change));
    expect(metadata({ startTime: '1970-01-01T00:00:03.000Z' })).toBe('VC_CONTRADICTION');
    expect(metadata({ time: '1970-01-01T00:00:03.000Z' })).toBe('VC_SCHEMA');
    expect(metadata({ deviceID: memorySigner().did })).toBe('VC_CONTRADICTION');
  });

  it('can be told apart: text of digits stays text, integers stay integers', () => {
    const [text, integer] = [withReading({ value: '42' }), withReading({ value: 42n })].map(
      (one) => {
        const batch = readBatch(JSON.parse(one));
        return 'code' in batch ? batch.reason : batch.groups[0]?.readings[0]?.value;
      },
    );
    expect([text, integer]).toEqual(['42', 42n]);
  });

  it('keeps every 64-bit integer, which a double would not', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const batch = readBatch(JSON.parse(withReading({ value })));
        expect(batch).toMatchObject({ groups: [{ readings: [{ value }] }] });
      }),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'never says %s: composing it is a mistake of the caller',
    (value) => {
      expect(() => withReading({ value })).toThrow(/cannot be signed|can be signed/);
      const clock = { source: 'ntp', offsetMs: value, monotonicMs: 0, steps: 0 } as const;
      expect(() => composeBatch(draftOf({ clock }), place, ids)).toThrow(/finite/);
    },
  );

  it('has a value exactly where the quality is not bad', () => {
    expect(() => withReading({})).toThrow(/value exactly if not bad/);
    expect(() => withReading({ quality: 'bad', value: 1 })).toThrow(/value exactly if not bad/);
    expect(() => withReading({ quality: 'bad', status: 'nan' })).not.toThrow();
  });

  it('says only times that can be written', () => {
    for (const timeMs of [0.5, Number.NaN, 8.64e15, 253_402_300_800_000]) {
      expect(isWireTime(timeMs)).toBe(false);
      expect(() => composeBatch(draftOf({ closedMs: timeMs }), place, ids)).toThrow(/time/);
    }
    expect(isWireTime(0)).toBe(true);
  });

  it("has a server's time only where it is another than the source's", () => {
    expect(withReading({ value: 1 })).not.toContain('bl:serverTime');
    const text = withReading({ value: 1, serverTimeMs: 1 });
    expect(text).toContain('"bl:serverTime":"1970-01-01T00:00:00.001Z"');
    expect(readBatch(JSON.parse(text))).toMatchObject({
      groups: [{ timeMs: 0, readings: [{ value: 1, serverTimeMs: 1 }] }],
    });
    expect(() => withReading({ value: 1, serverTimeMs: 0 })).toThrow(/where it is another/);
  });

  it('takes it of a server one millisecond beside the element, and not at it', () => {
    for (const timeMs of [999, 1_001]) {
      const payload = changed((p: Path) => Object.assign(reportOf(p), serverTime(timeMs)));
      expect(readBatch(payload)).toHaveProperty('groups.1.readings.1.serverTimeMs', timeMs);
    }
  });

  it('repairs text that UTF-8 cannot carry, and cuts a status that is too long', () => {
    const text = withReading({ value: 'a\ud800b', status: 'x'.repeat(1000) });
    expect(parseStrictJson(text)).toHaveProperty('value');
    expect(readBatch(JSON.parse(text))).toMatchObject({
      groups: [{ readings: [{ value: 'a\ufffdb', status: 'x'.repeat(256) }] }],
    });
  });

  it.each([
    ['an unknown member', (p: never) => Object.assign(p, { extra: 1 })],
    ['an unknown member of the event', (p: Path) => Object.assign(p.credentialSubject, { x: 1 })],
    ['__proto__ as a member', (p: Path) => defineProto(p.credentialSubject)],
    ['another context', (p: Path) => p['@context'].splice(2, 1, 'https://evil.example')],
    ['a fourth context', (p: Path) => p['@context'].push('https://evil.example')],
    ['another type', (p: Path) => p.type.splice(1, 1, 'OtherCredential')],
    ['no subject', (p: Path) => Reflect.deleteProperty(p, 'credentialSubject')],
    ['sequence zero', (p: Path) => Object.assign(p.credentialSubject, { 'bl:sequence': 0 })],
    ['a value that is null', (p: Path) => Object.assign(reportOf(p), { value: null })],
    ['a value that is text', (p: Path) => Object.assign(reportOf(p), { value: '1' })],
    ['a type of nobody', (p: Path) => Object.assign(reportOf(p), { type: 'Warmth' })],
    ['raw words in capitals', (p: Path) => Object.assign(reportOf(p), { hexBinaryValue: 'AB' })],
    ['half a byte of raw words', (p: Path) => Object.assign(reportOf(p), { hexBinaryValue: 'a' })],
    ['30 February', (p: Path) => metadataOf(p, { time: '2026-02-30T00:00:00.000Z' })],
    ['hour 24', (p: Path) => metadataOf(p, { time: '2026-02-20T24:00:00.000Z' })],
    ['an hour 24 of a server', (p: Path) => Object.assign(reportOf(p), serverHour24)],
    ['a time without a zone', (p: Path) => metadataOf(p, { time: '2026-02-20T00:00:00.000' })],
  ])('is refused with %s', (_, change) => {
    expect(readBatch(changed(change as (payload: never) => void))).toMatchObject({
      code: 'VC_SCHEMA',
    });
  });

  it.each([
    ['eventTime is not validFrom', (p: Path) => Object.assign(p, { validFrom: later })],
    ['a deviceID is not the issuer', (p: Path) => metadataOf(p, { deviceID: memorySigner().did })],
    ['epcList lacks goods', (p: Path) => p.credentialSubject.epcList.splice(0, 1)],
    ['epcList has other goods', (p: Path) => p.credentialSubject.epcList.push('urn:x:2')],
    ['a bad reading has a value', (p: Path) => Object.assign(reportOf(p), { 'bl:quality': 'bad' })],
    ['a good one has none', (p: Path) => Reflect.deleteProperty(reportOf(p), 'value')],
    ['a good one has an exception', (p: Path) => Object.assign(reportOf(p), error)],
    ['there are two values', (p: Path) => Object.assign(reportOf(p), { booleanValue: true })],
    ['an integer is a number', (p: Path) => Object.assign(reportOf(p), integer)],
    [
      "a server's time is the element's",
      (p: Path) => Object.assign(reportOf(p), serverTime(1_000)),
    ],
  ])('is a contradiction when %s', (_, change) => {
    expect(readBatch(changed(change as (payload: never) => void))).toMatchObject({
      code: 'VC_CONTRADICTION',
    });
  });

  it.each(['1.0', '01', '-0', '1e3', '', ' 1', '1'.repeat(60)])(
    'does not take "%s" for an integer',
    (stringValue) => {
      const payload = changed((p: Path) => {
        Reflect.deleteProperty(reportOf(p), 'value');
        Object.assign(reportOf(p), { stringValue, ...integer });
      });
      expect(readBatch(payload)).toMatchObject({ code: 'VC_CONTRADICTION' });
    },
  );

  it('may hold as many readings as allowed, and not one more', () => {
    const groups = (points: number) => readingGroups({ fromMs: 0, times: 2, points });
    const half = limits.batchReadingsMax / 2;
    const read = (points: number) =>
      readBatch(JSON.parse(composeBatch(draftOf({ groups: groups(points) }), place, ids)));
    expect(read(half)).toHaveProperty('groups');
    expect(read(half + 1)).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it('takes no more bytes for a reading than it was said to take at most', () => {
    fc.assert(
      fc.property(arbitraryDraft, (draft) => {
        const alone = { ...draft, groups: [] };
        const tokenOf = (text: string) =>
          signTokenNow({ payload: text, signer, typ: 'vc+jwt' }).length;
        for (const group of draft.groups) {
          const [first] = group.readings;
          if (!first) continue;
          const one = { ...alone, groups: [{ ...group, readings: [first] }] };
          const two = { ...alone, groups: [{ ...group, readings: [first, first] }] };
          const grown =
            tokenOf(composeBatch(two, place, ids)) - tokenOf(composeBatch(one, place, ids));
          expect(grown).toBeLessThanOrEqual(readingBytesMax(first));
        }
      }),
    );
  });

  it('can carry every point of every profile that is registered', () => {
    for (const profile of Object.values(profiles)) {
      for (const [point, { type, unit }] of Object.entries(profile.points)) {
        const text = withReading({ point, type, unit, value: 1 });
        expect(readBatch(JSON.parse(text)), `${profile.name}.${point}`).toHaveProperty('groups');
      }
    }
  });

  it('has its schema published as it is checked', () => {
    const file = new URL('../../../../docs/schemas/batch-v1.schema.json', import.meta.url);
    const published = JSON.parse(readFileSync(file, 'utf8')) as object;
    expect(published).toMatchObject(JSON.parse(JSON.stringify(batchSchema)));
  });
});

const later = '2030-01-01T00:00:00.000Z';
const error = { exception: 'ERROR_CONDITION' };
const serverTime = (timeMs: number) => ({ 'bl:serverTime': formatTime(timeMs) });
const serverHour24 = { 'bl:serverTime': '2026-02-20T24:00:00.000Z' };
const integer = { 'bl:valueType': 'xsd:integer' };

/** Enough of a payload's shape to spoil it. */
interface Path {
  readonly '@context': string[];
  readonly type: string[];
  readonly credentialSubject: {
    readonly epcList: string[];
    readonly sensorElementList: {
      readonly sensorMetadata: object;
      readonly sensorReport: object[];
    }[];
  };
}

function reportOf(payload: Path): object {
  return payload.credentialSubject.sensorElementList[1]?.sensorReport[1] ?? {};
}

function metadataOf(payload: Path, change: object): void {
  Object.assign(payload.credentialSubject.sensorElementList[0]?.sensorMetadata ?? {}, change);
}

/** As `JSON.parse` makes it of `{"__proto__": …}`: an own member, not the prototype. */
function defineProto(object: object): void {
  Object.defineProperty(object, '__proto__', { value: {}, enumerable: true });
}
