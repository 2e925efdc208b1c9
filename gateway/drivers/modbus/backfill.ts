/**
 * Fills the gap that a loss of the line left with the device's own records of the periods in it.
 * The records come a few at a time between two reads, so that the present is never late for the
 * past; what the period's end is still to bring is asked for when it is over.
 */

import { limits } from '../../../devices/limits.ts';
import type { ArchiveDefinition } from '../../../devices/profile.ts';
import type { Sample } from '../../../devices/reading.ts';
import type { Clock } from '../../../devices/runtime.ts';
import {
  type ArchiveRecord,
  type AskRecord,
  BROKEN_OFF,
  columnOf,
  newestRecord,
  recordBefore,
} from './archive.ts';
import { type Balance, balanceOf } from './balance.ts';
import type { Gap } from './gaps.ts';

export interface BackfillOptions {
  readonly archives: Readonly<Record<string, ArchiveDefinition>>;
  /** The device's clock is this many minutes ahead of UTC. */
  readonly zoneMinutes: number;
  readonly clock: Clock;
}

/** What is still to be fetched of one archive. */
interface Task {
  readonly name: string;
  readonly archive: ArchiveDefinition;
  readonly gap: Gap;
  /** Not before this monotonic time: then the device has a record that it had not before. */
  dueAt: number;
  /** Records up to this time have been handed over. */
  doneToMs: number;
  /** The last record looked at, behind which walking back goes on; absent: at the newest. */
  behind: ArchiveRecord | undefined;
  /** Newest record of this walk. */
  newestMs: number;
  readonly balance: Balance;
}

type Step = ArchiveRecord | undefined | typeof BROKEN_OFF;

export class ArchiveBackfill {
  readonly #options: BackfillOptions;
  /** Records handed over, by archive and end of their period. */
  readonly #given = new Set<string>();
  #tasks: Task[] = [];
  /** Gaps that are filled, and until when (monotonic) their records may not be on disk yet. */
  #filled: { readonly gap: Gap; readonly untilMs: number }[] = [];

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  /** Says that nothing was read in between; both archives are asked for it. */
  missed(gap: Gap): void {
    const { archives, clock } = this.#options;
    for (const [name, archive] of Object.entries(archives)) {
      this.#tasks.push({
        name,
        archive,
        gap,
        dueAt: clock.monotonicMs(),
        doneToMs: gap.fromMs,
        behind: undefined,
        newestMs: gap.fromMs,
        balance: balanceOf(archive, gap),
      });
    }
    // The oldest gaps are the first that the rings forget.
    this.#tasks.splice(0, Math.max(0, this.#tasks.length - limits.archiveTasksMax));
  }

  /**
   * Gaps that a stop must not forget, oldest first: those that are not filled, and those whose
   * records a sudden end of the process could still lose.
   */
  unsettled(): readonly Gap[] {
    if (this.#tasks.length + this.#filled.length === 0) return [];
    const now = this.#options.clock.monotonicMs();
    this.#filled = this.#filled.filter(({ untilMs }) => untilMs > now);
    return [...new Set([...this.#filled, ...this.#tasks].map(({ gap }) => gap))];
  }

  /** Whether there is something to ask for now. */
  isDue(): boolean {
    const now = this.#options.clock.monotonicMs();
    return this.#tasks.some(({ dueAt }) => dueAt <= now);
  }

  /**
   * Asks for a few records and returns them as samples, oldest first. What breaks off is gone on
   * with at the next call.
   */
  async next(ask: (address: number) => AskRecord): Promise<Sample[]> {
    const now = this.#options.clock.monotonicMs();
    const task = this.#tasks.find(({ dueAt }) => dueAt <= now);
    if (task === undefined) return [];
    const records = await this.#walk(task, ask(task.archive.address));
    return records.reverse().flatMap((record) => this.#samplesOf(task, record));
  }

  /** Records of the gap that were not handed over, newest first; at most a few. */
  async #walk(task: Task, ask: AskRecord): Promise<ArchiveRecord[]> {
    const { archive, gap } = task;
    const { zoneMinutes } = this.#options;
    const found: ArchiveRecord[] = [];
    for (let asked = 0; asked < limits.archiveRecordsMax; asked += 1) {
      const { behind } = task;
      const record: Step =
        behind === undefined
          ? await newestRecord(archive, zoneMinutes, ask)
          : await recordBefore(archive, zoneMinutes, behind, ask);
      if (record === BROKEN_OFF) return found;
      if (behind === undefined && record !== undefined) task.newestMs = record.toMs;
      if (record === undefined || record.toMs <= task.doneToMs) {
        this.#settle(task);
        return found;
      }
      task.behind = record;
      if (record.fromMs < gap.toMs && this.#isNew(task, record)) found.push(record);
    }
    return found;
  }

  /** Two gaps may lie in one period, whose record is handed over once. */
  #isNew({ name }: Task, { toMs }: ArchiveRecord): boolean {
    const key = `${name} ${toMs}`;
    if (this.#given.has(key)) return false;
    this.#given.add(key);
    const [oldest] = this.#given;
    if (this.#given.size > limits.archiveGivenMax && oldest !== undefined) {
      this.#given.delete(oldest);
    }
    return true;
  }

  /** The walk has reached what is known: it is over, or waits for the device's next record. */
  #settle(task: Task): void {
    task.behind = undefined;
    task.doneToMs = Math.max(task.doneToMs, task.newestMs);
    const { archive, gap } = task;
    if (task.newestMs >= gap.toMs) {
      this.#tasks = this.#tasks.filter((one) => one !== task);
      const untilMs = this.#options.clock.monotonicMs() + limits.archiveSignedMs;
      this.#filled.push({ gap, untilMs });
      return;
    }
    // The period in which the line came back ends later; a device that never gets there (a clock
    // that stands still) is asked once a period.
    const { clock } = this.#options;
    const sinceMs = (clock.nowMs() - task.newestMs) % archive.periodMs;
    const restMs = archive.periodMs - Math.max(0, sinceMs);
    task.dueAt = clock.monotonicMs() + restMs + limits.archiveGraceMs;
  }

  #samplesOf(task: Task, record: ArchiveRecord): Sample[] {
    const { archive, balance, name } = task;
    const gatewayTimeMs = this.#options.clock.nowMs();
    const doubt = balance.judge(record);
    return Object.entries(archive.points).map(([point, { column, increaseOf }]) => {
      const disagrees = increaseOf !== undefined && doubt.has(increaseOf);
      return {
        point,
        rawHex: columnOf(record, column),
        encoding: { type: 'float32', order: 'ABCD' },
        quality: 'archived',
        status: `modbus:archive:${name}${disagrees ? `; disagrees with ${increaseOf}` : ''}`,
        sourceTimeMs: record.toMs,
        gatewayTimeMs,
      };
    });
  }
}
