/** A customs bond: a surety answers to customs for a principal, up to an amount. */
import { type Static, Type } from '../../schema.ts';
import type { Party } from '../enrolment.ts';
import { Disagreement } from '../reading-wire.ts';
import { bondlineContext, credentialsContext } from '../vocabulary.ts';
import {
  closed,
  contexts,
  decimal,
  did,
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
  wireForm,
} from './family.ts';

/**
 * What a bond is for. Names, since the authority's activity codes change; 19 CFR 113.62 to 113.64
 * have importer, custodian (bonded carriers too) and international carrier.
 */
export const bondTypes = ['importer', 'custodian', 'international-carrier', 'export'] as const;
export type BondType = (typeof bondTypes)[number];

export interface Bond extends PartyHead {
  readonly kind: 'bond';
  readonly number: string;
  readonly bondType: BondType;
  /** One movement, or all of a time. */
  readonly term: 'single' | 'continuous';
  readonly principal: Party;
  /** Decimal, in `currency` (ISO 4217). */
  readonly amount: string;
  readonly currency: string;
  readonly validUntilMs: number;
}

const schema = Type.Object(
  {
    '@context': contexts(credentialsContext, bondlineContext),
    ...head,
    type: typed('CustomsBondCredential'),
    validUntil: instant,
    issuer: party,
    credentialSubject: Type.Object(
      {
        id: did,
        'bl:name': text,
        'bl:bondNumber': text,
        'bl:bondType': Type.Enum(bondTypes),
        'bl:term': Type.Enum(['single', 'continuous']),
        'bl:amount': decimal,
        'bl:currency': Type.String({ pattern: '^[A-Z]{3}$' }),
      },
      closed,
    ),
  },
  closed,
);

type Payload = Static<typeof schema>;

function payloadOf(bond: Bond): Payload {
  return {
    ...payloadOfBoundedHead(bond, {
      contexts: [credentialsContext, bondlineContext],
      type: 'CustomsBondCredential',
      issuer: namedIssuer(bond),
    }),
    credentialSubject: {
      id: bond.principal.id,
      'bl:name': bond.principal.name,
      'bl:bondNumber': bond.number,
      'bl:bondType': bond.bondType,
      'bl:term': bond.term,
      'bl:amount': bond.amount,
      'bl:currency': bond.currency,
    },
  };
}

function statementOf(payload: Payload): Bond {
  const { credentialSubject: subject, issuer } = payload;
  if (subject.id === issuer.id) throw new Disagreement(`${issuer.id} cannot be its own surety`);
  if (subject['bl:amount'].startsWith('-')) throw new Disagreement('a bond is for an amount owed');
  return {
    kind: 'bond',
    ...headOf(payload, issuer),
    validUntilMs: instantOf(payload.validUntil),
    number: subject['bl:bondNumber'],
    bondType: subject['bl:bondType'],
    term: subject['bl:term'],
    principal: { id: subject.id, name: subject['bl:name'] },
    amount: subject['bl:amount'],
    currency: subject['bl:currency'],
  };
}

export const bond: PartyFamily<Bond> = {
  kind: 'bond',
  types: ['CustomsBondCredential'],
  schema,
  ...wireForm(schema, 'a customs bond', { payloadOf, statementOf }),
  about: ({ principal }) => [principal.id],
  signers: ({ issuer }) => [issuer.id],
};
