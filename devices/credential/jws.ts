/**
 * Compact JWS (RFC 7515) as Bondline uses it: one signature over the bytes as they are, ES256 or
 * EdDSA (ES384 and ES512 are read only). Reading is strict, because whatever a lenient reader
 * repairs is not what was signed.
 */
import { strict as assert } from 'node:assert';
import { isAscii } from 'node:buffer';
import { verify } from 'node:crypto';
import { credentialDigest } from '../envelope.ts';
import { derOfSignature } from '../identity/ecdsa-signature.ts';
import { isAlgorithmOf, type KeyAlgorithm, type PublicKey } from '../identity/public-key.ts';
import type { Signer } from '../identity/signer.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { reveal } from './sd-jwt.ts';
import { parseStrictJson } from './strict-json.ts';

/** The kinds of token; a key that signs one kind never vouches for another. */
export type TokenType =
  | 'vc+jwt'
  | 'vc+sd-jwt'
  | 'vp+jwt'
  | 'vp+sd-jwt'
  | 'bondline-receipt+jwt'
  | 'bondline-checkpoint+jwt'
  | 'bondline-witness+jwt'
  | 'bondline-enrol-request+jwt'
  | 'bondline-certificate-request+jwt';

/** The protected header; members that are not named here are ignored (RFC 7515 §4). */
export interface TokenHeader {
  readonly alg: KeyAlgorithm | 'Ed25519';
  /** Empty where it is absent, which `openCompact` lets pass for an issuer that is an address. */
  readonly kid: string;
  readonly typ?: string;
  readonly cty?: string;
  /** Who signed, if the header repeats it (VC-JOSE-COSE §3.3.2). */
  readonly iss?: string;
  /** In a receipt: its ingester unpacks batches (docs/wire.md, Packed). */
  readonly takesPacked?: true;
}

/** A token taken apart. Nothing in it is proven until `verifyToken` says so. */
export interface OpenedToken {
  readonly header: TokenHeader;
  /** The JSON object inside. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly payloadText: string;
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
  /** `credentialDigest` of the token. */
  readonly digest: string;
  /** Of a token with disclosures: how many digests have none. */
  readonly hidden?: number;
  /** How many of those could be what a verdict needs: all that stand outside of the subject. */
  readonly withheld?: number;
}

const DOT = 0x2e;
const TILDE = 0x7e;
const PLUS = 0x2b;
const SLASH = 0x2f;
/** RFC 7518 §3.4, RFC 8032 §5.1.6. */
const SIGNATURE_BYTES = { ES256: 64, EdDSA: 64, Ed25519: 64, ES384: 96, ES512: 132 } as const;
/** A dot and the 64 bytes of ES256 or EdDSA in base64url. */
const SIGNATURE_TAIL = 87;
/** RFC 7518 §3.4. */
const HASHES = { ES256: 'sha256', ES384: 'sha384', ES512: 'sha512' } as const;

/** Signs a payload with a signer whose answer may take a while (hardware). */
export function signToken(options: TokenParts): Promise<Uint8Array> {
  return prepareToken(options).sign();
}

/** A token that is not signed yet, with the size that it will have. */
export interface PreparedToken {
  readonly bytes: number;
  sign(): Promise<Uint8Array>;
}

/** For callers that must know the size before they let a key at it. */
export function prepareToken(options: TokenParts): PreparedToken {
  const input = signingInputOf(options);
  return {
    bytes: input.length + SIGNATURE_TAIL,
    sign: async () => assemble(input, await options.signer.sign(input)),
  };
}

/** Signs a payload at once; for signers that answer at once, such as the file key store's. */
export function signTokenNow(options: TokenParts): Uint8Array {
  const input = signingInputOf(options);
  const signature = options.signer.sign(input);
  assert(signature instanceof Uint8Array, 'this signer needs to be waited for: use signToken');
  return assemble(input, signature);
}

/** What a token is made of. */
export interface TokenParts {
  /** JSON text exactly as it is to be signed. */
  readonly payload: string;
  readonly signer: Signer;
  readonly typ: TokenType;
  /** Of a receipt: says in its header that packed batches are taken. */
  readonly takesPacked?: boolean;
}

/**
 * Takes a token apart: size, form, header and JSON are checked, in this order, before anything is
 * believed. Codes: VC_TOO_LARGE, VC_MALFORMED, VC_JSON, VC_HEADER, VC_ALGORITHM, VC_TYPE,
 * VC_SIGNATURE_FORM, VC_DISCLOSURE. A credential may come with disclosures (`vc+sd-jwt`).
 */
