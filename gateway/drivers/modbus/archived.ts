/**
 * A Modbus connection that fills gaps from the device's archive: after a loss of the line, records
 * are asked for between the reads, and handed on with the next one that brings something.
 */
import { strict as assert } from 'node:assert';
import { explain } from '../../../devices/errors.ts';
import type { ArchiveDefinition, PointDefinition } from '../../../devices/profile.ts';
import type { Sample } from '../../../devices/reading.ts';
import { decode } from '../../decode.ts';
import type { Connection, DriverContext, SampleSet } from '../../driver.ts';
import type { AskRecord, RecordAnswer } from './archive.ts';
import { ArchiveBackfill } from './backfill.ts';
import type { Totals } from './balance.ts';
import { type Gap, type GapsFile, type LastHeard, openGapsFile } from './gaps.ts';
import type { Answer, Question } from './question.ts';

export interface ArchiveOptions {
  readonly archives: Readonly<Record<string, ArchiveDefinition>>;
  readonly points: Readonly<Record<string, PointDefinition>>;
  readonly context: DriverContext;
  /** The device's clock is this many minutes ahead of UTC. */
  readonly zoneMinutes: number;
  /** A shorter time without an answer is no gap. */
  readonly gapMs: number;
  readonly unitId: number;
  readonly timeoutMs: number;
  readonly ask: (question: Question) => Promise<Answer>;
}

/** The code for an index at which the device has no record (V1.1b3 §7). */
const ILLEGAL_DATA_ADDRESS = 2;
const ILLEGAL_DATA_VALUE = 3;

/** The connection with gaps filled; all else is the inner one's. */
export function withArchives(inner: Connection, options: ArchiveOptions): Connection {
  return new ArchivedConnection(inner, options);
}

class ArchivedConnection implements Connection {
  readonly #inner: Connection;
  readonly #options: ArchiveOptions;
  readonly #backfill: ArchiveBackfill;
  readonly #totals: readonly string[];
  readonly #stop = new AbortController();
  readonly #file: GapsFile;
  /** By the monotonic clock only when it was in this run. */
  #last: (LastHeard & { readonly monotonicMs?: number }) | undefined;
  /** Whether the file says since when nothing came. */
  #isSilenceKept: boolean;
  /** The gaps that the file holds. */
  #keptGaps: readonly Gap[];
  #filling: Promise<void> | undefined;
  #ready: Sample[] = [];
  #records = 0;

  constructor(inner: Connection, options: ArchiveOptions) {
    const { archives, context, zoneMinutes } = options;
    this.#inner = inner;
    this.#options = options;
    this.#backfill = new ArchiveBackfill({ archives, zoneMinutes, clock: context.clock });
    const totals = Object.values(archives).flatMap(({ points }) =>
      Object.values(points).flatMap(({ increaseOf }) => increaseOf ?? []),
    );
    this.#totals = [...new Set(totals)];
    this.#file = openGapsFile(context);
    const { gaps, last } = this.#file.left;
    for (const gap of gaps) this.#backfill.missed(gap);
    const lastMs = context.history?.lastMs;
    // After a sudden end nobody wrote when the device was heard: then its last batch counts.
    if (last !== undefined) this.#last = last;
    else if (lastMs !== undefined) this.#last = { atMs: lastMs, totals: new Map() };
    this.#isSilenceKept = last !== undefined;
    this.#keptGaps = gaps;
  }

