/**
 * Devices that speak by themselves: everything that they publish is taken, and acknowledged to
 * them only when it is on disk. One that says nothing for long is silent, and its loss is signed.
 */
import { limits } from '../devices/limits.ts';
import type { Loss } from '../devices/reading.ts';
import type { Clock } from '../devices/runtime.ts';
import type { DeviceWatch } from './device-state.ts';
import type { Connection, SampleSet } from './driver.ts';
import { lossesOf, note } from './poll.ts';

export interface ListenOptions {
  readonly connection: Connection;
  readonly points: readonly string[];
  /** Expected time between two messages. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly watch: DeviceWatch;
  /** Takes what came; resolves when it is on disk. */
  readonly take: (set: SampleSet, losses: readonly Loss[]) => Promise<void>;
  readonly stop: AbortSignal;
}

/** Subscribes, and returns at once; the connection's `close` ends it. */
export async function listen(options: ListenOptions): Promise<void> {
  const { clock, connection, points, take, watch } = options;
  let heardMs = clock.nowMs();
  let heardAt = clock.monotonicMs();
  const deliver = async (set: SampleSet) => {
    // Nothing was heard from the device: the driver only tidies up.
    if (set.forget !== undefined) return take(set, []);
    const nowMs = clock.nowMs();
    note(watch, set, points.length);
    const losses = lossesOf(set, { fromMs: heardMs, toMs: nowMs }, points.length);
    heardMs = nowMs;
    heardAt = clock.monotonicMs();
    await take(set, losses);
  };
  await connection.subscribe?.(points, deliver);
  if (!connection.silence?.whileRunning) await watchSilence();

  async function watchSilence(): Promise<void> {
    const silentMs = Math.max(limits.silentIntervals * options.everyMs, limits.silentMsMin);
    while (true) {
      const waitMs = heardAt + silentMs - clock.monotonicMs();
      await clock.sleep(Math.max(waitMs, 1), options.stop);
      if (options.stop.aborted) return;
      // Nobody can be heard: the status says so, and the driver what was missed when it is back.
      if (connection.state?.().up === false) {
        heardAt = clock.monotonicMs();
        heardMs = clock.nowMs();
        continue;
      }
      if (clock.monotonicMs() - heardAt < silentMs) continue;
      const toMs = clock.nowMs();
      const intervals = Math.max(1, Math.floor((clock.monotonicMs() - heardAt) / options.everyMs));
      const count = intervals * points.length;
      watch.failed('silent', 'nothing was published', count);
      await take({ samples: [] }, [{ fromMs: heardMs, toMs, count, cause: 'timeout' }]);
      heardMs = toMs;
      heardAt = clock.monotonicMs();
    }
  }
}
