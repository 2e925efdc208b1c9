import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Enrolment } from '../../../../devices/credential/enrolment.ts';
import { composeEnrolment, readEnrolment } from '../../../../devices/credential/enrolment-wire.ts';
import { digestMultibase } from '../../../../devices/profile.ts';
import { memorySigner } from '../../../support/identity.ts';

const device = memorySigner().did;
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
const uri = fc.stringMatching(/^[a-z0-9-]{1,20}$/).map((text) => `did:web:a.example/x/${text}`);
const party = fc.record({ id: uri, name }, { noNullPrototype: true });
const digest = fc.constant(digestMultibase(Buffer.from('d')));
const metres = fc.double({ min: 0.001, max: 1e6, noNaN: true });
const timeMs = fc.integer({ min: 0, max: 253_402_300_799_999 });
const duration = fc.integer({ min: 1, max: 86_400_000 });

const enrolment: fc.Arbitrary<Enrolment> = fc.record(
  {
    id: fc.uuid().map((text) => `urn:uuid:${text}`),
    organisation: uri,
    organisationName: name,
    device: fc.constant(device),
    gateway: fc.constant(device),
    label: name,
    profile: fc.record({ name: fc.constant('reefer'), digest }),
    facility: fc.record(
      {
        id: uri,
        name,
        unlocode: fc.constant('CAHAM'),
        portCode: fc.constant('2604'),
        latitude: fc.double({ min: -90, max: 90, noNaN: true }).map((n) => n + 0),
        longitude: fc.double({ min: -180, max: 180, noNaN: true }).map((n) => n + 0),
        accuracyM: metres,
        line: fc.record({ route: name, distanceM: metres, innerDiameterM: metres }),
      },
      { requiredKeys: ['id', 'name', 'latitude', 'longitude'] },
    ),
    cadenceMs: duration,
    heartbeatMs: duration,
    keyLocation: fc.constantFrom('sensor', 'gateway-secure-element', 'gateway-file'),
    scope: fc.record(
      {
        goods: fc.array(uri, { minLength: 1, maxLength: 3 }),
        owner: party,
        possessor: party,
        bondLiable: party,
      },
      { requiredKeys: ['goods'] },
    ),
    validFromMs: timeMs,
    validUntilMs: timeMs,
    status: fc.array(
      fc.record({
        purpose: fc.constantFrom('revocation', 'suspension'),
        list: fc.constant('https://a.example/status/revocation.jwt'),
        index: fc.nat(131_071),
      }),
      { maxLength: 2 },
    ),
    calibration: digest,
    supersedes: fc.constant(device),
  },
  {
    requiredKeys: [
      'id',
      'organisation',
      'organisationName',
      'device',
      'gateway',
      'label',
      'profile',
      'facility',
      'cadenceMs',
      'heartbeatMs',
      'keyLocation',
      'scope',
      'validFromMs',
      'status',
    ],
  },
);

const [sample] = fc.sample(enrolment, { numRuns: 1, seed: 1 });

describe('an enrolment on the wire', () => {
  it('comes back exactly', () => {
    fc.assert(
      fc.property(enrolment, (made) => {
        const said = structuredClone(made);
        expect(readEnrolment(JSON.parse(composeEnrolment(said)))).toStrictEqual(said);
      }),
    );
  });

  it('is not composed when it could not be read', () => {
    if (!sample) throw new Error('no sample');
    expect(() => composeEnrolment({ ...sample, cadenceMs: 0 })).toThrow(/has the form/);
    expect(() => composeEnrolment({ ...sample, scope: { goods: [] } })).toThrow(/has the form/);
  });

  it.each([
    ['an unknown member', { extra: 1 }],
    ['another type', { type: ['VerifiableCredential'] }],
    ['an issuer without name', { issuer: 'did:web:a.example' }],
    ['a begin that does not exist', { validFrom: '2026-13-01T00:00:00.000Z' }],
    ['an end that does not exist', { validUntil: '2026-01-99T00:00:00.000Z' }],
    ['a status of another type', { credentialStatus: [{ type: 'RevocationList2020Status' }] }],
    ['no subject', { credentialSubject: undefined }],
  ])('is refused with %s', (_, changes) => {
    if (!sample) throw new Error('no sample');
    const payload = { ...JSON.parse(composeEnrolment(sample)), ...changes };
    expect(readEnrolment(payload)).toMatchObject({ code: 'VC_SCHEMA' });
  });
});