export function openToken(
  bytes: Uint8Array,
  bytesMax: number,
  typ: TokenType = 'vc+jwt',
): OpenedToken | Refusal {
  const opened = openCompact(bytes, bytesMax);
  if (isRefusal(opened)) return opened;
  const { typ: found, cty, kid } = opened.header;
  if (kid === '') return refuse('VC_HEADER', 'kid is missing');
  if (found !== typ && !(typ === 'vc+jwt' && found === 'vc+sd-jwt')) {
    return refuse('VC_TYPE', `typ is ${shown(found)}, not ${typ}`);
  }
  // VC-JOSE-COSE §3.1.1; other kinds of token name no content.
  if (cty === undefined || !typ.startsWith('vc') || /^(application\/)?vc$/i.test(cty))
    return opened;
  return refuse('VC_TYPE', `cty is ${shown(cty)}, not vc`);
}

/** `openToken` without a look at `typ`, for callers that accept several kinds. */
export function openCompact(bytes: Uint8Array, bytesMax: number): OpenedToken | Refusal {
  if (bytes.length > bytesMax) {
    return refuse('VC_TOO_LARGE', `${bytes.length} bytes, at most ${bytesMax} are accepted`);
  }
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const tilde = whole.indexOf(TILDE);
  const buffer = tilde < 0 ? whole : whole.subarray(0, tilde);
  const first = buffer.indexOf(DOT);
  const second = first < 0 ? -1 : buffer.indexOf(DOT, first + 1);
  if (second < 0 || buffer.indexOf(DOT, second + 1) >= 0) {
    return refuse('VC_MALFORMED', 'not exactly three parts with dots between them');
  }
  const headerBytes = decodePart(buffer.subarray(0, first));
  const payloadBytes = decodePart(buffer.subarray(first + 1, second));
  const signature = decodePart(buffer.subarray(second + 1));
  if (!headerBytes || !payloadBytes || !signature) {
    return refuse('VC_MALFORMED', 'a part is not base64url without padding (RFC 7515 §2)');
  }
  const header = readHeader(headerBytes);
  if (isRefusal(header)) return header;
  const wanted = SIGNATURE_BYTES[header.alg];
  if (signature.length !== wanted) {
    const { length } = signature;
    return refuse('VC_SIGNATURE_FORM', `the signature has ${length} bytes, not ${wanted}`);
  }
  const payloadText = decodeText(payloadBytes);
  const payload = readObject(payloadText, 'payload', payloadBytes);
  if (isRefused(payload)) return payload.refusal;
  const unnamed = checkNamed(header, payload.value);
  if (unnamed) return unnamed;
  const tail = tilde < 0 ? undefined : whole.subarray(tilde);
  const revealed = withDisclosed(header, payload.value, tail);
  if (isRefusal(revealed)) return revealed;
  return {
    header,
    ...revealed,
    payloadText: payloadText ?? '',
    signingInput: bytes.subarray(0, second),
    signature,
    digest: credentialDigest(bytes),
  };
}

/**
 * The payload with what its disclosures show. Those stand between tildes behind the token, exactly
 * where `typ` says so; a key binding behind them (RFC 9901 §4.3) is not judged here.
 */
function withDisclosed(
  { typ }: TokenHeader,
  payload: OpenedToken['payload'],
  tail: Buffer | undefined,
): Pick<OpenedToken, 'payload' | 'hidden' | 'withheld'> | Refusal {
  if ((tail !== undefined) !== (typ?.toLowerCase().endsWith('+sd-jwt') ?? false)) {
    return refuse('VC_TYPE', `typ is ${shown(typ)}, ${tail ? 'with' : 'without'} disclosures`);
  }
  if (tail === undefined) return { payload };
  const [, ...disclosures] = tail.toString('latin1').split('~');
  if (disclosures.pop() !== '') return refuse('VC_FORM_UNSUPPORTED', 'a key binding stands behind');
  return reveal(payload, disclosures);
}

/**
 * VC-JOSE-COSE §4.1.1: a key that is expressed as a DID URL is always named. Where `iss` is another
 * address, it leads to the key by itself (§4.1.2).
 */
function checkNamed(header: TokenHeader, payload: OpenedToken['payload']): Refusal | undefined {
  if (header.kid !== '') return undefined;
  const { iss = header.iss } = payload as { iss?: unknown };
  const isAddress = typeof iss === 'string' && iss.startsWith('https:');
  return isAddress ? undefined : refuse('VC_HEADER', 'kid is missing');
}

/**
 * Whether `key` signed the token. The algorithm is the key's; that the header states another, or
 * another key id, is a failure like a wrong signature.
 */
export function verifyToken(opened: OpenedToken, key: PublicKey): boolean {
  const { alg, kid } = opened.header;
  if (kid !== key.keyId || !isAlgorithmOf(alg, key.algorithm)) return false;
  return verifySignature(opened, key);
}

/** Whether the signature verifies with this key, whatever name the header gives it. */
export function verifySignature(
  opened: OpenedToken,
  key: Pick<PublicKey, 'algorithm' | 'key'>,
): boolean {
  const { signingInput, signature } = opened;
  if (key.algorithm === 'EdDSA') return verify(null, signingInput, key.key, signature);
  return verify(HASHES[key.algorithm], signingInput, key.key, derOfSignature(signature));
}

