/**
 * What became of a custody step that waited for fresh status lists: the form of that act, and
 * nothing else. It stands in the journal as JSON of our own, so that a rebuild gives the same.
 */
import { compileChecker, type Static, Type } from '../devices/schema.ts';

const schema = Type.Object({
  act: Type.Literal('custody'),
  goods: Type.String(),
  /** Digest of the step. */
  step: Type.String(),
  /** `take`: it counts, at the place that it has. `void`: it never did. */
  effect: Type.Enum(['take', 'void']),
  /** Why, in a sentence; of a step that is void by its status lists with the reason code. */
  reason: Type.String(),
  /** Who decided, where a person did. */
  officer: Type.Optional(Type.String({ minLength: 1 })),
  atMs: Type.Number(),
});

export type CustodyResolution = Static<typeof schema>;

const isResolution = compileChecker(schema);

/** The act in an entry of kind `act`; `undefined` for acts about something else. */
export function readCustodyAct(bytes: Uint8Array): CustodyResolution | undefined {
  const act: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return isResolution(act) ? act : undefined;
}
