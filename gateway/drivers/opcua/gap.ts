/**
 * What is not known of a device, and since when: said for signing at a bounded rate for as long as
 * it lasts. What the server keeps in its history is not lost yet; it is said only when it turns
 * out that history does not have it. Since when is on disk meanwhile, so that a gateway that is
 * killed finds the gap again.
 */
import { explain } from '../../../devices/errors.ts';
import { limits } from '../../../devices/limits.ts';
import type { LossCause } from '../../../devices/reading.ts';
import type { DriverContext, SampleSet } from '../../driver.ts';
import type { DeviceLog } from '../device-log.ts';
import { valuesWithin } from './notification.ts';
import { type OpenGap, type OpenGapFile, openGapFile, type Span } from './open-gap.ts';

export interface GapOptions {
  readonly context: DriverContext;
  readonly log: DeviceLog;
  readonly samplingMs: number;
  readonly deliver: (set: SampleSet) => Promise<void>;
  /** All points that somebody waits for. */
  readonly points: () => readonly string[];
  readonly onReport: () => void;
}

/** What is lost for good: points, and from when on nothing of them is signed. */
export interface Lost {
  readonly points: readonly string[];
  readonly fromMs: number;
  readonly toMs?: number;
}

/** An interval that nothing is known of, still open. */
interface Open {
  readonly beganMs: number;
  /** Points whose loss is held back, and up to when it is reported all the same. */
  held: ReadonlySet<string>;
  heldMs: number;
  /** Up to here the loss of all other points was reported. */
  otherMs: number;
  readonly spans: Span[];
}

const SPANS_MAX = 30;

export class Gap {
  readonly #options: GapOptions;
  readonly #file: OpenGapFile;
  #open: Open | undefined;
  /** Points that have a history; absent until a server was asked. */
  #historic: ReadonlySet<string> | undefined;
  /** Source time of the value of each point that was durable last. */
  readonly #last = new Map<string, number>();
  /** Points that this server does not have, and since when that is not reported. */
  #absent: { readonly points: readonly string[]; sinceMs: number } | undefined;
  /** Counts what the file was told, so that an older gap's end does not remove a newer one. */
  #opened = 0;
  /** A loss was not kept: the file alone knows of it. */
  #isOwed = false;
  #cancelTick = (): void => {};

  constructor(options: GapOptions) {
    this.#options = options;
    this.#file = openGapFile(options.context);
  }

  /** Where the gap began, if there is one. */
  get now(): { readonly beganMs: number } | undefined {
    return this.#open;
  }

  /**
   * Opens the gap that the run before left: where its file says, or else where the device's last
   * batch ended. Which points have a history is not known then, so that any of them may.
   */
  restore(): void {
    const { context, points } = this.#options;
    const { left } = this.#file;
    const nowMs = context.clock.nowMs();
    const batchMs = context.history?.lastMs || undefined;
    const endedMs = batchMs ?? left?.otherMs;
    if (endedMs === undefined) return;
    for (const [point, timeMs] of Object.entries(left?.last ?? {})) this.#last.set(point, timeMs);
    const heldMs = left?.heldMs ?? endedMs;
    const otherMs = left?.otherMs ?? endedMs;
    const held = new Set(left?.held ?? points());
    const away: Span[] = [endedMs, nowMs].map((fromMs) => ({ fromMs, cause: 'not-running' }));
    // A gateway that is started again and again keeps its first causes.
    const spans = [...(left?.spans.slice(0, SPANS_MAX) ?? []), ...away];
    this.#open = { beganMs: Math.min(heldMs, otherMs), held, heldMs, otherMs, spans };
    this.#keepOpen(this.#open);
  }

