/** What ingester and gateways say of a journal: notices, statements, and files of either. */
import { hash } from 'node:crypto';
import {
  type Checkpoint,
  composeCheckpoint,
  composeNotice,
  composeStatement,
  type Notice,
  openCheckpoint,
  openNotice,
  openStatement,
  type Statement,
  statementIn,
  wrapStatement,
} from '../../../devices/credential/checkpoint.ts';
import {
  type CheckpointFile,
  composeCheckpointFile,
  readCheckpointFile,
} from '../../../devices/credential/checkpoint-file.ts';
import { isRefusal } from '../../../devices/credential/refusal.ts';
import {
  createTree,
  isConsistent,
  proveConsistency,
  rootAt,
  type TreeHead,
} from '../../../devices/merkle.ts';
import { attempt, outcomeOf, type Parser, refused } from '../parser.ts';
import { signing, steadyMs, steadySigner } from '../steady.ts';
import { gateway } from './papers.ts';

const ingester = steadySigner(3);
const SIZE = 23;

/** Of inner nodes each is told once; leaves are level 0. */
const nodes = new Map<string, Uint8Array>();
const tree = createTree((level, index, node) => nodes.set(`${level}/${index}`, node));
for (let at = 0; at < SIZE; at += 1) {
  const leaf = hash('sha256', `leaf ${at}`, 'buffer');
  nodes.set(`0/${at}`, leaf);
  tree.add(leaf);
}
const nodeAt = (level: number, index: number) => nodes.get(`${level}/${index}`) ?? new Uint8Array();

const headOf = (size: number): TreeHead => ({ size, root: rootAt(size, nodeAt) });
/** What a gateway may have kept: nothing yet, complete trees, others, the newest, other trees. */
const kept = [
  ...[0, 1, 5, 8, 12, 22, SIZE].map(headOf),
  ...[5, 8, 12].map((size) => ({ size, root: hash('sha256', 'another', 'buffer') })),
];

const checkpointOf = (size: number): Checkpoint => ({
  issuer: ingester.did,
  size,
  root: Buffer.from(rootAt(size, nodeAt)).toString('hex'),
  issuedMs: steadyMs + size,
});
const signCheckpoint = signing(ingester, 'bondline-checkpoint+jwt');
const signStatement = signing(gateway, 'bondline-witness+jwt');
const payloadOf = (size: number) => Buffer.from(composeCheckpoint(checkpointOf(size)));
const tokenOf = (size: number) => signCheckpoint(payloadOf(size));
const statementOn = (token: Uint8Array) =>
  Buffer.from(composeStatement({ gateway: gateway.did, token, keptMs: steadyMs }));

interface Told {
  readonly notice: Notice;
  readonly checkpoint: Checkpoint;
  /** Of each that may have been kept, whether the checkpoint is shown to continue it. */
  readonly continues: readonly boolean[];
}

export const notice: Parser = {
  name: 'checkpoint-notice',
  prepare: () => {
    const told = (from: number, token = tokenOf(SIZE)) =>
      composeNotice({ token, from, proof: proveConsistency(from, SIZE, nodeAt) });
    return {
      seeds: [
        ...[1, 5, 22, SIZE].map((size) => ({ bytes: told(size) })),
        { bytes: composeNotice({ token: tokenOf(SIZE), proof: [] }) },
        { bytes: payloadOf(SIZE), wrap: (payload) => told(5, signCheckpoint(payload)) },
        ...[5, 8, 12, 22].map((size) => ({ bytes: proofFor(size), wrap: toldBy })),
      ],
      parse: (bytes) => {
        const read = openNotice(bytes);
        if (isRefusal(read)) return refused(read.code);
        const checkpoint = openCheckpoint(read.token, ingester.did);
        if (isRefusal(checkpoint)) return refused(checkpoint.code);
        const second = { size: checkpoint.size, root: Buffer.from(checkpoint.root, 'hex') };
        const continues = kept.map((first) => isConsistent(first, second, read.proof));
        return outcomeOf({ notice: read, checkpoint, continues } satisfies Told);
      },
      doubt: (_, outcome) => {
        if (!outcome.taken) return undefined;
        const { checkpoint, continues, notice: read } = outcome.value as Told;
        const again = openNotice(composeNotice(read));
        if (JSON.stringify(again) !== JSON.stringify(read)) return 'it comes back another one';
        const second = { size: checkpoint.size, root: Buffer.from(checkpoint.root, 'hex') };
        const wrong = kept.find(
          (first, index) => isProven(first, second, read.proof) !== continues[index],
        );
        return wrong && `it is judged otherwise for one of size ${wrong.size}`;
      },
    };
  },
};

/** A size, which proof that is, and its hashes: whatever is changed in it, it can be read. */
function proofFor(from: number): Uint8Array {
  return Buffer.concat([Buffer.of(SIZE, from), ...proveConsistency(from, SIZE, nodeAt)]);
}

/** A notice that says of the newest root what such bytes say. */
function toldBy(bytes: Uint8Array): Uint8Array {
  const [size = 0, from = 0] = bytes;
  const token = signCheckpoint(Buffer.from(composeCheckpoint({ ...checkpointOf(SIZE), size })));
  const proof: Uint8Array[] = [];
  for (let at = 2; at + 32 <= bytes.length; at += 32) proof.push(bytes.subarray(at, at + 32));
  return composeNotice({ token, from, proof });
}

