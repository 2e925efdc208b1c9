/**
 * The contract of what can be signed for a party: a small file with plain words, checked with line
 * and column, becomes a statement.
 */

import type { CredentialReference } from '../credential/batch.ts';
import { patterns, shared } from '../credential/batch-schema.ts';
import type { Party, StatusEntry } from '../credential/enrolment.ts';
import type { PartyStatement } from '../credential/party/families.ts';
import {
  decimalPattern,
  didPattern,
  parseInstant,
  unitPattern,
} from '../credential/party/family.ts';
import { type SchemaMistake, type Static, type TSchema, Type } from '../schema.ts';

/** What a statement is made of besides its file. */
export interface SignContext {
  readonly issuer: Party;
  readonly nowMs: number;
  /** A fresh `urn:uuid:`. */
  readonly newId: () => string;
  /** Id and digest of the credential in a file that the form names, relative to the form. */
  readonly refer: (path: string) => CredentialReference;
}

/** One thing that can be signed. */
export interface SignForm<S extends TSchema = TSchema> {
  /** What it is, for help. */
  readonly summary: string;
  readonly schema: S;
  /** A file that is right, as help shows it. */
  readonly example: string;
  statement(input: Static<S>, context: SignContext): PartyStatement;
}

/** Ties a schema to what is made of it, so that the form knows its own types. */
export function form<S extends TSchema>(made: SignForm<S>): SignForm {
  return made as SignForm;
}

export const closed = { additionalProperties: false } as const;

export const text = Type.String({ minLength: 1, maxLength: 200 });
export const uri = Type.String({
  pattern: patterns.uri,
  maxLength: 512,
  examples: ['did:web:operator.example/batch/CDB-0284'],
});
export const did = Type.String({
  pattern: didPattern,
  maxLength: 512,
  examples: ['did:web:operator.example'],
});
export const party = Type.Object({ id: did, name: text }, closed);
export const time = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?(Z|[+-]\\d{2}:\\d{2})$',
  examples: ['2026-11-21T12:00:00Z'],
});
export const decimal = Type.String({ pattern: decimalPattern, examples: ['15000.25'] });
export const amount = Type.Object(
  { value: decimal, unit: Type.String({ pattern: unitPattern, examples: ['BLL'] }) },
  closed,
);
export const place = Type.Object(
  {
    name: Type.Optional(text),
    unlocode: Type.Optional(Type.String({ pattern: '^[A-Z]{2}[A-Z2-9]{3}$', examples: ['USCHI'] })),
    portCode: Type.Optional(Type.String({ pattern: '^\\d{4}$', examples: ['3404'] })),
    firms: Type.Optional(Type.String({ pattern: '^[A-Z0-9]{4}$', examples: ['P738'] })),
  },
  closed,
);

/** An entry in a status list of the signer, by which it can take its word back. */
export const status = Type.Optional(
  Type.Array(
    Type.Object(
      {
        purpose: Type.Enum(['revocation', 'suspension']),
        list: shared.uri,
        index: Type.Integer({ minimum: 0, maximum: 9_999_999_999 }),
      },
      closed,
    ),
    { minItems: 1, maxItems: 4 },
  ),
);

/** Milliseconds of a time that the schema took; the calendar is checked by `timeMistakes`. */
export function millisecondsOf(value: string): number {
  return parseInstant(value) ?? 0;
}

/** Places of times that have the form of one and are none, such as 30 February. */
export function timeMistakes(value: unknown, path: (string | number)[] = []): SchemaMistake[] {
  if (typeof value === 'string') {
    const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:/.test(value);
    if (!isTime || parseInstant(value) !== undefined) return [];
    return [{ path, message: `"${value}" is no day or time that there is` }];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    timeMistakes(inner, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

/** The members that every statement begins with. */
export function headOf(
  { issuer, nowMs, newId }: SignContext,
  input: {
    readonly validFrom?: string;
    readonly validUntil?: string;
    readonly status?: readonly StatusEntry[];
  } = {},
) {
  const { validFrom, validUntil, status: entries = [] } = input;
  return {
    id: newId(),
    issuer,
    validFromMs: validFrom === undefined ? nowMs : millisecondsOf(validFrom),
    ...(validUntil !== undefined && { validUntilMs: millisecondsOf(validUntil) }),
    status: entries,
  };
}
