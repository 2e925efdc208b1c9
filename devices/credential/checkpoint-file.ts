/**
 * What somebody kept of a journal, to hold it against that journal later: a file with a checkpoint
 * and what gateways said of it and of earlier ones, or one token of either kind by itself.
 */
import { strict as assert } from 'node:assert';
import { limits } from '../limits.ts';
import { compileChecker, Type } from '../schema.ts';
import { type Checkpoint, openCheckpoint, openStatement, type Statement } from './checkpoint.ts';
import { openCompact } from './jws.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { parseBytes } from './secured.ts';

const fileSchema = Type.Object(
  {
    bondlineCheckpoint: Type.Literal(1),
    checkpoint: Type.String({ maxLength: limits.checkpointTokenBytesMax }),
    witnesses: Type.Array(Type.String({ maxLength: limits.statementBytesMax }), {
      maxItems: limits.checkpointWitnessesMax,
    }),
  },
  { additionalProperties: false },
);

const isFile = compileChecker(fileSchema);

/** No token begins with it. */
const BRACE = 0x7b;

/** A checkpoint that somebody kept, with the gateways that say that they kept it too. */
export interface KnownCheckpoint {
  readonly checkpoint: Checkpoint;
  /** The checkpoint as its ingester signed it. */
  readonly token: Uint8Array;
  /** A gateway counts once, with the first time that it states. */
  readonly witnesses: readonly { readonly gateway: string; readonly keptMs: number }[];
}

/** All checkpoints of one ingester, by size. Two of one size may differ, which says a lot. */
export interface CheckpointFile {
  readonly checkpoints: readonly KnownCheckpoint[];
}

/**
 * What stands in the bytes of a file, of a checkpoint or of a statement, every signature in it
 * verified, or a refusal: one thing that is wrong spoils the whole. White space may end it.
 */
export function readCheckpointFile(bytes: Uint8Array): CheckpointFile | Refusal {
  if (bytes.length > limits.checkpointFileBytesMax) {
    const { length } = bytes;
    return refuse('VC_TOO_LARGE', `${length} bytes, at most ${limits.checkpointFileBytesMax}`);
  }
  const trimmed = withoutTail(bytes);
  if (trimmed[0] === BRACE) return readFile(trimmed);
  const known = new Map<string, Gathered>();
  const opened = openCompact(trimmed, limits.statementBytesMax);
  if (isRefusal(opened)) return opened;
  const take = opened.header.typ === 'bondline-witness+jwt' ? takeStatement : takeCheckpoint;
  return take(known, trimmed) ?? listed(known);
}

/** The text of a file; what is in it has been read before, so that it fits. */
export function composeCheckpointFile({
  statements,
  token,
}: {
  readonly token: Uint8Array;
  /** At most `limits.checkpointWitnessesMax`. */
  readonly statements: readonly Uint8Array[];
}): string {
  assert(statements.length <= limits.checkpointWitnessesMax, 'too many statements for one file');
  const text = JSON.stringify({
    bondlineCheckpoint: 1,
    checkpoint: Buffer.from(token).toString('latin1'),
    witnesses: statements.map((one) => Buffer.from(one).toString('latin1')),
  });
  assert(text.length < limits.checkpointFileBytesMax, 'a file that nobody would read');
  return `${text}\n`;
}

/** A checkpoint with its witnesses, by DID. */
type Gathered = Pick<KnownCheckpoint, 'checkpoint' | 'token'> & {
  readonly keptMs: Map<string, number>;
};

function readFile(bytes: Uint8Array): CheckpointFile | Refusal {
  const parsed = parseBytes(bytes);
  if (isRefusal(parsed)) return parsed;
  const { value } = parsed;
  if (!isFile(value)) return refuse('VC_SCHEMA', 'not a file of a checkpoint');
  const known = new Map<string, Gathered>();
  const refusal = takeCheckpoint(known, Buffer.from(value.checkpoint));
  if (refusal) return refusal;
  // One that is there many times is not verified many times.
  for (const statement of new Set(value.witnesses)) {
    const wrong = takeStatement(known, Buffer.from(statement));
    if (wrong) return wrong;
  }
  return listed(known);
}

function takeCheckpoint(known: Map<string, Gathered>, token: Uint8Array): Refusal | undefined {
  const checkpoint = openCheckpoint(token);
  if (isRefusal(checkpoint)) return checkpoint;
  gather(known, { checkpoint, token });
  return undefined;
}

function takeStatement(known: Map<string, Gathered>, token: Uint8Array): Refusal | undefined {
  const statement = openStatement(token);
  if (isRefusal(statement)) return statement;
  const [first = statement] = known.values();
  if (first.checkpoint.issuer !== statement.checkpoint.issuer) {
    return refuse('VC_ISSUER', 'a statement is on a checkpoint of another ingester');
  }
  const { gateway, keptMs } = statement;
  const times = gather(known, statement).keptMs;
  times.set(gateway, Math.min(keptMs, times.get(gateway) ?? keptMs));
  return undefined;
}

/** Signatures differ each time that the same is signed, so that it is named by what it says. */
function gather(
  known: Map<string, Gathered>,
  { checkpoint, token }: Pick<Statement, 'checkpoint' | 'token'>,
): Gathered {
  const name = `${checkpoint.size}/${checkpoint.root}/${checkpoint.issuedMs}`;
  const found = known.get(name) ?? { checkpoint, token, keptMs: new Map() };
  known.set(name, found);
  return found;
}

function listed(known: ReadonlyMap<string, Gathered>): CheckpointFile {
  const checkpoints = [...known.values()].map(({ checkpoint, keptMs, token }) => ({
    checkpoint,
    token,
    witnesses: [...keptMs].map(([gateway, ms]) => ({ gateway, keptMs: ms })),
  }));
  const order = (a: Checkpoint, b: Checkpoint) => a.size - b.size || a.issuedMs - b.issuedMs;
  return { checkpoints: checkpoints.sort((a, b) => order(a.checkpoint, b.checkpoint)) };
}

/** RFC 8259 §2, which ASCII text files share. */
const WHITE_SPACE: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** A text file ends with a newline, which is no part of a token. */
function withoutTail(bytes: Uint8Array): Uint8Array {
  let { length } = bytes;
  while (WHITE_SPACE.has(bytes[length - 1])) length -= 1;
  return bytes.subarray(0, length);
}
