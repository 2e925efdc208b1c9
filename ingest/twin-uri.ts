/** Reads business identifiers out of the URIs under which readings speak of goods. */
import type { Alias } from './twin.ts';

/**
 * The identifier of a thing that an organisation names below its DID, e.g.
 * `did:web:mill.example/heat/26041` with segment `heat`; `undefined` for any other URI.
 */
export function organisationAlias(uri: string, segment: string): Alias | undefined {
  const parts = uri.split('/');
  const [scope, name, value] = parts;
  if (parts.length !== 3 || name !== segment || value === undefined || value === '') {
    return undefined;
  }
  if (scope === undefined || !scope.startsWith('did:')) return undefined;
  const decoded = decode(value);
  return decoded === undefined ? undefined : { scheme: segment, scope, value: decoded };
}

/** The URI of a thing that an organisation names; the inverse of `organisationAlias`. */
export function organisationUri(scope: string, segment: string, value: string): string {
  return `${scope}/${segment}/${encodeURIComponent(value)}`;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
