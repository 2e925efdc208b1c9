/**
 * The gateway as a witness of the ingester's journal: of each checkpoint that continues the one
 * before it keeps, and then sends, a statement signed with its own key.
 */
import {
  composeStatement,
  openCheckpoint,
  openNotice,
  openStatement,
  wrapStatement,
} from '../devices/credential/checkpoint.ts';
import { isRefusal, type Refusal } from '../devices/credential/refusal.ts';
import { explain } from '../devices/errors.ts';
import { isDiskFailure } from '../devices/io/sqlite.ts';
import { isNoRoom } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { Send } from './forward.ts';
import { within } from './wait.ts';
import { createDoubts, type Kept, type Told } from './witness-doubts.ts';
import { endWitness, keepStatement, putDamagedAside, readKept } from './witness-folder.ts';
import { judgeNotice } from './witness-judge.ts';

export interface WitnessState {
  /** The newest that is kept: entries of the journal, when it was signed, when it was kept. */
  readonly checkpoint?: {
    readonly size: number;
    readonly issuedMs: number;
    readonly keptMs: number;
  };
  /** The ingester contradicted what it had signed, and nobody has accepted that yet. */
  readonly contradiction: boolean;
  /** It does not prove any more that its record continues what is kept. */
  readonly unproven: boolean;
  /** It signs receipts, and has shown nothing further of its record for long. */
  readonly silent: boolean;
}

export interface Witness {
  /** A notice came over the uplink; `send` takes the answer. Never throws. */
  hear(bytes: Uint8Array, send: Send): void;
  /** A receipt came: the record has grown, and a further checkpoint is owed. */
  receipted(): void;
  /** The uplink came up or went down. */
  connected(): void;
  state(): WitnessState;
  /** Resolves when all that was heard until now is done. */
  idle(): Promise<void>;
}

export interface WitnessOptions {
  /** Where it keeps what it witnessed (witness-folder.ts). */
  readonly folder: string;
  /** DID of this gateway. */
  readonly gateway: string;
  /** DID of the ingester that is pinned now; only its checkpoints count. */
  readonly ingester: () => string;
  /** Signs a payload as `bondline-witness+jwt` with the gateway's key. */
  readonly vouch: (payload: string) => Promise<Uint8Array>;
  /** The disk failed: the gateway can go on no more. */
  readonly onFailure: (error: unknown) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Kinds of trouble that are said, each once. */
const SAID_MAX = 16;

export function createWitness(options: WitnessOptions): Witness {
  const { clock, folder, gateway, ingester, log, vouch } = options;
  const doubts = createDoubts(options);
  const find = createFinder(options);
  const say = createSayer(log);
  let waiting = 0;
  let tail = Promise.resolve();

  /** Signs and keeps; returns what is to be sent. */
  async function keep({ notice }: Told, before: Kept | undefined): Promise<Uint8Array | undefined> {
    const keptMs = Math.round(clock.nowMs());
    const token = await vouch(composeStatement({ gateway, token: notice.token, keptMs }));
    const statement = openStatement(token, ingester());
    if (isRefusal(statement)) {
      say.refused('a statement on a checkpoint is not valid', statement);
      return undefined;
    }
    // Signing takes a while, in which a person may have ended what this one continues.
    if (!isSame(find.kept(), before)) return undefined;
    keepStatement(folder, token);
    find.kept();
    doubts.kept(before === undefined);
    say.wellAgain();
    return token;
  }

  async function answerTo(told: Told): Promise<Uint8Array | undefined> {
    const kept = find.kept();
    const found = judgeNotice(kept?.statement.checkpoint, told.checkpoint, told.notice);
    if (kept === undefined || found === 'continues') return keep(told, kept);
    if (found === 'unproven') doubts.unproven(told, kept);
    if (found === 'contradiction') doubts.contradicted(told, kept);
    // The ingester learns from where it has to prove.
    return kept.token;
  }

  async function handle(bytes: Uint8Array, send: Send): Promise<void> {
    const told = openTold(bytes, ingester());
    if (isRefusal(told)) return say.refused('a checkpoint is not valid', told);
    const answer = await answerTo(told);
    if (answer) await within(clock, limits.receiptTimeoutMs, tell(answer, send));
  }

  /** One that is lost needs no answer here: the next notice brings the statement again. */
  async function tell(token: Uint8Array, send: Send): Promise<void> {
    try {
      await send(wrapStatement(token));
      doubts.answered();
    } catch (error) {
      log.debug('a send failed', { error: String(error) });
    }
  }

  function failed(error: unknown): void {
    if (isDiskFailure(error) && !isNoRoom(error)) options.onFailure(error);
    else say.failed({ folder, reason: explain(error) });
  }

  try {
    find.kept();
  } catch (error) {
    failed(error);
  }
  return {
    hear(bytes, send) {
      if (waiting === limits.checkpointsWaitingMax) return;
      waiting += 1;
      const turn = () => {
        waiting -= 1;
        return handle(bytes, send);
      };
      tail = tail.then(turn).catch(failed);
    },
    receipted: doubts.receipted,
    connected: doubts.connected,
    state: () => ({ ...find.shown(), ...doubts.state() }),
    idle: () => tail,
  };
}

/** Finds what is on disk now, where a person may have changed it. */
function createFinder({ clock, folder, gateway, ingester, log }: WitnessOptions) {
  let shown: Pick<WitnessState, 'checkpoint'> = {};
  return {
    /** As of the last look. */
    shown: () => shown,
    /** What is of no use is put aside. Throws what the file system throws, and DB_DISK_FAILED. */
    kept(): Kept | undefined {
      const found = readKept(folder, { gateway, ingester: ingester() });
      shown = {};
      if (found.is === 'kept') {
        const { checkpoint, keptMs } = found.statement;
        const { issuedMs, size } = checkpoint;
        shown = { checkpoint: { size, issuedMs, keptMs } };
        return found;
      }
      if (found.is === 'damaged') {
        const { reason } = found;
        const file = putDamagedAside(folder, clock.nowMs());
        log.warn('the checkpoint that was kept is damaged: it is put aside', { file, reason });
      } else if (found.is === 'foreign') {
        const { checkpoint, gateway: witness } = found.statement;
        const fields = { folder: endWitness(folder, clock.nowMs()), gateway: witness };
        const message = 'the checkpoint that was kept is of others: it is put aside';
        log.warn(message, { ...fields, ingester: checkpoint.issuer });
      }
      return undefined;
    },
  };
}

function isSame(one: Kept | undefined, other: Kept | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one.token, other.token) === 0;
}

/** What a notice says, with its checkpoint verified; of the rest nothing is proven. */
function openTold(bytes: Uint8Array, ingester: string): Told | Refusal {
  const notice = openNotice(bytes);
  if (isRefusal(notice)) return notice;
  const checkpoint = openCheckpoint(notice.token, ingester);
  return isRefusal(checkpoint) ? checkpoint : { checkpoint, notice };
}

/** Says each kind of trouble once, and one that ended once more when it comes again. */
function createSayer(log: Log) {
  const said = new Set<string>();
  let isFailing = false;
  return {
    refused(message: string, { code, reason }: Refusal): void {
      if (said.has(code) || said.size === SAID_MAX) return;
      said.add(code);
      log.warn(message, { code, reason });
    },
    failed(fields: { readonly folder: string; readonly reason: string }): void {
      if (!isFailing) log.warn('a checkpoint cannot be kept now', fields);
      isFailing = true;
    },
    wellAgain(): void {
      isFailing = false;
      said.clear();
    },
  };
}
