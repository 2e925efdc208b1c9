/**
 * A correction: what was signed stays, and its signer says that it was wrong and what says it
 * rightly (EPCIS 2.0 errorDeclaration with correctiveEventIDs).
 */
import { formatTime } from '../../runtime.ts';
import { type Static, Type } from '../../schema.ts';
import type { CredentialReference } from '../batch.ts';
import { shared } from '../batch-schema.ts';
import { bondlineContext, credentialsContext, epcisContext } from '../vocabulary.ts';
import {
  closed,
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
  typed,
  wireForm,
} from './family.ts';

export const errorReasons = ['did_not_occur', 'incorrect_data'] as const;

export interface Correction extends PartyHead {
  readonly kind: 'correction';
  /** `urn:uuid:` of the event that is declared wrong: of an event, or of a credential without. */
  readonly event: string;
  readonly goods: readonly string[];
  /** When it was said to have happened. */
  readonly atMs: number;
  /** The credential that is wrong; only its issuer can correct it. */
  readonly corrects: CredentialReference;
  readonly reason: (typeof errorReasons)[number];
  readonly declaredMs: number;
  /** `urn:uuid:` of the events or credentials that replace it. */
  readonly replacements: readonly string[];
}

const { uri, uuid } = shared;

const schema = Type.Object(
  {
    '@context': Type.Tuple([
      Type.Literal(credentialsContext),
      Type.Literal(epcisContext),
      Type.Literal(bondlineContext),
    ]),
    ...head,
    type: typed('CorrectionCredential'),
    issuer: party,
    relatedResource: Type.Tuple([reference]),
    credentialSubject: Type.Object(
      {
        type: Type.Literal('ObjectEvent'),
        eventID: uuid,
        eventTime: instant,
        eventTimeZoneOffset: Type.Literal('+00:00'),
        action: Type.Literal('OBSERVE'),
        epcList: Type.Array(uri, { minItems: 1, maxItems: 64, uniqueItems: true }),
        errorDeclaration: Type.Object(
          {
            declarationTime: instant,
            reason: Type.Enum(errorReasons),
            correctiveEventIDs: Type.Optional(Type.Array(uuid, { minItems: 1, maxItems: 16 })),
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

function payloadOf(correction: Correction): Payload {
  const { corrects, replacements } = correction;
  return {
    ...payloadOfHead(correction, {
      contexts: [credentialsContext, epcisContext, bondlineContext],
      type: 'CorrectionCredential',
      issuer: namedIssuer(correction),
    }),
    relatedResource: [{ id: corrects.id, digestMultibase: corrects.digest }],
    credentialSubject: {
      type: 'ObjectEvent',
      eventID: correction.event,
      eventTime: formatTime(correction.atMs),
      eventTimeZoneOffset: '+00:00',
      action: 'OBSERVE',
      epcList: [...correction.goods],
      errorDeclaration: {
        declarationTime: formatTime(correction.declaredMs),
        reason: correction.reason,
        ...(replacements.length > 0 && { correctiveEventIDs: [...replacements] }),
      },
    },
  };
}

function statementOf(payload: Payload): Correction {
  const { credentialSubject: event, relatedResource } = payload;
  const [corrects] = relatedResource;
  const { errorDeclaration: error } = event;
  return {
    kind: 'correction',
    ...headOf(payload, payload.issuer),
    event: event.eventID,
    goods: event.epcList,
    atMs: instantOf(event.eventTime),
    corrects: { id: corrects.id, digest: corrects.digestMultibase },
    reason: error.reason,
    declaredMs: instantOf(error.declarationTime),
    replacements: error.correctiveEventIDs ?? [],
  };
}

export const correction: PartyFamily<Correction> = {
  kind: 'correction',
  types: ['CorrectionCredential'],
  schema,
  ...wireForm(schema, 'a correction', { payloadOf, statementOf }),
  about: ({ goods }) => goods,
  signers: ({ issuer }) => [issuer.id],
};
