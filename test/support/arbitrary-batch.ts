/** Arbitrary batches for property tests: everything that a gateway may say, nothing else. */
import fc from 'fast-check';
import { type BatchDraft, type BatchPlace, clockTellers } from '../../devices/credential/batch.ts';
import { measurementTypes } from '../../devices/credential/measurement.ts';
import { digestMultibase } from '../../devices/profile.ts';
import {
  type Aggregate,
  type AggregateGroup,
  deviceClockFaults,
  type Loss,
  type Reading,
  type ReadingGroup,
} from '../../devices/reading.ts';
import { memorySigner } from './identity.ts';

/** Two of each, since making keys is slow and which key it is matters to none of the members. */
const dids = [memorySigner().did, memorySigner().did] as const;

const did = fc.constantFrom(...dids);
const digest = fc.uint8Array({ maxLength: 8 }).map((bytes) => digestMultibase(bytes));
const uuid = fc.uuid({ version: 4 }).map((text) => `urn:uuid:${text}`);
const timeMs = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
const about = fc
  .stringMatching(/^[A-Za-z0-9._-]{1,20}$/)
  .map((name) => `did:web:northline.example/batch/${name}`);
const point = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,20}$/);
const unicode = fc.string({ unit: 'grapheme', maxLength: 40 });
const reference = fc.record({ id: uuid, digest });

const value = fc.oneof(
  // Negative zero travels as zero (docs/wire.md), so it is not among what comes back the same.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
  fc.boolean(),
  unicode,
);

const reading: fc.Arbitrary<Reading> = fc
  .record(
    {
      point,
      type: fc.constantFrom<string>(...measurementTypes, 'bl:Text', 'bl:State'),
      unit: fc.constantFrom('', 'CEL', 'BLL', 'C62', '60'),
      value,
      rawHex: fc.uint8Array({ maxLength: 16 }).map((raw) => Buffer.from(raw).toString('hex')),
      quality: fc.constantFrom('good', 'uncertain', 'bad', 'forced', 'estimated', 'archived'),
      status: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
      serverTimeMs: timeMs,
    },
    { requiredKeys: ['point', 'type', 'unit', 'value', 'rawHex', 'quality'] },
  )
  .map(({ value: any, ...rest }) => (rest.quality === 'bad' ? rest : { ...rest, value: any }));

const group: fc.Arbitrary<ReadingGroup> = fc
  .record(
    {
      timeMs,
      gatewayTimeMs: timeMs,
      about,
      deviceClock: fc.constantFrom(...deviceClockFaults),
      readings: fc.array(reading, { minLength: 1, maxLength: 8 }),
    },
    { requiredKeys: ['timeMs', 'readings'] },
  )
  // A server's time is said where it is another than the group's.
  .map((any) => ({
    ...any,
    readings: any.readings.map(({ serverTimeMs, ...rest }) =>
      serverTimeMs === undefined || serverTimeMs === any.timeMs ? rest : { ...rest, serverTimeMs },
    ),
  }))
  // What is in doubt has the gateway's time beside it.
  .map(({ deviceClock, ...rest }) =>
    deviceClock === undefined || rest.gatewayTimeMs === undefined ? rest : { ...rest, deviceClock },
  );

const place = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const nonce = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

const loss: fc.Arbitrary<Loss> = fc.record(
  {
    fromMs: timeMs,
    toMs: timeMs,
    count: fc.nat(),
    cause: fc.constantFrom(
      'absent',
      'timeout',
      'refused',
      'nonsense',
      'queue-full',
      'storage-full',
      'not-running',
      'damaged',
      'given-way',
      'thinned',
      'rolled-back',
    ),
    estimated: fc.constant(true as const),
    points: fc.array(point, { maxLength: 4 }),
    batches: fc
      .record(
        { counter: place, nonce, first: place, length: fc.nat(1_000), digest },
        { requiredKeys: ['counter', 'nonce', 'first', 'length'] },
      )
      .map(({ length, ...any }) => ({
        ...any,
        last: Math.min(any.first + length, Number.MAX_SAFE_INTEGER),
      })),
  },
  { requiredKeys: ['fromMs', 'toMs', 'count', 'cause'] },
);

const finite = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 })
  .map((number) => number + 0);

const aggregate: fc.Arbitrary<Aggregate> = fc
  .record({
    point,
    type: fc.constantFrom<string>(...measurementTypes, 'bl:Text', 'bl:State'),
    unit: fc.constantFrom('', 'CEL', 'BLL'),
    count: fc.integer({ min: 1, max: 100_000 }),
    bad: fc.nat(3),
    quality: fc.constantFrom('good', 'uncertain', 'forced', 'estimated', 'archived'),
    numbers: fc.tuple(finite, finite, finite),
    last: value,
  })
  .map(({ bad, count, last, numbers: [a, b, mean], quality, ...rest }) => {
    if (bad >= count) return { ...rest, count, bad: count, quality: 'bad' };
    const head = { ...rest, count, bad, quality, last };
    if (typeof last !== 'number' && typeof last !== 'bigint') return head;
    return { ...head, minimum: Math.min(a, b), maximum: Math.max(a, b), mean };
  });

const aggregateGroup: fc.Arbitrary<AggregateGroup> = fc
  .record(
    {
      fromMs: timeMs,
      toMs: timeMs,
      about,
      aggregates: fc.array(aggregate, { minLength: 1, maxLength: 4 }),
    },
    { requiredKeys: ['fromMs', 'toMs', 'aggregates'] },
  )
  .map((any) => ({
    ...any,
    fromMs: Math.min(any.fromMs, any.toMs),
    toMs: Math.max(any.fromMs, any.toMs),
  }));

/** Drafts, heartbeats among them. */
export const arbitraryDraft: fc.Arbitrary<BatchDraft> = fc.record(
  {
    device: did,
    gateway: did,
    enrolment: reference,
    profile: fc.record({ name: fc.constantFrom('liquid-flow-computer', 'reefer'), digest }),
    configuration: digest,
    readPoint: about,
    clock: fc.record(
      {
        source: fc.constantFrom('unknown', 'unsynchronised', 'ntp', 'ptp', 'gnss'),
        toldBy: fc.constantFrom(...clockTellers),
        offsetMs: finite,
        uncertaintyMs: finite.map((number) => Math.abs(number)),
        monotonicMs: finite,
        steps: fc.nat(),
      },
      { requiredKeys: ['source', 'monotonicMs', 'steps'] },
    ),
    closedMs: timeMs,
    groups: fc.array(group, { maxLength: 6 }),
    losses: fc.array(loss, { maxLength: 3 }),
    aggregates: fc.array(aggregateGroup, { minLength: 1, maxLength: 3 }),
    suppressed: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  },
  {
    requiredKeys: [
      'device',
      'gateway',
      'profile',
      'configuration',
      'readPoint',
      'clock',
      'closedMs',
      'groups',
      'losses',
    ],
  },
);

/** Places in a device's history. */
export const arbitraryPlace: fc.Arbitrary<BatchPlace> = fc.record(
  {
    epoch: fc.record(
      {
        counter: place,
        nonce,
        follows: digest,
        after: fc.record({ counter: place, nonce, sequence: place }),
      },
      { requiredKeys: ['counter', 'nonce'] },
    ),
    sequence: place,
    previous: reference,
  },
  { requiredKeys: ['epoch', 'sequence'] },
);

/** Ids of the credential and of its event. */
export const arbitraryIds = fc.record({ credential: uuid, event: uuid });
