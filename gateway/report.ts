/**
 * Report by exception: which readings of points with a deadband are signed. One is, when its value
 * moved by more than the deadband since the last signed one, when its quality, status, goods or the
 * doubt of its time changed, and when the point was silent for its maximum. Others are counted.
 */
import { limits } from '../devices/limits.ts';
import type { DeviceProfile, PointDefinition } from '../devices/profile.ts';
import type { Loss, Reading, ReadingGroup, Value } from '../devices/reading.ts';
import type { Clock } from '../devices/runtime.ts';
import type { ReportSetting } from './config-report.ts';

/** How one point reports by exception. */
export interface PointReport {
  /** In the point's unit; what moves by no more is not signed. 0: what does not change. */
  readonly deadband: number;
  readonly maxSilenceMs: number;
  /** A set point is signed with every reading that is judged by it, i.e. that came beside it. */
  readonly isCompanion: boolean;
}

/** The points that report by exception; of all others every reading is signed. */
export type ReportPlan = ReadonlyMap<string, PointReport>;

/** What the profile says, and over it what the device's configuration says. */
export function planReports(
  profile: DeviceProfile,
  settings: Readonly<Record<string, ReportSetting>> = {},
): ReportPlan {
  const plan = new Map<string, PointReport>();
  for (const [name, definition] of Object.entries(profile.points)) {
    const setting = settings[name] ?? {};
    const deadband = setting.deadband ?? definition.deadband;
    if (setting.always === true || deadband === undefined) continue;
    plan.set(name, {
      deadband: widthOf(deadband, definition.range),
      maxSilenceMs:
        setting.maxSilenceMs ?? definition.maxSilenceMs ?? limits.reportSilenceMsDefault,
      isCompanion: definition.quantity === 'setpoint',
    });
  }
  return plan;
}

type Deadband = NonNullable<ReportSetting['deadband'] | PointDefinition['deadband']>;

/** A percentage is of the span of the range (OPC UA Part 8 §7.2, percent deadband). */
function widthOf(deadband: Deadband, range: PointDefinition['range']): number {
  if ('absolute' in deadband && deadband.absolute !== undefined) return deadband.absolute;
  const percent = 'percent' in deadband ? (deadband.percent ?? 0) : 0;
  // Without a range there is nothing that it could be of: `check` says so, and any change counts.
  return range === undefined ? 0 : ((range[1] - range[0]) * percent) / 100;
}

/**
 * The longest time between two signed readings of a device that answers: what its enrolment may
 * promise as its cadence.
 */
export function signedCadenceMs(profile: DeviceProfile, plan: ReportPlan, everyMs: number): number {
  const points = Object.keys(profile.points);
  const silences = points.map((point) => plan.get(point)?.maxSilenceMs ?? everyMs);
  return Math.max(everyMs, Math.min(...silences));
}

/** What was signed last of a point. */
interface Last {
  readonly reading: Reading;
  readonly about: string | undefined;
  readonly doubt: string | undefined;
  readonly atMs: number;
}

/** A reading that is not signed yet, and the group that it came in. */
interface Held {
  readonly reading: Reading;
  readonly group: ReadingGroup;
}

export class Reporter {
  readonly #plan: ReportPlan;
  readonly #clock: Clock;
  readonly #release: (groups: readonly ReadingGroup[]) => void;
  readonly #last = new Map<string, Last>();
  /** The newest reading of each point that was silent since its last signed one. */
  readonly #held = new Map<string, Held>();
  #suppressed = 0;
  #cancel: (() => void) | undefined;

  /** `release` takes readings that are to be signed because their point was silent for long. */
  constructor(options: {
    readonly plan: ReportPlan;
    readonly clock: Clock;
    readonly release: (groups: readonly ReadingGroup[]) => void;
  }) {
    this.#plan = options.plan;
    this.#clock = options.clock;
    this.#release = options.release;
  }

