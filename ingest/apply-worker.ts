/**
 * The thread that owns twins.db. It applies the journal group by group and tells the main thread
 * what changed, each twin at most once in `limits.feedCoalesceMs`.
 */
import { strict as assert } from 'node:assert';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { EdgeError, type ErrorCode, explain } from '../devices/errors.ts';
import { isDiskFailure } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { systemClock } from '../devices/runtime.ts';
import type { TwinChange } from './apply.ts';
import { type AppliedBatch, Applier } from './apply-engine.ts';
import { foldPlugins } from './apply-plugins.ts';
import type { TwinState } from './fold-state.ts';
import { openJournalReader } from './journal-reader.ts';
import { openTwinsStore } from './twins-store.ts';

export interface ApplySettings {
  readonly journalFile: string;
  readonly twinsFile: string;
}

/** To the worker. */
export type ApplyOrder =
  | { readonly kind: 'wake'; readonly size: number }
  /** Twins are told of only while somebody watches. */
  | { readonly kind: 'watch'; readonly on: boolean }
  | { readonly kind: 'close' };

/** From the worker. */
export type ApplyNews =
  | { readonly kind: 'ready'; readonly cursor: number }
  | { readonly kind: 'watched' }
  | {
      readonly kind: 'applied';
      readonly cursor: number;
      readonly twins: readonly TwinChange[];
      readonly batches: readonly AppliedBatch[];
    }
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
  const applier = new Applier({ journal, store, plugins: foldPlugins });
  const changed = new Map<string, TwinState>();
  let batches: AppliedBatch[] = [];
  let toldMs = Number.NEGATIVE_INFINITY;
  let toldCursor = applier.cursor;
  let cancelTelling: (() => void) | undefined;
  let busy = false;
  let closing = false;
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
    if (closing) return stop();
    const applied = applier.step();
    if (applied === undefined) {
      busy = false;
      return;
    }
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
    closing ||= order.kind === 'close';
    if (busy) return;
    busy = true;
    guarded(turn)();
  });
  tell({ kind: 'ready', cursor: applier.cursor });
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
      const error = isDisk ? new EdgeError('DB_DISK_FAILED', 'keeping twins', { cause }) : cause;
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
