/**
 * The closed schema of a batch credential's payload. It is the source of
 * docs/schemas/batch-v1.schema.json; docs/wire.md says what the members mean.
 */
import { limits } from '../limits.ts';
import { deviceClockFaults } from '../reading.ts';
import { type Static, Type } from '../schema.ts';
import { clockTellers } from './batch.ts';
import {
  bondlineContext,
  credentialsContext,
  credentialTypes,
  epcisContext,
} from './vocabulary.ts';

/** Patterns of the texts that several credentials share. */
export const patterns = {
  /** P-256 or Ed25519; the exact form is checked where the key is read. */
  didKey: '^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}$',
  uuid: '^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  /** SHA-256 as multihash in multibase base64url. */
  digest: '^uEi[A-D][A-Za-z0-9_-]{42}[AQgw]$',
  /** UTC with milliseconds: one instant has one text. */
  time: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
  /** RFC 3986 characters after a scheme. */
  uri: "^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\\[\\]@!$&'()*+,;=%-]+$",
  point: '^[a-z][A-Za-z0-9]*$',
  kebab: '^[a-z][a-z0-9-]*$',
  /** A device's name at its site, as it is written on it: fc-1, XBLU2600010, TT_101. */
  label: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
} as const;

/** An object without other members than these. */
const closed = { additionalProperties: false } as const;

export const shared = {
  didKey: Type.String({ pattern: patterns.didKey }),
  uuid: Type.String({ pattern: patterns.uuid }),
  digest: Type.String({ pattern: patterns.digest }),
  time: Type.String({ pattern: patterns.time }),
  uri: Type.String({ pattern: patterns.uri, maxLength: limits.goodsUriMax }),
  count: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
} as const;

const { didKey, uuid, digest, time, uri, count } = shared;

const point = Type.String({ pattern: patterns.point, maxLength: 64 });

/** Counts from 1. */
const place = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const nonce = Type.String({ pattern: '^[0-9a-f]{32}$' });

/** One reading. Which value members go together is checked by `readBatch`. */
const sensorReport = Type.Object(
  {
    type: Type.String({ pattern: '^(bl:)?[A-Z][A-Za-z0-9]*$', maxLength: 64 }),
    value: Type.Optional(Type.Number()),
    stringValue: Type.Optional(Type.String()),
    booleanValue: Type.Optional(Type.Boolean()),
    'bl:valueType': Type.Optional(Type.Literal('xsd:integer')),
    uom: Type.Optional(Type.String({ pattern: '^[A-Z0-9]{2,3}$' })),
    hexBinaryValue: Type.Optional(Type.String({ pattern: '^(?:[0-9a-f]{2})+$' })),
    'bl:point': point,
    'bl:quality': Type.Optional(Type.Enum(['uncertain', 'bad', 'forced', 'estimated', 'archived'])),
    'bl:status': Type.Optional(Type.String({ minLength: 1, maxLength: limits.statusMax })),
    'bl:serverTime': Type.Optional(time),
    exception: Type.Optional(Type.Literal('ERROR_CONDITION')),
  },
  closed,
);

const sensorElement = Type.Object(
  {
    sensorMetadata: Type.Object(
      {
        time,
        deviceID: didKey,
        'bl:gatewayTime': Type.Optional(time),
        'bl:deviceClock': Type.Optional(Type.Enum(deviceClockFaults)),
        'bl:about': Type.Optional(uri),
      },
      closed,
    ),
    sensorReport: Type.Array(sensorReport, { minItems: 1, maxItems: limits.batchReadingsMax }),
  },
  closed,
);

const loss = Type.Object(
  {
    'bl:from': time,
    'bl:to': time,
    'bl:count': count,
    'bl:cause': Type.Enum([
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
    ]),
    'bl:estimated': Type.Optional(Type.Literal(true)),
    'bl:points': Type.Optional(Type.Array(point, { maxItems: limits.batchReadingsMax })),
    'bl:batches': Type.Optional(
      Type.Object(
        {
          'bl:counter': place,
          'bl:nonce': nonce,
          'bl:firstSequence': place,
          'bl:lastSequence': place,
          digestMultibase: Type.Optional(digest),
        },
        closed,
      ),
    ),
  },
  closed,
);

