/**
 * What the outbox lost and no batch has said yet: sums by cause, and batches that left without a
 * receipt. Each is taken into a batch and leaves when that is committed. What happens while the
 * disk has no room for it waits beside the database (outbox-losses-beside.ts).
 */
import { limits } from '../devices/limits.ts';
import type { Loss } from '../devices/reading.ts';
import type { LossesBeside } from './outbox-losses-beside.ts';
import type { Statements } from './outbox-statements.ts';
import type { GoneRow } from './outbox-tables.ts';

/** A loss that a batch under construction says, and where it was remembered. */
export interface Taken {
  readonly device: string;
  readonly loss: Loss;
  /** Row of `gone`; absent for a sum. */
  readonly gone?: number;
}

export class OutboxLosses {
  readonly #sql: Statements;
  /** Rows of `gone` that are in a batch under construction: nothing is added to them any more. */
  readonly #taken = new Set<number>();
  /** Devices whose sums are in a batch under construction. */
  readonly #summed = new Set<string>();

  constructor(sql: Statements) {
    this.#sql = sql;
  }

  /** Writes a loss down; part of the caller's transaction. */
  record(device: string, loss: Loss): void {
    const { batches, cause, count, estimated } = loss;
    const [fromMs, toMs] = [Math.trunc(loss.fromMs), Math.trunc(loss.toMs)];
    if (batches === undefined || this.#isCrowded(device)) {
      this.#sql.recordLoss.run(device, cause, fromMs, toMs, count, estimated ? 1 : 0);
      return;
    }
    let row: Omit<GoneRow, 'id'> = {
      ...{ device, cause, estimated: estimated ? 1 : 0 },
      ...{ epoch: batches.counter, nonce: batches.nonce, first: batches.first, last: batches.last },
      ...{ digest: batches.digest ?? null, from_ms: fromMs, to_ms: toMs, count },
    };
    for (const other of this.#sql.goneBeside.all(row)) {
      if (this.#taken.has(other.id)) continue;
      row = joinGone(row, other);
      this.#sql.dropGone.run(other.id);
    }
    this.#sql.recordGone.run(row);
  }

  /** Writes down what waited beside the database; part of the caller's transaction. */
  takeIn({ last, losses }: LossesBeside): void {
    for (const { device, loss } of losses()) this.record(device, loss);
    this.#sql.takeBeside.run(last());
  }

  /** What waits for the device, at most what one batch can say, once until it is committed. */
  take(device: string): Taken[] {
    const sums = this.#summed.has(device) ? [] : this.#sql.losses.all(device);
    const taken: Taken[] = sums.map(({ estimated, ...loss }) => ({
      device,
      loss: { ...loss, ...(estimated === 1 && { estimated: true as const }) },
    }));
    if (taken.length > 0) this.#summed.add(device);
    for (const row of this.#sql.gone.all(device, limits.batchLossesMax + this.#taken.size)) {
      if (this.#taken.has(row.id) || taken.length >= 2 * limits.batchLossesMax) continue;
      this.#taken.add(row.id);
      taken.push({ device, loss: lossOfGone(row), gone: row.id });
    }
    return taken;
  }

  /** They stand in a batch now; part of the transaction that stores it. */
  drop(taken: readonly Taken[]): void {
    for (const { device, gone, loss } of taken) {
      if (gone !== undefined) this.#sql.dropGone.run(gone);
      // More may have been lost while these were signed: that stays, for the next batch to say.
      else this.#sql.takeLoss.run(loss.count, device, loss.cause);
    }
    for (const device of new Set(taken.map((one) => one.device))) {
      this.#sql.dropTakenLosses.run(device);
    }
  }

  /** The transaction is over: what was taken is said, or waits again. */
  settle(taken: readonly Taken[]): void {
    for (const { device, gone } of taken) {
      if (gone !== undefined) this.#taken.delete(gone);
      else this.#summed.delete(device);
    }
  }

  /** So many places wait that further ones go without their names: the sums still tell them. */
  #isCrowded(device: string): boolean {
    return (this.#sql.countGone.get(device) ?? 0) >= limits.outboxGoneMax;
  }
}

function joinGone(a: Omit<GoneRow, 'id'>, b: Omit<GoneRow, 'id'>): Omit<GoneRow, 'id'> {
  const later = a.last > b.last ? a : b;
  return {
    ...a,
    first: Math.min(a.first, b.first),
    last: later.last,
    digest: later.digest,
    from_ms: Math.min(a.from_ms, b.from_ms),
    to_ms: Math.max(a.to_ms, b.to_ms),
    count: a.count + b.count,
  };
}

function lossOfGone(row: GoneRow): Loss {
  const { cause, count, digest, epoch: counter, first, last, nonce } = row;
  return {
    fromMs: row.from_ms,
    toMs: row.to_ms,
    count,
    cause,
    ...(row.estimated === 1 && { estimated: true }),
    batches: { counter, nonce, first, last, ...(digest !== null && { digest }) },
  };
}
