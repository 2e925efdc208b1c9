/**
 * Watches a device's own time against the gateway's: whether it jumps, stands still or is where it
 * cannot be. A reading that is only late (a broker or a device kept it) is no fault of a clock, so
 * a time that lies behind is in doubt only when it goes on at the pace of a clock. The gateway's
 * clock is the measure; how good it is stands in the same batch.
 */
import { limits } from '../devices/limits.ts';
import type { DeviceClockFault, Reading, ReadingGroup } from '../devices/reading.ts';
import { type Clock, formatTime, type Log } from '../devices/runtime.ts';

export interface DeviceClockWatch {
  /** The groups of one set, those whose time cannot be believed marked. */
  judge(groups: readonly ReadingGroup[]): readonly ReadingGroup[];
  /** What is wrong with the device's clock by its newest reading with a time of its own. */
  fault(): DeviceClockFault | undefined;
}

/** What is known of the times that came with one point. */
interface PointTimes {
  /** Newest source time among those that came together last, and when they came. */
  sourceMs: number;
  gatewayMs: number;
  /** Newest source time of what came before them. */
  beforeMs: number;
  rawHex: string;
  /** Values that changed under one source time, and since when it has been the same. */
  changes: number;
  stillSinceMs: number;
  fault: DeviceClockFault | undefined;
  /** A time that lies behind, which may be the begin of a clock that goes on from there. */
  anchor?: Anchor;
}

interface Anchor {
  readonly sourceMs: number;
  readonly gatewayMs: number;
  /** What it is if it is a clock's: it went back to here, or it was here from the first. */
  readonly begin: 'jumped' | 'wrong';
  /** How many times came since that are at a clock's pace. */
  count: number;
}

/** `isPolled`: values come when they are asked for, so that none can be late. */
export function createDeviceClockWatch(options: {
  readonly device: string;
  readonly isPolled: boolean;
  readonly clock: Clock;
  readonly log: Log;
}): DeviceClockWatch {
  const points = new Map<string, PointTimes>();
  /** How far the device's clock is known to be behind, since it jumped back or always. */
  let behindMs: number | undefined;
  let wasBelieved = false;
  let fault: DeviceClockFault | undefined;
  const say = createSayer(options);

  function judgeReading(reading: Reading, sourceMs: number, gatewayMs: number) {
    const before = points.get(reading.point);
    const times = before ?? firstTimes(reading, sourceMs, gatewayMs);
    if (!before) points.set(reading.point, times);
    else advance(times, reading, sourceMs, gatewayMs);
    const found = faultOf(times, sourceMs, gatewayMs);
    times.fault = found;
    return found;
  }

  function faultOf(
    times: PointTimes,
    sourceMs: number,
    gatewayMs: number,
  ): DeviceClockFault | undefined {
    const lagMs = gatewayMs - sourceMs;
    if (sourceMs < limits.deviceTimeMsMin || -lagMs > limits.deviceClockAheadMs) {
      return wasBelieved && fault === undefined ? 'jumped' : 'wrong';
    }
    if (isStill(times, gatewayMs)) return 'stuck';
    if (behindMs !== undefined && lagMs < behindMs - limits.deviceClockStepMs) {
      // No clock that is so far behind can say this: it was set right.
      behindMs = undefined;
    }
    if (behindMs !== undefined && Math.abs(lagMs - behindMs) <= limits.deviceClockStepMs) {
      behindMs = lagMs;
      return 'wrong';
    }
    // The same statement again, e.g. of a value that has not changed since it was doubted.
    if (sourceMs === times.beforeMs && times.fault !== undefined) return 'wrong';
    const isBack = sourceMs < times.beforeMs - limits.deviceClockStepMs;
    if (isBack && options.isPolled) {
      behindMs = lagMs;
      return 'jumped';
    }
    if (!isBack && times.anchor === undefined && lagMs <= limits.deviceClockBehindMs) {
      return undefined;
    }
    const begin = clockBegin(times, sourceMs, gatewayMs, isBack);
    if (begin === undefined) return undefined;
    behindMs = lagMs;
    return begin;
  }

  return {
    fault: () => fault,
    judge(groups) {
      if (groups.every(({ gatewayTimeMs }) => gatewayTimeMs === undefined)) return groups;
      return groups.map((group) => {
        const { gatewayTimeMs, timeMs } = group;
        if (gatewayTimeMs === undefined) return group;
        let found: DeviceClockFault | undefined;
        let isLive = false;
        for (const reading of group.readings) {
          // A record of an archive is old by its nature, and its time is the archive's.
          if (reading.quality === 'archived') continue;
          isLive = true;
          const one = judgeReading(reading, timeMs, gatewayTimeMs);
          if (found !== 'jumped') found = one ?? found;
        }
        if (!isLive) return group;
        say(fault, found, { timeMs, gatewayTimeMs });
        fault = found;
        wasBelieved = found === undefined || wasBelieved;
        return found === undefined ? group : { ...group, deviceClock: found };
      });
    },
  };
}

