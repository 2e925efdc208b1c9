/** The file that describes a facility, written by a person: every mistake is told with its line. */

import { patterns } from '../credential/batch-schema.ts';
import type { Facility } from '../credential/enrolment.ts';
import { EdgeError } from '../errors.ts';
import { formatMistake, readConfig } from '../io/config-file.ts';
import { Type } from '../schema.ts';

const closed = { additionalProperties: false } as const;

/** JSON or YAML; the members are those of `Facility`. */
export const facilitySchema = Type.Object(
  {
    id: Type.String({
      pattern: patterns.uri,
      maxLength: 512,
      description: 'URI of the place',
      examples: ['did:web:operator.example/facility/neche'],
    }),
    name: Type.String({ minLength: 1, maxLength: 200, description: 'Name for people' }),
    unlocode: Type.Optional(
      Type.String({
        pattern: '^[A-Z]{2}[A-Z2-9]{3}$',
        description: 'UN/LOCODE',
        examples: ['CAHAM'],
      }),
    ),
    portCode: Type.Optional(
      Type.String({ pattern: '^\\d{4}$', description: 'CBP Schedule D code', examples: ['2604'] }),
    ),
    latitude: Type.Number({ minimum: -90, maximum: 90, description: 'WGS 84, degrees north' }),
    longitude: Type.Number({ minimum: -180, maximum: 180, description: 'WGS 84, degrees east' }),
    accuracyM: Type.Optional(
      Type.Number({ minimum: 0, description: 'Radius of 95 % confidence, metres' }),
    ),
    line: Type.Optional(
      Type.Object(
        {
          route: Type.String({ minLength: 1, maxLength: 200, description: 'Name of the route' }),
          distanceM: Type.Number({ minimum: 0, description: 'Metres from the start of the route' }),
          innerDiameterM: Type.Number({ exclusiveMinimum: 0, description: 'Metres' }),
        },
        { ...closed, description: 'The pipeline that passes here' },
      ),
    ),
  },
  closed,
);

/** @throws EdgeError CFG_UNREADABLE, CFG_INVALID with every mistake on a line of its own */
export function readFacility(file: string): Facility {
  const read = readConfig(file, facilitySchema);
  if (read.ok) return read.value;
  throw new EdgeError('CFG_INVALID', read.mistakes.map(formatMistake).join('\n'));
}
