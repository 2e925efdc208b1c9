/**
 * Readings of one device become batches: one closes at its number of readings, at its size or at
 * the flush interval, whichever comes first, or at once when something in it cannot wait; a
 * heartbeat goes out when there is nothing to say.
 */
import { limits } from '../devices/limits.ts';
import type { Loss, ReadingGroup } from '../devices/reading.ts';
import type { Clock } from '../devices/runtime.ts';
import type { ClockWatch } from './clock.ts';
import { emptyBatchBytes, groupBytes, splitGroups } from './draft.ts';
import type { LossLedger } from './losses.ts';
import type { Appended, Draft, Outbox } from './outbox.ts';

/**
 * Readings on their way through the key to the disk, over all devices: beyond a limit nothing more
 * is read. Readings and not batches, since a slow key has a batch of every device before it.
 */
export interface IssueGate {
  pending: number;
}

export function hasRoom(gate: IssueGate): boolean {
  return gate.pending < limits.outboxPendingReadingsMax;
}

/** Values that were not signed because they said nothing new (report.ts). */
export interface SuppressedCount {
  /** How many there were since this was last asked. */
  takeSuppressed(): number;
  /** A batch that said so was not kept. */
  giveBack(count: number): void;
}

export interface IssueOptions {
  readonly flushMs: number;
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly clockWatch: ClockWatch;
  readonly outbox: Outbox;
  readonly gate: IssueGate;
  readonly losses: LossLedger;
  /** Counts what was not signed because it said nothing new. */
  readonly suppressed: SuppressedCount;
  /** What every batch of the device says in its head, as it is now. */
  readonly head: () => Omit<
    Draft,
    'clock' | 'closedMs' | 'groups' | 'losses' | 'suppressed' | 'messages' | 'priority'
  >;
  readonly onAppended: (appended: Appended, draft: Draft) => void;
  /** The outbox can keep nothing any more. */
  readonly onFailure: (error: unknown) => void;
}

