/**
 * From a DID to its document: of itself, pinned, kept from before, or fetched. What is pinned wins,
 * whatever the web says meanwhile; what is fetched is checked before it is kept.
 */
import { isRefusal } from '../../credential/refusal.ts';
import { parseStrictJson } from '../../credential/strict-json.ts';
import {
  checkControllers,
  type DidDocument,
  readDidDocument,
} from '../../identity/did-document.ts';
import { webPlaceOf } from '../../identity/did-web.ts';
import { documentOfOwnDid } from '../../identity/own-document.ts';
import { limits } from '../../limits.ts';
import { digestMultibase } from '../../profile.ts';
import {
  type Fetched,
  type FetchRefusal,
  type FetchSettings,
  fetchDocument,
} from './fetch-document.ts';
import { createResolvedCache } from './resolved-cache.ts';

/** A document, with the bytes that whoever relied on it keeps as evidence. */
export interface Resolved {
  readonly document: DidDocument;
  /** A bare DID document in JSON; as received, or as taken out of a resolver's answer. */
  readonly bytes: Uint8Array;
  /** `digestMultibase` of `bytes`. */
  readonly digest: string;
  readonly from: 'itself' | 'pinned' | 'web' | 'resolver';
  /** Wall time at which it was fetched; now for what was not. */
  readonly resolvedMs: number;
}

export interface ResolverOptions extends FetchSettings {
  /** Bytes of the document that someone pinned for a DID. */
  readonly pinned?: (did: string) => Uint8Array | undefined;
  /**
   * Base of a resolver that answers `GET {base}/{did}` (DID Resolution's HTTP binding, as the
   * universal resolver has it). Where there is one it is asked for all that is not pinned.
   */
  readonly external?: string;
  /** Ends what is under way when the process stops. */
  readonly signal?: AbortSignal;
}

export interface Resolver {
  /** Never throws for what others publish. A DID that failed is not tried again at once. */
  resolve(did: string): Promise<Resolved | FetchRefusal>;
}

/** Makes a resolver with a cache of its own; nothing is fetched before it is asked. */
export function createResolver(options: ResolverOptions): Resolver {
  const { clock, pinned } = options;
  const bounds = { count: limits.resolvedMax, bytes: limits.resolvedBytesMax };
  const kept = createResolvedCache<Resolved | FetchRefusal>(bounds);
  const underWay = new Map<string, Promise<Resolved | FetchRefusal>>();

  async function fetchAndKeep(did: string, url: string): Promise<Resolved | FetchRefusal> {
    const accept = 'application/did-resolution, application/did+json, application/json;q=0.9';
    const fetched = await fetchDocument(url, { ...options, accept });
    const result = 'code' in fetched ? missing(fetched) : readFetched(did, fetched, options);
    keep(did, result, 'code' in fetched ? undefined : fetched.maxAgeMs);
    return result;
  }

  function keep(did: string, result: Resolved | FetchRefusal, maxAgeMs?: number): void {
    // That we stopped asking says nothing about the DID.
    if ('code' in result && result.code === 'NET_CANCELLED') return;
    const freshMs = Math.min(maxAgeMs ?? limits.resolvedMsDefault, limits.resolvedMsMax);
    const forMs = 'code' in result ? limits.resolveFailedMs : freshMs;
    const bytes = did.length + ('code' in result ? result.reason.length : result.bytes.length);
    // The wall clock may jump; an expiry must not.
    kept.set(did, result, { bytes, expiresMs: clock.monotonicMs() + forMs });
  }

  return {
    async resolve(did) {
      const own = documentOfOwnDid(did);
      if (own) return resolvedOf(did, Buffer.from(JSON.stringify(own)), 'itself', clock.nowMs());
      const pin = pinned?.(did);
      if (pin) return resolvedOf(did, pin, 'pinned', clock.nowMs());
      const found = kept.get(did, clock.monotonicMs());
      if (found) return found;
      const url = urlOf(did, options);
      if (typeof url !== 'string') return url;
      const shared = underWay.get(did);
      if (shared) return shared;
      if (underWay.size >= limits.resolvesMax) {
        return no('NET_BUSY', `${underWay.size} DIDs are being resolved`);
      }
      const asked = fetchAndKeep(did, url).finally(() => underWay.delete(did));
      underWay.set(did, asked);
      return asked;
    },
  };
}

