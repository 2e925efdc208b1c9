/**
 * What the contexts of a credential or presentation make of its types (VCDM 2.0 §4.3, §4.5):
 * every type leads to a URL, and no protected term is defined anew.
 */
import {
  type ActiveContext,
  addContext,
  type ContextSource,
  emptyContext,
  iriOfType,
} from './json-ld-context.ts';
import { type Refusal, refuse } from './refusal.ts';
import { withBaseContext } from './vcdm-base-context.ts';
import { isObject, isUrl, type JsonObject, objectsOf, textsOf } from './vcdm-values.ts';

/** Properties whose objects have types that must lead to URLs. */
const TYPED = [
  ...['credentialSubject', 'credentialStatus', 'credentialSchema', 'refreshService'],
  ...['termsOfUse', 'evidence', 'verifiableCredential', 'confidenceMethod', 'renderMethod'],
];

/** Presentations hold credentials, and credentials hold nothing of the kind. */
const DEPTH_MAX = 4;

/**
 * Whether the contexts at hand contradict a payload. What they cannot tell is left alone: the proof
 * around it covers the JSON, and a type that needs an unknown context means nothing to us either.
 */
export function checkMeaning(payload: JsonObject, source?: ContextSource): Refusal | undefined {
  const refusal = checkTerms(payload, withBaseContext(source));
  return refusal?.code === 'VC_CONTEXT_MISSING' ? undefined : refusal;
}

/**
 * Checks the types of a payload whose form `checkDataModel` has found in order. VC_SCHEMA where a
 * type leads to no URL or a context is not one; VC_CONTEXT_MISSING where only a context that is
 * not in the pinned set could tell.
 */
export function checkTerms(payload: JsonObject, source: ContextSource): Refusal | undefined {
  return inNode(payload, emptyContext, source, 0);
}

function inNode(
  node: JsonObject,
  outer: ActiveContext,
  source: ContextSource,
  depth: number,
): Refusal | undefined {
  const own = node['@context'];
  const active = own === undefined ? outer : addContext(outer, own, source);
  if (typeof active === 'string') return refuse('VC_SCHEMA', `${active} (VCDM 2.0 §4.3)`);
  const types = textsOf(node['type']) ?? [];
  for (const type of types) {
    const refusal = inType(type, active);
    if (refusal) return refusal;
  }
  if (depth >= DEPTH_MAX) return undefined;
  const inside = scopedToTypes(active, types, source);
  if (typeof inside === 'string') return refuse('VC_SCHEMA', `${inside} (VCDM 2.0 §4.3)`);
  for (const name of TYPED) {
    const scoped = inside.terms.get(name)?.scoped;
    const within = scoped === undefined ? active : addContext(active, scoped, source, true);
    if (typeof within === 'string') return refuse('VC_SCHEMA', `${within} (VCDM 2.0 §4.3)`);
    for (const one of (Object.hasOwn(node, name) && objectsOf(node[name])) || []) {
      const refusal = isObject(one) ? inNode(one, within, source, depth + 1) : undefined;
      if (refusal) return refusal;
    }
  }
  return undefined;
}

function inType(type: string, active: ActiveContext): Refusal | undefined {
  if (isUrl(iriOfType(active, type))) return undefined;
  const [missing] = active.missing;
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
  source: ContextSource,
): ActiveContext | string {
  let result = active;
  for (const type of [...types].sort()) {
    const scoped = active.terms.get(type)?.scoped;
    if (scoped === undefined) continue;
    const next = addContext(result, scoped, source);
    if (typeof next === 'string') return next;
    result = next;
  }
  return result;
}
