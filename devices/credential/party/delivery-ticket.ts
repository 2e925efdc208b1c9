/** The ticket of a meter: what a carrier received or delivered (OilAndGasDeliveryTicket). */
import { formatTime } from '../../runtime.ts';
import { type Static, Type } from '../../schema.ts';
import type { Party } from '../enrolment.ts';
import { Disagreement } from '../reading-wire.ts';
import { credentialsContext, traceabilityContext } from '../vocabulary.ts';
import {
  type Amount,
  closed,
  contexts,
  did,
  head,
  headOf,
  instant,
  instantOf,
  type PartyFamily,
  type PartyHead,
  payloadOfHead,
  text,
  typed,
  wireForm,
} from './family.ts';
import {
  amountOf,
  measuredOf,
  measuredValue,
  type NamedPlace,
  namedOrganization,
  namedPlaceOf,
  organizationOf,
  partyOfOrganization,
  place,
  placeOf,
  tradedGoods,
} from './traceability.ts';

/** One quantity of a ticket, e.g. `netStandardVolume`. */
export interface TicketQuantity extends Amount {
  readonly name: string;
}

export interface DeliveryTicket extends PartyHead {
  readonly kind: 'ticket';
  /** The operator's ticket control number. */
  readonly number: string;
  readonly goods: string;
  readonly product: string;
  /** Harmonised tariff code as declared. */
  readonly hts?: string;
  readonly batchNumber?: string;
  /** Who meters and signs. */
  readonly carrier: Party;
  readonly consignor: Party;
  readonly consignee: Party;
  readonly openedMs: number;
  readonly closedMs: number;
  readonly destination?: NamedPlace;
  readonly quantities: readonly TicketQuantity[];
}

const schema = Type.Object(
  {
    '@context': contexts(credentialsContext, traceabilityContext),
    ...head,
    type: typed('OilAndGasDeliveryTicketCredential'),
    issuer: did,
    credentialSubject: Type.Object(
      {
        type: Type.Tuple([Type.Literal('OilAndGasDeliveryTicket')]),
        createdDate: Type.Optional(instant),
        openDate: instant,
        closeDate: instant,
        carrier: namedOrganization,
        consignor: namedOrganization,
        consignee: namedOrganization,
        ticketControlNumber: text,
        batchNumber: Type.Optional(text),
        destination: Type.Optional(place),
        product: Type.Object({ ...tradedGoods.properties, name: text }, closed),
        observation: Type.Array(
          Type.Object(
            {
              type: Type.Tuple([Type.Literal('Observation')]),
              property: Type.Object(
                { type: Type.Tuple([Type.Literal('MechanicalProperty')]), name: text },
                closed,
              ),
              measurement: measuredValue,
              date: Type.Optional(instant),
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

function payloadOf(ticket: DeliveryTicket): Payload {
  const { hts, batchNumber, destination } = ticket;
  return {
    ...payloadOfHead(ticket, {
      contexts: [credentialsContext, traceabilityContext],
      type: 'OilAndGasDeliveryTicketCredential',
      issuer: ticket.issuer.id,
    }),
    credentialSubject: {
      type: ['OilAndGasDeliveryTicket'],
      openDate: formatTime(ticket.openedMs),
      closeDate: formatTime(ticket.closedMs),
      carrier: organizationOf(ticket.carrier),
      consignor: organizationOf(ticket.consignor),
      consignee: organizationOf(ticket.consignee),
      ticketControlNumber: ticket.number,
      ...(batchNumber !== undefined && { batchNumber }),
      ...(destination && { destination: placeOf(destination) }),
      product: {
        type: ['Product'],
        id: ticket.goods,
        name: ticket.product,
        ...(hts !== undefined && {
          commodity: { type: ['Commodity'], commodityCode: hts, commodityCodeType: 'HTS' },
        }),
      },
      observation: ticket.quantities.map(({ name, ...amount }) => ({
        type: ['Observation'],
        property: { type: ['MechanicalProperty'], name },
        measurement: measuredOf(amount),
      })),
    },
  };
}

function statementOf(payload: Payload): DeliveryTicket {
  const { credentialSubject: ticket, issuer } = payload;
  const { product: goods, batchNumber, destination } = ticket;
  const carrier = partyOfOrganization(ticket.carrier);
  if (carrier.id !== issuer) throw new Disagreement('the carrier of a ticket is its issuer');
  const openedMs = instantOf(ticket.openDate);
  const closedMs = instantOf(ticket.closeDate);
  if (closedMs < openedMs) throw new Disagreement('the ticket closes before it opens');
  return {
    kind: 'ticket',
    ...headOf(payload, carrier),
    number: ticket.ticketControlNumber,
    goods: goods.id,
    product: goods.name,
    ...(goods.commodity && { hts: goods.commodity.commodityCode }),
    ...(batchNumber !== undefined && { batchNumber }),
    carrier,
    consignor: partyOfOrganization(ticket.consignor),
    consignee: partyOfOrganization(ticket.consignee),
    openedMs,
    closedMs,
    ...(destination && { destination: namedPlaceOf(destination) }),
    quantities: ticket.observation.map(({ property, measurement }) => ({
      name: property.name,
      ...amountOf(measurement),
    })),
  };
}

export const deliveryTicket: PartyFamily<DeliveryTicket> = {
  kind: 'ticket',
  types: ['OilAndGasDeliveryTicketCredential'],
  schema,
  ...wireForm(schema, 'a delivery ticket', { payloadOf, statementOf }),
  about: ({ goods }) => [goods],
  signers: ({ carrier }) => [carrier.id],
};