/** Where the document is asked for. */
function urlOf(did: string, options: ResolverOptions): string | FetchRefusal {
  const { allowPrivate = [], external } = options;
  const isDid = /^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$/.test(did) && did.length <= limits.didLengthMax;
  const place = webPlaceOf(did, allowPrivate);
  // What we read ourselves and found wrong stays wrong, whoever else would be asked for it.
  if (!isDid || (/^did:(web|key|jwk):/.test(did) && !place)) {
    return no('DID_METHOD_UNSUPPORTED', `${did.slice(0, 200)} is not a DID that is resolved here`);
  }
  // DID Resolution §7.1: the DID is percent-encoded, so that the %3A of a port arrives as one.
  if (external !== undefined) return `${external.replace(/\/$/, '')}/${encodeURIComponent(did)}`;
  if (place) return `${place.origin}/${place.documentPath}`;
  return no('DID_METHOD_UNSUPPORTED', `${did.slice(0, 200)} needs an external resolver`);
}

/** A web server's "not here" is about the DID, all else about the way there. */
function missing(refusal: FetchRefusal): FetchRefusal {
  const isMissing = refusal.code === 'NET_STATUS' && / answers (404|410)$/.test(refusal.reason);
  return isMissing ? { ...refusal, code: 'DID_NOT_FOUND' } : refusal;
}

function readFetched(
  did: string,
  { bytes, url }: Fetched,
  { clock, external }: ResolverOptions,
): Resolved | FetchRefusal {
  if (external === undefined) return resolvedOf(did, bytes, 'web', clock.nowMs());
  const parsed = parse(bytes);
  if (isRefusal(parsed)) return no('DID_DOCUMENT_INVALID', `${url}: ${parsed.reason}`);
  const { didDocument, didDocumentMetadata, didResolutionMetadata } = (parsed.value ??
    {}) as Record<string, unknown>;
  // Some resolvers answer with the document alone.
  if (didDocument === undefined && didResolutionMetadata === undefined) {
    return resolvedOf(did, bytes, 'resolver', clock.nowMs());
  }
  const { error } = (didResolutionMetadata ?? {}) as { error?: unknown };
  if (error !== undefined) {
    const code = String(error).includes('notFound') ? 'DID_NOT_FOUND' : 'DID_DOCUMENT_INVALID';
    return no(code, `${url} says ${JSON.stringify(error).slice(0, 100)}`);
  }
  const { deactivated } = (didDocumentMetadata ?? {}) as { deactivated?: unknown };
  if (deactivated === true) return no('DID_DEACTIVATED', `${url} says that ${did} is deactivated`);
  const bare = Buffer.from(JSON.stringify(didDocument ?? null));
  return resolvedOf(did, bare, 'resolver', clock.nowMs());
}

/** The document in `bytes`, if it is one of `did` and holds nobody else's keys. */
function resolvedOf(
  did: string,
  bytes: Uint8Array,
  from: Resolved['from'],
  resolvedMs: number,
): Resolved | FetchRefusal {
  const parsed = parse(bytes);
  const document = isRefusal(parsed) ? parsed : readDidDocument(parsed.value);
  if (isRefusal(document)) return no('DID_DOCUMENT_INVALID', `${did}: ${document.reason}`);
  if (document.id !== did) {
    return no('DID_DOCUMENT_INVALID', `${did}: the document is of ${document.id}`);
  }
  // Traceability Interop §5.2.2: no method whose controller differs from the subject.
  const foreign = checkControllers(document);
  if (foreign) return no('DID_DOCUMENT_INVALID', `${did}: ${foreign.reason}`);
  return { document, bytes, digest: digestMultibase(bytes), from, resolvedMs };
}

function parse(bytes: Uint8Array): ReturnType<typeof parseStrictJson> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return parseStrictJson(text);
  } catch {
    return { code: 'VC_JSON', reason: 'not UTF-8' };
  }
}

function no(code: FetchRefusal['code'], reason: string): FetchRefusal {
  return { code, reason };
}
