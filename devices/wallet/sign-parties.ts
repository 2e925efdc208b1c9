/** What is signed of parties and devices: standing with customs, bonds, calibrations. */

import { shared } from '../credential/batch-schema.ts';
import { bondTypes } from '../credential/party/bond.ts';
import { aeoKinds, ctpatTiers, tradeSectors } from '../credential/party/standing.ts';
import { Type } from '../schema.ts';
import {
  amount,
  closed,
  decimal,
  form,
  headOf,
  millisecondsOf,
  party,
  status,
  text,
  time,
} from './sign-form.ts';

/** Standing of an authorised economic operator. */
export const aeo = form({
  summary: 'that a party is an authorised economic operator; customs authorities sign it',
  schema: Type.Object(
    {
      party,
      number: text,
      covers: Type.Enum(aeoKinds),
      validFrom: Type.Optional(time),
      validUntil: time,
      status,
    },
    closed,
  ),
  example: `party: { id: "did:web:lakeside.example", name: Lakeside Terminals }
number: XXAEOF0000117
covers: customs-and-security            # customs, security
validUntil: 2027-11-21T12:00:00Z
`,
  statement(input, context) {
    const { party: whose, number, covers, validUntil } = input;
    const head = { ...headOf(context, input), validUntilMs: millisecondsOf(validUntil) };
    return { kind: 'standing', programme: 'AEO', ...head, party: whose, number, covers };
  },
});

/** Standing of a member of CTPAT. */
export const ctpat = form({
  summary: 'that a party is a member of CTPAT (CTPATCertificate); customs authorities sign it',
  schema: Type.Object(
    {
      party,
      number: text,
      tier: Type.Enum(ctpatTiers),
      sector: Type.Enum(tradeSectors),
      country: Type.String({ pattern: '^[A-Z]{2}$', examples: ['US'] }),
      validFrom: Type.Optional(time),
      validUntil: time,
      status,
    },
    closed,
  ),
  example: `party: { id: "did:web:northline.example", name: Northline Pipelines }
number: "70012345"
tier: Validated                         # Certified, Exceeding
sector: Rail Carriers
country: US
validUntil: 2027-11-21T12:00:00Z
`,
  statement(input, context) {
    const { party: whose, number, tier, sector, country, validUntil } = input;
    const head = { ...headOf(context, input), validUntilMs: millisecondsOf(validUntil) };
    return {
      kind: 'standing',
      programme: 'CTPAT',
      ...head,
      party: whose,
      number,
      tier,
      sector,
      country,
    };
  },
});

export const bond = form({
  summary: 'a customs bond; the surety signs it',
  schema: Type.Object(
    {
      number: text,
      bondType: Type.Enum(bondTypes),
      term: Type.Enum(['single', 'continuous']),
      principal: party,
      amount: decimal,
      currency: Type.String({ pattern: '^[A-Z]{3}$', examples: ['USD'] }),
      validFrom: Type.Optional(time),
      validUntil: time,
      status,
    },
    closed,
  ),
  example: `number: 26B004711
bondType: custodian                     # importer, international-carrier, export
term: continuous                        # or single
principal: { id: "did:web:northline.example", name: Northline Pipelines }
amount: "250000.00"
currency: USD
validUntil: 2027-11-21T12:00:00Z
`,
  statement(input, context) {
    const { validFrom: _from, validUntil, status: _status, ...said } = input;
    const head = { ...headOf(context, input), validUntilMs: millisecondsOf(validUntil) };
    return { kind: 'bond', ...head, ...said };
  },
});

export const calibration = form({
  summary: 'a calibration certificate of a device; the laboratory signs it',
  schema: Type.Object(
    {
      number: text,
      device: shared.didKey,
      serialNumber: text,
      standard: text,
      calibrated: time,
      validUntil: time,
      points: Type.Array(
        Type.Object(
          {
            point: Type.String({ pattern: '^[a-z][A-Za-z0-9]*$', examples: ['temperature'] }),
            uncertainty: amount,
          },
          closed,
        ),
        { minItems: 1, maxItems: 64 },
      ),
      status,
    },
    closed,
  ),
  example: `number: CAL-2026-118
device: did:key:zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv
serialNumber: FC-30017
standard: ISO/IEC 17025
calibrated: 2026-11-20T12:00:00Z
validUntil: 2027-11-21T12:00:00Z
points: [{ point: temperature, uncertainty: { value: "0.10", unit: CEL } }]
`,
  statement(input, context) {
    const { calibrated, validUntil, status: _status, ...said } = input;
    const head = { ...headOf(context, input), validUntilMs: millisecondsOf(validUntil) };
    return { kind: 'calibration', ...head, ...said, calibratedMs: millisecondsOf(calibrated) };
  },
});
