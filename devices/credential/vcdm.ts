/**
 * The W3C VC Data Model 2.0 (Recommendation of 15 May 2025), sections 4 and 5: the form that every
 * credential and presentation has, whatever it is about. What types and terms mean is judged in
 * vcdm-terms.ts; proofs and times against a clock, elsewhere.
 */
import { type Refusal, refuse } from './refusal.ts';
import { inRelatedResources } from './vcdm-resources.ts';
import {
  isDataUrl,
  isLanguageText,
  isLater,
  isObject,
  isUrl,
  type JsonObject,
  objectsOf,
  readDateTimeStamp,
  textsOf,
} from './vcdm-values.ts';
import { credentialsContext } from './vocabulary.ts';

/** What a payload is expected to be. */
export type DataModelKind = 'credential' | 'presentation';

/**
 * Checks a payload against VCDM 2.0. Refusals carry VC_SCHEMA and name the property and the
 * section. Members that the data model does not know are left alone.
 */
export function checkDataModel(
  payload: JsonObject,
  kind: DataModelKind = 'credential',
): Refusal | undefined {
  const mistake = kind === 'credential' ? inCredential(payload) : inPresentation(payload);
  return mistake === undefined ? undefined : refuse('VC_SCHEMA', mistake);
}

/** A sentence about what is wrong, or `undefined`. */
type Mistake = string | undefined;

function inCredential(credential: JsonObject): Mistake {
  return (
    inContext(credential['@context']) ??
    inIdentifier(credential, 'the credential') ??
    inType(credential['type'], 'VerifiableCredential') ??
    inTexts(credential, 'the credential') ??
    inIssuer(credential['issuer']) ??
    inSubjects(credential['credentialSubject']) ??
    inPeriod(credential) ??
    inTypedObjects(credential) ??
    inRelatedResources(credential['relatedResource']) ??
    inProof(credential['proof'])
  );
}

function inPresentation(presentation: JsonObject): Mistake {
  return (
    inContext(presentation['@context']) ??
    inIdentifier(presentation, 'the presentation') ??
    inType(presentation['type'], 'VerifiablePresentation') ??
    inHolder(presentation['holder']) ??
    inPresented(presentation['verifiableCredential']) ??
    inTypedObjects(presentation) ??
    inProof(presentation['proof'])
  );
}

/** §4.3: an ordered set; first the base context, then URLs and context objects. */
function inContext(contexts: unknown): Mistake {
  if (!Array.isArray(contexts) || contexts[0] !== credentialsContext) {
    return `@context does not begin with ${credentialsContext} (VCDM 2.0 §4.3)`;
  }
  const rest: readonly unknown[] = contexts.slice(1);
  const wrong = rest.find((one) => !isUrl(one) && !isObject(one));
  if (wrong !== undefined) {
    return `an item of @context is neither a URL nor an object: ${shown(wrong)} (VCDM 2.0 §4.3)`;
  }
  // Named twice it is no set, and over RDF it could be named again by anyone, unsigned.
  if (new Set(contexts.map((one) => JSON.stringify(one))).size < contexts.length) {
    return '@context names one twice (VCDM 2.0 §4.3)';
  }
  return undefined;
}

/** §4.4: `id`, where there is one, is a single URL. */
function inIdentifier(object: JsonObject, what: string): Mistake {
  const { id } = object as { id?: unknown };
  if (id === undefined || isUrl(id)) return undefined;
  return `the id of ${what} is not a URL: ${shown(id)} (VCDM 2.0 §4.4)`;
}

/** §4.5: one or more types, all text; that each is mapped to a URL is for the contexts to say. */
function inType(type: unknown, required: string): Mistake {
  const types = textsOf(type);
  if (!types || types.includes('')) return `type is not one or more names (VCDM 2.0 §4.5)`;
  if (types.includes(required)) return undefined;
  return `type does not name ${required} (VCDM 2.0 §4.5)`;
}

/** §4.6: `name` and `description` are texts, with or without a language. */
function inTexts(object: JsonObject, what: string): Mistake {
  const wrong = ['name', 'description'].find(
    (key) => Object.hasOwn(object, key) && !isLanguageText(object[key]),
  );
  return wrong && `the ${wrong} of ${what} is not text in a language (VCDM 2.0 §4.6)`;
}

/** §4.7: a URL, or an object whose `id` is one. */
function inIssuer(issuer: unknown): Mistake {
  if (isUrl(issuer)) return undefined;
  if (issuer === undefined) return 'issuer is missing (VCDM 2.0 §4.7)';
  if (!isObject(issuer) || !isUrl(issuer['id'])) {
    return `issuer is not a URL, nor an object whose id is one: ${shown(issuer)} (VCDM 2.0 §4.7)`;
  }
  return inTexts(issuer, 'the issuer');
}

