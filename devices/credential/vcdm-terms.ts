/**
 * What the contexts of a credential or presentation make of its types (VCDM 2.0 §4.3, §4.5):
 * every type leads to a URL, and no protected term is defined anew.
 */
import {
  type ActiveContext,
  addContext,
  type ContextReading,
  type ContextSource,
  emptyContext,
  iriOfType,
  openReading,
} from './json-ld-context.ts';
import { isRefusal, isUndecided, type Refusal, refuse } from './refusal.ts';
import { withBaseContext } from './vcdm-base-context.ts';
import { isObject, isUrl, type JsonObject, objectsOf, textsOf } from './vcdm-values.ts';

/** Properties whose objects have types that must lead to URLs. */
const TYPED = [
  ...['credentialSubject', 'credentialStatus', 'credentialSchema', 'refreshService'],
  ...['termsOfUse', 'evidence', 'verifiableCredential', 'confidenceMethod', 'renderMethod'],
];

/** Presentations hold credentials, and credentials hold nothing of the kind. */
const DEPTH_MAX = 4;

/** What meaning is judged with: a verdict's context has it all. */
export interface MeaningContext {
  /** JSON-LD contexts at hand, from a pinned set. */
  readonly contexts?: ContextSource;
  /** What was read of them for other parts of the same file. */
  readonly reading?: ContextReading;
}

/** A reading of the contexts at hand, to be passed on to everything that is judged together. */
export function readingOf({ contexts }: MeaningContext): ContextReading {
  return openReading(withBaseContext(contexts));
}

/**
 * What was found before, or what the contexts at hand contradict in a payload. What they cannot
 * tell is left alone: the proof around it covers the JSON, and a type that needs an unknown context
 * means nothing to us either. VC_RDF_WORK, undecided, where the contexts of all that is judged
 * together are too many. They are not read for what is refused already: whoever forges could name
 * any number of them.
 */
export function checkMeaning(
  payload: JsonObject,
  context: MeaningContext,
  found?: Refusal,
): Refusal | undefined {
  if (found && !isUndecided(found.code)) return found;
  const own = inNode(payload, emptyContext, context.reading ?? readingOf(context), 0);
  if (own && !isUndecided(own.code)) return own;
  return found ?? (own?.code === 'VC_CONTEXT_MISSING' ? undefined : own);
}

/**
 * Checks the types of a payload whose form `checkDataModel` has found in order. VC_SCHEMA where a
 * type leads to no URL or a context is not one; VC_CONTEXT_MISSING where only a context that is
 * not in the pinned set could tell.
 */
export function checkTerms(payload: JsonObject, source: ContextSource): Refusal | undefined {
  return inNode(payload, emptyContext, openReading(source), 0);
}

function inNode(
  node: JsonObject,
  outer: ActiveContext,
  reading: ContextReading,
  depth: number,
): Refusal | undefined {
  const own = node['@context'];
  const active = own === undefined ? outer : addContext(outer, own, reading);
  if (isRefusal(active)) return active;
  const types = textsOf(node['type']) ?? [];
  for (const type of types) {
    const refusal = inType(type, active, reading);
    if (refusal) return refusal;
  }
  if (depth >= DEPTH_MAX) return undefined;
  const inside = scopedToTypes(active, types, reading);
  if (isRefusal(inside)) return inside;
  for (const name of TYPED) {
    if (!Object.hasOwn(node, name)) continue;
    const scoped = inside.terms.get(name)?.scoped;
    const within = scoped === undefined ? active : addContext(active, scoped, reading, true);
    if (isRefusal(within)) return within;
    for (const one of objectsOf(node[name]) ?? []) {
      const refusal = isObject(one) ? inNode(one, within, reading, depth + 1) : undefined;
      if (refusal) return refusal;
    }
  }
  return undefined;
}

function inType(type: string, active: ActiveContext, reading: ContextReading): Refusal | undefined {
  const iri = iriOfType(active, type, reading);
  if (typeof iri === 'object') return iri;
  if (isUrl(iri)) return undefined;
  const { missing } = active;
  if (missing !== undefined) {
    const reason = `what the type ${type.slice(0, 60)} means is for ${missing.slice(0, 200)} to say`;
    return refuse('VC_CONTEXT_MISSING', reason);
  }
  return refuse('VC_SCHEMA', `no context maps the type ${type.slice(0, 60)} (VCDM 2.0 §4.5)`);
}

/** Contexts that come with the types apply to the object itself, in the order of the names. */
function scopedToTypes(
  active: ActiveContext,
  types: readonly string[],
  reading: ContextReading,
): ActiveContext | Refusal {
  let result = active;
  for (const type of [...types].sort()) {
    const scoped = active.terms.get(type)?.scoped;
    if (scoped === undefined) continue;
    const next = addContext(result, scoped, reading);
    if (isRefusal(next)) return next;
    result = next;
  }
  return result;
}
