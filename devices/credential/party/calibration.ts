/** A calibration certificate: a laboratory says how far a device's readings can be relied on. */
import { formatTime } from '../../runtime.ts';
import { type Static, Type } from '../../schema.ts';
import { shared } from '../batch-schema.ts';
import { bondlineContext, credentialsContext } from '../vocabulary.ts';
import {
  type Amount,
  closed,
  contexts,
  decimal,
  head,
  headOf,
  instant,
  instantOf,
  namedIssuer,
  type PartyFamily,
  type PartyHead,
  party,
  payloadOfBoundedHead,
  text,
  typed,
  unitPattern,
  wireForm,
} from './family.ts';

/** What was calibrated: a point of the device, and the expanded uncertainty found (k = 2). */
export interface CalibratedPoint {
  readonly point: string;
  readonly uncertainty: Amount;
}

export interface Calibration extends PartyHead {
  readonly kind: 'calibration';
  readonly number: string;
  /** `did:key` of the device; its enrolment pins the digest of this credential. */
  readonly device: string;
  readonly serialNumber: string;
  /** What the laboratory worked by, e.g. `ISO/IEC 17025`. */
  readonly standard: string;
  readonly calibratedMs: number;
  readonly validUntilMs: number;
  readonly points: readonly CalibratedPoint[];
}

const schema = Type.Object(
  {
    '@context': contexts(credentialsContext, bondlineContext),
    ...head,
    type: typed('CalibrationCertificateCredential'),
    validUntil: instant,
    issuer: party,
    credentialSubject: Type.Object(
      {
        id: shared.didKey,
        'bl:certificateNumber': text,
        'bl:serialNumber': text,
        'bl:standard': text,
        'bl:at': instant,
        'bl:calibratedPoints': Type.Array(
          Type.Object(
            {
              'bl:point': Type.String({ pattern: '^[a-z][A-Za-z0-9]*$', maxLength: 64 }),
              'bl:value': decimal,
              'bl:unit': Type.String({ pattern: unitPattern }),
            },
            closed,
          ),
          { minItems: 1, maxItems: 64 },
        ),
      },
      closed,
    ),
  },
  closed,
);

type Payload = Static<typeof schema>;

function payloadOf(certificate: Calibration): Payload {
  return {
    ...payloadOfBoundedHead(certificate, {
      contexts: [credentialsContext, bondlineContext],
      type: 'CalibrationCertificateCredential',
      issuer: namedIssuer(certificate),
    }),
    credentialSubject: {
      id: certificate.device,
      'bl:certificateNumber': certificate.number,
      'bl:serialNumber': certificate.serialNumber,
      'bl:standard': certificate.standard,
      'bl:at': formatTime(certificate.calibratedMs),
      'bl:calibratedPoints': certificate.points.map(({ point, uncertainty }) => ({
        'bl:point': point,
        'bl:value': uncertainty.value,
        'bl:unit': uncertainty.unit,
      })),
    },
  };
}

function statementOf(payload: Payload): Calibration {
  const { credentialSubject: subject } = payload;
  return {
    kind: 'calibration',
    ...headOf(payload, payload.issuer),
    validUntilMs: instantOf(payload.validUntil),
    number: subject['bl:certificateNumber'],
    device: subject.id,
    serialNumber: subject['bl:serialNumber'],
    standard: subject['bl:standard'],
    calibratedMs: instantOf(subject['bl:at']),
    points: subject['bl:calibratedPoints'].map((one) => ({
      point: one['bl:point'],
      uncertainty: { value: one['bl:value'], unit: one['bl:unit'] },
    })),
  };
}

export const calibration: PartyFamily<Calibration> = {
  kind: 'calibration',
  types: ['CalibrationCertificateCredential'],
  schema,
  ...wireForm(schema, 'a calibration certificate', { payloadOf, statementOf }),
  about: ({ device }) => [device],
  signers: ({ issuer }) => [issuer.id],
};
