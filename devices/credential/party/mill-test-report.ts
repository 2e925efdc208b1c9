/** A mill test report (EN 10204, traceability MillTestReport): what a mill certifies of heats. */
import { type Static, Type } from '../../schema.ts';
import type { Party } from '../enrolment.ts';
import { credentialsContext, traceabilityContext } from '../vocabulary.ts';
import {
  type Amount,
  closed,
  contexts,
  head,
  headOf,
  type PartyFamily,
  type PartyHead,
  payloadOfHead,
  text,
  typed,
  wireForm,
} from './family.ts';
import { amountOf, measuredOf, measuredValue, namedOrganization } from './traceability.ts';

/** Elements by the vocabulary's names, mass percent. */
export const elements = [
  ...['c', 'mn', 'p', 's', 'si', 'al', 'cu', 'ni', 'cr', 'mo', 'sn'],
  ...['nbCb', 'v', 'ti', 'b', 'n', 'ca', 'pb', 'ce'],
] as const;

/** Mechanical properties by the vocabulary's names. */
export const properties = [
  ...['tensile', 'yield', 'hardness', 'elongation', 'charpy', 'reduction'],
] as const;
export const dimensions = ['length', 'width', 'thickness', 'diameter'] as const;

/** A postal address in the form that the vocabulary asks for here. */
export interface MillAddress {
  readonly street: string;
  readonly locality: string;
  readonly region?: string;
  readonly postalCode?: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
}

/** One product that was inspected. */
export interface MillInspection {
  /** Number of the piece or lot. */
  readonly product: string;
  readonly heat: string;
  readonly countryOfManufacture: string;
  readonly countryOfMeltAndPour: string;
  readonly meltPractice?: string;
  readonly pieces?: number;
  readonly totalWeight?: Amount;
  readonly dimensions: Readonly<Record<string, Amount>>;
  /** By element, mass percent. */
  readonly chemistry: Readonly<Record<string, number>>;
  readonly mechanical: Readonly<Record<string, Amount>>;
}

export interface MillTestReport extends PartyHead {
  readonly kind: 'mill-test-report';
  readonly certificateNumber: string;
  /** E.g. `EN 10204 3.1`. */
  readonly certification: string;
  readonly purchaseOrder: string;
  readonly customer: Party & { readonly address: MillAddress };
  readonly standard: string;
  readonly grade: string;
  readonly description: string;
  readonly remarks?: string;
  readonly inspections: readonly MillInspection[];
}

const millAddress = Type.Object(
  {
    type: Type.Tuple([Type.Literal('PostalAddress')]),
    plantOrSiteName: Type.Optional(text),
    streetAddress: text,
    addressLocality: text,
    addressRegion: Type.Optional(text),
    postalCode: Type.Optional(text),
    addressCountry: text,
  },
  closed,
);

/** Members of one schema each, all optional. */
function optional<S extends typeof measuredValue>(names: readonly string[], schema: S) {
  return Object.fromEntries(names.map((name) => [name, Type.Optional(schema)]));
}

const percent = Type.Number({ minimum: 0, maximum: 100 });

const inspection = Type.Object(
  {
    type: Type.Tuple([Type.Literal('Inspection')]),
    productIdentifier: text,
    productDimensions: Type.Object(
      {
        type: Type.Tuple([Type.Literal('ProductDimensions')]),
        ...optional(dimensions, measuredValue),
      },
      closed,
    ),
    pieces: Type.Optional(Type.Integer({ minimum: 1 })),
    perUnitWeight: Type.Optional(measuredValue),
    totalWeight: Type.Optional(measuredValue),
    countryOfManufacture: text,
    countryOfMeltAndPour: text,
    meltPractice: Type.Optional(text),
    heatNumber: text,
    testNumber: Type.Optional(text),
    chemicalComposition: Type.Object(
      {
        type: Type.Tuple([Type.Literal('ChemicalComposition')]),
        ...Object.fromEntries(elements.map((name) => [name, Type.Optional(percent)])),
        ...Object.fromEntries(['c', 'mn', 'p', 's', 'si'].map((name) => [name, percent])),
      },
      closed,
    ),
    mechanicalProperties: Type.Object(
      {
        type: Type.Tuple([Type.Literal('MechanicalProperties')]),
        ...optional(properties, measuredValue),
      },
      closed,
    ),
  },
  closed,
);

const schema = Type.Object(
  {
    '@context': contexts(credentialsContext, traceabilityContext),
    ...head,
    type: typed('MillTestReportCredential'),
    issuer: Type.Object(
      {
        type: Type.Tuple([Type.Literal('Organization')]),
        id: namedOrganization.properties.id,
        name: text,
        location: Type.Optional(
          Type.Object({ type: Type.Tuple([Type.Literal('Place')]), address: millAddress }, closed),
        ),
        phoneNumber: Type.Optional(text),
        faxNumber: Type.Optional(text),
      },
      closed,
    ),
    credentialSubject: Type.Object(
      {
        certificateNumber: text,
        certification: text,
        purchaseOrderNumber: text,
        shipmentDate: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
        meansOfTransport: Type.Optional(Type.Enum(['Road', 'Rail', 'Ocean'])),
        customer: Type.Object(
          {
            type: Type.Tuple([Type.Literal('Organization')]),
            id: namedOrganization.properties.id,
            name: text,
            location: Type.Object(
              { type: Type.Tuple([Type.Literal('Place')]), address: millAddress },
              closed,
            ),
          },
          closed,
        ),
        productSpecification: Type.Object(
          {
            type: Type.Tuple([Type.Literal('SteelProduct')]),
            standard: text,
            grade: text,
            heatTreatment: Type.Optional(text),
            surfaceTreatment: Type.Optional(text),
            productDescription: text,
          },
          closed,
        ),
        remarks: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
        inspections: Type.Array(inspection, { minItems: 1, maxItems: 64 }),
      },
      closed,
    ),
  },
  closed,
);

