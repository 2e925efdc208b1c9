/**
 * What happens to goods besides a change of hands: a sale (TransferOwnership) and the start and end
 * of a transport, as traceability's TransferEvent and TransportEvent.
 */
import { formatTime } from '../../runtime.ts';
import { type Static, Type } from '../../schema.ts';
import { shared } from '../batch-schema.ts';
import { Disagreement } from '../reading-wire.ts';
import { credentialsContext, traceabilityContext } from '../vocabulary.ts';
import {
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
  type NamedPlace,
  namedOrganization,
  namedPlaceOf,
  organizationOf,
  partyOfOrganization,
  place,
  placeOf,
} from './traceability.ts';

export const goodsEventTypes = ['TransferOwnership', 'TransportStart', 'TransportEnd'] as const;

export interface GoodsEvent extends PartyHead {
  readonly kind: 'event';
  readonly what: (typeof goodsEventTypes)[number];
  readonly event: string;
  readonly goods: readonly string[];
  readonly atMs: number;
  readonly place?: NamedPlace;
  /** DID of the buyer; exactly in a TransferOwnership, whose seller signs. */
  readonly receiver?: string;
  /** Number of the transport, e.g. of a waybill. */
  readonly tracking?: string;
}

const { uri, uuid } = shared;
const products = Type.Array(uri, { minItems: 1, maxItems: 64, uniqueItems: true });

const transfer = Type.Object(
  {
    type: Type.Tuple([Type.Literal('Event'), Type.Literal('TransferEvent')]),
    eventType: Type.Literal('TransferOwnership'),
    eventId: uuid,
    eventTime: instant,
    place: Type.Optional(place),
    products,
    initiator: did,
    receiver: did,
  },
  closed,
);

const transport = Type.Object(
  {
    type: Type.Tuple([Type.Literal('Event'), Type.Literal('TransportEvent')]),
    eventType: Type.Enum(['TransportStart', 'TransportEnd']),
    eventId: uuid,
    eventTime: instant,
    place: Type.Optional(place),
    products,
    trackingNumber: Type.Optional(text),
  },
  closed,
);

const schema = Type.Object(
  {
    '@context': contexts(credentialsContext, traceabilityContext),
    ...head,
    type: typed('EventCredential'),
    issuer: namedOrganization,
    credentialSubject: Type.Union([transfer, transport]),
  },
  closed,
);

type Payload = Static<typeof schema>;

function payloadOf(said: GoodsEvent): Payload {
  return {
    ...payloadOfHead(said, {
      contexts: [credentialsContext, traceabilityContext],
      type: 'EventCredential',
      issuer: organizationOf(said.issuer),
    }),
    credentialSubject: subjectOf(said),
  };
}

function subjectOf(said: GoodsEvent): Payload['credentialSubject'] {
  const { what, receiver, tracking } = said;
  const common = {
    eventId: said.event,
    eventTime: formatTime(said.atMs),
    ...(said.place && { place: placeOf(said.place) }),
    products: [...said.goods],
  };
  if (what === 'TransferOwnership') {
    const initiator = said.issuer.id;
    const type: ['Event', 'TransferEvent'] = ['Event', 'TransferEvent'];
    return { type, eventType: what, ...common, initiator, receiver: receiver ?? '' };
  }
  return {
    type: ['Event', 'TransportEvent'],
    eventType: what,
    ...common,
    ...(tracking !== undefined && { trackingNumber: tracking }),
  };
}

function statementOf(payload: Payload): GoodsEvent {
  const { credentialSubject: subject } = payload;
  const issuer = partyOfOrganization(payload.issuer);
  const common = {
    kind: 'event',
    ...headOf(payload, issuer),
    event: subject.eventId,
    goods: subject.products,
    atMs: instantOf(subject.eventTime),
    ...(subject.place && { place: namedPlaceOf(subject.place) }),
  } as const;
  if (subject.eventType !== 'TransferOwnership') {
    const { eventType: what, trackingNumber: tracking } = subject;
    return { ...common, what, ...(tracking !== undefined && { tracking }) };
  }
  const { initiator, receiver } = subject;
  if (initiator !== issuer.id) throw new Disagreement('the seller of goods is the issuer');
  if (receiver === initiator) throw new Disagreement(`${initiator} cannot sell to itself`);
  return { ...common, what: 'TransferOwnership', receiver };
}

export const goodsEvent: PartyFamily<GoodsEvent> = {
  kind: 'event',
  types: ['EventCredential'],
  schema,
  ...wireForm(schema, 'an event of goods', { payloadOf, statementOf }),
  about: ({ goods }) => goods,
  signers: ({ issuer }) => [issuer.id],
};
