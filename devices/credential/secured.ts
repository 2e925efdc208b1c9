/**
 * A credential taken apart, whichever way it is secured: a compact token around it, or proofs
 * inside of it. Strict form comes first; nothing is proven yet.
 */
import { type OpenedToken, openCompact } from './jws.ts';
import { contextsOf, withoutProof } from './proof/proof.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { parseStrictJson } from './strict-json.ts';
import { isObject, type JsonObject } from './vcdm-values.ts';

/** A credential by a compact JWS around it. */
export interface SecuredToken {
  readonly form: 'token';
  readonly payload: JsonObject;
  readonly opened: OpenedToken;
}

/** A credential with proofs inside. */
export interface SecuredDocument {
  readonly form: 'document';
  /** The document without its proofs. */
  readonly payload: JsonObject;
  readonly document: JsonObject;
}

export type Secured = SecuredToken | SecuredDocument;

/** Opens bytes in either form. Codes as `openCompact`; VC_JSON, VC_SCHEMA, VC_UNSECURED. */
export function openSecured(bytes: Uint8Array, bytesMax: number): Secured | Refusal {
  if (firstMark(bytes) !== BRACE) {
    const opened = openCompact(bytes, bytesMax);
    return isRefusal(opened) ? opened : { form: 'token', payload: opened.payload, opened };
  }
  if (bytes.length > bytesMax) {
    return refuse('VC_TOO_LARGE', `${bytes.length} bytes, at most ${bytesMax} are accepted`);
  }
  const parsed = parseBytes(bytes);
  if (isRefusal(parsed)) return parsed;
  return isObject(parsed.value)
    ? openDocument(parsed.value)
    : refuse('VC_SCHEMA', 'not a JSON object');
}

/** Opens a JSON object that strict reading gave. */
export function openDocument(document: JsonObject): SecuredDocument | Refusal {
  if (Object.hasOwn(document, 'proof')) {
    return { form: 'document', payload: withoutProof(document), document };
  }
  const what = contextsOf(document).length > 0 ? 'a JSON credential' : 'JSON';
  return refuse('VC_UNSECURED', `${what} without a signature`);
}

const BRACE = 0x7b;
const BRACKET = 0x5b;
/** RFC 8259 §2. */
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d];

/** Whether bytes want to be JSON, by the first mark that is no white space. */
export function looksLikeJson(bytes: Uint8Array): boolean {
  const mark = firstMark(bytes);
  return mark === BRACE || mark === BRACKET;
}

const DOT = 0x2e;

/** COSE_Sign1 (RFC 9052 §4.2, tag 18): its bytes, their hexadecimal digits, or their base64. */
const COSE = [Buffer.of(0xd2, 0x84), Buffer.from('d284'), Buffer.from('0oR')];

/** Whether bytes want to be COSE, which is not judged here. */
export function looksLikeCose(bytes: Uint8Array): boolean {
  const found = COSE.find((head) => head.every((byte, index) => bytes[index] === byte));
  // As text it is one word; a compact token has dots.
  return found !== undefined && (found.length === 2 || !bytes.includes(DOT));
}

function firstMark(bytes: Uint8Array): number | undefined {
  return bytes.find((byte) => !WHITE_SPACE.includes(byte));
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The value of JSON bytes, strictly; a byte order mark is refused like anything before it. */
export function parseBytes(bytes: Uint8Array): { readonly value: unknown } | Refusal {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refuse('VC_JSON', 'not UTF-8');
  }
  return parseStrictJson(text);
}