function signingInputOf({ payload, signer, takesPacked, typ }: TokenParts): Buffer {
  const { algorithm: alg, keyId: kid } = signer;
  const content = /^v[cp](?=\+)/.exec(typ)?.[0];
  const named = { alg, typ, ...(content !== undefined && { cty: content }), kid };
  // A member that older readers do not know, and so pass over.
  const header = takesPacked ? { ...named, [PACKED_MEMBER]: true } : named;
  return Buffer.from(`${encode(JSON.stringify(header))}.${encode(payload)}`, 'latin1');
}

function assemble(signingInput: Uint8Array, signature: Uint8Array): Uint8Array {
  assert(signature.length === SIGNATURE_BYTES.ES256, 'a JOSE signature has 64 bytes');
  const tail = `.${Buffer.from(signature).toString('base64url')}`;
  return Buffer.concat([signingInput, Buffer.from(tail, 'latin1')]);
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url');
}

/**
 * Bytes of one part, or `undefined` when it is not canonical (RFC 7515 §2, RFC 4648 §3.5). Node's
 * decoder skips what it does not know, which then shows in the length; it takes padding and the
 * other alphabet's two letters; and it drops the bits of the last letter that belong to no byte.
 */
function decodePart(part: Buffer): Buffer | undefined {
  const bytes = Buffer.from(part.toString('latin1'), 'base64url');
  const { length } = part;
  if (length % 4 === 1 || bytes.length !== Math.floor((length * 3) / 4)) return undefined;
  if (part.includes(PLUS) || part.includes(SLASH)) return undefined;
  const tail = length % 4 === 0 ? 0 : length - (length % 4);
  if (tail === 0 && length % 4 === 0) return bytes;
  const rest = bytes.subarray((tail / 4) * 3).toString('base64url');
  return rest === part.toString('latin1', tail) ? bytes : undefined;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Text of UTF-8 bytes, or `undefined`. A byte order mark stays, so that JSON refuses it. */
function decodeText(bytes: Buffer): string | undefined {
  if (isAscii(bytes)) return bytes.toString('latin1');
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

type ObjectRead =
  | { readonly value: Readonly<Record<string, unknown>> }
  | { readonly refusal: Refusal };

function isRefused(read: ObjectRead): read is { readonly refusal: Refusal } {
  return 'refusal' in read;
}

function readObject(text: string | undefined, what: string, bytes: Buffer): ObjectRead {
  if (text === undefined) return { refusal: refuse('VC_JSON', `the ${what} is not UTF-8`) };
  const parsed = parseStrictJson(text, bytes);
  if (isRefusal(parsed)) return { refusal: parsed };
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { refusal: refuse('VC_SCHEMA', `the ${what} is not a JSON object`) };
  }
  return { value: value as Readonly<Record<string, unknown>> };
}

/** Header member of a receipt whose ingester unpacks batches. */
const PACKED_MEMBER = 'bl:packed';

/** Members that carry or fetch a key: a key in the message proves nothing (RFC 8725 §2.7). */
const KEY_MEMBERS = ['jwk', 'jku', 'x5c', 'x5u'] as const;

function readHeader(bytes: Buffer): TokenHeader | Refusal {
  const read = readObject(decodeText(bytes), 'header', bytes);
  if (isRefused(read)) return read.refusal;
  const header = read.value as Record<string, unknown>;
  const { alg, kid, typ, cty, iss, crit, b64, [PACKED_MEMBER]: packed } = header;
  if (!isSupported(alg)) {
    return refuse(
      'VC_ALGORITHM',
      `alg is ${shown(alg)}; ES256, EdDSA, ES384 and ES512 are accepted`,
    );
  }
  // RFC 7515 §4.1.11: an extension that must be understood and is not means refusal.
  if (crit !== undefined) return refuse('VC_HEADER', 'crit names extensions; none is understood');
  if (b64 !== undefined) return refuse('VC_HEADER', 'b64 (RFC 7797) is not understood');
  const embedded = KEY_MEMBERS.find((member) => Object.hasOwn(read.value, member));
  if (embedded) return refuse('VC_HEADER', `${embedded} offers a key inside the message`);
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) {
    return refuse('VC_HEADER', 'kid is not the name of a key');
  }
  if (!isOptionalText(typ) || !isOptionalText(cty) || !isOptionalText(iss)) {
    return refuse('VC_HEADER', 'typ, cty or iss is not text');
  }
  return {
    alg,
    kid: kid ?? '',
    ...(typ !== undefined && { typ }),
    ...(cty !== undefined && { cty }),
    ...(iss !== undefined && { iss }),
    ...(packed === true && { takesPacked: true }),
  };
}

function isSupported(alg: unknown): alg is keyof typeof SIGNATURE_BYTES {
  return typeof alg === 'string' && Object.hasOwn(SIGNATURE_BYTES, alg);
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

function shown(value: unknown): string {
  return value === undefined ? 'absent' : (JSON.stringify(value)?.slice(0, 60) ?? 'not text');
}
