/** What a forgery is: a kind of deceit, done to a genuine artefact at a place where it is taken. */
import type { KeyObject } from 'node:crypto';
import type { TokenType } from '../../devices/credential/jws.ts';
import type { JsonObject } from '../../devices/credential/vcdm-values.ts';
import type { VerifyContext } from '../../devices/credential/verify-context.ts';
import type { Signer } from '../../devices/identity/signer.ts';

/** One forged input. `kind` and `place` together name it. */
export interface Forgery {
  readonly kind: string;
  readonly place: string;
  readonly bytes: Uint8Array;
  /** Reason codes of which the verifier gives one; `undefined` where any will do. */
  readonly codes?: readonly string[] | undefined;
  /** The same for the way in over the uplink, where its reasons differ. */
  readonly admitted?: readonly string[] | undefined;
  /** What the verifier is given instead of the genuine documents and time. */
  readonly given?: Partial<VerifyContext> | undefined;
  /** Whose uplink brings it; the genuine gateway unless it says otherwise. */
  readonly gateway?: string | undefined;
  /** Which doors it is brought to; both unless it says otherwise. */
  readonly only?: 'verifier' | 'ingester';
}

/** A key with everything that a forger may try with its public half. */
export interface Keys extends Signer {
  readonly publicKey: KeyObject;
}

/** A genuine compact token, and whoever signed it. */
export interface TokenPlace {
  readonly name: string;
  /** Without disclosures. */
  readonly token: string;
  /** Disclosures with their tildes, or nothing. */
  readonly tail: string;
  readonly typ: TokenType;
  readonly signer: Keys;
  /** Members that are not known to its kind are refused even where its issuer signed them. */
  readonly isClosed: boolean;
  /** Bytes that its kind may have. */
  readonly bytesMax: number;
  /** Shown in part, so that the ingester does not take it even though it is genuine. */
  readonly isPart?: boolean;
  /** How to open it where it is no credential; a reason code, or `undefined` when it is taken. */
  readonly open?: (bytes: Uint8Array) => string | undefined;
  /** Puts a token where this place is: into an array, an envelope, a presentation. */
  readonly carry?: (token: string) => Promise<Uint8Array>;
}

/** A genuine document with proofs inside, and whoever signed it, in order. */
export interface DocumentPlace {
  readonly name: string;
  readonly document: JsonObject;
  readonly signers: readonly Keys[];
  /** Whether all members are covered as they stand, or only the RDF that they mean. */
  readonly over: 'json' | 'rdf';
  /** Whether the ingester takes it. */
  readonly isTaken: boolean;
}

/** A way to deceive with a token: text or bytes, or nothing where it does not apply. */
export interface TokenKind {
  readonly name: string;
  readonly codes: readonly string[];
  readonly admitted?: readonly string[];
  forge(place: TokenPlace): Made | undefined | Promise<Made | undefined>;
}

export type Made = string | Uint8Array;

/** A way to deceive with a document. */
export interface DocumentKind {
  readonly name: string;
  readonly codes: readonly string[];
  readonly admitted?: readonly string[];
  forge(place: DocumentPlace): DocumentMade | Promise<DocumentMade>;
}

export type DocumentMade = JsonObject | string | Uint8Array | undefined;

export const encode = (text: string | Uint8Array): string =>
  Buffer.from(text).toString('base64url');

/** The three parts of a token. */
export function partsOf({ token }: Pick<TokenPlace, 'token'>): [string, string, string] {
  const [header = '', payload = '', signature = ''] = token.split('.');
  return [header, payload, signature];
}

export const textOf = (part: string): string => Buffer.from(part, 'base64url').toString('utf8');

export function headerOf(place: TokenPlace): Record<string, unknown> {
  return JSON.parse(textOf(partsOf(place)[0])) as Record<string, unknown>;
}

export function payloadOf(place: TokenPlace): Record<string, unknown> {
  return JSON.parse(textOf(partsOf(place)[1])) as Record<string, unknown>;
}

/** A token whose header and payload are any text at all, signed by a key. */
export async function signed(
  header: string | Uint8Array,
  payload: string | Uint8Array,
  by: Pick<Signer, 'sign'>,
): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${encode(await by.sign(Buffer.from(input)))}`;
}
