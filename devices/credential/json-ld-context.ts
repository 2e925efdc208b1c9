/**
 * A small reader of JSON-LD contexts (W3C JSON-LD 1.1 Processing Algorithms §4.1, §4.2): which
 * terms there are, to which IRIs they lead, and which of them may not be defined anew. It neither
 * fetches nor expands; contexts come from the caller's pinned set.
 */
import { limits } from '../limits.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { isObject, type JsonObject } from './vcdm-values.ts';

/** The document of a context by its URL, from a pinned set; `undefined` when it is not there. */
export type ContextSource = (url: string) => unknown;

/** What one term means. */
interface Term {
  /** `undefined` where a context says that the term means nothing. */
  readonly iri: string | undefined;
  /** The rest of the definition as text, so that two can be compared. */
  readonly rest: string;
  readonly isProtected: boolean;
  /** Context that applies inside of the property, or to objects of the type. */
  readonly scoped: unknown;
}

/** The terms that hold at a place of a document. */
export interface ActiveContext {
  readonly terms: ReadonlyMap<string, Term>;
  readonly vocabulary: string | undefined;
  /** The first context that was named and is not in the pinned set. */
  readonly missing: string | undefined;
}

export const emptyContext: ActiveContext = {
  terms: new Map(),
  vocabulary: undefined,
  missing: undefined,
};

/**
 * The contexts of everything that is judged together. What was read stays read, since many parts
 * name the same, and all of it together may take so much work and no more.
 */
export interface ContextReading {
  readonly source: ContextSource;
  /** What came of a context (by its text) in an active one. */
  readonly known: WeakMap<ActiveContext, Map<string, ActiveContext>>;
  /** Terms that may still be defined. */
  left: number;
}

/** Nothing was read yet. */
export function openReading(source: ContextSource): ContextReading {
  return { source, known: new WeakMap(), left: limits.contextTermsMax };
}

/** A context under construction. */
interface Draft {
  terms: Map<string, Term>;
  vocabulary: string | undefined;
  missing: string | undefined;
  /** The first thing that is wrong, found while a term was looked up. */
  mistake?: Mistake;
  /** Terms that wait for the ones on which they rest. */
  waiting: number;
  readonly reading: ContextReading;
  /** Contexts of a property may define protected terms anew (§4.1, override protected). */
  readonly override: boolean;
}

/** A sentence about what is wrong, or `undefined`. */
type Mistake = string | undefined;

/** Contexts may import and name one another; so deep nobody means it. */
const DEPTH_MAX = 8;

/** A term may rest on others, which rest on others; so deep nobody means it. */
const WAITING_MAX = 64;

const TOO_MUCH = 'its contexts take more work than is allowed';

/**
 * The context that holds after `local` (a URL, an object, null, or a list of them) was added.
 * VC_SCHEMA where something is wrong with it, VC_RDF_WORK where all contexts together are more
 * than anybody needs.
 */
export function addContext(
  active: ActiveContext,
  local: unknown,
  reading: ContextReading,
  override = false,
): ActiveContext | Refusal {
  let result = active;
  for (const one of Array.isArray(local) ? local : [local]) {
    const next = addOne(result, one, reading, override);
    if (isRefusal(next)) return next;
    result = next;
  }
  return result;
}

/** Entries of a map that are copied for the work of defining one term. */
const COPIES = 4;

function addOne(
  active: ActiveContext,
  local: unknown,
  reading: ContextReading,
  override: boolean,
): ActiveContext | Refusal {
  const name = `${override} ${textOf(local)}`;
  const known = reading.known.get(active) ?? new Map<string, ActiveContext>();
  reading.known.set(active, known);
  const found = known.get(name);
  if (found) return found;
  if (!spend(reading, 1 + active.terms.size / COPIES)) return refuse('VC_RDF_WORK', TOO_MUCH);
  const { terms, vocabulary, missing } = active;
  const draft = { terms: new Map(terms), vocabulary, missing, waiting: 0, reading, override };
  const mistake = addTo(draft, local, 0);
  if (mistake === TOO_MUCH) return refuse('VC_RDF_WORK', TOO_MUCH);
  if (mistake !== undefined) return refuse('VC_SCHEMA', `${mistake} (VCDM 2.0 §4.3)`);
  known.set(name, draft);
  return draft;
}

/** Takes work off what is left; whether there was enough. */
function spend(reading: ContextReading, work: number): boolean {
  reading.left -= work;
  return reading.left >= 0;
}

