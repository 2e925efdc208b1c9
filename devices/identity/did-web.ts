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

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** A full host name; its end begins with a letter, so that no form of an IP address is one. */
const HOST = new RegExp(`^(?:${LABEL}\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])$`);
/** A host in a network of one's own may have a short name. */
const SHORT_HOST = new RegExp(`^(?=.*[a-z])${LABEL}$`);
/** No leading zero, so that a place has one name. */
const PORT = /^[1-9]\d{0,4}$/;
/** A path segment that cannot climb: not `.` or `..`, no escapes. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,64}$/;

/**
 * The place of a DID, or `undefined` when it is not a well-formed `did:web`: a lower-case host of
 * letters, its port as `%3A`, and path segments without escapes. `shortHosts` are names without a
 * dot (`localhost`) that are taken besides, which only an operator can say.
 */
export function webPlaceOf(did: string, shortHosts: readonly string[] = []): WebPlace | undefined {
  const [scheme, method, hostAndPort = '', ...segments] = did.split(':');
  if (scheme !== 'did' || method !== 'web') return undefined;
  const [host = '', port, ...more] = hostAndPort.split('%3A');
  const isShort = SHORT_HOST.test(host) && shortHosts.includes(host);
  if (host.length > 253 || more.length > 0 || !(HOST.test(host) || isShort)) return undefined;
  if (port !== undefined && (!PORT.test(port) || Number(port) > 65_535)) return undefined;
  if (!segments.every((segment) => SEGMENT.test(segment))) return undefined;
  const folder = segments.join('/');
  return {
    origin: `https://${port === undefined ? host : `${host}:${port}`}`,
    folder,
    documentPath: folder === '' ? '.well-known/did.json' : `${folder}/did.json`,
  };
}