/** §4.8: one or more objects, each with at least one claim or identifier. */
function inSubjects(subjects: unknown): Mistake {
  const all = objectsOf(subjects);
  if (!all?.every((subject) => Object.keys(subject).length > 0)) {
    return 'credentialSubject is missing or empty (VCDM 2.0 §4.8)';
  }
  return firstOf(all, (subject) => {
    const type = Object.hasOwn(subject, 'type') ? inTypeNames(subject['type']) : undefined;
    return inIdentifier(subject, 'a subject') ?? type;
  });
}

function inTypeNames(type: unknown): Mistake {
  const types = textsOf(type);
  return types && !types.includes('') ? undefined : 'type is not one or more names (VCDM 2.0 §4.5)';
}

/** §4.9: times with a zone, in their order. */
function inPeriod(credential: JsonObject): Mistake {
  const { validFrom, validUntil } = credential as Partial<Record<string, unknown>>;
  const begin = readDateTimeStamp(validFrom);
  const end = readDateTimeStamp(validUntil);
  const wrong = validFrom !== undefined && !begin ? 'validFrom' : undefined;
  const name = wrong ?? (validUntil !== undefined && !end ? 'validUntil' : undefined);
  if (name) return `${name} is not a dateTimeStamp: ${shown(credential[name])} (VCDM 2.0 §4.9)`;
  if (begin && end && isLater(begin, end)) {
    return 'validFrom is later than validUntil (VCDM 2.0 §4.9)';
  }
  return undefined;
}

/** Properties that hold typed objects; `id` says whether one must have an identifier. */
const TYPED = [
  { name: 'credentialStatus', id: false, section: '§4.10' },
  { name: 'credentialSchema', id: true, section: '§4.11' },
  { name: 'refreshService', id: false, section: '§5.4' },
  { name: 'termsOfUse', id: false, section: '§5.5' },
  { name: 'evidence', id: false, section: '§5.6' },
  { name: 'confidenceMethod', id: false, section: '§5.9' },
  { name: 'renderMethod', id: false, section: '§5.9' },
] as const;

/** §4.10, §4.11, §5: each is one or more objects with a type; identifiers are URLs. */
function inTypedObjects(holder: JsonObject): Mistake {
  return firstOf(TYPED, ({ name, id, section }) => {
    if (!Object.hasOwn(holder, name)) return undefined;
    const all = objectsOf(holder[name]);
    if (!all) return `${name} is not one or more objects (VCDM 2.0 ${section})`;
    return firstOf(all, (one) => {
      const types = textsOf(one['type']);
      if (!types || types.includes('')) return `${name} has no type (VCDM 2.0 ${section})`;
      if (id && one['id'] === undefined) return `${name} has no id (VCDM 2.0 ${section})`;
      return inIdentifier(one, name);
    });
  });
}

/** §4.12: an embedded proof is one or more objects with a type. */
function inProof(proof: unknown): Mistake {
  if (proof === undefined) return undefined;
  const all = objectsOf(proof);
  return all?.every((one) => textsOf(one['type'])) ? undefined : 'a proof is no object with a type';
}

/** §4.13: a URL, or an object whose `id` is one. */
function inHolder(holder: unknown): Mistake {
  if (holder === undefined || isUrl(holder)) return undefined;
  if (isObject(holder) && isUrl(holder['id'])) return undefined;
  return `holder is not a URL, nor an object whose id is one: ${shown(holder)} (VCDM 2.0 §4.13)`;
}

/** §4.13: what is presented are objects: credentials, or envelopes of them. */
function inPresented(presented: unknown): Mistake {
  if (presented === undefined) return undefined;
  const all = objectsOf(presented);
  if (!all) return 'verifiableCredential is not one or more objects (VCDM 2.0 §4.13)';
  return firstOf(all, (one) => {
    const isEnvelope = textsOf(one['type'])?.includes(ENVELOPE) ?? false;
    return isEnvelope ? inEnvelope(one) : inCredential(one);
  });
}

const ENVELOPE = 'EnvelopedVerifiableCredential';

/** §4.13.1: an envelope has a context, and a `data:` URL as its id. */
function inEnvelope(envelope: JsonObject): Mistake {
  const contexts = [envelope['@context']].flat();
  if (!contexts.includes(credentialsContext)) {
    return `an envelope has no @context that defines ${ENVELOPE} (VCDM 2.0 §4.13.1)`;
  }
  if (isDataUrl(envelope['id'])) return undefined;
  return `the id of an envelope is not a data: URL (VCDM 2.0 §4.13.1)`;
}

function firstOf<T>(all: readonly T[], check: (one: T) => Mistake): Mistake {
  for (const one of all) {
    const mistake = check(one);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 80);
}
