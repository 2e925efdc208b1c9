/**
 * One spelling for what is signed as RDF. The same statements can be written as JSON in many ways:
 * under a term or under its whole IRI, in place or inside of `@included`. The signature holds for
 * each, but whoever reads members by their names would not find a status or an end any more.
 */
import { type Refusal, refuse } from '../refusal.ts';
import { isObject, type JsonObject } from '../vcdm-values.ts';

/**
 * Keywords that say something about the object or value in which they stand. Others put statements
 * elsewhere, and what only looks like a keyword is dropped unsigned (JSON-LD 1.1 API §5.1.2).
 */
const HERE = ['@context', '@direction', '@id', '@language', '@list', '@set', '@type', '@value'];

/** VC_RDF_INVALID where a document, or a proof's options, could say something past its reader. */
export function checkRdfForm(document: JsonObject): Refusal | undefined {
  const foreign = Object.keys(document).find(
    (name) => isUnread(name) || (name !== '@context' && /[:@]/.test(name)),
  );
  if (foreign !== undefined) {
    return refuse('VC_RDF_INVALID', `${foreign.slice(0, 100)} is not written as a term`);
  }
  const { id } = document as { id?: unknown };
  const members = Object.entries(document).filter(([name]) => name !== '@context');
  return inside(
    members.map(([, member]) => member),
    id,
  );
}

/** `__proto__` is no member to a processor that keeps members in plain objects. */
function isUnread(name: string): boolean {
  return name === '__proto__' || (name.startsWith('@') && !HERE.includes(name));
}

function inside(value: unknown, id: unknown): Refusal | undefined {
  if (!Array.isArray(value) && !isObject(value)) return undefined;
  if (isObject(value)) {
    const unread = Object.keys(value).find(isUnread);
    if (unread !== undefined) {
      return refuse('VC_RDF_INVALID', `${unread.slice(0, 100)} is not signed where it stands`);
    }
    const own = [value['id'], value['@id']];
    if (id !== undefined && own.includes(id) && Object.keys(value).length > 1) {
      return refuse('VC_RDF_INVALID', 'the document speaks of itself inside of another object');
    }
  }
  for (const member of Object.values(value)) {
    const found = inside(member, id);
    if (found) return found;
  }
  return undefined;
}
