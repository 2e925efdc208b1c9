import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type Checkpoint,
  composeCheckpoint,
  composeStatement,
} from '../../../../devices/credential/checkpoint.ts';
import {
  composeCheckpointFile,
  readCheckpointFile,
} from '../../../../devices/credential/checkpoint-file.ts';
import { signTokenNow } from '../../../../devices/credential/jws.ts';
import { isRefusal } from '../../../../devices/credential/refusal.ts';
import { limits } from '../../../../devices/limits.ts';
import { memoryEd25519, memorySigner } from '../../../support/identity.ts';

const ingester = memorySigner();
const [north, south] = [memorySigner(), memoryEd25519()];

const checkpointOf = (size: number, changes: Partial<Checkpoint> = {}): Checkpoint => ({
  issuer: ingester.did,
  size,
  root: hash('sha256', `root ${size}`, 'hex'),
  issuedMs: 1_763_766_000_000 + size,
  ...changes,
});
const signed = (checkpoint: Checkpoint, signer = ingester) =>
  signTokenNow({ payload: composeCheckpoint(checkpoint), signer, typ: 'bondline-checkpoint+jwt' });
const statement = (token: Uint8Array, keptMs: number, signer = north) =>
  signTokenNow({
    payload: composeStatement({ gateway: signer.did, token, keptMs }),
    signer,
    typ: 'bondline-witness+jwt',
  });
const fileOf = (token: Uint8Array, statements: readonly Uint8Array[]) =>
  Buffer.from(composeCheckpointFile({ token, statements }));
const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

const newest = checkpointOf(30);
const token = signed(newest);

describe('a file of a checkpoint', () => {
  it('has the bytes of this example', () => {
    const text = composeCheckpointFile({ token, statements: [] });
    expect(text).toBe(`{"bondlineCheckpoint":1,"checkpoint":"${textOf(token)}","witnesses":[]}\n`);
  });

  it('comes back with what gateways say, also of earlier ones, in the order of sizes', () => {
    const earlier = signed(checkpointOf(20));
    const first = signed(checkpointOf(10));
    const file = fileOf(token, [
      statement(earlier, 5),
      statement(token, 7, south),
      statement(first, 3, south),
      statement(token, 6),
    ]);
    const gateway = north.did;
    expect(readCheckpointFile(file)).toEqual({
      checkpoints: [
        {
          checkpoint: checkpointOf(10),
          token: Buffer.from(first),
          witnesses: [{ gateway: south.did, keptMs: 3 }],
        },
        {
          checkpoint: checkpointOf(20),
          token: Buffer.from(earlier),
          witnesses: [{ gateway, keptMs: 5 }],
        },
        {
          checkpoint: newest,
          token: Buffer.from(token),
          witnesses: [
            { gateway: south.did, keptMs: 7 },
            { gateway, keptMs: 6 },
          ],
        },
      ],
    });
  });

  it('counts a gateway once, and a checkpoint that was signed twice', () => {
    const again = signed(newest);
    expect(textOf(again)).not.toBe(textOf(token));
    const file = fileOf(token, [statement(again, 9), statement(token, 8), statement(token, 8)]);
    const read = readCheckpointFile(file);
    if (isRefusal(read)) throw new Error(read.reason);
    expect(read.checkpoints).toHaveLength(1);
    expect(read.checkpoints[0]?.witnesses).toEqual([{ gateway: north.did, keptMs: 8 }]);
  });

  it('shows two of one size that differ: it is the proof of a lie', () => {
    const root = hash('sha256', 'other', 'hex');
    const file = fileOf(token, [statement(signed(checkpointOf(30, { root })), 5)]);
    const read = readCheckpointFile(file);
    if (isRefusal(read)) throw new Error(read.reason);
    expect(read.checkpoints.map(({ checkpoint }) => checkpoint.root)).toEqual([newest.root, root]);
  });

  it('is a token by itself too, of a checkpoint or of a statement', () => {
    const known = { checkpoint: newest, token: Buffer.from(token) };
    expect(readCheckpointFile(Buffer.from(token))).toEqual({
      checkpoints: [{ ...known, witnesses: [] }],
    });
    expect(readCheckpointFile(statement(token, 4))).toEqual({
      checkpoints: [{ ...known, witnesses: [{ gateway: north.did, keptMs: 4 }] }],
    });
  });

  it('may end with white space, and not begin with it', () => {
    for (const bytes of [token, statement(token, 4), fileOf(token, [])]) {
      const ended = Buffer.concat([bytes, Buffer.from(' \t\r\n\n')]);
      expect(readCheckpointFile(ended)).toEqual(readCheckpointFile(Buffer.from(bytes)));
      const begun = Buffer.concat([Buffer.from('\n'), bytes]);
      expect(readCheckpointFile(begun)).toMatchObject({ code: 'VC_MALFORMED' });
    }
  });
});