/** Readings of one point that gave way, summed up. Which members go together: `readBatch`. */
const aggregateReport = Type.Object(
  {
    type: Type.String({ pattern: '^(bl:)?[A-Z][A-Za-z0-9]*$', maxLength: 64 }),
    minValue: Type.Optional(Type.Number()),
    maxValue: Type.Optional(Type.Number()),
    meanValue: Type.Optional(Type.Number()),
    uom: Type.Optional(Type.String({ pattern: '^[A-Z0-9]{2,3}$' })),
    'bl:point': point,
    'bl:count': place,
    'bl:bad': Type.Optional(place),
    'bl:lastValue': Type.Optional(Type.Union([Type.Number(), Type.String(), Type.Boolean()])),
    'bl:valueType': Type.Optional(Type.Literal('xsd:integer')),
    'bl:quality': Type.Optional(Type.Enum(['uncertain', 'bad', 'forced', 'estimated', 'archived'])),
    exception: Type.Optional(Type.Literal('ERROR_CONDITION')),
  },
  closed,
);

const aggregateElement = Type.Object(
  {
    sensorMetadata: Type.Object(
      { startTime: time, endTime: time, deviceID: didKey, 'bl:about': Type.Optional(uri) },
      closed,
    ),
    sensorReport: Type.Array(aggregateReport, { minItems: 1, maxItems: limits.batchReadingsMax }),
  },
  closed,
);

/** A credential named by id and digest (VCDM 2.0 §5.3). */
const reference = Type.Object({ id: uuid, digestMultibase: digest }, closed);

const clock = Type.Object(
  {
    'bl:source': Type.Enum(['unknown', 'unsynchronised', 'ntp', 'ptp', 'gnss']),
    'bl:toldBy': Type.Optional(Type.Enum(clockTellers)),
    'bl:offsetMs': Type.Optional(Type.Number()),
    'bl:uncertaintyMs': Type.Optional(Type.Number({ minimum: 0 })),
    'bl:monotonicMs': Type.Number(),
    'bl:steps': count,
  },
  closed,
);

const event = Type.Object(
  {
    type: Type.Literal('ObjectEvent'),
    eventID: uuid,
    eventTime: time,
    eventTimeZoneOffset: Type.Literal('+00:00'),
    action: Type.Literal('OBSERVE'),
    bizStep: Type.Literal('sensor_reporting'),
    epcList: Type.Array(uri, { maxItems: limits.batchReadingsMax }),
    readPoint: Type.Object({ id: uri }, closed),
    'bl:gateway': didKey,
    'bl:epoch': Type.Object(
      {
        'bl:counter': place,
        'bl:nonce': nonce,
        'bl:follows': Type.Optional(digest),
        'bl:after': Type.Optional(
          Type.Object({ 'bl:counter': place, 'bl:nonce': nonce, 'bl:sequence': place }, closed),
        ),
      },
      closed,
    ),
    'bl:sequence': place,
    'bl:enrolment': Type.Optional(reference),
    'bl:profile': Type.Object(
      {
        'bl:name': Type.String({ pattern: patterns.kebab, maxLength: 64 }),
        digestMultibase: digest,
      },
      closed,
    ),
    'bl:configuration': digest,
    'bl:clock': clock,
    'bl:losses': Type.Optional(
      Type.Array(loss, { minItems: 1, maxItems: limits.batchReadingsMax }),
    ),
    'bl:suppressed': Type.Optional(place),
    'bl:aggregates': Type.Optional(
      Type.Object(
        {
          sensorElementList: Type.Array(aggregateElement, {
            minItems: 1,
            maxItems: limits.batchReadingsMax,
          }),
        },
        closed,
      ),
    ),
    sensorElementList: Type.Optional(
      Type.Array(sensorElement, { minItems: 1, maxItems: limits.batchReadingsMax }),
    ),
  },
  closed,
);

/** The payload of a batch credential. */
export const batchSchema = Type.Object(
  {
    '@context': Type.Tuple([
      Type.Literal(credentialsContext),
      Type.Literal(epcisContext),
      Type.Literal(bondlineContext),
    ]),
    id: uuid,
    type: Type.Tuple([Type.Literal('VerifiableCredential'), Type.Literal(credentialTypes.batch)]),
    issuer: didKey,
    validFrom: time,
    relatedResource: Type.Optional(Type.Array(reference, { minItems: 1, maxItems: 1 })),
    credentialSubject: event,
  },
  closed,
);

export type BatchPayload = Static<typeof batchSchema>;
export type ReportPayload = Static<typeof sensorReport>;
export type ElementPayload = Static<typeof sensorElement>;
export type LossPayload = Static<typeof loss>;
export type AggregatePayload = Static<typeof aggregateElement>;
