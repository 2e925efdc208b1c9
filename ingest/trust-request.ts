/** A change of trust as it travels from a command to the running ingester. */
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import { compileChecker, type Static, Type } from '../devices/schema.ts';
import type { TrustDesk } from './trust-change.ts';
import type { GivenDocument, TrustChange } from './trust-given.ts';

const closed = { additionalProperties: false } as const;

const givenSchema = Type.Object(
  {
    name: Type.String(),
    base64: Type.String(),
    called: Type.Optional(Type.String({ pattern: '^[^\\p{Cc}]{1,200}$' })),
  },
  closed,
);

const requestSchema = Type.Union([
  Type.Object(
    {
      add: Type.Array(givenSchema, {
        minItems: 1,
        maxItems: limits.trustDocumentsMax,
      }),
      confirm: Type.Boolean(),
    },
    closed,
  ),
  Type.Object({ remove: Type.String({ minLength: 1 }) }, closed),
]);

export type TrustRequest = Static<typeof requestSchema>;

const isRequest = compileChecker(requestSchema);

/** What the ingester answers. */
export interface TrustAnswer {
  readonly changes: readonly TrustChange[];
}

export function requestToAdd(documents: readonly GivenDocument[], confirm: boolean): TrustRequest {
  const add = documents.map(({ name, bytes, called }) => ({
    name,
    base64: Buffer.from(bytes).toString('base64'),
    ...(called !== undefined && { called }),
  }));
  return { add, confirm };
}

/**
 * Does what a request asks.
 *
 * @throws EdgeError IN_REQUEST when it is not one
 */
export async function answerTrust(desk: TrustDesk, request: unknown): Promise<TrustAnswer> {
  if (!isRequest(request)) throw new EdgeError('IN_REQUEST', 'reading a change of trust');
  if ('remove' in request) return { changes: [await desk.remove(request.remove)] };
  const documents = request.add.map(({ name, base64, called }) => ({
    name,
    bytes: Buffer.from(base64, 'base64'),
    ...(called !== undefined && { called }),
  }));
  return { changes: await desk.add(documents, request.confirm) };
}