  /** The readings of these groups that are to be signed now. */
  take(groups: readonly ReadingGroup[]): readonly ReadingGroup[] {
    if (this.#plan.size === 0) return groups;
    const nowMs = this.#clock.monotonicMs();
    const signed = groups.flatMap((group) => this.#takeGroup(group, nowMs));
    this.#schedule(nowMs);
    return signed;
  }

  /** After a loss nobody knows what a point did: its next reading is signed. */
  lost(losses: readonly Loss[]): void {
    for (const { points } of losses) this.forget(points);
  }

  /** The next reading of these points, by default of all, is signed. */
  forget(points: Iterable<string> = this.#plan.keys()): void {
    for (const point of points) {
      this.#last.delete(point);
      this.#drop(point);
    }
  }

  /** How many values were left out since this was last asked. */
  takeSuppressed(): number {
    const count = this.#suppressed;
    this.#suppressed = 0;
    return count;
  }

  /** A batch that said so was not kept: the next one says it. */
  giveBack(count: number): void {
    this.#suppressed += count;
  }

  /** Holds nothing any more; what was held counts as left out. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const point of [...this.#held.keys()]) this.#drop(point);
  }

  #takeGroup(group: ReadingGroup, nowMs: number): readonly ReadingGroup[] {
    const readings: Reading[] = [];
    const companions: Reading[] = [];
    for (const reading of group.readings) {
      const report = this.#plan.get(reading.point);
      // What an archive gives later is a record of its own, and not how things are now.
      if (report === undefined || reading.quality === 'archived') readings.push(reading);
      else if (this.#isDue(report, group, reading, nowMs)) {
        this.#sign(group, reading, nowMs);
        readings.push(reading);
      } else {
        this.#drop(reading.point);
        this.#held.set(reading.point, { reading, group });
        if (report.isCompanion) companions.push(reading);
      }
    }
    if (readings.length === 0) return [];
    for (const reading of companions) {
      if (this.#held.get(reading.point)?.reading !== reading) continue;
      this.#held.delete(reading.point);
      this.#sign(group, reading, nowMs);
      readings.push(reading);
    }
    return [readings.length === group.readings.length ? group : { ...group, readings }];
  }

  #isDue(report: PointReport, group: ReadingGroup, reading: Reading, nowMs: number): boolean {
    const last = this.#last.get(reading.point);
    return (
      last === undefined ||
      nowMs - last.atMs >= report.maxSilenceMs ||
      last.reading.quality !== reading.quality ||
      last.reading.status !== reading.status ||
      last.about !== group.about ||
      last.doubt !== group.deviceClock ||
      hasMoved(last.reading.value, reading.value, report.deadband)
    );
  }

  #sign(group: ReadingGroup, reading: Reading, atMs: number): void {
    this.#drop(reading.point);
    const { about, deviceClock: doubt } = group;
    this.#last.set(reading.point, { reading, about, doubt, atMs });
  }

  /** What is held of a point is left out for good. */
  #drop(point: string): void {
    if (this.#held.delete(point)) this.#suppressed += 1;
  }

  #dueMs(point: string): number {
    const last = this.#last.get(point);
    const report = this.#plan.get(point);
    return last && report ? last.atMs + report.maxSilenceMs : Number.POSITIVE_INFINITY;
  }

  #schedule(nowMs: number): void {
    if (this.#cancel !== undefined || this.#held.size === 0) return;
    let dueMs = Number.POSITIVE_INFINITY;
    for (const point of this.#held.keys()) dueMs = Math.min(dueMs, this.#dueMs(point));
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.after(Math.max(0, dueMs - nowMs), () => this.#releaseDue());
  }

  /** A source that says nothing new by itself must not make a point fall silent for longer. */
  #releaseDue(): void {
    this.#cancel = undefined;
    const nowMs = this.#clock.monotonicMs();
    const groups = new Map<ReadingGroup, Reading[]>();
    for (const [point, { group, reading }] of this.#held) {
      // Those that are nearly due go along, so that points do not wake the gateway one by one.
      const earlyMs = (this.#plan.get(point)?.maxSilenceMs ?? 0) / 16;
      if (this.#dueMs(point) - earlyMs > nowMs) continue;
      this.#held.delete(point);
      this.#sign(group, reading, nowMs);
      const readings = groups.get(group) ?? [];
      groups.set(group, readings);
      readings.push(reading);
    }
    if (groups.size > 0) {
      this.#release([...groups].map(([group, readings]) => ({ ...group, readings })));
    }
    this.#schedule(nowMs);
  }
}

/** Texts, truth values and values that come or go move by any change. */
function hasMoved(from: Value | undefined, to: Value | undefined, deadband: number): boolean {
  if (typeof from === 'number' && typeof to === 'number') return !(Math.abs(to - from) <= deadband);
  if (typeof from === 'bigint' && typeof to === 'bigint') {
    return Number(to > from ? to - from : from - to) > deadband;
  }
  return from !== to;
}
