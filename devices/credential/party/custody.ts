/**
 * A custody step, or likewise a step of ownership: the holder of goods releases them to a receiver,
 * who accepts. Both name the step before, so that a step can neither be repeated nor overtaken. It
 * is an EPCIS 2.0 event with `possessing_party` (or `owning_party`) as source and destination.
 */
import { formatTime } from '../../runtime.ts';
import { type Static, Type } from '../../schema.ts';
import type { CredentialReference } from '../batch.ts';
import { shared } from '../batch-schema.ts';
import type { Party } from '../enrolment.ts';
import { Disagreement } from '../reading-wire.ts';
import { bondlineContext, credentialsContext, epcisContext } from '../vocabulary.ts';
import {
  type Amount,
  closed,
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
  payloadOfHead,
  reference,
  text,
  typed,
  unitPattern,
  wireForm,
} from './family.ts';

/** A seal, with the code lists of UN/EDIFACT that traceability-vocab's Seal has too. */
interface PhysicalSeal {
  readonly number: string;
  readonly source?: 'CAR' | 'SHI' | 'PHY' | 'VET' | 'CUS';
  readonly type?: 'KLP' | 'BLT' | 'WIR';
}

/**
 * `transfer`: one document that both sign, the releaser first (a proof chain). `release` and
 * `acceptance`: two credentials, of which the second names the first.
 */
export type CustodyAct = 'transfer' | 'release' | 'acceptance';

export interface CustodyStep extends PartyHead {
  readonly kind: 'custody';
  readonly act: CustodyAct;
  /** What changes hands: the goods themselves where absent, else who owns them. */
  readonly right?: 'ownership';
  /** `urn:uuid:` of the event. */
  readonly event: string;
  readonly goods: string;
  /** Who holds the goods before, and after. */
  readonly from: Party;
  readonly to: Party;
  readonly atMs: number;
  /** The custody step before this one; absent in the first of the goods. */
  readonly previous?: CredentialReference;
  /** The release that an acceptance accepts. */
  readonly release?: CredentialReference;
  /** URI of the place where the goods change hands. */
  readonly place?: string;
  readonly quantity?: Amount;
  readonly seals: readonly PhysicalSeal[];
}

const { uri, uuid } = shared;

const seal = Type.Object(
  {
    'bl:number': text,
    'bl:sealSource': Type.Optional(Type.Enum(['CAR', 'SHI', 'PHY', 'VET', 'CUS'])),
    'bl:sealType': Type.Optional(Type.Enum(['KLP', 'BLT', 'WIR'])),
  },
  closed,
);

const role = Type.Enum(['possessing_party', 'owning_party']);

const schema = Type.Object(
  {
    '@context': Type.Tuple([
      Type.Literal(credentialsContext),
      Type.Literal(epcisContext),
      Type.Literal(bondlineContext),
    ]),
    ...head,
    type: Type.Union([typed('CustodyTransferCredential'), typed('OwnershipTransferCredential')]),
    issuer: party,
    relatedResource: Type.Optional(Type.Tuple([reference])),
    credentialSubject: Type.Object(
      {
        type: Type.Literal('ObjectEvent'),
        eventID: uuid,
        eventTime: instant,
        eventTimeZoneOffset: Type.Literal('+00:00'),
        action: Type.Literal('OBSERVE'),
        bizStep: Type.Enum(['shipping', 'receiving']),
        epcList: Type.Tuple([uri]),
        readPoint: Type.Optional(Type.Object({ id: uri }, closed)),
        sourceList: Type.Tuple([Type.Object({ type: role, source: did }, closed)]),
        destinationList: Type.Tuple([Type.Object({ type: role, destination: did }, closed)]),
        'bl:custody': Type.Enum(['transfer', 'release', 'acceptance']),
        'bl:releaser': party,
        'bl:receiver': party,
        'bl:release': Type.Optional(reference),
        'bl:quantity': Type.Optional(
          Type.Object(
            { 'bl:value': decimal, 'bl:unit': Type.String({ pattern: unitPattern }) },
            closed,
          ),
        ),
        'bl:seals': Type.Optional(Type.Array(seal, { minItems: 1, maxItems: 16 })),
      },
      closed,
    ),
  },
  closed,
);

type Payload = Static<typeof schema>;
type EventPayload = Payload['credentialSubject'];

