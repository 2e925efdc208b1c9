/**
 * The contexts of VCDM itself, from the optional package that brings them: without them nothing
 * that is signed over RDF could be judged by who has no folder of contexts.
 */
import { createHash } from 'node:crypto';
import { contextPins } from '../credential/proof/context-pins.ts';
import { canonicalize } from '../credential/proof/jcs.ts';
import { isObject, type JsonObject } from '../credential/vcdm-values.ts';
import type { ContextsByHash } from './json-ld.ts';

/**
 * The contexts that are given, and those of the package beside them: credentials v1 and v2, and
 * undefined terms. The package is believed as little as a file, so only pinned content counts.
 */
export async function withBaseContexts(given: ContextsByHash): Promise<ContextsByHash> {
  loaded ??= load();
  return new Map([...(await loaded), ...given]);
}

let loaded: Promise<ContextsByHash> | undefined;

async function load(): Promise<ContextsByHash> {
  let brought: { readonly contexts?: unknown };
  try {
    // @ts-expect-error It brings no types, and a box that judges nothing over RDF may leave it out.
    brought = await import('@digitalbazaar/credentials-context');
  } catch {
    return new Map();
  }
  return pinnedOf(brought.contexts);
}

/** Those of a package's contexts, by their URLs, whose content is the pinned one. */
export function pinnedOf(contexts: unknown): ContextsByHash {
  const found = new Map<string, JsonObject>();
  if (!(contexts instanceof Map)) return found;
  for (const [url, context] of contexts as ReadonlyMap<unknown, unknown>) {
    if (typeof url !== 'string' || !Object.hasOwn(contextPins, url) || !isObject(context)) continue;
    const hash = createHash('sha256').update(canonicalize(context)).digest('hex');
    if (hash === contextPins[url]) found.set(hash, context);
  }
  return found;
}
