/** `did:web`: where an organisation's documents stand on its own web server (W3C CCG did:web). */

/** The place that a `did:web` names. */
export interface WebPlace {
  /** `https://` and the host, with its port where there is one. */
  readonly origin: string;
  /** Folder below the web server's root, without slashes at its ends; empty for the root. */
  readonly folder: string;
  /** Where the DID document stands below the root. */
  readonly documentPath: string;
}

/** A host name of letters: an address of digits names a machine, not an organisation. */
const HOST =
  /^(?=.*[a-z])([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])(%3A\d{1,5})?$/;
/** A path segment that cannot climb: not `.` or `..`, no escapes. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;

/** The place of a DID, or `undefined` when it is not a well-formed `did:web`. */
export function webPlaceOf(did: string): WebPlace | undefined {
  const [scheme, method, host = '', ...segments] = did.split(':');
  if (scheme !== 'did' || method !== 'web' || !HOST.test(host)) return undefined;
  if (!segments.every((segment) => SEGMENT.test(segment))) return undefined;
  const folder = segments.join('/');
  return {
    origin: `https://${host.replace('%3A', ':')}`,
    folder,
    documentPath: folder === '' ? '.well-known/did.json' : `${folder}/did.json`,
  };
}