/** A second opinion: SUBPROOF of RFC 9162 §2.1.4.1 read backwards, instead of §2.1.4.2. */
function isProven(first: TreeHead, second: TreeHead, proof: readonly Uint8Array[]): boolean {
  const same = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b);
  const isEmpty = first.size === 0;
  if (isEmpty && second.size > 0) return proof.length === 0;
  if (first.size > second.size) return false;
  const rest = [...proof];
  const next = () => rest.shift() ?? Buffer.alloc(0);
  const join = (left: Uint8Array, right: Uint8Array) =>
    hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer');
  const roots = (m: number, n: number, isWhole: boolean): readonly [Uint8Array, Uint8Array] => {
    if (m === n) {
      const root = isWhole ? first.root : next();
      return [root, root];
    }
    let k = 1;
    while (k * 2 < n) k *= 2;
    if (m <= k) {
      const [before, after] = roots(m, k, isWhole);
      return [before, join(after, next())];
    }
    const [before, after] = roots(m - k, n - k, false);
    const left = next();
    return [join(left, before), join(left, after)];
  };
  const [before, after] = roots(first.size, second.size, true);
  // With a hash too few an empty one was taken, which gives no root of anything.
  return rest.length === 0 && same(before, first.root) && same(after, second.root);
}

export const statement: Parser = {
  name: 'checkpoint-statement',
  prepare: () => {
    const sent = (payload: Uint8Array) => wrapStatement(signStatement(payload));
    return {
      seeds: [
        { bytes: sent(statementOn(tokenOf(SIZE))) },
        { bytes: statementOn(tokenOf(SIZE)), wrap: sent },
        { bytes: tokenOf(SIZE), wrap: (token) => sent(statementOn(token)) },
        { bytes: payloadOf(SIZE), wrap: (inner) => sent(statementOn(signCheckpoint(inner))) },
      ],
      parse: (bytes) => {
        const token = statementIn(bytes);
        return attempt(() => token && openStatement(token, ingester.did));
      },
      doubt: (bytes, outcome) => {
        if (!outcome.taken) return undefined;
        const { checkpoint, gateway: by, keptMs, token } = outcome.value as Statement;
        const outer = payloadIn(bytes);
        if (by !== outer['gateway'] || keptMs !== outer['keptMs']) return 'it says something else';
        if (Buffer.from(token).toString() !== outer['checkpoint']) return 'it is on another token';
        const inner = JSON.stringify(payloadIn(token));
        return inner === JSON.stringify(checkpoint) ? undefined : 'it is on another checkpoint';
      },
    };
  },
};

/** What stands in a token, as somebody sees it who verifies nothing. */
function payloadIn(token: Uint8Array): Readonly<Record<string, unknown>> {
  const part = Buffer.from(token).toString('latin1').split('.')[1] ?? '';
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
}

const textOf = (token: Uint8Array) => Buffer.from(token).toString('latin1');

export const checkpointFile: Parser = {
  name: 'checkpoint-file',
  prepare: () => {
    const statements = [SIZE, 8, 12].map((size) => signStatement(statementOn(tokenOf(size))));
    const file = Buffer.from(composeCheckpointFile({ token: tokenOf(SIZE), statements }));
    // Not composed: a statement may have become larger than a file that we would write.
    const [checkpoint, ...others] = [tokenOf(SIZE), ...statements].map(textOf);
    const fileWith = (one: Uint8Array) => {
      const witnesses = [textOf(one), ...others];
      return Buffer.from(JSON.stringify({ bondlineCheckpoint: 1, checkpoint, witnesses }));
    };
    return {
      seeds: [
        { bytes: file },
        { bytes: file },
        { bytes: Buffer.from(`${Buffer.from(tokenOf(SIZE))}\n`) },
        { bytes: payloadOf(SIZE), wrap: signCheckpoint },
        { bytes: statementOn(tokenOf(SIZE)), wrap: signStatement },
        { bytes: statementOn(tokenOf(8)), wrap: (payload) => fileWith(signStatement(payload)) },
      ],
      parse: (bytes) => attempt(() => readCheckpointFile(bytes)),
      doubt: (_, outcome) => {
        if (!outcome.taken) return undefined;
        const { checkpoints } = outcome.value as CheckpointFile;
        if (checkpoints.length === 0) return 'there is nothing in it';
        const issuers = new Set(checkpoints.map(({ checkpoint }) => checkpoint.issuer));
        if (issuers.size > 1) return 'it is of several ingesters';
        const sizes = checkpoints.map(({ checkpoint }) => checkpoint.size);
        if (sizes.some((size, at) => size < (sizes[at - 1] ?? 0))) return 'it is not in order';
        const isOther = checkpoints.some(
          ({ checkpoint, token }) =>
            JSON.stringify(payloadIn(token)) !== JSON.stringify(checkpoint),
        );
        return isOther ? 'a checkpoint is another one' : undefined;
      },
    };
  },
};