/** A batch that is not closed yet. */
interface Open {
  readonly groups: ReadingGroup[];
  /** Something in it cannot wait. */
  isUrgent: boolean;
  /** Messages whose last readings are in it. */
  readonly messages: string[];
  readings: number;
  bytes: number;
  readonly durable: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Issuer {
  readonly #options: IssueOptions;
  #open: Open | undefined;
  /** Batches closed and not on disk, and the promise of the newest. */
  #inFlight = 0;
  /** Of those in flight, the ones that are urgent. */
  #urgent = 0;
  #settled: Promise<void> = Promise.resolve();
  /** The outbox dropped what it was handed last, and no batch has said so yet. */
  #isUntold = false;
  /** The flush interval is over, but the batch before is not on disk yet. */
  #isDue = false;
  #stepsSaid: number;
  #closedAtMs: number;
  #cancelFlush: (() => void) | undefined;
  #cancelHeartbeat: () => void;

  constructor(options: IssueOptions) {
    this.#options = options;
    this.#stepsSaid = options.clockWatch.steps();
    this.#closedAtMs = options.clock.monotonicMs();
    this.#cancelHeartbeat = options.clock.after(options.heartbeatMs, () => this.#beat());
  }

  /**
   * Takes readings and losses; resolves when all these readings are on disk. The message that they
   * came in is remembered with the last of them. Batches with urgent ones are closed at once.
   */
  async add(
    groups: readonly ReadingGroup[],
    losses: readonly Loss[],
    { isUrgent = false, message }: { isUrgent?: boolean; message?: string } = {},
  ): Promise<void> {
    for (const loss of losses) this.#options.losses.add(loss);
    const last = groups.at(-1);
    const puts = groups.flatMap((g) => this.#put(g, isUrgent, g === last ? message : undefined));
    if (isUrgent && this.#open) this.#closeUrgent();
    await Promise.all(puts);
  }

  /**
   * Closes what is open soon: a source that waits for the disk sends nothing else meanwhile, so
   * that there is nothing to be gained by waiting for the flush interval.
   */
  hurry(): void {
    if (!this.#open || this.#options.flushMs <= limits.hurriedFlushMs) return;
    this.#cancelFlush?.();
    this.#flushAfter(limits.hurriedFlushMs);
  }

  /** Closes a batch now, also an empty one; resolves when it and those before are durable. */
  async cut(): Promise<void> {
    this.#close();
    await this.#settled;
  }

  /** Closes what is open, signs the losses that wait, ends the heartbeat; resolves when durable. */
  async stop(): Promise<void> {
    this.#cancelHeartbeat();
    if (this.#open) this.#close();
    while (!this.#options.losses.isEmpty()) this.#close();
    const suppressed = this.#options.suppressed.takeSuppressed();
    if (suppressed > 0) {
      this.#options.suppressed.giveBack(suppressed);
      this.#close();
    }
    await this.#settled;
    // A batch without readings has room where they had none.
    if (this.#isUntold) await this.cut();
  }

  /** Puts a group into the open batch, which is closed first where the group does not fit. */
  #put(group: ReadingGroup, isUrgent: boolean, message?: string): Promise<void>[] {
    const { length } = group.readings;
    const bytes = groupBytes(group);
    if (length > 1 && !fits({ readings: length, bytes: bytes + emptyBatchBytes })) {
      const halves = splitGroups([group], Math.ceil(length / 2));
      const parts = halves.flat();
      const last = parts.at(-1);
      return parts.flatMap((p) => this.#put(p, isUrgent, p === last ? message : undefined));
    }
    const before = this.#open;
    if (before && !fits({ readings: before.readings + length, bytes: before.bytes + bytes })) {
      this.#close();
    }
    this.#open ??= createOpen();
    const open = this.#open;
    open.groups.push(group);
    open.isUrgent ||= isUrgent;
    if (message !== undefined) open.messages.push(message);
    open.readings += length;
    open.bytes += bytes;
    if (open.readings >= limits.batchReadingsMax) this.#close();
    else if (!this.#cancelFlush) this.#flushAfter(this.#options.flushMs);
    return [open.durable];
  }

  #flushAfter(delayMs: number): void {
    this.#cancelFlush = this.#options.clock.after(delayMs, () => {
      this.#cancelFlush = undefined;
      this.#closeOrNext();
    });
  }

  /** What the disk or the key cannot take in time is not cut finer: it would wait there as long. */
  #closeOrNext(): void {
    if (this.#inFlight > 0) this.#isDue = true;
    else this.#close();
  }

  /** What cannot wait goes past what waits for the key, and so need not wait before it. */
  #closeUrgent(): void {
    if (this.#urgent > 0) this.#isDue = true;
    else this.#close();
  }

  #beat(): void {
    const { clock, heartbeatMs } = this.#options;
    const waitMs = this.#closedAtMs + heartbeatMs - clock.monotonicMs();
    if (waitMs <= 0 && this.#inFlight === 0) this.#close();
    this.#cancelHeartbeat = clock.after(waitMs > 0 ? waitMs : heartbeatMs, () => this.#beat());
  }

  #close(): void {
    const { clock, clockWatch, gate, head, losses, onAppended, onFailure, outbox } = this.#options;
    const open = this.#open;
    this.#open = undefined;
    this.#cancelFlush?.();
    this.#cancelFlush = undefined;
    this.#isDue = false;
    const suppressed = this.#options.suppressed.takeSuppressed();
    const draft: Draft = {
      ...head(),
      clock: clockWatch.quality(this.#stepsSaid),
      closedMs: clock.nowMs(),
      groups: open?.groups ?? [],
      losses: losses.take(),
      ...(suppressed > 0 && { suppressed }),
      ...(open && open.messages.length > 0 && { messages: open.messages }),
      ...(open?.isUrgent && { priority: 'urgent' }),
    };
    this.#stepsSaid = clockWatch.steps();
    this.#closedAtMs = clock.monotonicMs();
    this.#inFlight += 1;
    const urgent = open?.isUrgent ? 1 : 0;
    this.#urgent += urgent;
    const readings = open?.readings ?? 0;
    gate.pending += readings;
    this.#settled = outbox
      .append(draft)
      .then((appended) => {
        if (appended.batches === 0) this.#options.suppressed.giveBack(suppressed);
        const { batches, dropped, lossesSigned } = appended;
        const isSaid = batches > 0 || lossesSigned > 0;
        this.#isUntold = !isSaid && (dropped > 0 || this.#isUntold);
        onAppended(appended, draft);
        open?.resolve();
      })
      .catch((error: unknown) => {
        open?.reject(error);
        onFailure(error);
      })
      .finally(() => {
        this.#inFlight -= 1;
        this.#urgent -= urgent;
        gate.pending -= readings;
        if (this.#isDue && this.#inFlight === 0) this.#close();
      });
  }
}

/** By the estimate of the size; the exact one is checked where the batch is signed. */
function fits({ readings, bytes }: { readings: number; bytes: number }): boolean {
  return readings <= limits.batchReadingsMax && bytes <= limits.batchBytesMax;
}

function createOpen(): Open {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const durable = new Promise<void>((onDurable, onFailure) => {
    resolve = onDurable;
    reject = onFailure;
  });
  // Polls do not wait for it; the failure itself is reported through `onFailure`.
  durable.catch(() => undefined);
  return {
    groups: [],
    isUrgent: false,
    messages: [],
    readings: 0,
    bytes: emptyBatchBytes,
    durable,
    resolve,
    reject,
  };
}
