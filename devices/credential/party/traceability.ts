/**
 * Classes of the W3C CCG traceability vocabulary 1.0 that our families use. They are closed, and
 * their measured values and coordinates are text.
 */
import { type Static, Type } from '../../schema.ts';
import { shared } from '../batch-schema.ts';
import type { Party } from '../enrolment.ts';
import { type Amount, closed, decimal, did, text } from './family.ts';

const { uri } = shared;
const maybe = Type.Optional(text);

/** `type` of an object of the vocabulary: a list with one name. */
function named<const T extends string>(name: T) {
  return Type.Tuple([Type.Literal(name)]);
}

export const geo = Type.Object(
  { type: named('GeoCoordinates'), latitude: decimal, longitude: decimal },
  closed,
);

export const address = Type.Object(
  {
    type: named('PostalAddress'),
    name: maybe,
    plantOrSiteName: maybe,
    streetAddress: maybe,
    addressLocality: maybe,
    addressRegion: maybe,
    postalCode: maybe,
    addressCountry: maybe,
  },
  closed,
);

export const place = Type.Object(
  {
    type: named('Place'),
    globalLocationNumber: Type.Optional(Type.String({ pattern: '^\\d{13}$' })),
    geo: Type.Optional(geo),
    address: Type.Optional(address),
    unLocode: Type.Optional(Type.String({ pattern: '^[A-Z]{2}[A-Z2-9]{3}$' })),
    locationName: maybe,
    usPortCode: Type.Optional(Type.String({ pattern: '^\\d{4}$' })),
    firmsCode: Type.Optional(Type.String({ pattern: '^[A-Z0-9]{4}$' })),
  },
  closed,
);

export const organization = Type.Object(
  {
    type: named('Organization'),
    id: Type.Optional(did),
    name: maybe,
    legalName: maybe,
    leiCode: maybe,
    url: maybe,
    globalLocationNumber: maybe,
    location: Type.Optional(place),
    email: maybe,
    phoneNumber: maybe,
    faxNumber: maybe,
    taxId: maybe,
    iataCarrierCode: maybe,
    scac: Type.Optional(Type.String({ pattern: '^[A-Z]{2,4}$' })),
  },
  closed,
);

/** An organisation that must say who it is. */
export const namedOrganization = Type.Object(
  { ...organization.properties, id: did, name: text },
  closed,
);

export const tradedGoods = Type.Object(
  {
    type: named('Product'),
    /** URI of the goods. */
    id: uri,
    name: maybe,
    category: maybe,
    countryOfOrigin: maybe,
    batchNumber: maybe,
    commodity: Type.Optional(
      Type.Object(
        {
          type: named('Commodity'),
          commodityCode: Type.String({ pattern: '^[\\d.]{4,16}$' }),
          commodityCodeType: Type.Enum(['HS', 'HTS']),
        },
        closed,
      ),
    ),
  },
  closed,
);

export const measuredValue = Type.Object(
  { type: named('MeasuredValue'), value: decimal, unitCode: text },
  closed,
);

export type OrganizationPayload = Static<typeof namedOrganization>;
export type MeasuredPayload = Static<typeof measuredValue>;
export type PlacePayload = Static<typeof place>;

/** A port or place as our values know it. */
export interface NamedPlace {
  readonly name?: string;
  /** UN/LOCODE. */
  readonly unlocode?: string;
  /** CBP Schedule D, four digits. */
  readonly portCode?: string;
  /** FIRMS, four characters. */
  readonly firms?: string;
}

export function organizationOf({ id, name }: Party): OrganizationPayload {
  return { type: ['Organization'], id, name };
}

export function partyOfOrganization({ id, name }: OrganizationPayload): Party {
  return { id, name };
}

export function measuredOf({ value, unit }: Amount): MeasuredPayload {
  return { type: ['MeasuredValue'], value, unitCode: unit };
}

export function amountOf({ value, unitCode }: MeasuredPayload): Amount {
  return { value, unit: unitCode };
}

export function placeOf({ name, unlocode, portCode, firms }: NamedPlace): PlacePayload {
  return {
    type: ['Place'],
    ...(unlocode !== undefined && { unLocode: unlocode }),
    ...(name !== undefined && { locationName: name }),
    ...(portCode !== undefined && { usPortCode: portCode }),
    ...(firms !== undefined && { firmsCode: firms }),
  };
}

export function namedPlaceOf(payload: PlacePayload): NamedPlace {
  const { locationName, unLocode, usPortCode, firmsCode } = payload;
  return {
    ...(locationName !== undefined && { name: locationName }),
    ...(unLocode !== undefined && { unlocode: unLocode }),
    ...(usPortCode !== undefined && { portCode: usPortCode }),
    ...(firmsCode !== undefined && { firms: firmsCode }),
  };
}
