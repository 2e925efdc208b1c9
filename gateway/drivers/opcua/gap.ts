/**
 * What is not known of a device, and since when: said for signing at a bounded rate for as long as
 * it lasts. What the server keeps in its history is not lost yet; it is said only when it turns
 * out that history does not have it.
 */
import { explain } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { LossCause } from '../../../devices/reading.ts';
import type { DriverContext, SampleSet } from '../../driver.ts';
import type { DeviceLog } from '../device-log.ts';
import { valuesWithin } from './notification.ts';

export interface GapOptions {
  readonly context: DriverContext;
  readonly log: DeviceLog;
  readonly samplingMs: number;
  readonly deliver: (set: SampleSet) => Promise<void>;
  /** All points that somebody waits for. */
  readonly points: () => readonly string[];
  readonly onReport: () => void;
}

/** An interval that nothing is known of, still open. */
interface Open {
  /** Where it began. */
  readonly beganMs: number;
  /** Up to here the loss of what has no history was reported. */
  reportedMs: number;
  /** The same of what has a history. */
  deferredMs: number;
  cause: LossCause;
}

export class Gap {
  readonly #options: GapOptions;
  #open: Open | undefined;
  /** Points whose gap history may fill. */
  #historic: ReadonlySet<string> = new Set();
  /** Points that this server does not have, and since when that is not reported. */
  #absent: { readonly points: readonly string[]; sinceMs: number } | undefined;
  #cancelTick = (): void => {};

  constructor(options: GapOptions) {
    this.#options = options;
  }

  /** Where the gap began and why, if there is one. */
  get now(): { readonly beganMs: number; readonly cause: LossCause } | undefined {
    return this.#open;
  }

  open(sinceMs: number, cause: LossCause): void {
    const before = this.#open;
    this.#open = {
      beganMs: Math.min(sinceMs, before?.beganMs ?? sinceMs),
      reportedMs: Math.min(sinceMs, before?.reportedMs ?? sinceMs),
      deferredMs: Math.min(sinceMs, before?.deferredMs ?? sinceMs),
      cause: before?.cause ?? cause,
    };
  }

  /** Why the gap lasts. */
  because(cause: LossCause): void {
    if (this.#open) this.#open.cause = cause;
  }

  /** Points of which the server keeps the history; their loss is not certain yet. */
  setHistoric(points: ReadonlySet<string>): void {
    this.#historic = points;
  }

  setAbsent(points: readonly string[]): void {
    const { clock } = this.#options.context;
    this.#absent = points.length > 0 ? { points, sinceMs: clock.nowMs() } : undefined;
  }

  /** Reports for as long as something is missing, every `limits.opcuaLossMs`. */
  start(): void {
    this.#cancelTick();
    this.#cancelTick = this.#options.context.clock.after(limits.opcuaLossMs, () => {
      this.#reportCertain();
      this.start();
    });
  }

  /** Nothing will be filled any more: reports everything that is open. */
  stop(): void {
    this.#cancelTick();
    const open = this.#open;
    this.#reportCertain();
    if (!open) return;
    const historic = this.#options.points().filter((point) => this.#historic.has(point));
    this.report(historic, open.deferredMs, open.cause);
  }

  /**
   * The gap is over. `lost` are the points whose gap history has not filled, out of those for
   * which it might have; the others are reported here.
   */
  close(lost: readonly string[]): void {
    const open = this.#open;
    if (!open) return;
    this.#reportCertain();
    this.#open = undefined;
    this.report(lost, open.deferredMs, open.cause);
  }

  /** Hands over one loss and returns its end, which is now unless it is given. */
  report(
    points: readonly string[],
    fromMs: number,
    cause: LossCause,
    toMs: number = this.#options.context.clock.nowMs(),
  ): number {
    const { deliver, log, onReport, samplingMs } = this.#options;
    if (points.length === 0 || toMs <= fromMs) return fromMs;
    const count = valuesWithin(toMs - fromMs, points.length, samplingMs);
    onReport();
    deliver({ samples: [], missing: { points, cause, fromMs, toMs, count } }).catch(
      (error: unknown) => log.trouble('a loss was not kept', { reason: explain(error) }),
    );
    return toMs;
  }

  #reportCertain(): void {
    const open = this.#open;
    if (open) {
      const isCertain = (point: string) => !this.#historic.has(point);
      const { points, context } = this.#options;
      open.reportedMs = this.report(points().filter(isCertain), open.reportedMs, open.cause);
      const nowMs = context.clock.nowMs();
      if (nowMs - open.beganMs < limits.opcuaHistoryDeferMs) return;
      // Should this process end now, nobody would know of the gap: it is signed after all, and
      // what history gives later comes on top.
      this.report(
        points().filter((point) => !isCertain(point)),
        open.deferredMs,
        open.cause,
      );
      open.deferredMs = nowMs;
    } else if (this.#absent) {
      this.#absent.sinceMs = this.report(this.#absent.points, this.#absent.sinceMs, 'refused');
    }
  }
}
