/**
 * The standing of a party with customs: a member of CTPAT (traceability CTPATCertificate), or an
 * authorised economic operator, which that vocabulary lacks. Customs authorities sign it.
 */
import { type Static, Type } from '../../schema.ts';
import type { Party } from '../enrolment.ts';
import { bondlineContext, credentialsContext, traceabilityContext } from '../vocabulary.ts';
import {
  closed,
  contexts,
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
import { address, namedOrganization, organizationOf, partyOfOrganization } from './traceability.ts';

export const ctpatTiers = ['Certified', 'Validated', 'Exceeding'] as const;
export const aeoKinds = ['customs', 'security', 'customs-and-security'] as const;

/** Trade sectors of CTPAT by the vocabulary's names. */
export const tradeSectors = [
  'U.S. Importers',
  'Highway Carriers',
  'Foreign Manufacturers',
  'Consolidators',
  'Licensed U.S. Customs Brokers',
  'Mexican Long Haul Highway Carriers',
  'U.S. Exporters',
  'Third Party Logistics Providers',
  'Sea Carrier',
  'Marine Port Authority and Terminal Operators',
  'Foreign Based Marine Port Terminal Operators',
  'Air Carriers',
  'Rail Carriers',
] as const;

interface StandingBase extends PartyHead {
  readonly kind: 'standing';
  /** Whose standing it is. */
  readonly party: Party;
  /** The programme's own number of the party: CTPAT account, AEO certificate. */
  readonly number: string;
  /** A standing is for a time; without its end it would never have to be renewed. */
  readonly validUntilMs: number;
}

export interface CtpatStanding extends StandingBase {
  readonly programme: 'CTPAT';
  readonly tier: (typeof ctpatTiers)[number];
  readonly sector: (typeof tradeSectors)[number];
  /** ISO 3166-1 alpha-2 of the member's site. */
  readonly country: string;
}

export interface AeoStanding extends StandingBase {
  readonly programme: 'AEO';
  /** What it is authorised for (Regulation (EU) 952/2013 Art. 38: AEOC, AEOS or both). */
  readonly covers: (typeof aeoKinds)[number];
}

export type Standing = CtpatStanding | AeoStanding;

const ctpatSchema = Type.Object(
  {
    // The vocabulary names the context of a status list that was withdrawn; ours are of 2025.
    '@context': Type.Union([
      contexts(credentialsContext, traceabilityContext),
      Type.Tuple([
        Type.Literal(credentialsContext),
        Type.Literal(traceabilityContext),
        Type.Literal('https://w3id.org/vc/status-list/2021/v1'),
      ]),
    ]),
    ...head,
    type: typed('CTPATCertificate'),
    validUntil: instant,
    issuer: namedOrganization,
    credentialSubject: Type.Object(
      {
        type: Type.Tuple([Type.Literal('CTPAT')]),
        member: Type.Object(
          {
            type: Type.Tuple([Type.Literal('CTPATMember')]),
            id: did,
            name: text,
            scac: Type.Optional(Type.String({ pattern: '^[A-Z]{2,4}$' })),
            location: Type.Array(
              Type.Object({ type: Type.Tuple([Type.Literal('Place')]), address }, closed),
              { minItems: 1, maxItems: 100 },
            ),
          },
          closed,
        ),
        sviNumber: Type.Optional(text),
        ctpatAccountNumber: text,
        tradeSector: Type.Enum(tradeSectors),
        tier: Type.Enum(ctpatTiers),
        dateOfLastValidation: Type.Optional(text),
        issuingCountry: text,
      },
      closed,
    ),
  },
  closed,
);

const aeoSchema = Type.Object(
  {
    '@context': contexts(credentialsContext, bondlineContext),
    ...head,
    type: typed('AuthorizedEconomicOperatorCredential'),
    validUntil: instant,
    issuer: party,
    credentialSubject: Type.Object(
      {
        id: did,
        'bl:name': text,
        'bl:certificateNumber': text,
        'bl:covers': Type.Enum(aeoKinds),
      },
      closed,
    ),
  },
  closed,
);

const ctpatForm = wireForm(ctpatSchema, 'a CTPAT certificate', {
  payloadOf: payloadOfCtpat,
  statementOf: ctpatOf,
});
const aeoForm = wireForm(aeoSchema, 'an AEO certificate', {
  payloadOf: payloadOfAeo,
  statementOf: aeoOf,
});

function payloadOfCtpat(standing: CtpatStanding): Static<typeof ctpatSchema> {
  const { party: member } = standing;
  return {
    ...payloadOfBoundedHead(standing, {
      contexts: [credentialsContext, traceabilityContext],
      type: 'CTPATCertificate',
      issuer: organizationOf(standing.issuer),
    }),
    credentialSubject: {
      type: ['CTPAT'],
      member: {
        type: ['CTPATMember'],
        id: member.id,
        name: member.name,
        location: [
          {
            type: ['Place'],
            address: { type: ['PostalAddress'], addressCountry: standing.country },
          },
        ],
      },
      ctpatAccountNumber: standing.number,
      tradeSector: standing.sector,
      tier: standing.tier,
      issuingCountry: 'US',
    },
  };
}

function ctpatOf(payload: Static<typeof ctpatSchema>): CtpatStanding {
  const { credentialSubject: subject } = payload;
  const { member } = subject;
  return {
    kind: 'standing',
    ...headOf(payload, partyOfOrganization(payload.issuer)),
    validUntilMs: instantOf(payload.validUntil),
    programme: 'CTPAT',
    party: { id: member.id, name: member.name },
    number: subject.ctpatAccountNumber,
    tier: subject.tier,
    sector: subject.tradeSector,
    country: member.location[0]?.address.addressCountry ?? '',
  };
}

function payloadOfAeo(standing: AeoStanding): Static<typeof aeoSchema> {
  return {
    ...payloadOfBoundedHead(standing, {
      contexts: [credentialsContext, bondlineContext],
      type: 'AuthorizedEconomicOperatorCredential',
      issuer: namedIssuer(standing),
    }),
    credentialSubject: {
      id: standing.party.id,
      'bl:name': standing.party.name,
      'bl:certificateNumber': standing.number,
      'bl:covers': standing.covers,
    },
  };
}

function aeoOf(payload: Static<typeof aeoSchema>): AeoStanding {
  const { credentialSubject: subject } = payload;
  return {
    kind: 'standing',
    ...headOf(payload, payload.issuer),
    validUntilMs: instantOf(payload.validUntil),
    programme: 'AEO',
    party: { id: subject.id, name: subject['bl:name'] },
    number: subject['bl:certificateNumber'],
    covers: subject['bl:covers'],
  };
}

/** Which of the two programmes a payload is of shows in its types. */
function isCtpat(payload: unknown): boolean {
  const { type } = (payload ?? {}) as { type?: unknown };
  return Array.isArray(type) && type.includes('CTPATCertificate');
}

export const standing: PartyFamily<Standing> = {
  kind: 'standing',
  types: ['CTPATCertificate', 'AuthorizedEconomicOperatorCredential'],
  schema: Type.Union([ctpatSchema, aeoSchema]),
  compose: (one) => (one.programme === 'CTPAT' ? ctpatForm.compose(one) : aeoForm.compose(one)),
  read: (payload) => (isCtpat(payload) ? ctpatForm.read(payload) : aeoForm.read(payload)),
  about: ({ party: of }) => [of.id],
  signers: ({ issuer }) => [issuer.id],
};
