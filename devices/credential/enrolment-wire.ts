/** An enrolment to its payload and back; docs/wire.md describes the form. */
import { strict as assert } from 'node:assert';
import { formatTime, parseTime } from '../runtime.ts';
import { compileChecker, type Static, Type } from '../schema.ts';
import { patterns, shared } from './batch-schema.ts';
import type { Enrolment, Facility, Party, StatusEntry } from './enrolment.ts';
import { type Refusal, refuse } from './refusal.ts';
import { bondlineContext, credentialsContext, credentialTypes } from './vocabulary.ts';

const closed = { additionalProperties: false } as const;
const { didKey, uuid, digest, time, uri } = shared;
const name = Type.String({ minLength: 1, maxLength: 200 });
const duration = Type.Integer({ minimum: 1, maximum: 366 * 24 * 3_600_000 });
const party = Type.Object({ id: uri, name }, closed);

const facility = Type.Object(
  {
    id: uri,
    name,
    'bl:unlocode': Type.Optional(Type.String({ pattern: '^[A-Z]{2}[A-Z2-9]{3}$' })),
    'bl:portCode': Type.Optional(Type.String({ pattern: '^\\d{4}$' })),
    'bl:latitude': Type.Number({ minimum: -90, maximum: 90 }),
    'bl:longitude': Type.Number({ minimum: -180, maximum: 180 }),
    'bl:accuracyM': Type.Optional(Type.Number({ minimum: 0 })),
    'bl:line': Type.Optional(
      Type.Object(
        {
          'bl:route': name,
          'bl:distanceM': Type.Number({ minimum: 0 }),
          'bl:innerDiameterM': Type.Number({ exclusiveMinimum: 0 }),
        },
        closed,
      ),
    ),
  },
  closed,
);

const statusEntry = Type.Object(
  {
    type: Type.Literal('BitstringStatusListEntry'),
    statusPurpose: Type.Enum(['revocation', 'suspension']),
    statusListIndex: Type.String({ pattern: '^(0|[1-9]\\d{0,9})$' }),
    statusListCredential: uri,
  },
  closed,
);

/** The closed schema of an enrolment credential's payload. */
export const enrolmentSchema = Type.Object(
  {
    '@context': Type.Tuple([Type.Literal(credentialsContext), Type.Literal(bondlineContext)]),
    id: uuid,
    type: Type.Tuple([
      Type.Literal('VerifiableCredential'),
      Type.Literal(credentialTypes.enrolment),
    ]),
    issuer: party,
    validFrom: time,
    validUntil: Type.Optional(time),
    // Absent rather than empty where an enrolment cannot be revoked (VCDM 2.0 §4.10).
    credentialStatus: Type.Optional(Type.Array(statusEntry, { maxItems: 4 })),
    credentialSubject: Type.Object(
      {
        id: didKey,
        'bl:gateway': didKey,
        'bl:label': name,
        'bl:profile': Type.Object(
          {
            'bl:name': Type.String({ pattern: patterns.kebab, maxLength: 64 }),
            digestMultibase: digest,
          },
          closed,
        ),
        'bl:facility': facility,
        'bl:cadenceMs': duration,
        'bl:heartbeatMs': duration,
        'bl:keyLocation': Type.Enum(['sensor', 'gateway-secure-element', 'gateway-file']),
        'bl:goods': Type.Array(uri, { minItems: 1, maxItems: 64 }),
        'bl:owner': Type.Optional(party),
        'bl:possessor': Type.Optional(party),
        'bl:bondLiable': Type.Optional(party),
        'bl:calibration': Type.Optional(digest),
        'bl:supersedes': Type.Optional(didKey),
      },
      closed,
    ),
  },
  closed,
);

type EnrolmentPayload = Static<typeof enrolmentSchema>;
type FacilityPayload = EnrolmentPayload['credentialSubject']['bl:facility'];

const check = compileChecker(enrolmentSchema);

/** An entry of a list as the payload has it. */
function entryOf(entry: StatusEntry): Static<typeof statusEntry> {
  return {
    type: 'BitstringStatusListEntry',
    statusPurpose: entry.purpose,
    statusListIndex: String(entry.index),
    statusListCredential: entry.list,
  };
}

/**
 * The payload of an enrolment, as JSON text ready to be signed. What does not satisfy the schema
 * asserts: callers check what people wrote before.
 */