function payloadOf(step: CustodyStep): Payload {
  const { from, to, previous, release, place, quantity, right, seals } = step;
  const role = right === 'ownership' ? 'owning_party' : 'possessing_party';
  return {
    ...payloadOfHead(step, {
      contexts: [credentialsContext, epcisContext, bondlineContext],
      type: typeOf(right),
      issuer: namedIssuer(step),
    }),
    ...(previous && { relatedResource: [payloadOfReference(previous)] }),
    credentialSubject: {
      type: 'ObjectEvent',
      eventID: step.event,
      eventTime: formatTime(step.atMs),
      eventTimeZoneOffset: '+00:00',
      action: 'OBSERVE',
      bizStep: bizStepOf(step.act),
      epcList: [step.goods],
      ...(place !== undefined && { readPoint: { id: place } }),
      sourceList: [{ type: role, source: from.id }],
      destinationList: [{ type: role, destination: to.id }],
      'bl:custody': step.act,
      'bl:releaser': { id: from.id, name: from.name },
      'bl:receiver': { id: to.id, name: to.name },
      ...(release && { 'bl:release': payloadOfReference(release) }),
      ...(quantity && { 'bl:quantity': { 'bl:value': quantity.value, 'bl:unit': quantity.unit } }),
      ...(seals.length > 0 && { 'bl:seals': seals.map(payloadOfSeal) }),
    },
  };
}

function statementOf(payload: Payload): CustodyStep {
  const { credentialSubject: event, relatedResource } = payload;
  const [previous] = relatedResource ?? [];
  const { 'bl:custody': act, 'bl:releaser': from, 'bl:receiver': to } = event;
  const { 'bl:release': release, 'bl:quantity': quantity } = event;
  checkParties(event, payload.issuer.id);
  const right = event.sourceList[0].type === 'owning_party' ? 'ownership' : undefined;
  if (event.destinationList[0].type !== event.sourceList[0].type) {
    throw new Disagreement('source and destination are not of one kind');
  }
  if (payload.type[1] !== typeOf(right)) {
    throw new Disagreement(`${payload.type[1]} is not about ${event.sourceList[0].type}`);
  }
  if ((act === 'acceptance') !== (release !== undefined)) {
    throw new Disagreement('an acceptance names the release, and nothing else does');
  }
  if (event.bizStep !== bizStepOf(act)) {
    throw new Disagreement(`bizStep of a ${act} is ${bizStepOf(act)}`);
  }
  return {
    kind: 'custody',
    ...headOf(payload, payload.issuer),
    act,
    ...(right && { right }),
    event: event.eventID,
    goods: event.epcList[0],
    from,
    to,
    atMs: instantOf(event.eventTime),
    ...(previous && { previous: { id: previous.id, digest: previous.digestMultibase } }),
    ...(release && { release: { id: release.id, digest: release.digestMultibase } }),
    ...(event.readPoint && { place: event.readPoint.id }),
    ...(quantity && { quantity: { value: quantity['bl:value'], unit: quantity['bl:unit'] } }),
    seals: (event['bl:seals'] ?? []).map(sealOf),
  };
}

/** What EPCIS says of the parties, what we say of them and who signs must agree. */
function checkParties(event: EventPayload, issuer: string): void {
  const { 'bl:releaser': from, 'bl:receiver': to, 'bl:custody': act } = event;
  if (from.id === to.id) throw new Disagreement(`${from.id} cannot hand goods to itself`);
  if (event.sourceList[0].source !== from.id || event.destinationList[0].destination !== to.id) {
    throw new Disagreement('source and destination are not releaser and receiver');
  }
  const expected = act === 'acceptance' ? to.id : from.id;
  if (issuer !== expected) throw new Disagreement(`the issuer of a ${act} is ${expected}`);
}

function typeOf(right: CustodyStep['right']) {
  return right === 'ownership' ? 'OwnershipTransferCredential' : 'CustodyTransferCredential';
}

function bizStepOf(act: CustodyAct): 'shipping' | 'receiving' {
  return act === 'release' ? 'shipping' : 'receiving';
}

function payloadOfReference({ id, digest }: CredentialReference) {
  return { id, digestMultibase: digest };
}

function payloadOfSeal({ number, source, type }: PhysicalSeal): Static<typeof seal> {
  return {
    'bl:number': number,
    ...(source && { 'bl:sealSource': source }),
    ...(type && { 'bl:sealType': type }),
  };
}

function sealOf(payload: Static<typeof seal>): PhysicalSeal {
  const { 'bl:sealSource': source, 'bl:sealType': type } = payload;
  return { number: payload['bl:number'], ...(source && { source }), ...(type && { type }) };
}

export const custody: PartyFamily<CustodyStep> = {
  kind: 'custody',
  types: ['CustodyTransferCredential', 'OwnershipTransferCredential'],
  schema,
  ...wireForm(schema, 'a custody step', { payloadOf, statementOf }),
  about: ({ goods }) => [goods],
  signers({ act, from, to }) {
    if (act === 'transfer') return [from.id, to.id];
    return [act === 'release' ? from.id : to.id];
  },
};
