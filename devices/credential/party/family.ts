/**
 * The contract of a family of party credentials: what organisations say of goods, of each other and
 * of devices, each signed where the party's key lives. A family has a closed schema, a reader, a
 * composer, and says whom and what a credential is about and who has to sign it.
 */
import { EdgeError } from '../../errors.ts';
import { formatTime, parseTime } from '../../runtime.ts';
import { compileChecker, type Static, type TSchema, Type } from '../../schema.ts';
import { shared } from '../batch-schema.ts';
import type { Party, StatusEntry } from '../enrolment.ts';
import { Disagreement } from '../reading-wire.ts';
import { type Refusal, refuse } from '../refusal.ts';

/** What every party credential has. */
export interface PartyHead {
  /** `urn:uuid:` of the credential, version 4. */
  readonly id: string;
  readonly issuer: Party;
  readonly validFromMs: number;
  readonly validUntilMs?: number;
  /** Where its revocation or suspension is published; empty where it has none. */
  readonly status: readonly StatusEntry[];
}

/** A family; one file of this folder and one line in families.ts. */
export interface PartyFamily<T extends PartyHead & { readonly kind: string }> {
  readonly kind: T['kind'];
  /** The types besides `VerifiableCredential` by which a credential shows that it is one. */
  readonly types: readonly string[];
  /** Of the payload without its proof. */
  readonly schema: TSchema;
  /**
   * The payload as JSON text.
   *
   * @throws EdgeError DOC_INVALID when a reader would refuse it: it contradicts itself
   */
  compose(statement: T): string;
  /** A value or a refusal VC_SCHEMA or VC_CONTRADICTION. Verify the signature first. */
  read(payload: unknown): T | Refusal;
  /** URIs of the goods, or DIDs of the party or device, that it is about. */
  about(statement: T): readonly string[];
  /** DIDs of those who have to sign, in the order of their proofs. */
  signers(statement: T): readonly string[];
}

/** A number that keeps its digits, with its UN/ECE Rec 20 unit. */
export interface Amount {
  readonly value: string;
  readonly unit: string;
}

/** An object without other members than these. */
export const closed = { additionalProperties: false } as const;

export const text = Type.String({ minLength: 1, maxLength: 200 });
/** RFC 3339; others write offsets and fractions as they like. Read it with `instantOf`. */
export const instant = Type.String({ minLength: 20, maxLength: 40 });
/** A decimal number as text, so that no reader rounds it. */
export const decimalPattern = '^-?(0|[1-9]\\d{0,17})(\\.\\d{1,12})?$';
export const decimal = Type.String({ pattern: decimalPattern });
export const unitPattern = '^[A-Z0-9]{2,3}$';
export const didPattern = '^did:[a-z0-9]+:[A-Za-z0-9._:%-]+$';
export const did = Type.String({ pattern: didPattern, maxLength: 512 });

const { uuid, uri } = shared;

/** A party with its name, as our own terms write it. */
export const party = Type.Object({ id: did, name: text }, closed);

/** Id and digest of another credential (VCDM 2.0 §5.3). */
export const reference = Type.Object({ id: uuid, digestMultibase: shared.digest }, closed);

/** W3C Bitstring Status List 1.0 §2.1. */
const statusEntry = Type.Object(
  {
    type: Type.Literal('BitstringStatusListEntry'),
    statusPurpose: Type.Enum(['revocation', 'suspension']),
    statusListIndex: Type.String({ pattern: '^(0|[1-9]\\d{0,9})$' }),
    statusListCredential: uri,
  },
  closed,
);

/** The members that are the same in every family. */
export const head = {
  id: uuid,
  validFrom: instant,
  validUntil: Type.Optional(instant),
  credentialStatus: Type.Optional(Type.Array(statusEntry, { minItems: 1, maxItems: 4 })),
} as const;

/** `type` of a credential of one family. */
export function typed<const T extends string>(type: T) {
  return Type.Tuple([Type.Literal('VerifiableCredential'), Type.Literal(type)]);
}

/** `@context` with exactly these entries. */
export function contexts<const A extends string, const B extends string>(first: A, second: B) {
  return Type.Tuple([Type.Literal(first), Type.Literal(second)]);
}

/** What `head` is made of, in the order of the wire: `@context` and `type` are the family's. */
interface HeadPayload {
  readonly id: string;
  readonly validFrom: string;
  readonly validUntil?: string;
  readonly credentialStatus?: readonly Static<typeof statusEntry>[];
}