function addTo(draft: Draft, local: unknown, depth: number): Mistake {
  if (depth > DEPTH_MAX) return 'contexts name one another too deep';
  for (const one of Array.isArray(local) ? local : [local]) {
    const mistake =
      typeof one === 'string' ? addNamed(draft, one, depth) : addObject(draft, one ?? null);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

function addNamed(draft: Draft, url: string, depth: number): Mistake {
  const document = draft.reading.source(url);
  if (document === undefined) {
    draft.missing ??= url;
    return undefined;
  }
  const inner = isObject(document) ? document['@context'] : undefined;
  return inner === undefined
    ? `${url.slice(0, 200)} is no context`
    : addTo(draft, inner, depth + 1);
}

function addObject(draft: Draft, object: unknown): Mistake {
  if (object === null) {
    const isGuarded = [...draft.terms.values()].some(({ isProtected }) => isProtected);
    if (isGuarded && !draft.override) return 'null would take away protected terms';
    draft.terms = new Map();
    draft.vocabulary = undefined;
    return undefined;
  }
  if (!isObject(object)) return 'a context is neither a URL nor an object';
  const wanted = object['@import'];
  if (wanted === undefined) return defineAll(draft, object);
  const document = typeof wanted === 'string' ? draft.reading.source(wanted) : null;
  if (document === undefined) {
    draft.missing ??= String(wanted);
    return undefined;
  }
  const inner = isObject(document) ? document['@context'] : undefined;
  if (!isObject(inner) || inner['@import'] !== undefined) return '@import leads to no context';
  const { '@import': _, ...own } = object;
  return defineAll(draft, { ...inner, ...own });
}

/** Keywords that a context may have (JSON-LD 1.1 §9.15); `@type` is defined like a term. */
const SETTINGS = ['@base', '@direction', '@language', '@propagate', '@protected', '@version'];

function defineAll(draft: Draft, object: JsonObject): Mistake {
  if (Object.hasOwn(object, '@vocab')) {
    const vocabulary = object['@vocab'];
    if (vocabulary !== null && typeof vocabulary !== 'string') return '@vocab is not text';
    draft.vocabulary = vocabulary === null ? undefined : vocabularyOf(draft, object, vocabulary);
  }
  const defined = new Map<string, boolean>();
  for (const term of Object.keys(object)) {
    if (SETTINGS.includes(term) || term === '@vocab' || term === '@import') continue;
    const mistake = define(draft, object, term, defined) ?? draft.mistake;
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

/** An IRI, a term's IRI, or what is added to the vocabulary before (§4.1 step 5.8). */
function vocabularyOf(draft: Draft, object: JsonObject, value: string): string {
  const iri = expand(draft, value, object, new Map()) ?? '';
  return iri.includes(':') ? iri : `${draft.vocabulary ?? ''}${iri}`;
}

/** Anything that looks like a keyword and is none (JSON-LD 1.1 §9.16). */
const KEYWORD_LIKE = /^@[A-Za-z]+$/;

/** §4.2: defines one term, after those that it refers to. */
function define(
  draft: Draft,
  object: JsonObject,
  term: string,
  defined: Map<string, boolean>,
): Mistake {
  const done = defined.get(term);
  if (done !== undefined) return done ? undefined : `${term} is defined by itself`;
  if (term === '') return 'a term is empty';
  if (term === '@type') return undefined;
  if (KEYWORD_LIKE.test(term)) {
    return KEYWORDS.includes(term) ? `the keyword ${term} is defined anew` : undefined;
  }
  if (draft.waiting >= WAITING_MAX || !spend(draft.reading, 1)) return TOO_MUCH;
  defined.set(term, false);
  draft.waiting += 1;
  const made = termOf(draft, object, term, defined);
  draft.waiting -= 1;
  if (typeof made === 'string') return made;
  const known = draft.terms.get(term);
  if (known?.isProtected && !draft.override) {
    if (known.iri !== made.iri || known.rest !== made.rest) {
      return `the protected term ${term.slice(0, 60)} is defined anew`;
    }
    draft.terms.set(term, known);
  } else draft.terms.set(term, made);
  defined.set(term, true);
  return undefined;
}

const KEYWORDS = [
  ...SETTINGS,
  ...['@container', '@context', '@default', '@graph', '@id', '@import', '@included', '@index'],
  ...[
    '@json',
    '@list',
    '@nest',
    '@none',
    '@prefix',
    '@reverse',
    '@set',
    '@type',
    '@value',
    '@vocab',
  ],
];

function termOf(
  draft: Draft,
  object: JsonObject,
  term: string,
  defined: Map<string, boolean>,
): Term | string {
  const value = object[term];
  const definition = typeof value === 'string' || value === null ? { '@id': value } : value;
  if (!isObject(definition))
    return `the term ${term.slice(0, 60)} is defined by neither IRI nor object`;
  const { '@id': id, '@protected': own, '@context': scoped, ...rest } = definition;
  const isProtected = own === undefined ? object['@protected'] === true : own === true;
  const iri = iriOf(draft, { object, term, definition, defined });
  if (id !== undefined && id !== null && typeof id !== 'string')
    return `@id of ${term} is not text`;
  const comparable = { ...rest, ...(scoped !== undefined && { '@context': scoped }) };
  return { iri, rest: sortedText(comparable), isProtected, scoped };
}

interface Defining {
  readonly object: JsonObject;
  readonly term: string;
  readonly definition: JsonObject;
  readonly defined: Map<string, boolean>;
}

/** The IRI of a term: by `@id` or `@reverse`, by its prefix, or by the vocabulary (§4.2). */
function iriOf(draft: Draft, { object, term, definition, defined }: Defining): string | undefined {
  const id = definition['@id'] ?? definition['@reverse'];
  if (definition['@id'] === null) return undefined;
  if (typeof id === 'string' && id !== term) return expand(draft, id, object, defined);
  if (term.includes(':')) return prefixed(draft, term, object, defined) ?? term;
  return draft.vocabulary === undefined ? undefined : `${draft.vocabulary}${term}`;
}

/** Defines what another term rests on; the first mistake is kept for who reads the context. */
function defineFirst(
  draft: Draft,
  object: JsonObject,
  term: string,
  defined: Map<string, boolean>,
): void {
  if (!Object.hasOwn(object, term)) return;
  const mistake = define(draft, object, term, defined);
  draft.mistake ??= mistake;
}

/** IRI expansion with the vocabulary (§5.2), while a context is being read. */
function expand(
  draft: Draft,
  value: string,
  object: JsonObject,
  defined: Map<string, boolean>,
): string | undefined {
  if (KEYWORDS.includes(value)) return value;
  defineFirst(draft, object, value, defined);
  const known = draft.terms.get(value);
  if (known) return known.iri;
  if (value.includes(':')) return prefixed(draft, value, object, defined) ?? value;
  return draft.vocabulary === undefined ? value : `${draft.vocabulary}${value}`;
}

/** `prefix:suffix` as the IRI of the prefix and the suffix; `undefined` without such a prefix. */
function prefixed(
  draft: Draft,
  value: string,
  object: JsonObject,
  defined: Map<string, boolean>,
): string | undefined {
  const colon = value.indexOf(':');
  const prefix = value.slice(0, colon);
  if (prefix === '_' || prefix === '' || value.startsWith('//', colon + 1)) return undefined;
  defineFirst(draft, object, prefix, defined);
  const iri = draft.terms.get(prefix)?.iri;
  return iri === undefined ? undefined : `${iri}${value.slice(colon + 1)}`;
}

/**
 * The IRI of a type's name (§5.2), or the name itself where no context says anything; VC_RDF_WORK
 * where looking at it would take too much work.
 */
export function iriOfType(
  active: ActiveContext,
  name: string,
  reading: ContextReading,
): string | Refusal | undefined {
  const draft: Draft = {
    ...active,
    // Without an object nothing is defined, so that the terms stay as they are.
    terms: active.terms as Map<string, Term>,
    waiting: 0,
    reading,
    override: false,
  };
  const iri = expand(draft, name, {}, new Map());
  // A short name under a long vocabulary costs whoever looks at it more than its own bytes.
  const isCheap = spend(reading, 1 + (iri?.length ?? 0) / LETTERS);
  return isCheap ? iri : refuse('VC_RDF_WORK', TOO_MUCH);
}

/** Letters of an IRI that are looked at for the work of defining one term. */
const LETTERS = 256;

const texts = new WeakMap<object, string>();

/** The text of a context; one of the pinned set is applied at many places, and written once. */
function textOf(local: unknown): string {
  if (typeof local !== 'object' || local === null) return JSON.stringify(local) ?? '';
  const known = texts.get(local);
  if (known !== undefined) return known;
  const text = JSON.stringify(local);
  texts.set(local, text);
  return text;
}

/** JSON text whose members are in order, so that equal values give equal text. */
function sortedText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isObject(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
