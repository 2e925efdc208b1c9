/** Enveloped credentials and presentations (VCDM 2.0 §4.13): a token in the `id` of an object. */
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { isObject, type JsonObject, textsOf } from './vcdm-values.ts';
import { credentialsContext } from './vocabulary.ts';

/** What an envelope holds. */
export interface Enveloped {
  /** Its media type without `application/`, e.g. `vc+jwt`. */
  readonly media: string;
  readonly bytes: Uint8Array;
}

const MEDIA = {
  EnvelopedVerifiableCredential: ['vc+jwt', 'vc+sd-jwt', 'vc+cose'],
  EnvelopedVerifiablePresentation: ['vp+jwt', 'vp+sd-jwt', 'vp+cose'],
} as const;

/** Whether an object says that it is an envelope. */
export function isEnveloped(object: JsonObject): boolean {
  return kindOf(object) !== undefined;
}

const HEAD = /^data:application\/([\w+-]+)(;base64)?,/i;

/** What stands in an envelope, or VC_ENVELOPE. */
export function openEnveloped(object: JsonObject): Enveloped | Refusal {
  const kind = kindOf(object);
  if (!kind) return refuse('VC_ENVELOPE', 'not an envelope');
  const { '@context': contexts, id } = object as Record<string, unknown>;
  if (![contexts].flat().includes(credentialsContext)) {
    return refuse('VC_ENVELOPE', `the @context of the envelope lacks ${credentialsContext}`);
  }
  // RFC 2397; a media type has no parameters here, and case means nothing in it (RFC 6838 §4.2).
  const found = typeof id === 'string' ? HEAD.exec(id) : null;
  if (!found || typeof id !== 'string') {
    return refuse('VC_ENVELOPE', 'the id of the envelope is not data:application/…');
  }
  const [head, written = '', base64] = found;
  const media = written.toLowerCase();
  if (!(MEDIA[kind] as readonly string[]).includes(media)) {
    return refuse('VC_ENVELOPE', `${kind} with application/${media.slice(0, 60)}`);
  }
  const bytes = bytesOf(id.slice(head.length), base64 !== undefined);
  return isRefusal(bytes) ? bytes : { media, bytes };
}

function kindOf(object: JsonObject): keyof typeof MEDIA | undefined {
  const types = isObject(object) ? (textsOf(object['type']) ?? []) : [];
  return (Object.keys(MEDIA) as (keyof typeof MEDIA)[]).find((kind) => types.includes(kind));
}

function bytesOf(text: string, base64: boolean): Uint8Array | Refusal {
  if (!base64) return Buffer.from(text, 'utf8');
  const bytes = Buffer.from(text, 'base64');
  // Node's decoder skips what it does not know, so the bytes are encoded again and compared.
  if (bytes.toString('base64') === text) return bytes;
  return refuse('VC_ENVELOPE', 'the envelope is not canonical base64');
}
