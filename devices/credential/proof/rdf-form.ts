/**
 * One spelling for what is signed as RDF. The same statements can be written as JSON in many ways:
 * under a term or under its whole IRI, in place or inside of `@included`. The signature holds for
 * each, but whoever reads members by their names would not find a status or an end any more.
 */
import { type Refusal, refuse } from '../refusal.ts';
import { isObject, type JsonObject } from '../vcdm-values.ts';
import { bondlineTerms } from '../vocabulary.ts';
import { canonicalize } from './jcs.ts';
import { contextsOf } from './proof.ts';

/**
 * Keywords that say something about the object or value in which they stand. Others put statements
 * elsewhere, and what only looks like a keyword is dropped unsigned (JSON-LD 1.1 API §5.1.2).
 */
const HERE = ['@direction', '@id', '@language', '@list', '@set', '@type', '@value'];

/** Names that contexts which are known here (context-pins.ts) give to `@id`, besides `id`. */
const IDENTIFIERS = ['@id', 'bizTransaction', 'eventID'];
/** Names that they give to keywords that mean nothing in a document, so that nobody signs them. */
const MEANINGLESS = ['baseURL'];

/** Vocabularies whose types this program knows by their terms. */
const READ_BY_TERM = [
  bondlineTerms,
  'https://w3id.org/traceability#',
  'https://www.w3.org/2018/credentials#',
  'https://www.w3.org/ns/credentials/status#',
];

/**
 * VC_RDF_INVALID where a document, or a proof's options, could say something past its reader, and
 * VC_CONTEXT_UNKNOWN where a context stands further inside (VC Data Integrity 1.0 §4.6 step 4). A
 * credential that is presented is a document of its own, with its own context.
 */
export function checkRdfForm(document: JsonObject): Refusal | undefined {
  const members = Object.entries(document).filter(([name]) => name !== '@context');
  const foreign = members.find(
    ([name]) => isUnread(name) || IDENTIFIERS.includes(name) || /[:@]/.test(name),
  );
  if (foreign !== undefined) {
    return refuse('VC_RDF_INVALID', `${foreign[0].slice(0, 100)} is not written as a term`);
  }
  const { id, type } = document as { id?: unknown; type?: unknown };
  return (
    inTypes(type) ??
    inside(
      members.flatMap(([name, member]) =>
        name === 'verifiableCredential' ? [member].flat().map(withoutContext) : [member],
      ),
      id,
    )
  );
}

/**
 * The contexts of a proof over RDF are the document's (vc-di-eddsa §3.2.5 step 6). Others that it
 * names for itself would not be signed, so it names none or the same.
 */
export function checkProofContext(options: JsonObject, document: JsonObject): Refusal | undefined {
  if (!Object.hasOwn(options, '@context')) return undefined;
  if (canonicalize(contextsOf(options)) === canonicalize(contextsOf(document))) return undefined;
  return refuse('VC_PROOF_CONTEXT', "the proof names other contexts than the document's");
}

function withoutContext(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { '@context': _, ...rest } = value as JsonObject & { '@context'?: unknown };
  return rest;
}

/** `__proto__` is no member to a processor that keeps members in plain objects. */
function isUnread(name: string): boolean {
  if (name === '__proto__' || MEANINGLESS.includes(name)) return true;
  return name.startsWith('@') && !HERE.includes(name);
}

/** A type that is known by a term is written as that term, and not by a prefix or its whole IRI. */
function inTypes(types: unknown): Refusal | undefined {
  const wrong = [types].flat().find((type) => typeof type === 'string' && isWrittenOut(type));
  if (wrong === undefined) return undefined;
  return refuse(
    'VC_RDF_INVALID',
    `the type ${String(wrong).slice(0, 100)} is not written as a term`,
  );
}

function isWrittenOut(type: string): boolean {
  const isWhole = /^(https?|urn|did):/.test(type);
  return isWhole ? READ_BY_TERM.some((terms) => type.startsWith(terms)) : type.includes(':');
}

function inside(value: unknown, id: unknown): Refusal | undefined {
  if (!Array.isArray(value) && !isObject(value)) return undefined;
  if (isObject(value)) {
    const found = inObject(value, id);
    if (found) return found;
  }
  for (const member of Object.values(value)) {
    const found = inside(member, id);
    if (found) return found;
  }
  return undefined;
}

function inObject(value: JsonObject, id: unknown): Refusal | undefined {
  if (Object.hasOwn(value, '@context')) {
    return refuse('VC_CONTEXT_UNKNOWN', 'a context stands inside of the document');
  }
  const unread = Object.keys(value).find(isUnread);
  if (unread !== undefined) {
    return refuse('VC_RDF_INVALID', `${unread.slice(0, 100)} is not signed where it stands`);
  }
  const own = ['id', ...IDENTIFIERS].map((name) => value[name]);
  if (id !== undefined && own.includes(id) && Object.keys(value).length > 1) {
    return refuse('VC_RDF_INVALID', 'the document speaks of itself inside of another object');
  }
  return inTypes(value['type']) ?? inTypes(value['@type']);
}
