/** Says what is wrong with one device once, and then at a bounded rate however long it lasts. */
import { limits } from '../../devices/limits.ts';
import type { Clock, Log, LogField } from '../../devices/runtime.ts';

export interface DeviceLog {
  /**
   * Something is wrong. `kind` is one of a few fixed words; the same kind is said again only after
   * `limits.deviceComplaintMs`, with the number of times that it happened in between.
   */
  trouble(kind: string, fields?: Record<string, LogField>): void;
  /**
   * Trouble of this kind (of any kind where none is named) is over. Says so when it was said, and
   * no other kind lasts.
   */
  well(kind?: string): void;
}

/** A voice for `device`, writing to `log`. */
export function createDeviceLog(options: {
  readonly device: string;
  readonly clock: Clock;
  readonly log: Log;
}): DeviceLog {
  const { device, clock, log } = options;
  const said = new Map<string, { atMs: number; times: number }>();
  const lasting = new Set<string>();
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
      lasting.add(kind);
      log.warn(`device ${device}: ${kind}`, { ...fields, times });
    },
    well(kind) {
      if (lasting.size === 0 || (kind !== undefined && !lasting.delete(kind))) return;
      if (kind === undefined) lasting.clear();
      // The trouble's own times stay: a device that flaps is not said more often for it.
      if (lasting.size === 0) log.info(`device ${device}: answers`);
    },
  };
}
