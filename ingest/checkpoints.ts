/**
 * Signs checkpoints of the journal, shows gateways that each continues the one that they kept, and
 * hears what they say of it, so that somebody else can tell whether it was rewritten.
 */
import {
  composeNotice,
  openStatement,
  type Statement,
  statementIn,
} from '../devices/credential/checkpoint.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { fingerprintOfDid } from '../devices/envelope.ts';
import { EdgeError, explain } from '../devices/errors.ts';
import type { Signer } from '../devices/io/key-store.ts';
import { isDiskFailure } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { type Clock, formatTime, type Log } from '../devices/runtime.ts';
import { type CheckpointState, createHeard } from './checkpoints-heard.ts';
import { createSignedRecord } from './checkpoints-record.ts';
import type { OpenJournal } from './journal.ts';
import type { Inbound } from './source.ts';
import type { KeptCheckpoint } from './store.ts';

export interface Checkpoints {
  /** A receipt went to this gateway: the next checkpoint goes there as well. */
  answered(gateway: string): void;
  /** Takes what a gateway says of a checkpoint; `false` where a message is something else. */
  hear(message: Inbound): boolean;
  state(): CheckpointState;
  /** Signs and sends the last one; resolves when the transport has it. */
  stop(): Promise<void>;
}

export interface CheckpointOptions {
  readonly journal: Pick<OpenJournal, 'log' | 'enrolments' | 'found'>;
  /** Milliseconds from one checkpoint to the next. */
  readonly everyMs: number;
  /** The key of receipts. */
  readonly signer: Signer;
  readonly clock: Clock;
  readonly log: Log;
  /** Sends to a gateway. Never rejects. */
  readonly reply: (gateway: string, notice: Uint8Array) => Promise<void>;
  /** Told where the disk failed, or the journal is damaged. */
  readonly failed: (error: unknown) => void;
}

export function createCheckpoints(options: CheckpointOptions): Checkpoints {
  const { clock, journal, log, signer } = options;
  const record = createSignedRecord(options);
  /** Gateways that are to hear of the next one. */
  const waiting = new Set<string>();
  const heard = createHeard(clock, statementsOf(options));
  /** Statements that are not stored yet, by DID. */
  const statements = new Map<string, Uint8Array>();
  let sending: Promise<unknown> = Promise.resolve();
  let isStopped = false;
  let cancel = () => {};

  const make = async (due: readonly string[]) => {
    const made = await record.sign();
    const said = [...statements];
    // Kept before anybody has it: a journal is never shorter than what it is known to have been.
    if (made || said.length > 0) {
      const tokens = said.map(([gateway, token]) => ({ gateway, token }));
      await journal.log.keep(made, tokens);
    }
    for (const [gateway, token] of said) {
      if (statements.get(gateway) === token) statements.delete(gateway);
    }
    const last = record.kept(made);
    if (last) sending = Promise.all(await tell(last, { due, heard, record, ...options }));
  };
  const troubled = (what: string, error: unknown) => {
    if (isDamage(error)) {
      isStopped = true;
      options.failed(error);
    }
    // Why nothing more is taken is said where it ends.
    if (!isStopped) log.error(what, { error: explain(error) });
  };
  let working: Promise<void> = Promise.resolve();
  const work = () => {
    const due = [...waiting];
    waiting.clear();
    working = make(due).catch((error: unknown) => {
      for (const gateway of due) waiting.add(gateway);
      troubled('no checkpoint of the journal was made', error);
    });
    return working;
  };
  const next = () => {
    if (!isStopped) cancel = clock.after(options.everyMs, () => void work().then(next));
  };
  next();

  const judge = async (gateway: string, statement: Statement, token: Uint8Array) => {
    const { root, size } = statement.checkpoint;
    const isOurs = await record.continues({ root, size });
    // Anybody can make a key: only who brings evidence counts as a witness.
    const isEnrolled = journal.enrolments.isGateway(statement.gateway);
    const news = heard.note(gateway, { size, root, isOurs, isEnrolled });
    if (size < record.size()) waiting.add(gateway);
    if (!news || !isEnrolled) return;
    if (!isOurs) sayContradicted(log, statement, record.size());
    else if (news === 'further') statements.set(statement.gateway, token);
  };
  return {
    answered(gateway) {
      if (waiting.size < limits.sitesMax) waiting.add(gateway);
    },
    hear({ bytes, gateway }) {
      const token = statementIn(bytes);
      if (token === undefined) return false;
      const statement = heard.isDue(gateway) && verified(token, { gateway, ingester: signer.did });
      if (!statement) return true;
      judge(gateway, statement, Uint8Array.from(token)).catch((error: unknown) =>
        troubled('a statement on a checkpoint was not judged', error),
      );
      return true;
    },
    state: () => ({ ...record.state(), ...heard.state() }),
    async stop() {
      const hasFailed = isStopped;
      isStopped = true;
      cancel();
      await working;
      if (!hasFailed) await work();
      await sending;
    },
  };
}

/** Sends the newest checkpoint to gateways that do not have it; resolves when all are under way. */
async function tell(
  last: KeptCheckpoint,
  by: Pick<CheckpointOptions, 'reply'> & {
    readonly due: readonly string[];
    readonly heard: ReturnType<typeof createHeard>;
    readonly record: ReturnType<typeof createSignedRecord>;
  },
): Promise<Promise<void>[]> {
  const sent: Promise<void>[] = [];
  for (const gateway of by.due) {
    const kept = by.heard.of(gateway);
    if (kept?.size === last.size && kept.root === last.root) continue;
    const proof = kept && kept.size < last.size ? await by.record.prove(kept, last) : undefined;
    const shown = kept && proof ? { from: kept.size, proof } : { proof: [] };
    sent.push(by.reply(gateway, composeNotice({ token: last.token, ...shown })));
  }
  return sent;
}

/** A statement on a checkpoint of ours, signed by the gateway whose uplink it came by. */
function verified(
  token: Uint8Array,
  { gateway, ingester }: { readonly gateway: string; readonly ingester: string },
): Statement | undefined {
  if (token.length > limits.statementBytesMax) return undefined;
  const statement = openStatement(token, ingester);
  if (isRefusal(statement) || fingerprintOfDid(statement.gateway) !== gateway) return undefined;
  return statement;
}

/** What gateways had said before the start, those of another key left out. */
function statementsOf({ journal, signer }: CheckpointOptions): Statement[] {
  return journal.found.statements.flatMap(({ token }) => {
    const statement = openStatement(token, signer.did);
    return isRefusal(statement) ? [] : statement;
  });
}

/** Whether nothing may go on: the disk failed, or what it gave back is not what was stored. */
function isDamage(error: unknown): boolean {
  if (isDiskFailure(error)) return true;
  return error instanceof EdgeError && error.code === 'IN_JOURNAL_DAMAGED';
}

function sayContradicted(log: Log, { checkpoint, gateway }: Statement, entries: number): void {
  log.error('a gateway keeps a signed checkpoint which this journal does not continue', {
    gateway,
    checkpoint: checkpoint.size,
    issued: formatTime(checkpoint.issuedMs),
    entries,
  });
}