describe('a file of a checkpoint is refused', () => {
  const other = memorySigner();
  const foreign = signed(checkpointOf(10, { issuer: other.did }), other);
  const forged = signed(newest, other);
  const statedBy = (by: typeof north) =>
    signTokenNow({
      payload: composeStatement({ gateway: north.did, token, keptMs: 1 }),
      signer: by,
      typ: 'bondline-witness+jwt',
    });
  const receipt = signTokenNow({ payload: '{}', signer: ingester, typ: 'bondline-receipt+jwt' });

  it.each([
    ['of two ingesters', 'VC_ISSUER', fileOf(token, [statement(token, 1), statement(foreign, 1)])],
    ['forged', 'VC_SIGNATURE', fileOf(forged, [])],
    ['with a forged statement', 'VC_SIGNATURE', fileOf(token, [statedBy(other)])],
    ['with a statement on a forged one', 'VC_SIGNATURE', fileOf(token, [statement(forged, 1)])],
    ['with a checkpoint for a statement', 'VC_TYPE', fileOf(token, [token])],
    ['with a statement for a checkpoint', 'VC_SCHEMA', fileOf(statement(token, 1), [])],
    ['with a receipt for a checkpoint', 'VC_TYPE', fileOf(receipt, [])],
    ['that is a receipt', 'VC_TYPE', receipt],
    ['that is a forged checkpoint', 'VC_SIGNATURE', forged],
    ['that is a forged statement', 'VC_SIGNATURE', statedBy(other)],
    ['that is nothing', 'VC_MALFORMED', Buffer.from('\n')],
    ['that is half', 'VC_JSON', fileOf(token, []).subarray(0, 100)],
    ['that is no UTF-8', 'VC_JSON', Buffer.from([0x7b, 0xff, 0x7d])],
  ])('%s', (_, code, bytes) => {
    expect(readCheckpointFile(Buffer.from(bytes))).toMatchObject({ code });
  });

  it.each([
    ['another edition', { bondlineCheckpoint: 2 }],
    ['no edition', { bondlineCheckpoint: undefined }],
    ['an unknown member', { note: 'x' }],
    ['no checkpoint', { checkpoint: undefined }],
    ['no list of witnesses', { witnesses: undefined }],
    ['a witness that is no text', { witnesses: [1] }],
    ['too many', { witnesses: Array.from({ length: limits.checkpointWitnessesMax + 1 }, String) }],
    ['a statement that is too long', { witnesses: ['a'.repeat(limits.statementBytesMax + 1)] }],
  ])('with %s', (_, changes) => {
    const good = { bondlineCheckpoint: 1, checkpoint: textOf(token), witnesses: [] };
    const bytes = Buffer.from(JSON.stringify({ ...good, ...changes }));
    expect(readCheckpointFile(bytes)).toMatchObject({ code: 'VC_SCHEMA' });
  });

  it('beyond its bound, which the most and largest statements do not reach', () => {
    const bytes = Buffer.alloc(limits.checkpointFileBytesMax + 1, '\n');
    expect(readCheckpointFile(bytes)).toMatchObject({ code: 'VC_TOO_LARGE' });
    const largest = Buffer.alloc(limits.statementBytesMax, 'a');
    const statements = Array.from({ length: limits.checkpointWitnessesMax }, () => largest);
    const file = fileOf(Buffer.alloc(limits.checkpointTokenBytesMax, 'a'), statements);
    expect(file.length).toBeLessThanOrEqual(limits.checkpointFileBytesMax);
    expect(() => fileOf(token, [...statements, largest])).toThrow('too many statements');
  });
});