function firstTimes({ rawHex }: Reading, sourceMs: number, gatewayMs: number): PointTimes {
  return {
    sourceMs,
    gatewayMs,
    beforeMs: Number.NEGATIVE_INFINITY,
    rawHex,
    changes: 0,
    stillSinceMs: gatewayMs,
    fault: undefined,
  };
}

/** Takes the next reading of the point into what is known of its times. */
function advance(
  times: PointTimes,
  { rawHex }: Reading,
  sourceMs: number,
  gatewayMs: number,
): void {
  const isTogether = gatewayMs === times.gatewayMs;
  if (sourceMs !== times.sourceMs) {
    times.changes = 0;
    times.stillSinceMs = gatewayMs;
  } else if (!isTogether && rawHex !== times.rawHex) times.changes += 1;
  if (!isTogether) times.beforeMs = times.sourceMs;
  times.sourceMs = isTogether ? Math.max(times.sourceMs, sourceMs) : sourceMs;
  times.gatewayMs = gatewayMs;
  times.rawHex = rawHex;
}

/** Values change, and their time has not moved for longer than the coarsest clock's minute. */
function isStill({ changes, stillSinceMs }: PointTimes, gatewayMs: number): boolean {
  const stillMs = gatewayMs - stillSinceMs;
  return changes >= limits.deviceClockChanges && stillMs >= limits.deviceClockStillMs;
}

/**
 * How a clock that is behind began, once times that lie behind go on as a clock does: as far from
 * the anchor as time has passed. What was kept and is delivered late comes in a burst, or catches
 * up.
 */
function clockBegin(
  times: PointTimes,
  sourceMs: number,
  gatewayMs: number,
  isBack: boolean,
): Anchor['begin'] | undefined {
  const { anchor } = times;
  const passedMs = anchor ? gatewayMs - anchor.gatewayMs : 0;
  const toleranceMs = Math.max(limits.deviceClockPaceMs, passedMs / 10);
  const isPace = anchor && Math.abs(sourceMs - anchor.sourceMs - passedMs) <= toleranceMs;
  if (isBack || !isPace) {
    delete times.anchor;
    const isBehind = isBack || gatewayMs - sourceMs > limits.deviceClockBehindMs;
    const begin = isBack ? 'jumped' : 'wrong';
    if (isBehind) times.anchor = { sourceMs, gatewayMs, begin, count: 0 };
    return undefined;
  }
  anchor.count += 1;
  if (anchor.count < limits.deviceClockChanges) return undefined;
  if (passedMs < 2 * limits.deviceClockStepMs) return undefined;
  delete times.anchor;
  return anchor.begin;
}

const SENTENCES: Readonly<Record<DeviceClockFault, string>> = {
  jumped: "the device's clock jumped; its readings count at the gateway's time",
  wrong: "the device's clock is wrong; its readings count at the gateway's time",
  stuck: "the device's clock stands still; its readings count at the gateway's time",
};

/** Says each change once, and a clock that flaps at a bounded rate. */
function createSayer({
  clock,
  device,
  log,
}: {
  readonly device: string;
  readonly clock: Clock;
  readonly log: Log;
}) {
  let saidMs = Number.NEGATIVE_INFINITY;
  let isDoubted = false;
  return (
    before: DeviceClockFault | undefined,
    now: DeviceClockFault | undefined,
    { gatewayTimeMs, timeMs }: { readonly timeMs: number; readonly gatewayTimeMs: number },
  ) => {
    if (before === now) return;
    const nowMs = clock.monotonicMs();
    if (now === undefined) {
      if (isDoubted) log.info("the device's clock can be believed again", { device });
      isDoubted = false;
      return;
    }
    if (isDoubted || nowMs - saidMs < limits.deviceComplaintMs) return;
    const times = { says: formatTime(timeMs), gateway: formatTime(gatewayTimeMs) };
    log.warn(SENTENCES[now], { device, ...times });
    saidMs = nowMs;
    isDoubted = true;
  };
}
