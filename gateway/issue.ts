/**
 * Readings of one device become batches: one closes at its number of readings, at its size or at
 * the flush interval, whichever comes first; a heartbeat goes out when there is nothing to say.
 */
import type { BatchDraft } from '../devices/credential/batch.ts';
import { limits } from '../devices/limits.ts';
import type { Loss, ReadingGroup } from '../devices/reading.ts';
import type { Clock } from '../devices/runtime.ts';
import type { ClockWatch } from './clock.ts';
import { emptyBatchBytes, groupBytes, splitGroups } from './draft.ts';
import type { LossLedger } from './losses.ts';
import type { Appended, Outbox } from './outbox.ts';

/** Batches on their way to the disk, over all devices: beyond a limit nothing more is read. */
export interface IssueGate {
  pending: number;
}

export function hasRoom(gate: IssueGate): boolean {
  return gate.pending < limits.outboxPendingMax;
}

export interface IssueOptions {
  readonly flushMs: number;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly clockWatch: ClockWatch;
  readonly outbox: Outbox;
  readonly gate: IssueGate;
  readonly losses: LossLedger;
  /** What every batch of the device says in its head, as it is now. */
  readonly head: () => Omit<BatchDraft, 'clock' | 'closedMs' | 'groups' | 'losses'>;
  readonly onAppended: (appended: Appended, draft: BatchDraft) => void;
  /** The outbox can keep nothing any more. */
  readonly onFailure: (error: unknown) => void;
}

export interface Issuer {
  /** Takes readings and losses; resolves when all these readings are on disk. */
  add(groups: readonly ReadingGroup[], losses: readonly Loss[]): Promise<void>;
  /**
   * Closes what is open soon: a source that waits for the disk sends nothing else meanwhile, so
   * that there is nothing to be gained by waiting for the flush interval.
   */
  hurry(): void;
  /** Closes what is open, signs the losses that wait, ends the heartbeat; resolves when durable. */
  stop(): Promise<void>;
}

/** A batch that is not closed yet. */
interface Open {
  readonly groups: ReadingGroup[];
  readings: number;
  bytes: number;
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export function createIssuer(options: IssueOptions): Issuer {
  const { clock, flushMs, heartbeatMs, losses } = options;
  let open: Open | undefined;
  let inFlight = 0;
  let isDue = false;
  let isStopped = false;
  let stepsSaid = options.clockWatch.steps();
  let closedAt = clock.monotonicMs();
  let cancelFlush: (() => void) | undefined;
  let cancelHeartbeat = clock.after(heartbeatMs, beat);
  let settled: Promise<void> = Promise.resolve();

  /** Flushes only when the batch before is on disk: what the disk cannot take is not cut finer. */
  function flush(): void {
    cancelFlush = undefined;
    if (inFlight > 0) isDue = true;
    else close();
  }

  function beat(): void {
    const waitMs = closedAt + heartbeatMs - clock.monotonicMs();
    if (waitMs <= 0 && inFlight === 0) close();
    cancelHeartbeat = clock.after(waitMs > 0 ? waitMs : heartbeatMs, beat);
  }

  function close(): void {
    const closing = open;
    open = undefined;
    cancelFlush?.();
    cancelFlush = undefined;
    isDue = false;
    const draft: BatchDraft = {
      ...options.head(),
      clock: options.clockWatch.quality(stepsSaid),
      closedMs: clock.nowMs(),
      groups: closing?.groups ?? [],
      losses: losses.take(),
    };
    stepsSaid = options.clockWatch.steps();
    closedAt = clock.monotonicMs();
    inFlight += 1;
    options.gate.pending += 1;
    settled = options.outbox
      .append(draft)
      .then(
        (appended) => {
          options.onAppended(appended, draft);
          closing?.resolve();
        },
        (error) => {
          closing?.reject(error);
          options.onFailure(error);
        },
      )
      .finally(() => {
        inFlight -= 1;
        options.gate.pending -= 1;
        if (isDue && inFlight === 0) close();
      });
  }

  /** Puts a group into the open batch, which is closed first where the group does not fit. */
  function put(group: ReadingGroup): Promise<void>[] {
    const { length } = group.readings;
    const bytes = groupBytes(group);
    const isTooLarge = length > limits.batchReadingsMax || bytes + emptyBatchBytes > MAX_BYTES;
    if (isTooLarge && length > 1) {
      const [first, second] = splitGroups([group], Math.ceil(length / 2));
      return [...first, ...second].flatMap(put);
    }
    if (
      open &&
      (open.readings + length > limits.batchReadingsMax || open.bytes + bytes > MAX_BYTES)
    ) {
      close();
    }
    open ??= createOpen();
    open.groups.push(group);
    open.readings += length;
    open.bytes += bytes;
    const { durable } = open;
    if (open.readings >= limits.batchReadingsMax) close();
    else cancelFlush ??= clock.after(flushMs, flush);
    return [durable];
  }

  return {
    async add(groups, lost) {
      for (const loss of lost) losses.add(loss);
      await Promise.all(groups.flatMap(put));
    },
    hurry() {
      if (!open || flushMs <= limits.hurriedFlushMs) return;
      cancelFlush?.();
      cancelFlush = clock.after(limits.hurriedFlushMs, flush);
    },
    async stop() {
      if (isStopped) return settled;
      isStopped = true;
      cancelHeartbeat();
      if (open) close();
      while (!losses.isEmpty()) close();
      await settled;
    },
  };
}

/** Leaves room for the estimate's own error; the exact size is checked when it is signed. */
const MAX_BYTES = limits.batchBytesMax;

function createOpen(): Open {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const durable = new Promise<void>((onDurable, onFailure) => {
    resolve = onDurable;
    reject = onFailure;
  });
  // Polls do not wait for it; the failure itself is reported through `onFailure`.
  durable.catch(() => undefined);
  return { groups: [], readings: 0, bytes: emptyBatchBytes, durable, resolve, reject };
}
