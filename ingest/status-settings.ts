/** How status lists are looked for: the part of the configuration, and what a fetch needs of it. */
import { readFileSync } from 'node:fs';
import { EdgeError } from '../devices/errors.ts';
import { type FetchSettings, fetchDocument } from '../devices/io/resolve/fetch-document.ts';
import type { Clock } from '../devices/runtime.ts';
import { type Static, Type } from '../devices/schema.ts';
import type { StatusRefreshOptions } from './status-refresh.ts';

/** The schema of `statusRefresh` in an ingester's configuration. */
export const statusRefreshSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description:
        'Looks for status lists at their https addresses, within their ttl and at least every ' +
        '60 s. Turn it off where the ingester has no way out; lists then come by hand, with ' +
        '`bondline-ingest trust add`, and never count as too old before their own end.',
    }),
    allowPrivate: Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 64,
      default: [],
      description:
        'Hosts, addresses and ranges (10.1.0.0/16) that may be asked although they are private.',
    }),
    authorities: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'PEM file with authorities that may vouch for web servers besides the well-known ones, ' +
          'relative to this file.',
      }),
    ),
  },
  {
    additionalProperties: false,
    default: {},
    description:
      'Where newer status lists come from. A list that was found at its address once and then ' +
      'not for 300 s is too old: telemetry is marked, custody steps wait.',
  },
);

export type StatusRefreshSettings = Static<typeof statusRefreshSchema>;

/**
 * The fetch of `startStatusRefresh`; whatever stands in the settings is read now.
 *
 * @throws EdgeError CFG_UNREADABLE
 */
export function listFetch(
  { allowPrivate, authorities: file }: StatusRefreshSettings,
  clock: Clock,
): StatusRefreshOptions['fetch'] {
  let settings: FetchSettings = { clock, allowPrivate };
  try {
    if (file !== undefined) settings = { ...settings, authorities: readFileSync(file, 'utf8') };
  } catch (cause) {
    throw new EdgeError('CFG_UNREADABLE', `reading the authorities ${file}`, { cause });
  }
  return (url, signal) => fetchDocument(url, { ...settings, signal });
}
