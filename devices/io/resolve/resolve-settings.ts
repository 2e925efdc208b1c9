/** How a configuration says from where documents may be fetched, and what follows from it. */
import { readFileSync } from 'node:fs';
import { EdgeError } from '../../errors.ts';
import type { Clock } from '../../runtime.ts';
import { type SchemaMistake, type Static, Type } from '../../schema.ts';
import { isAllowance } from './addresses.ts';
import type { ResolverOptions } from './resolver.ts';

/** The block of a configuration. */
export const resolveSchema = Type.Object(
  {
    allowPrivate: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
      maxItems: 64,
      default: [],
      examples: [['10.1.0.0/16', 'resolver.internal']],
      description:
        'Host names, addresses and ranges that may be private. Without them documents are fetched from public addresses alone.',
    }),
    authoritiesFile: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'PEM file of authorities whose certificates are accepted besides the well-known ones, relative to this file.',
      }),
    ),
    external: Type.Optional(
      Type.String({
        pattern: '^https://[^\\s?#]+$',
        maxLength: 1_024,
        examples: ['https://resolver.internal/1.0/identifiers'],
        description:
          'Resolver that is asked for all DID documents (GET, this address, a slash and the DID); without it did:web is asked directly.',
      }),
    ),
  },
  {
    additionalProperties: false,
    default: {},
    description: 'From where DID documents and status lists may be fetched.',
  },
);

export type ResolveBlock = Static<typeof resolveSchema>;

/** What the schema cannot see; paths begin inside the block. */
export function resolveMistakes({ allowPrivate }: ResolveBlock): SchemaMistake[] {
  return allowPrivate.flatMap((entry, index) => {
    if (isAllowance(entry)) return [];
    const message = `${entry} is not a host name, an address or a range such as 10.1.0.0/16`;
    return [{ path: ['allowPrivate', index], message }];
  });
}

/**
 * Options of a resolver or a fetch; `authoritiesFile` is absolute by now.
 *
 * @throws EdgeError DOC_UNREADABLE when the file of authorities cannot be read
 */
export function resolveSettings(
  { allowPrivate, authoritiesFile, external }: ResolveBlock,
  clock: Clock,
): ResolverOptions {
  return {
    clock,
    allowPrivate,
    ...(authoritiesFile !== undefined && { authorities: readPem(authoritiesFile) }),
    ...(external !== undefined && { external }),
  };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new EdgeError('DOC_UNREADABLE', `reading the authorities in ${file}`, { cause });
  }
}
