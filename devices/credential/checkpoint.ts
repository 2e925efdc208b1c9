/**
 * Checkpoints of a journal and what witnesses say of them. The ingester signs size and root of its
 * tree (merkle.ts); a gateway that finds it to continue the one that it kept signs it in turn.
 * Whoever has one of either can tell later, without the ingester, whether a journal was rewritten.
 */
import { isDidKey, publicKeyOfDid } from '../identity/did-key.ts';
import { limits } from '../limits.ts';
import { compileChecker, type Static, Type } from '../schema.ts';
import { shared } from './batch-schema.ts';
import { type OpenedToken, openToken, verifyToken } from './jws.ts';
import { isRefusal, type Refusal, refuse } from './refusal.ts';
import { parseStrictJson } from './strict-json.ts';

const closed = { additionalProperties: false } as const;
const { didKey, count } = shared;
const hashText = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** The latest time that has a date (ECMA-262 §21.4.1.1), or showing it would fail. */
const timeMs = Type.Integer({ minimum: 0, maximum: 8.64e15 });
const tokenText = Type.String({
  pattern: '^[A-Za-z0-9_.-]+$',
  maxLength: limits.checkpointTokenBytesMax,
});

/** The closed schema of a checkpoint's payload. */
export const checkpointSchema = Type.Object(
  { issuer: didKey, size: count, root: hashText, issuedMs: timeMs },
  closed,
);

/**
 * What an ingester says of its journal: number of entries, root of their tree in lower-case hex,
 * and when it said so. Of two of one journal the later has the greater size, or the same.
 */
export type Checkpoint = Static<typeof checkpointSchema>;

const statementSchema = Type.Object(
  { gateway: didKey, checkpoint: tokenText, keptMs: timeMs },
  closed,
);

/** What a gateway says of a checkpoint that it kept, and the checkpoint, both verified. */
export interface Statement {
  readonly gateway: string;
  readonly keptMs: number;
  readonly checkpoint: Checkpoint;
  /** The checkpoint as its ingester signed it. */
  readonly token: Uint8Array;
}

const noticeSchema = Type.Object(
  {
    checkpoint: tokenText,
    from: Type.Optional(count),
    proof: Type.Optional(Type.Array(hashText, { maxItems: limits.checkpointProofMax })),
  },
  closed,
);

/** What an ingester sends to a gateway: a checkpoint, and why it continues one of size `from`. */
export interface Notice {
  readonly token: Uint8Array;
  readonly from?: number;
  readonly proof: readonly Uint8Array[];
}

const isCheckpoint = compileChecker(checkpointSchema);
const isStatement = compileChecker(statementSchema);
const isNotice = compileChecker(noticeSchema);

/** The payload of a checkpoint, as JSON text to be signed with typ `bondline-checkpoint+jwt`. */
export function composeCheckpoint({ issuer, size, root, issuedMs }: Checkpoint): string {
  return JSON.stringify({ issuer, size, root, issuedMs });
}

/**
 * The checkpoint in a token, or a refusal. With `issuerDid` only that ingester's counts; without,
 * the caller looks at `issuer`.
 */
export function openCheckpoint(bytes: Uint8Array, issuerDid?: string): Checkpoint | Refusal {
  const opened = openToken(bytes, limits.checkpointTokenBytesMax, 'bondline-checkpoint+jwt');
  if (isRefusal(opened)) return opened;
  // Before its key is looked at: a stranger is worth no verification.
  if (issuerDid !== undefined && opened.payload['issuer'] !== issuerDid) {
    return refuse('VC_ISSUER', 'the checkpoint is not of the pinned ingester');
  }
  const refusal = checkSigner(opened, 'issuer');
  if (refusal) return refusal;
  const { payload } = opened as { payload: unknown };
  return isCheckpoint(payload) ? payload : refuse('VC_SCHEMA', 'not the payload of a checkpoint');
}

