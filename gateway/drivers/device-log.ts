/** Says what is wrong with one device once, and then at a bounded rate however long it lasts. */
import { limits } from '../../devices/limits.ts';
import type { Clock, Log, LogField } from '../../devices/runtime.ts';

export interface DeviceLog {
  /**
   * Something is wrong. `kind` is one of a few fixed words; the same kind is said again only after
   * `limits.deviceComplaintMs`, with the number of times that it happened in between.
   */
  trouble(kind: string, fields?: Record<string, LogField>): void;
  /** The device answers as it should. Says so after trouble that was said. */
  well(): void;
}

/** A voice for `device`, writing to `log`. */
export function createDeviceLog(options: {
  readonly device: string;
  readonly clock: Clock;
  readonly log: Log;
}): DeviceLog {
  const { device, clock, log } = options;
  const said = new Map<string, { atMs: number; times: number }>();
  let complained = false;
  return {
    trouble(kind, fields = {}) {
      const nowMs = clock.monotonicMs();
      const before = said.get(kind);
      if (before !== undefined && nowMs - before.atMs < limits.deviceComplaintMs) {
        before.times += 1;
        return;
      }
      const times = (before?.times ?? 0) + 1;
      said.set(kind, { atMs: nowMs, times: 0 });
      complained = true;
      log.warn(`device ${device}: ${kind}`, { ...fields, times });
    },
    well() {
      // The trouble's own times stay: a device that flaps is not said more often for it.
      if (!complained) return;
      complained = false;
      log.info(`device ${device}: answers`);
    },
  };
}
