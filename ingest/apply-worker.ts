/**
 * The thread that owns twins.db. It applies the journal group by group and tells the main thread
 * what changed, each twin at most once in `limits.feedCoalesceMs`.
 */
import { strict as assert } from 'node:assert';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { EdgeError, type ErrorCode, explain } from '../devices/errors.ts';
import { isDiskFailure, sqliteCode } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { systemClock } from '../devices/runtime.ts';
import type { TwinChange } from './apply.ts';
import { type AppliedBatch, Applier } from './apply-engine.ts';
import { foldPlugins } from './apply-plugins.ts';
import type { TwinState } from './fold-state.ts';
import { openJournalReader } from './journal-reader.ts';
import { openTwinsStore, type Unapplied } from './twins-store.ts';
import { threadNumber } from './work-clock.ts';

export interface ApplySettings {
  readonly journalFile: string;
  readonly twinsFile: string;
  /** Entries that ended or held up a worker before this one. */
  readonly held: readonly Unapplied[];
  /** One `BigInt64`: the position that is folded, or -1. */
  readonly progress: SharedArrayBuffer;
}

/** To the worker. */
export type ApplyOrder =
  | { readonly kind: 'wake'; readonly size: number }
  /** Twins are told of only while somebody watches. */
  | { readonly kind: 'watch'; readonly on: boolean }
  /** It ends when everything before `end` is applied; without it, after the group in work. */
  | { readonly kind: 'close'; readonly end?: number };

/** From the worker. */
export type ApplyNews =
  | {
      readonly kind: 'ready';
      readonly cursor: number;
      /** Entries without effect. */
      readonly unapplied: number;
      readonly thread?: string;
    }
  | { readonly kind: 'watched' }
  | {
      readonly kind: 'applied';
      readonly cursor: number;
      readonly twins: readonly TwinChange[];
      readonly batches: readonly AppliedBatch[];
    }
  | { readonly kind: 'unapplied'; readonly entry: Unapplied }
  | { readonly kind: 'failed'; readonly code?: ErrorCode; readonly message: string };

const port = parentPort;
assert(port !== null, 'apply-worker.ts runs as a worker');
const settings = workerData as ApplySettings;
const tell = (news: ApplyNews) => port.postMessage(news);

/** Entries whose batches wait to be told of; beyond it they are told of at once. */
const WAITING_BATCHES_MAX = 4 * limits.applyGroupMax;

function run(port: MessagePort): void {
  const journal = openJournalReader(settings.journalFile);
  const store = openTwinsStore(settings.twinsFile);
  const progress = new BigInt64Array(settings.progress);
  const at = (position: number) => void Atomics.store(progress, 0, BigInt(position));
  const { held } = settings;
  const applier = new Applier({ journal, store, plugins: foldPlugins, held, at });
  const changed = new Map<string, TwinState>();
  let batches: AppliedBatch[] = [];
  let toldMs = Number.NEGATIVE_INFINITY;
  let toldCursor = applier.cursor;
  let cancelTelling: (() => void) | undefined;
  let busy = false;
  let closing = false;
  /** Of a worker that closes: what it applies before. */
  let end: number | undefined;
  let watched = false;

  const tellChanges = () => {
    cancelTelling?.();
    cancelTelling = undefined;
    if (toldCursor === applier.cursor) return;
    toldMs = systemClock.monotonicMs();
    toldCursor = applier.cursor;
    const twins = [...changed.values()].map((state) => ({
      id: state.id,
      position: state.position,
      json: JSON.stringify(applier.view(state)),
    }));
    changed.clear();
    tell({ kind: 'applied', cursor: applier.cursor, twins, batches });
    batches = [];
  };
  const tellSoon = () => {
    const waitMs = toldMs + limits.feedCoalesceMs - systemClock.monotonicMs();
    if (waitMs <= 0 || batches.length >= WAITING_BATCHES_MAX) tellChanges();
    else cancelTelling ??= systemClock.after(waitMs, guarded(tellChanges));
  };
  const stop = () => {
    tellChanges();
    store.close();
    journal.close();
    port.close();
  };
  /** One group a turn, so that orders are heard between groups. */
  const turn = () => {
    if (closing && (end === undefined || applier.cursor >= end)) return stop();
    const applied = applier.step(end);
    if (applied === undefined) {
      busy = false;
      // The journal has less than it was said to have: there is nothing to wait for.
      if (closing) stop();
      return;
    }
    if (applied.unapplied) tell({ kind: 'unapplied', entry: applied.unapplied });
    if (watched) for (const state of applied.changed) changed.set(state.id, state);
    for (const batch of applied.batches) batches.push(batch);
    tellSoon();
    setImmediate(guarded(turn));
  };
  port.on('message', (order: ApplyOrder) => {
    if (order.kind === 'watch') {
      watched = order.on;
      if (!watched) changed.clear();
      return tell({ kind: 'watched' });
    }
    if (order.kind === 'close') {
      closing = true;
      end = order.end;
    }
    if (busy) return;
    busy = true;
    guarded(turn)();
  });
  const thread = threadNumber();
  const unapplied = store.unapplied().length;
  tell({ kind: 'ready', cursor: applier.cursor, unapplied, ...(thread && { thread }) });
  busy = true;
  guarded(turn)();
}

/** A failure stops the fold: twins that stand still are told of, wrong ones are not shown. */
function guarded(action: () => void): () => void {
  return () => {
    try {
      action();
    } catch (cause) {
      const isDisk = isDiskFailure(cause);
      const code = isDisk ? 'DB_DISK_FAILED' : 'DB_UNUSABLE';
      const isStore = isDisk || sqliteCode(cause) !== '';
      const error = isStore ? new EdgeError(code, 'keeping twins', { cause }) : cause;
      const message = explain(error);
      tell(
        error instanceof EdgeError
          ? { kind: 'failed', code: error.code, message }
          : { kind: 'failed', message },
      );
      // A disk that failed is left alone: ending this thread would close its files.
      if (!isDisk) port?.close();
    }
  };
}

guarded(() => run(port))();