/** The payload of a statement, as JSON text to be signed with typ `bondline-witness+jwt`. */
export function composeStatement(statement: {
  readonly gateway: string;
  readonly token: Uint8Array;
  readonly keptMs: number;
}): string {
  const { gateway, keptMs, token } = statement;
  return JSON.stringify({ gateway, checkpoint: Buffer.from(token).toString('latin1'), keptMs });
}

/** The statement in a token with the checkpoint inside it, both verified, or a refusal. */
export function openStatement(bytes: Uint8Array, issuerDid?: string): Statement | Refusal {
  const opened = openToken(bytes, limits.statementBytesMax, 'bondline-witness+jwt');
  if (isRefusal(opened)) return opened;
  const refusal = checkSigner(opened, 'gateway');
  if (refusal) return refusal;
  const { payload } = opened as { payload: unknown };
  if (!isStatement(payload)) return refuse('VC_SCHEMA', 'not the payload of a statement');
  const { gateway, keptMs } = payload;
  const token = Buffer.from(payload.checkpoint, 'latin1');
  const checkpoint = openCheckpoint(token, issuerDid);
  return isRefusal(checkpoint) ? checkpoint : { gateway, keptMs, checkpoint, token };
}

/** Why the `did:key` that its member `by` names did not sign a token, or `undefined`. */
function checkSigner(opened: OpenedToken, by: 'issuer' | 'gateway'): Refusal | undefined {
  const { [by]: did } = opened.payload;
  if (typeof did !== 'string' || !isDidKey(did)) {
    return refuse('VC_SCHEMA', `${by} is not a did:key`);
  }
  if (verifyToken(opened, publicKeyOfDid(did))) return undefined;
  return refuse('VC_SIGNATURE', 'the signature does not verify');
}

const BRACE = 0x7b;

/** Whether a message to a gateway is a notice and no receipt, which is a token. */
export function isNoticeMessage(bytes: Uint8Array): boolean {
  return bytes[0] === BRACE;
}

/** The bytes of a notice. It is not signed: token and proof stand for themselves. */
export function composeNotice({ from, proof, token }: Notice): Uint8Array {
  const checkpoint = Buffer.from(token).toString('latin1');
  const hashes = proof.map((one) => Buffer.from(one).toString('hex'));
  const proven = from === undefined ? {} : { from, proof: hashes };
  return Buffer.from(JSON.stringify({ checkpoint, ...proven }));
}

/** The notice in `bytes`, of which nothing is proven yet, or a refusal. */
export function openNotice(bytes: Uint8Array): Notice | Refusal {
  if (bytes.length > limits.checkpointBytesMax) {
    return refuse('VC_TOO_LARGE', `${bytes.length} bytes, at most ${limits.checkpointBytesMax}`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const parsed = parseStrictJson(text.toString('latin1'), text);
  if (isRefusal(parsed)) return parsed;
  const { value } = parsed;
  if (!isNotice(value)) return refuse('VC_SCHEMA', 'not a notice of a checkpoint');
  const { checkpoint, from, proof = [] } = value;
  if ((from === undefined) !== (value.proof === undefined)) {
    return refuse('VC_SCHEMA', 'a proof and what it begins with stand together');
  }
  return {
    token: Buffer.from(checkpoint, 'latin1'),
    ...(from !== undefined && { from }),
    proof: proof.map((one) => Buffer.from(one, 'hex')),
  };
}

/** First byte of a statement on the wire: a token begins with `e`, JSON with `{`, packed with 1. */
const STATEMENT_BYTE = 0x02;

/** A statement as it travels to the ingester. */
export function wrapStatement(token: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(STATEMENT_BYTE), token]);
}

/** The token of a statement that travelled so, or `undefined` for any other message. */
export function statementIn(bytes: Uint8Array): Uint8Array | undefined {
  return bytes[0] === STATEMENT_BYTE ? bytes.subarray(1) : undefined;
}
