/** An inspection of food lots (traceability FoodGradeInspection). */
import { formatTime } from '../../runtime.ts';
import { type Static, Type } from '../../schema.ts';
import type { Party } from '../enrolment.ts';
import { Disagreement } from '../reading-wire.ts';
import { credentialsContext, traceabilityContext } from '../vocabulary.ts';
import {
  type Amount,
  closed,
  contexts,
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

/** What was found of one lot. */
export interface InspectedLot {
  /** URI of the goods: a lot, a pallet or the container that it travels in. */
  readonly goods: string;
  readonly product: string;
  /** Traceability lot code. */
  readonly lot: string;
  readonly grade: string;
  readonly passed: boolean;
  readonly lowest?: Amount;
  readonly highest?: Amount;
  readonly remarks?: string;
}

export interface FoodInspection extends PartyHead {
  readonly kind: 'inspection';
  readonly applicant: Party;
  readonly facility: NamedPlace;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly refrigerated?: boolean;
  readonly doorsOpen?: boolean;
  readonly lots: readonly InspectedLot[];
  readonly remarks?: string;
}

const remark = Type.String({ minLength: 1, maxLength: 2_000 });

const lot = Type.Object(
  {
    type: Type.Tuple([Type.Literal('FoodGradeInspectionLot')]),
    agricultureProduct: Type.Object(
      {
        type: Type.Tuple([Type.Literal('AgricultureProduct')]),
        product: Type.Object({ ...tradedGoods.properties, name: text }, closed),
      },
      closed,
    ),
    lotIdentifier: text,
    grade: Type.Object(
      {
        type: Type.Tuple([Type.Literal('FoodGradeInspectionResult')]),
        gradeInspected: text,
        requirementsMet: Type.Boolean(),
        details: Type.Optional(remark),
      },
      closed,
    ),
    remarks: Type.Optional(remark),
    minTemperature: Type.Optional(measuredValue),
    maxTemperature: Type.Optional(measuredValue),
  },
  closed,
);

const schema = Type.Object(
  {
    '@context': contexts(credentialsContext, traceabilityContext),
    ...head,
    type: typed('FoodGradeInspectionCredential'),
    issuer: namedOrganization,
    credentialSubject: Type.Object(
      {
        type: Type.Tuple([Type.Literal('FoodGradeInspection')]),
        commonInfo: Type.Object(
          {
            type: Type.Tuple([Type.Literal('AgricultureInspectionCommonInfo')]),
            applicant: namedOrganization,
            facility: place,
            inspectionStarted: instant,
            inspectionEnded: instant,
          },
          closed,
        ),
        refrigerationUnitOn: Type.Optional(Type.Boolean()),
        doorsOpen: Type.Optional(Type.Boolean()),
        lots: Type.Array(lot, { minItems: 1, maxItems: 64 }),
        generalRemarks: Type.Optional(remark),
      },
      closed,
    ),
  },
  closed,
);

type Payload = Static<typeof schema>;
type LotPayload = Static<typeof lot>;

function payloadOf(inspection: FoodInspection): Payload {
  const { refrigerated, doorsOpen, remarks } = inspection;
  return {
    ...payloadOfHead(inspection, {
      contexts: [credentialsContext, traceabilityContext],
      type: 'FoodGradeInspectionCredential',
      issuer: organizationOf(inspection.issuer),
    }),
    credentialSubject: {
      type: ['FoodGradeInspection'],
      commonInfo: {
        type: ['AgricultureInspectionCommonInfo'],
        applicant: organizationOf(inspection.applicant),
        facility: placeOf(inspection.facility),
        inspectionStarted: formatTime(inspection.startedMs),
        inspectionEnded: formatTime(inspection.endedMs),
      },
      ...(refrigerated !== undefined && { refrigerationUnitOn: refrigerated }),
      ...(doorsOpen !== undefined && { doorsOpen }),
      lots: inspection.lots.map(payloadOfLot),
      ...(remarks !== undefined && { generalRemarks: remarks }),
    },
  };
}

function payloadOfLot(one: InspectedLot): LotPayload {
  const { lowest, highest, remarks } = one;
  return {
    type: ['FoodGradeInspectionLot'],
    agricultureProduct: {
      type: ['AgricultureProduct'],
      product: { type: ['Product'], id: one.goods, name: one.product },
    },
    lotIdentifier: one.lot,
    grade: {
      type: ['FoodGradeInspectionResult'],
      gradeInspected: one.grade,
      requirementsMet: one.passed,
    },
    ...(remarks !== undefined && { remarks }),
    ...(lowest && { minTemperature: measuredOf(lowest) }),
    ...(highest && { maxTemperature: measuredOf(highest) }),
  };
}

function statementOf(payload: Payload): FoodInspection {
  const { credentialSubject: found } = payload;
  const { commonInfo: common, refrigerationUnitOn: refrigerated, doorsOpen } = found;
  const startedMs = instantOf(common.inspectionStarted);
  const endedMs = instantOf(common.inspectionEnded);
  if (endedMs < startedMs) throw new Disagreement('the inspection ends before it begins');
  return {
    kind: 'inspection',
    ...headOf(payload, partyOfOrganization(payload.issuer)),
    applicant: partyOfOrganization(common.applicant),
    facility: namedPlaceOf(common.facility),
    startedMs,
    endedMs,
    ...(refrigerated !== undefined && { refrigerated }),
    ...(doorsOpen !== undefined && { doorsOpen }),
    lots: found.lots.map(lotOf),
    ...(found.generalRemarks !== undefined && { remarks: found.generalRemarks }),
  };
}

function lotOf(payload: LotPayload): InspectedLot {
  const { minTemperature, maxTemperature, remarks } = payload;
  const { product: goods } = payload.agricultureProduct;
  return {
    goods: goods.id,
    product: goods.name,
    lot: payload.lotIdentifier,
    grade: payload.grade.gradeInspected,
    passed: payload.grade.requirementsMet,
    ...(minTemperature && { lowest: amountOf(minTemperature) }),
    ...(maxTemperature && { highest: amountOf(maxTemperature) }),
    ...(remarks !== undefined && { remarks }),
  };
}

export const foodInspection: PartyFamily<FoodInspection> = {
  kind: 'inspection',
  types: ['FoodGradeInspectionCredential'],
  schema,
  ...wireForm(schema, 'a food inspection', { payloadOf, statementOf }),
  about: ({ lots }) => [...new Set(lots.map(({ goods }) => goods))],
  signers: ({ issuer }) => [issuer.id],
};
