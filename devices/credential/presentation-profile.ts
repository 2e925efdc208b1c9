/**
 * What the trade programme asks of a presentation (Traceability Vocabulary 1.0 §2.7.1,
 * Traceability Interop 1.0 §8.1): names that are unique everywhere, and workflows by name.
 */
import { limits } from '../limits.ts';
import { isEnveloped, openEnveloped } from './enveloped.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { openSecured } from './secured.ts';
import { isObject, type JsonObject, textsOf } from './vcdm-values.ts';

/** The type that says so. */
export const traceablePresentation = 'TraceablePresentation';

const CONTEXT = 'https://w3id.org/traceability/v1';
/** RFC 9562 §5.4, as a URN in lower case or upper. */
const UUID_V4 = /^urn:uuid:[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;

/** Checks the rules for a TraceablePresentation; VC_PROFILE names the first that is broken. */
export function checkTraceablePresentation(presentation: JsonObject): Refusal | undefined {
  const { '@context': contexts, id, workflow, replace } = presentation as Record<string, unknown>;
  const broken = (rule: string): Refusal => refuse('VC_PROFILE', rule);
  if (![contexts].flat().includes(CONTEXT)) return broken(`@context lacks ${CONTEXT}`);
  if (!isUuid(id)) return broken('the id of the presentation is not a UUID v4 URN');
  if (replace !== undefined && !isUuid(replace)) return broken('replace is not a UUID v4 URN');
  const parts = partsOf(presentation);
  if (parts.some((part) => !isUuid(part?.['id']))) {
    return broken('a credential in the presentation has no id that is a UUID v4 URN');
  }
  if (workflow === undefined) return undefined;
  const { definition, instance } = isObject(workflow) ? workflow : {};
  for (const [name, value] of Object.entries({ definition, instance })) {
    const names = value === undefined ? [] : textsOf(value);
    if (!names?.every(isUuid)) return broken(`workflow.${name} is not UUID v4 URNs`);
  }
  return isObject(workflow) ? undefined : broken('workflow is not an object');
}

function isUuid(value: unknown): boolean {
  return typeof value === 'string' && UUID_V4.test(value);
}

/** The credentials inside, as far as they can be opened; proofs are not looked at. */
function partsOf(presentation: JsonObject): readonly (JsonObject | undefined)[] {
  const presented = [presentation['verifiableCredential'] ?? []].flat();
  return presented.map((part) => (isObject(part) ? credentialOf(part) : undefined));
}

function credentialOf(part: JsonObject): JsonObject | undefined {
  if (!isEnveloped(part)) return part;
  const envelope = openEnveloped(part);
  const opened = isRefusal(envelope)
    ? envelope
    : openSecured(envelope.bytes, limits.credentialBytesMax);
  return isRefusal(opened) ? undefined : opened.payload;
}