/** What the families choose of a head. */
interface HeadChoice<C extends readonly string[], T extends string, I> {
  readonly contexts: C;
  /** The type besides `VerifiableCredential`. */
  readonly type: T;
  readonly issuer: I;
}

/** All that stands before the subject, in the order of the wire. */
export function payloadOfHead<const C extends readonly string[], const T extends string, const I>(
  statement: PartyHead,
  { contexts: names, type, issuer }: HeadChoice<C, T, I>,
) {
  return {
    '@context': [...names] as [...C],
    id: statement.id,
    type: ['VerifiableCredential', type] as ['VerifiableCredential', T],
    issuer,
    ...periodOf(statement),
    ...statusOf(statement),
  };
}

/** `payloadOfHead` of what must have an end; without one no reader takes it. */
export function payloadOfBoundedHead<
  const C extends readonly string[],
  const T extends string,
  const I,
>(statement: PartyHead, choice: HeadChoice<C, T, I>) {
  const head = payloadOfHead(statement, choice);
  return { ...head, validUntil: head.validUntil ?? '' };
}

/** An issuer by id and name, as our own terms write it. */
export function namedIssuer({ issuer }: PartyHead): { id: string; name: string } {
  return { id: issuer.id, name: issuer.name };
}

/** `validFrom` and what follows it. */
function periodOf({ validFromMs, validUntilMs }: PartyHead) {
  return {
    validFrom: formatTime(validFromMs),
    ...(validUntilMs !== undefined && { validUntil: formatTime(validUntilMs) }),
  };
}

/** `credentialStatus`, absent where there is none. */
function statusOf({ status }: PartyHead) {
  if (status.length === 0) return {};
  return {
    credentialStatus: status.map(({ purpose, list, index }) => ({
      type: 'BitstringStatusListEntry' as const,
      statusPurpose: purpose,
      statusListIndex: String(index),
      statusListCredential: list,
    })),
  };
}

/** The head of a payload that satisfies its schema. */
export function headOf(payload: HeadPayload, issuer: Party): PartyHead {
  const { validUntil } = payload;
  return {
    id: payload.id,
    issuer,
    validFromMs: instantOf(payload.validFrom),
    ...(validUntil !== undefined && { validUntilMs: instantOf(validUntil) }),
    status: (payload.credentialStatus ?? []).map((entry) => ({
      purpose: entry.statusPurpose,
      list: entry.statusListCredential,
      index: Number(entry.statusListIndex),
    })),
  };
}

/**
 * Milliseconds of an RFC 3339 time, or `undefined`. The day must be one of the calendar: the
 * platform takes 30 February for the second of March.
 */
export function parseInstant(value: string): number | undefined {
  const [day = ''] = value.split('T');
  const midnightMs = parseTime(`${day}T00:00:00Z`);
  if (midnightMs === undefined || !formatTime(midnightMs).startsWith(day)) return undefined;
  return parseTime(value);
}

/** Milliseconds of a time. @throws Disagreement, which a reader turns into VC_SCHEMA */
export function instantOf(value: string): number {
  const timeMs = parseInstant(value);
  if (timeMs === undefined) throw new Disagreement(`${value} is not a time`, 'VC_SCHEMA');
  return timeMs;
}

/** Reader and composer over one schema: the two ways check the same. */
export function wireForm<S extends TSchema, T extends PartyHead>(
  schema: S,
  what: string,
  ways: {
    readonly payloadOf: (statement: T) => Static<S>;
    readonly statementOf: (payload: Static<S>) => T;
  },
): { compose(statement: T): string; read(payload: unknown): T | Refusal } {
  const check = compileChecker(schema);
  const read = (payload: unknown): T | Refusal => {
    if (!check(payload)) return refuse('VC_SCHEMA', `not the payload of ${what}`);
    try {
      return ways.statementOf(payload);
    } catch (error) {
      if (error instanceof Disagreement) return refuse(error.refusalCode, error.message);
      throw error;
    }
  };
  return {
    read,
    compose(statement) {
      const json = JSON.stringify(ways.payloadOf(statement));
      const again = read(JSON.parse(json));
      if ('code' in again) throw new EdgeError('DOC_INVALID', `composing ${what}: ${again.reason}`);
      return json;
    },
  };
}