type Payload = Static<typeof schema>;
type InspectionPayload = Static<typeof inspection>;

function payloadOf(report: MillTestReport): Payload {
  const { customer, remarks } = report;
  return {
    ...payloadOfHead(report, {
      contexts: [credentialsContext, traceabilityContext],
      type: 'MillTestReportCredential',
      issuer: { type: ['Organization'], id: report.issuer.id, name: report.issuer.name },
    }),
    credentialSubject: {
      certificateNumber: report.certificateNumber,
      certification: report.certification,
      purchaseOrderNumber: report.purchaseOrder,
      customer: {
        type: ['Organization'],
        id: customer.id,
        name: customer.name,
        location: { type: ['Place'], address: payloadOfAddress(customer.address) },
      },
      productSpecification: {
        type: ['SteelProduct'],
        standard: report.standard,
        grade: report.grade,
        productDescription: report.description,
      },
      ...(remarks !== undefined && { remarks }),
      inspections: report.inspections.map(payloadOfInspection),
    },
  };
}

function payloadOfInspection(one: MillInspection): InspectionPayload {
  const { meltPractice, pieces, totalWeight } = one;
  return {
    type: ['Inspection'],
    productIdentifier: one.product,
    productDimensions: { type: ['ProductDimensions'], ...measuredOfAll(one.dimensions) },
    ...(pieces !== undefined && { pieces }),
    ...(totalWeight && { totalWeight: measuredOf(totalWeight) }),
    countryOfManufacture: one.countryOfManufacture,
    countryOfMeltAndPour: one.countryOfMeltAndPour,
    ...(meltPractice !== undefined && { meltPractice }),
    heatNumber: one.heat,
    chemicalComposition: { type: ['ChemicalComposition'], ...one.chemistry },
    mechanicalProperties: { type: ['MechanicalProperties'], ...measuredOfAll(one.mechanical) },
  };
}

function statementOf(payload: Payload): MillTestReport {
  const { credentialSubject: report, issuer } = payload;
  const { customer, productSpecification: specification, remarks } = report;
  return {
    kind: 'mill-test-report',
    ...headOf(payload, { id: issuer.id, name: issuer.name }),
    certificateNumber: report.certificateNumber,
    certification: report.certification,
    purchaseOrder: report.purchaseOrderNumber,
    customer: {
      id: customer.id,
      name: customer.name,
      address: addressOf(customer.location.address),
    },
    standard: specification.standard,
    grade: specification.grade,
    description: specification.productDescription,
    ...(remarks !== undefined && { remarks }),
    inspections: report.inspections.map(inspectionOf),
  };
}

function inspectionOf(payload: InspectionPayload): MillInspection {
  const { pieces, totalWeight, meltPractice } = payload;
  const { type: _composition, ...chemistry } = payload.chemicalComposition;
  return {
    product: payload.productIdentifier,
    heat: payload.heatNumber,
    countryOfManufacture: payload.countryOfManufacture,
    countryOfMeltAndPour: payload.countryOfMeltAndPour,
    ...(meltPractice !== undefined && { meltPractice }),
    ...(pieces !== undefined && { pieces }),
    ...(totalWeight && { totalWeight: amountOf(totalWeight) }),
    dimensions: amountsOf(payload.productDimensions, dimensions),
    chemistry: chemistry as Readonly<Record<string, number>>,
    mechanical: amountsOf(payload.mechanicalProperties, properties),
  };
}

function measuredOfAll(amounts: Readonly<Record<string, Amount>>) {
  return Object.fromEntries(
    Object.entries(amounts).map(([name, amount]) => [name, measuredOf(amount)]),
  );
}

function amountsOf(
  payload: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, Amount> {
  const found: Record<string, Amount> = {};
  for (const name of names) {
    const measured = payload[name] as Static<typeof measuredValue> | undefined;
    if (measured) found[name] = amountOf(measured);
  }
  return found;
}

function payloadOfAddress(address: MillAddress): Static<typeof millAddress> {
  const { region, postalCode } = address;
  return {
    type: ['PostalAddress'],
    streetAddress: address.street,
    addressLocality: address.locality,
    ...(region !== undefined && { addressRegion: region }),
    ...(postalCode !== undefined && { postalCode }),
    addressCountry: address.country,
  };
}

function addressOf(payload: Static<typeof millAddress>): MillAddress {
  const { addressRegion: region, postalCode } = payload;
  return {
    street: payload.streetAddress,
    locality: payload.addressLocality,
    ...(region !== undefined && { region }),
    ...(postalCode !== undefined && { postalCode }),
    country: payload.addressCountry,
  };
}

export const millTestReport: PartyFamily<MillTestReport> = {
  kind: 'mill-test-report',
  types: ['MillTestReportCredential'],
  schema,
  ...wireForm(schema, 'a mill test report', { payloadOf, statementOf }),
  // A heat number means something only with the mill that gave it.
  about: ({ issuer, inspections }) => [
    ...new Set(inspections.map(({ heat }) => `${issuer.id}/heat/${encodeURIComponent(heat)}`)),
  ],
  signers: ({ issuer }) => [issuer.id],
};
