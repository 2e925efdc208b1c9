/**
 * Canonical RDF of JSON-LD documents (RDFC-1.0), for the proofs that are made over it. The one
 * place that loads `jsonld`, an optional package; off the path of every batch. Contexts come from
 * this program and from the operator's folder, checked against pins; nothing is ever fetched.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { RdfInput } from '../credential/proof/check-proofs.ts';
import { contextPins } from '../credential/proof/context-pins.ts';
import { isRefusal, type Refusal, refuse } from '../credential/refusal.ts';
import type { DigestSource } from '../credential/vcdm-resources.ts';
import { isObject, type JsonObject } from '../credential/vcdm-values.ts';
import type { CanonizeRdf } from '../credential/verify-any.ts';
import { bondlineContext } from '../credential/vocabulary.ts';
import { limits } from '../limits.ts';

/** Contexts at hand, by the SHA-256 of their canonical JSON. */
export type ContextsByHash = ReadonlyMap<string, JsonObject>;

/**
 * A canonicaliser over these contexts. It refuses: VC_CONTEXT_MISSING for a known context that is
 * not at hand, VC_CONTEXT_UNKNOWN for one that is not known or stands in the document itself,
 * VC_RDF_INVALID where JSON-LD finds a mistake or would lose a member, VC_RDF_WORK beyond the
 * limits, VC_RDF_UNAVAILABLE without the package.
 */
export function openJsonLd(contexts: ContextsByHash): CanonizeRdf {
  return async (input) => {
    const inline = findInlineContext(input.document);
    if (inline) return inline;
    const jsonld = await loadPackage();
    return isRefusal(jsonld) ? jsonld : canonize(jsonld, input, contexts);
  };
}

/** The context of a URL: our own, or the one at hand whose hash is pinned. */
export function contextOf(url: string, contexts: ContextsByHash): JsonObject | Refusal {
  if (url === bondlineContext) return ownContext();
  if (!Object.hasOwn(contextPins, url)) {
    return refuse('VC_CONTEXT_UNKNOWN', `the context ${url.slice(0, 200)} is not known here`);
  }
  const found = contexts.get(contextPins[url] ?? '');
  if (found) return found;
  return refuse('VC_CONTEXT_MISSING', `the context ${url} is needed, as a file .jsonld`);
}

/**
 * Digests of the bytes in which the context of a URL is at hand, for credentials that name them.
 * What a package brings is written anew by its makers, so its bytes say nothing.
 */
export function digestSourceOf(digests: ReadonlyMap<string, ReadonlySet<string>>): DigestSource {
  return (url) =>
    Object.hasOwn(contextPins, url) ? digests.get(contextPins[url] ?? '') : undefined;
}

let own: JsonObject | undefined;

/** Ours comes with the program: beside the sources, or beside what was built of them. */
function ownContext(): JsonObject | Refusal {
  if (own) return own;
  const places = ['../../docs/contexts/', '../../../docs/contexts/'];
  for (const place of places) {
    const file = new URL(`${place}bondline-v1.jsonld`, import.meta.url);
    if (!existsSync(file)) continue;
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isObject(value)) continue;
    own = value;
    return own;
  }
  return refuse('VC_CONTEXT_MISSING', `the context ${bondlineContext} is needed`);
}

type JsonLd = typeof import('jsonld');

let loaded: Promise<JsonLd | Refusal> | undefined;

function loadPackage(): Promise<JsonLd | Refusal> {
  loaded ??= import('jsonld').then(
    ({ default: jsonld }) => jsonld as unknown as JsonLd,
    () => refuse('VC_RDF_UNAVAILABLE', 'the optional package jsonld is not installed'),
  );
  return loaded;
}

/**
 * Contexts inside a document could give its members any meaning, and RDF proofs do not cover the
 * names of members (VC Data Integrity §2.4.1), so only pinned names are taken.
 */
function findInlineContext(value: unknown): Refusal | undefined {
  if (Array.isArray(value)) {
    for (const one of value) {
      const found = findInlineContext(one);
      if (found) return found;
    }
    return undefined;
  }
  if (!isObject(value)) return undefined;
  for (const [name, member] of Object.entries(value)) {
    const isContext = name === '@context';
    if (isContext && ![member].flat().every((one) => typeof one === 'string')) {
      return refuse('VC_CONTEXT_UNKNOWN', 'a context stands in the document itself');
    }
    const found = isContext ? undefined : findInlineContext(member);
    if (found) return found;
  }
  return undefined;
}

async function canonize(
  jsonld: JsonLd,
  { document, digest }: RdfInput,
  contexts: ContextsByHash,
): Promise<string | Refusal> {
  let lacking: Refusal | undefined;
  const documentLoader = async (url: string) => {
    const context = contextOf(url, contexts);
    if (isRefusal(context)) {
      lacking ??= context;
      throw new Error(context.reason);
    }
    return { contextUrl: undefined, documentUrl: url, document: context };
  };
  try {
    return (await jsonld.canonize(document, {
      base: null,
      safe: true,
      rdfDirection: 'i18n-datatype',
      documentLoader,
      canonizeOptions: {
        algorithm: 'RDFC-1.0',
        format: 'application/n-quads',
        messageDigestAlgorithm: digest,
        maxWorkFactor: limits.rdfWorkFactorMax,
        signal: AbortSignal.timeout(limits.rdfMs),
      },
    } as unknown as Parameters<typeof jsonld.canonize>[1])) as unknown as string;
  } catch (error) {
    const refusal = lacking ?? refusalOf(error);
    if (refusal) return refusal;
    throw error;
  }
}

/** What a mistake in the document is called; `undefined` for a failure of the package itself. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  const { message, name } = error;
  if (/^(Maximum deep iterations|Abort signal)/.test(message)) {
    return refuse('VC_RDF_WORK', 'its RDF has too many nodes that look alike');
  }
  // jsonld names its own errors so; anything else is a mistake of a program.
  if (!name.startsWith('jsonld.')) return undefined;
  return refuse('VC_RDF_INVALID', `JSON-LD: ${message.slice(0, 160).replace(/\.$/, '')}`);
}
