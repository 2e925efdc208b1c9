/**
 * When a device is asked: one loop a device, so that none delays another, on a fixed grid without
 * drift, with one read in flight and nothing piling up behind a slow one.
 */
import { explain } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import type { Loss, LossCause } from '../devices/reading.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { DeviceWatch } from './device-state.ts';
import type { Connection, SampleSet } from './driver.ts';

export interface PollOptions {
  readonly device: string;
  readonly connection: Connection;
  readonly points: readonly string[];
  readonly everyMs: number;
  /** The first read is this long after the start, so that devices do not answer all at once. */
  readonly phaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly watch: DeviceWatch;
  /** Takes what came. Must not wait for the disk. */
  readonly take: (set: SampleSet, losses: readonly Loss[]) => void;
  /** Whether there is room for more; where there is not, the read is left out and counted. */
  readonly hasRoom: () => boolean;
  /** Ends the loop; a read in flight is finished. */
  readonly stop: AbortSignal;
  /** Breaks off the read in flight as well. */
  readonly abort: AbortSignal;
}

/** A driver has this long to notice that its read was broken off. */
const READ_GRACE_MS = 1_000;

/** Polls until `stop`; resolves when no read is in flight any more. */
export async function poll(options: PollOptions): Promise<void> {
  const { clock, everyMs, points, stop, take, watch } = options;
  const readOnce = createReader(options);
  let due = clock.monotonicMs() + options.phaseMs;
  let late: Loss | undefined;
  while (true) {
    await clock.sleep(Math.max(0, due - clock.monotonicMs()), stop);
    if (stop.aborted) return;
    const fromMs = clock.nowMs();
    if (options.hasRoom()) {
      const set = await readOnce();
      const losses = lossesOf(set, { fromMs, toMs: clock.nowMs() });
      note(watch, set, points.length);
      take(set, late ? [late, ...losses] : losses);
    } else {
      const loss = { fromMs, toMs: fromMs, count: points.length, cause: 'queue-full' } as const;
      take({ samples: [] }, late ? [late, loss] : [loss]);
    }
    due += everyMs;
    // Up to one interval late is made good at once; what is missed beyond that is not asked for
    // all at once afterwards, but said.
    const skipped = Math.max(0, Math.floor((clock.monotonicMs() - due) / everyMs));
    due += skipped * everyMs;
    late =
      skipped === 0
        ? undefined
        : { fromMs, toMs: clock.nowMs(), count: skipped * points.length, cause: 'timeout' };
  }
}

/**
 * Reads that end: when the driver does not, the read is broken off and then given up. While the
 * driver still sits on it, nothing is asked, because a device is asked one thing at a time.
 */
function createReader(options: PollOptions): () => Promise<SampleSet> {
  const { abort, clock, connection, device, log, points } = options;
  const nothing = (cause: LossCause): SampleSet => ({ samples: [], missing: { points, cause } });
  let pending: Promise<SampleSet> | undefined;
  return async () => {
    if (pending) return nothing('timeout');
    const breakOff = new AbortController();
    const onAbort = () => breakOff.abort();
    abort.addEventListener('abort', onAbort, { once: true });
    if (abort.aborted) onAbort();
    let giveUp: (set: SampleSet) => void = () => undefined;
    const givenUp = new Promise<SampleSet>((resolve) => {
      giveUp = resolve;
    });
    const cancels = [
      clock.after(limits.readMsMax, onAbort),
      clock.after(limits.readMsMax + READ_GRACE_MS, () => giveUp(nothing('timeout'))),
    ];
    const read = connection.read(points, breakOff.signal).catch((error: unknown) => {
      // A driver says its device's faults in `missing`; this is a fault of the driver.
      log.error('the driver failed', { device, error: explain(error) });
      return nothing('nonsense');
    });
    pending = read.finally(() => {
      pending = undefined;
    });
    try {
      return await Promise.race([read, givenUp]);
    } finally {
      for (const cancel of cancels) cancel();
      abort.removeEventListener('abort', onAbort);
    }
  };
}

/** What a set says is missing, as a loss of the interval that the driver states or was asked in. */
export function lossesOf(
  set: SampleSet,
  asked: { readonly fromMs: number; readonly toMs: number },
  allPoints?: number,
): Loss[] {
  const { missing } = set;
  if (!missing) return [];
  const { cause, points, count = points.length } = missing;
  const fromMs = missing.fromMs ?? asked.fromMs;
  const toMs = Math.max(fromMs, missing.toMs ?? asked.toMs);
  const isAll = points.length === (allPoints ?? points.length + set.samples.length);
  return [{ fromMs, toMs, count, cause, ...(!isAll && { points }) }];
}

/** Tells the watch how the device did. */
export function note(watch: DeviceWatch, set: SampleSet, allPoints: number): void {
  const { missing } = set;
  if (!missing) {
    if (set.samples.length > 0) watch.answered();
    return;
  }
  const count = missing.count ?? missing.points.length;
  if (set.samples.length === 0 && missing.points.length >= allPoints) {
    watch.failed('down', missing.cause, count);
    return;
  }
  const shown = missing.points.slice(0, 3).join(', ');
  const more = missing.points.length > 3 ? ` and ${missing.points.length - 3} more` : '';
  watch.incomplete(`${missing.cause}: ${shown}${more}`, count);
}
