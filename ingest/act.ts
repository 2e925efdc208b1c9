/**
 * What an officer decided about doubtful batches and quarantined devices, or what followed of
 * itself: the form of those acts, and nothing else. They stand in the journal as JSON of our own.
 */
import { limits } from '../devices/limits.ts';
import { compileChecker, type Static, Type } from '../devices/schema.ts';

const positions = Type.Array(Type.Integer({ minimum: 0 }), { maxItems: limits.actPositionsMax });

/** A batch that vouches for those before it arrived: they are chained under an older receipt. */
const chainedSchema = Type.Object({
  act: Type.Literal('chained'),
  accept: positions,
  /** Position of the batch, received before the doubt began, under which they are chained. */
  under: Type.Integer({ minimum: 0 }),
  atMs: Type.Number(),
});

/** A person's decision. */
const officerSchema = Type.Object({
  act: Type.Literal('officer'),
  accept: positions,
  /** DIDs of the devices whose quarantine ends. */
  lift: Type.Array(Type.String({ minLength: 1 }), { maxItems: limits.actPositionsMax }),
  officer: Type.String({ minLength: 1 }),
  reason: Type.String({ minLength: 1 }),
  atMs: Type.Number(),
});

export type ChainedAct = Static<typeof chainedSchema>;
export type OfficerAct = Static<typeof officerSchema>;

const isChained = compileChecker(chainedSchema);
const isOfficer = compileChecker(officerSchema);

/** The act in an entry of kind `act`; `undefined` for acts about custody and the like. */
export function readAct(bytes: Uint8Array): ChainedAct | OfficerAct | undefined {
  const act: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return isChained(act) || isOfficer(act) ? act : undefined;
}