export function composeEnrolment(enrolment: Enrolment): string {
  const { scope, profile, validUntilMs } = enrolment;
  const payload: EnrolmentPayload = {
    '@context': [credentialsContext, bondlineContext],
    id: enrolment.id,
    type: ['VerifiableCredential', credentialTypes.enrolment],
    issuer: { id: enrolment.organisation, name: enrolment.organisationName },
    validFrom: formatTime(enrolment.validFromMs),
    ...(validUntilMs !== undefined && { validUntil: formatTime(validUntilMs) }),
    ...(enrolment.status.length > 0 && { credentialStatus: enrolment.status.map(entryOf) }),
    credentialSubject: {
      id: enrolment.device,
      'bl:gateway': enrolment.gateway,
      'bl:label': enrolment.label,
      'bl:profile': { 'bl:name': profile.name, digestMultibase: profile.digest },
      'bl:facility': payloadOfFacility(enrolment.facility),
      'bl:cadenceMs': enrolment.cadenceMs,
      'bl:heartbeatMs': enrolment.heartbeatMs,
      'bl:keyLocation': enrolment.keyLocation,
      'bl:goods': [...scope.goods],
      ...(scope.owner && { 'bl:owner': payloadOfParty(scope.owner) }),
      ...(scope.possessor && { 'bl:possessor': payloadOfParty(scope.possessor) }),
      ...(scope.bondLiable && { 'bl:bondLiable': payloadOfParty(scope.bondLiable) }),
      ...(enrolment.calibration !== undefined && { 'bl:calibration': enrolment.calibration }),
      ...(enrolment.supersedes !== undefined && { 'bl:supersedes': enrolment.supersedes }),
    },
  };
  const text = JSON.stringify(payload);
  assert(check(JSON.parse(text)), `the enrolment of ${enrolment.label} has the form of one`);
  return text;
}

/** The enrolment of a payload, or a refusal with code VC_SCHEMA. Verify the token first. */
export function readEnrolment(payload: unknown): Enrolment | Refusal {
  if (!check(payload)) return refuse('VC_SCHEMA', 'not the payload of an enrolment credential');
  const { credentialSubject: subject, validUntil } = payload;
  const validFromMs = parseTime(payload.validFrom);
  const validUntilMs = validUntil === undefined ? undefined : parseTime(validUntil);
  if (validFromMs === undefined || (validUntil !== undefined && validUntilMs === undefined)) {
    return refuse('VC_SCHEMA', 'validFrom or validUntil is not a time');
  }
  const profile = subject['bl:profile'];
  const { 'bl:owner': owner, 'bl:possessor': possessor, 'bl:bondLiable': bondLiable } = subject;
  const { 'bl:calibration': calibration, 'bl:supersedes': supersedes } = subject;
  return {
    id: payload.id,
    organisation: payload.issuer.id,
    organisationName: payload.issuer.name,
    device: subject.id,
    gateway: subject['bl:gateway'],
    label: subject['bl:label'],
    profile: { name: profile['bl:name'], digest: profile.digestMultibase },
    facility: facilityOf(subject['bl:facility']),
    cadenceMs: subject['bl:cadenceMs'],
    heartbeatMs: subject['bl:heartbeatMs'],
    keyLocation: subject['bl:keyLocation'],
    scope: {
      goods: subject['bl:goods'],
      ...(owner && { owner }),
      ...(possessor && { possessor }),
      ...(bondLiable && { bondLiable }),
    },
    validFromMs,
    ...(validUntilMs !== undefined && { validUntilMs }),
    status: (payload.credentialStatus ?? []).map(
      (entry): StatusEntry => ({
        purpose: entry.statusPurpose,
        list: entry.statusListCredential,
        index: Number(entry.statusListIndex),
      }),
    ),
    ...(calibration !== undefined && { calibration }),
    ...(supersedes !== undefined && { supersedes }),
  };
}

function payloadOfParty({ id, name: known }: Party): Party {
  return { id, name: known };
}

function payloadOfFacility(place: Facility): FacilityPayload {
  const { unlocode, portCode, accuracyM, line } = place;
  return {
    id: place.id,
    name: place.name,
    ...(unlocode !== undefined && { 'bl:unlocode': unlocode }),
    ...(portCode !== undefined && { 'bl:portCode': portCode }),
    'bl:latitude': place.latitude,
    'bl:longitude': place.longitude,
    ...(accuracyM !== undefined && { 'bl:accuracyM': accuracyM }),
    ...(line && {
      'bl:line': {
        'bl:route': line.route,
        'bl:distanceM': line.distanceM,
        'bl:innerDiameterM': line.innerDiameterM,
      },
    }),
  };
}

function facilityOf(payload: FacilityPayload): Facility {
  const { 'bl:unlocode': unlocode, 'bl:portCode': portCode, 'bl:line': line } = payload;
  const accuracyM = payload['bl:accuracyM'];
  return {
    id: payload.id,
    name: payload.name,
    ...(unlocode !== undefined && { unlocode }),
    ...(portCode !== undefined && { portCode }),
    latitude: payload['bl:latitude'],
    longitude: payload['bl:longitude'],
    ...(accuracyM !== undefined && { accuracyM }),
    ...(line && {
      line: {
        route: line['bl:route'],
        distanceM: line['bl:distanceM'],
        innerDiameterM: line['bl:innerDiameterM'],
      },
    }),
  };
}