  open(sinceMs: number, cause: LossCause): void {
    // One that is open began earlier, and its beginning is on disk.
    if (this.#open) return;
    this.#opened += 1;
    const held = new Set(this.#options.points().filter((point) => this.#historic?.has(point)));
    const spans = [{ fromMs: sinceMs, cause }];
    this.#open = { beganMs: sinceMs, held, heldMs: sinceMs, otherMs: sinceMs, spans };
    this.#keepOpen(this.#open);
  }

  /** The subscription may still be there: should we be killed, the gap begins here. */
  mark(sinceMs: number, cause: LossCause): void {
    if (this.#open) return;
    this.#opened += 1;
    const held = this.#options.points().filter((point) => this.#historic?.has(point));
    const spans = [{ fromMs: sinceMs, cause }];
    this.#file.keep({ held, heldMs: sinceMs, otherMs: sinceMs, spans, last: this.#lasts() });
  }

  /** All that the server kept for us is durable. */
  caughtUp(): void {
    if (!this.#open && !this.#isOwed) this.#file.keep(undefined);
  }

  /** These samples are durable. */
  durable({ samples }: SampleSet): void {
    for (const { point, sourceTimeMs } of samples) {
      if (sourceTimeMs !== undefined) this.#last.set(point, sourceTimeMs);
    }
  }

  /** A part of the gap is filled durably; after a kill it is not filled again. */
  progress(): void {
    if (this.#open) this.#keepOpen(this.#open);
  }

  /** Source time of a point's value that was durable last, if that is known. */
  lastMs(point: string): number | undefined {
    return this.#last.get(point);
  }

  /** From when on nothing of this point is signed. */
  fromOf(point: string): number {
    const open = this.#open;
    if (!open) return this.#options.context.clock.nowMs();
    return open.held.has(point) ? open.heldMs : open.otherMs;
  }

  /** Why the gap lasts. */
  because(cause: LossCause): void {
    const { spans } = this.#open ?? {};
    const last = spans?.at(-1);
    if (spans && last) spans[spans.length - 1] = { ...last, cause };
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

  /** Reports everything that is open; resolves when that is durable. */
  async stop(): Promise<void> {
    this.#cancelTick();
    const { clock } = this.#options.context;
    if (this.#open) return await this.close(this.#options.points());
    const absent = this.#absent;
    if (absent) await this.#say(absent.points, absent.sinceMs, clock.nowMs(), 'refused');
  }

  /**
   * The gap is over. `historic` are the points with history that it has not filled at all, `partly`
   * what it has not filled of others; the points without history are added here. Resolves when all
   * that is lost is durable.
   */
  async close(unfilled: readonly string[], partly: readonly Lost[] = []): Promise<void> {
    const open = this.#open;
    if (!open) return;
    const nowMs = this.#options.context.clock.nowMs();
    const held = unfilled.filter((point) => open.held.has(point));
    const others = unfilled.filter((point) => !open.held.has(point));
    const lost = [
      { points: held, fromMs: open.heldMs },
      { points: others, fromMs: open.otherMs },
      ...partly,
    ];
    const said = lost.map(({ points, fromMs, toMs = nowMs }) =>
      this.#lose(open, points, fromMs, toMs),
    );
    this.#open = undefined;
    const opened = this.#opened;
    const isKept = (await Promise.all(said)).every(Boolean);
    if (!isKept) this.#isOwed = true;
    if (isKept && opened === this.#opened) this.#file.keep(undefined);
  }

  #reportCertain(): void {
    const open = this.#open;
    const nowMs = this.#options.context.clock.nowMs();
    if (!open) {
      const absent = this.#absent;
      if (!absent) return;
      void this.#say(absent.points, absent.sinceMs, nowMs, 'refused');
      absent.sinceMs = nowMs;
      return;
    }
    const points = this.#options.points();
    const others = points.filter((point) => !open.held.has(point));
    const isLate = nowMs - open.heldMs >= limits.opcuaHistoryDeferMs;
    const held = points.filter(
      (point) => open.held.has(point) && (isLate || this.#historic?.has(point) === false),
    );
    const said = [
      this.#lose(open, others, open.otherMs, nowMs),
      this.#lose(open, held, open.heldMs, nowMs),
    ];
    // What was reported is held back no more; history fills what comes after.
    const reported = new Set(held);
    open.held = new Set([...open.held].filter((point) => !reported.has(point)));
    open.otherMs = nowMs;
    const kept = this.#written(open);
    void Promise.all(said).then((durable) => {
      if (durable.every(Boolean) && this.#open === open) this.#file.keep(kept);
    });
  }

  /** Writes an open gap down; what cannot be written is not held back. */
  #keepOpen(open: Open): void {
    if (this.#file.keep(this.#written(open))) return;
    open.otherMs = Math.min(open.otherMs, open.heldMs);
    open.held = new Set();
  }

  #written({ held, heldMs, otherMs, spans }: Open): OpenGap {
    return { held: [...held], heldMs, otherMs, spans: [...spans], last: this.#lasts() };
  }

  #lasts(): OpenGap['last'] {
    return Object.fromEntries(this.#last);
  }

  /** Hands over the loss of an interval, in as many parts as it has causes. */
  async #lose(open: Open, points: readonly string[], fromMs: number, toMs: number) {
    const parts = open.spans.map(({ fromMs: beganMs, cause }, index) => {
      const startMs = index === 0 ? fromMs : Math.max(fromMs, beganMs);
      const endMs = Math.min(toMs, open.spans[index + 1]?.fromMs ?? toMs);
      return this.#say(points, startMs, endMs, cause);
    });
    return (await Promise.all(parts)).every(Boolean);
  }

  /** Hands over one loss; false where it was not kept. */
  async #say(
    points: readonly string[],
    fromMs: number,
    toMs: number,
    cause: LossCause,
  ): Promise<boolean> {
    const { deliver, log, onReport, samplingMs } = this.#options;
    if (points.length === 0 || toMs <= fromMs) return true;
    const count = valuesWithin(toMs - fromMs, points.length, samplingMs);
    onReport();
    try {
      await deliver({ samples: [], missing: { points, cause, fromMs, toMs, count } });
      return true;
    } catch (error) {
      log.trouble('a loss was not kept', { reason: explain(error) });
      return false;
    }
  }
}
