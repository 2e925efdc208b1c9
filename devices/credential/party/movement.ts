/**
 * An act of an in-bond movement (19 CFR Part 18): the bond-liable party asks for it, reports the
 * arrival, reports the export; customs holds the goods and releases them. The movement itself is
 * traceability's Inbond.
 */
import { formatTime } from '../../runtime.ts';
import { type Static, Type } from '../../schema.ts';
import { shared } from '../batch-schema.ts';
import type { Party } from '../enrolment.ts';
import { Disagreement } from '../reading-wire.ts';
import { bondlineContext, credentialsContext, traceabilityContext } from '../vocabulary.ts';
import {
  closed,
  decimal,
  head,
  headOf,
  instant,
  instantOf,
  namedIssuer,
  type PartyFamily,
  type PartyHead,
  party,
  payloadOfHead,
  typed,
  wireForm,
} from './family.ts';
import {
  type NamedPlace,
  namedOrganization,
  namedPlaceOf,
  organizationOf,
  partyOfOrganization,
  place,
  placeOf,
} from './traceability.ts';

export const movementActs = ['request', 'arrival', 'export', 'hold', 'release'] as const;

/** 61 immediate transportation, 62 transportation and exportation, 63 immediate exportation. */
export const entryTypes = ['61', '62', '63'] as const;

export interface Movement extends PartyHead {
  readonly kind: 'movement';
  readonly act: (typeof movementActs)[number];
  readonly atMs: number;
  readonly goods: readonly string[];
  /** Nine digits. */
  readonly number: string;
  readonly entryType: (typeof entryTypes)[number];
  readonly carrier: Party;
  /** Who answers for the goods to customs; signs all but `hold` and `release`. */
  readonly liable: Party;
  /** What the goods are worth, where a bond has to cover it; decimal, currency by ISO 4217. */
  readonly value?: { readonly amount: string; readonly currency: string };
  readonly portOfEntry?: NamedPlace;
  readonly portOfDestination?: NamedPlace;
  /** Where the goods arrived; exactly in an arrival. */
  readonly portOfArrival?: NamedPlace;
}

const goods = Type.Array(shared.uri, { minItems: 1, maxItems: 64, uniqueItems: true });

const schema = Type.Object(
  {
    '@context': Type.Tuple([
      Type.Literal(credentialsContext),
      Type.Literal(traceabilityContext),
      Type.Literal(bondlineContext),
    ]),
    ...head,
    type: typed('InBondMovementCredential'),
    issuer: party,
    credentialSubject: Type.Object(
      {
        'bl:act': Type.Enum(movementActs),
        'bl:at': instant,
        'bl:goods': goods,
        'bl:bondLiable': party,
        'bl:amount': Type.Optional(decimal),
        'bl:currency': Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
        'bl:inBond': Type.Object(
          {
            type: Type.Tuple([Type.Literal('Inbond')]),
            inBondNumber: Type.String({ pattern: '^\\d{9}$' }),
            inBondType: Type.Enum(entryTypes),
            portOfEntry: Type.Optional(place),
            portOfDestination: Type.Optional(place),
            portOfArrival: Type.Optional(place),
            carrier: namedOrganization,
          },
          closed,
        ),
      },
      closed,
    ),
  },
  closed,
);

type Payload = Static<typeof schema>;

function payloadOf(movement: Movement): Payload {
  const { portOfEntry, portOfDestination, portOfArrival, liable, value } = movement;
  return {
    ...payloadOfHead(movement, {
      contexts: [credentialsContext, traceabilityContext, bondlineContext],
      type: 'InBondMovementCredential',
      issuer: namedIssuer(movement),
    }),
    credentialSubject: {
      'bl:act': movement.act,
      'bl:at': formatTime(movement.atMs),
      'bl:goods': [...movement.goods],
      'bl:bondLiable': { id: liable.id, name: liable.name },
      ...(value && { 'bl:amount': value.amount, 'bl:currency': value.currency }),
      'bl:inBond': {
        type: ['Inbond'],
        inBondNumber: movement.number,
        inBondType: movement.entryType,
        ...(portOfEntry && { portOfEntry: placeOf(portOfEntry) }),
        ...(portOfDestination && { portOfDestination: placeOf(portOfDestination) }),
        ...(portOfArrival && { portOfArrival: placeOf(portOfArrival) }),
        carrier: organizationOf(movement.carrier),
      },
    },
  };
}

function statementOf(payload: Payload): Movement {
  const { credentialSubject: subject, issuer } = payload;
  const { 'bl:inBond': inBond, 'bl:bondLiable': liable, 'bl:act': act } = subject;
  const { portOfEntry, portOfDestination, portOfArrival } = inBond;
  const isCustoms = isOfCustoms(act);
  if (!isCustoms && issuer.id !== liable.id) {
    throw new Disagreement('the bond-liable party signs the movement');
  }
  if (isCustoms && issuer.id === liable.id) {
    throw new Disagreement('customs holds and releases goods, never who answers for them');
  }
  const { 'bl:amount': amount, 'bl:currency': currency } = subject;
  if ((amount === undefined) !== (currency === undefined)) {
    throw new Disagreement('a value has an amount and a currency');
  }
  if ((act === 'arrival') !== (portOfArrival !== undefined)) {
    throw new Disagreement('an arrival names the port of arrival, and nothing else does');
  }
  if (act === 'request' && !(portOfEntry && portOfDestination)) {
    throw new Disagreement('a request names the ports of entry and destination');
  }
  return {
    kind: 'movement',
    ...headOf(payload, issuer),
    act,
    atMs: instantOf(subject['bl:at']),
    goods: subject['bl:goods'],
    number: inBond.inBondNumber,
    entryType: inBond.inBondType,
    carrier: partyOfOrganization(inBond.carrier),
    liable,
    ...(amount !== undefined && currency !== undefined && { value: { amount, currency } }),
    ...(portOfEntry && { portOfEntry: namedPlaceOf(portOfEntry) }),
    ...(portOfDestination && { portOfDestination: namedPlaceOf(portOfDestination) }),
    ...(portOfArrival && { portOfArrival: namedPlaceOf(portOfArrival) }),
  };
}

/** Whether customs signs an act, and not who answers for the goods. */
export function isOfCustoms(act: Movement['act']): act is 'hold' | 'release' {
  return act === 'hold' || act === 'release';
}

export const movement: PartyFamily<Movement> = {
  kind: 'movement',
  types: ['InBondMovementCredential'],
  schema,
  ...wireForm(schema, 'an act of an in-bond movement', { payloadOf, statementOf }),
  about: ({ goods: uris }) => uris,
  signers: ({ issuer }) => [issuer.id],
};