  async read(points: readonly string[], signal: AbortSignal): Promise<SampleSet> {
    const set = await this.#inner.read(points, signal);
    if (!set.samples.some(({ rawHex }) => rawHex !== '')) {
      if (!this.#isSilenceKept && this.#silentMs() >= this.#options.gapMs) this.#keep(true);
      return set;
    }
    this.#notice(set);
    const archived = this.#ready.splice(0);
    if (this.#isFileOld() && !this.#isClockBehind()) this.#keep(false);
    if (this.#filling === undefined && this.#backfill.isDue()) this.#fill();
    return archived.length === 0 ? set : { ...set, samples: [...set.samples, ...archived] };
  }

  state() {
    assert(this.#inner.state, 'a Modbus connection says whether it is up');
    return this.#inner.state();
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.#inner.counters?.(), archiveRecords: this.#records };
  }

  certificates() {
    return this.#inner.certificates?.() ?? [];
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#filling;
    // The next start goes on from here, whatever was signed of other things meanwhile.
    if (this.#last !== undefined) this.#keep(true);
    await this.#inner.close();
  }

  /** Something came: if that was the first for long, there is a gap. */
  #notice({ samples }: SampleSet): void {
    if (this.#isClockBehind()) return;
    const { clock } = this.#options.context;
    const silentMs = this.#silentMs();
    const atMs = clock.nowMs();
    const totals = this.#totalsOf(samples);
    const before = this.#last?.totals ?? new Map();
    this.#last = {
      atMs,
      monotonicMs: clock.monotonicMs(),
      totals: new Map([...before, ...totals]),
    };
    if (silentMs < this.#options.gapMs) return;
    // Reckoned back from now: a clock that was set meanwhile neither makes a gap nor hides it.
    this.#backfill.missed({ fromMs: atMs - silentMs, toMs: atMs, before, after: totals });
  }

  /** How long nothing came; 0 before anything did. */
  #silentMs(): number {
    if (this.#last === undefined) return 0;
    const { clock } = this.#options.context;
    const { atMs, monotonicMs } = this.#last;
    return monotonicMs === undefined ? clock.nowMs() - atMs : clock.monotonicMs() - monotonicMs;
  }

  /** After a start without a battery-backed clock: how long it took shows when the clock is set. */
  #isClockBehind(): boolean {
    return this.#silentMs() < 0;
  }

  #isFileOld(): boolean {
    const gaps = this.#backfill.unsettled();
    const isSame = gaps.every((gap, index) => gap === this.#keptGaps[index]);
    return this.#isSilenceKept || gaps.length !== this.#keptGaps.length || !isSame;
  }

  #keep(isSilent: boolean): void {
    const gaps = this.#backfill.unsettled();
    const { atMs = 0, totals = new Map() } = this.#last ?? {};
    this.#file.keep({ ...(isSilent && { last: { atMs, totals } }), gaps });
    this.#isSilenceKept = isSilent;
    this.#keptGaps = gaps;
  }

  #totalsOf(samples: readonly Sample[]): Totals {
    const found = samples.flatMap(({ encoding, point, rawHex }): [string, number][] => {
      if (!this.#totals.includes(point)) return [];
      const value = decode(rawHex, encoding);
      return typeof value === 'number' || typeof value === 'bigint' ? [[point, Number(value)]] : [];
    });
    return new Map(found);
  }

  #fill(): void {
    this.#filling = this.#backfill
      .next((address) => this.#askAt(address))
      .then(
        (samples) => {
          this.#records += new Set(samples.map(({ sourceTimeMs }) => sourceTimeMs)).size;
          this.#ready.push(...samples);
        },
        (error: unknown) => {
          const { device, log } = this.#options.context;
          log.error('the archive could not be read', { device, error: explain(error) });
        },
      )
      .finally(() => {
        this.#filling = undefined;
      });
  }

  /** In the Enron dialect the record's index stands where the quantity would. */
  #askAt(address: number): AskRecord {
    const { ask, timeoutMs, unitId } = this.#options;
    return async (index): Promise<RecordAnswer | undefined> => {
      const answer = await ask({
        unitId,
        block: { code: 3, width: 'enron', address, quantity: index },
        anyLength: true,
        timeoutMs,
        signal: this.#stop.signal,
      });
      if (answer.kind === 'data') return answer.data;
      if (answer.kind === 'missing') return undefined;
      const isEmpty = answer.code === ILLEGAL_DATA_ADDRESS || answer.code === ILLEGAL_DATA_VALUE;
      return isEmpty ? 'empty' : undefined;
    };
  }
}
