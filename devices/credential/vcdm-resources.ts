/**
 * Resources that a credential names together with their digests (VCDM 2.0 §5.3): the form of both,
 * and whether what is at hand under such a name is what the issuer meant.
 */
import { decodeBase58 } from '../identity/base58.ts';
import { type Refusal, refuse } from './refusal.ts';
import { isObject, isUrl, type JsonObject, objectsOf } from './vcdm-values.ts';

/**
 * Digests of the bytes that are at hand under a URL, each as `sha256:` and hexadecimal digits (or
 * sha384, sha512); `undefined` where nothing is. Several editions of one content may be at hand.
 */
export type DigestSource = (url: string) => ReadonlySet<string> | undefined;

/** §5.3: each resource once, with a digest; a media type, if any, is text. */
export function inRelatedResources(resources: unknown): string | undefined {
  if (resources === undefined) return undefined;
  const all = objectsOf(resources);
  if (!all) return 'relatedResource is not one or more objects (VCDM 2.0 §5.3)';
  for (const one of all) {
    if (!isUrl(one['id'])) return 'a relatedResource has no URL as its id (VCDM 2.0 §5.3)';
    if (!digestsOf(one)) return 'a relatedResource has no digest (VCDM 2.0 §5.3)';
    const { mediaType } = one as { mediaType?: unknown };
    if (mediaType !== undefined && !(typeof mediaType === 'string' && MEDIA_TYPE.test(mediaType))) {
      return 'the mediaType of a relatedResource is not one (VCDM 2.0 §5.3)';
    }
  }
  const ids = new Set(all.map(({ id }) => id));
  return ids.size === all.length ? undefined : 'relatedResource names one twice (VCDM 2.0 §5.3)';
}

/** RFC 6838 §4.2, with parameters. */
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;.*)?$/;

/**
 * VC_SCHEMA where bytes at hand under the name of a related resource have none of the digests that
 * the issuer gave under one algorithm (§5.3). What is not at hand is not looked for.
 */
export function checkResources(payload: JsonObject, atHand?: DigestSource): Refusal | undefined {
  const resources = Object.hasOwn(payload, 'relatedResource') ? payload['relatedResource'] : [];
  for (const one of [resources].flat()) {
    const id = isObject(one) ? one['id'] : undefined;
    if (!isObject(one) || typeof id !== 'string') continue;
    const known = atHand?.(id);
    if (!known || isAmong(known, digestsOf(one) ?? [])) continue;
    return refuse(
      'VC_SCHEMA',
      `${id.slice(0, 200)} is at hand with another digest than is named (VCDM 2.0 §5.3)`,
    );
  }
  return undefined;
}

/** SRI §3.3.5: several digests of one algorithm are alternatives. */
function isAmong(known: ReadonlySet<string>, named: readonly string[]): boolean {
  const algorithms = new Set(named.map(algorithmOf).filter((name) => SIZES.has(name)));
  return [...algorithms].every((algorithm) =>
    named.some((digest) => algorithmOf(digest) === algorithm && known.has(digest)),
  );
}

const algorithmOf = (digest: string): string => digest.split(':', 1)[0] ?? '';

/** Algorithms whose digests are compared, with their bytes. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ['sha256', 32],
  ['sha384', 48],
  ['sha512', 64],
]);

/** The digests of a resource; `undefined` where there is none, or one has not the form of one. */
function digestsOf({ digestSRI, digestMultibase }: JsonObject): readonly string[] | undefined {
  const integrity = digestSRI === undefined ? [] : [digestSRI].flat().map(readSri);
  const multibase =
    digestMultibase === undefined ? [] : [digestMultibase].flat().map(readMultibase);
  const all = [...integrity, ...multibase].flat();
  const found = all.filter((digest) => digest !== undefined);
  return found.length > 0 && found.length === all.length ? found : undefined;
}

/** W3C SRI §3.1: a hash in base64, of either alphabet, and options that mean nothing. */
const SRI = /^(sha(?:256|384|512))-([A-Za-z0-9+/_-]{43,86}={0,2})(?:\?\S*)?$/;

function readSri(value: unknown): readonly (string | undefined)[] {
  const parts = typeof value === 'string' ? value.split(/\s+/) : [];
  // What is no digest is looked for first, since reading thousands of them takes a while.
  return parts.length > 0 && parts.every((part) => SRI.test(part))
    ? parts.map(readHash)
    : [undefined];
}

function readHash(part: string): string | undefined {
  const [, algorithm = '', text = ''] = SRI.exec(part) ?? [];
  const bytes = Buffer.from(text, 'base64');
  const plain = text.replaceAll('-', '+').replaceAll('_', '/');
  const padded = bytes.toString('base64');
  const isWhole = plain === padded || plain === padded.replaceAll('=', '');
  return isWhole && bytes.length === SIZES.get(algorithm)
    ? `${algorithm}:${bytes.toString('hex')}`
    : undefined;
}

/** Multihash codes of the algorithms whose digests are compared. */
const CODES: ReadonlyMap<number, string> = new Map([
  [0x12, 'sha256'],
  [0x13, 'sha512'],
  [0x20, 'sha384'],
]);

/** No digest that anybody uses is longer than 64 bytes, so its text is not longer than this. */
const TEXT_MAX = 128;

/** Multibase of a multihash (Controlled Identifiers 1.0 §2.4 and §2.5): code, length, digest. */
function readMultibase(value: unknown): string | undefined {
  const bytes = typeof value === 'string' ? decodeMultibase(value) : undefined;
  const [code = 0x80, length] = bytes ?? [];
  if (!bytes || code >= 0x80 || length !== bytes.length - 2 || length === 0) return undefined;
  const algorithm = CODES.get(code);
  if (algorithm !== undefined && SIZES.get(algorithm) !== length) return undefined;
  return `${algorithm ?? code}:${Buffer.from(bytes.subarray(2)).toString('hex')}`;
}

function decodeMultibase(text: string): Uint8Array | undefined {
  if (text.length > TEXT_MAX) return undefined;
  const digits = text.slice(1);
  if (text[0] === 'z') return decodeBase58(digits);
  if (text[0] !== 'u') return undefined;
  const bytes = Buffer.from(digits, 'base64url');
  return bytes.toString('base64url') === digits ? bytes : undefined;
}
