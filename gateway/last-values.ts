/** The newest reading of each point of one device, signed or not, for whoever looks at it. */
import type { DeviceProfile } from '../devices/profile.ts';
import type { Reading, ReadingGroup } from '../devices/reading.ts';
import type { PointSnapshot } from './snapshot.ts';

export interface LastValues {
  take(groups: readonly ReadingGroup[]): void;
  /** All points in the order of the profile. */
  snapshot(): PointSnapshot[];
}

export function createLastValues(profile: DeviceProfile): LastValues {
  const newest = new Map<string, { readonly reading: Reading; readonly group: ReadingGroup }>();
  return {
    take(groups) {
      for (const group of groups) {
        for (const reading of group.readings) {
          // A record of an archive is never the present value.
          if (reading.quality !== 'archived') newest.set(reading.point, { reading, group });
        }
      }
    },
    snapshot: () =>
      Object.entries(profile.points).map(([point, { summary, unit }]) => {
        const last = newest.get(point);
        if (!last) return { point, summary, unit };
        const { quality, serverTimeMs, status, value } = last.reading;
        const { gatewayTimeMs, timeMs } = last.group;
        return {
          point,
          summary,
          unit,
          quality,
          gatewayTimeMs: gatewayTimeMs ?? timeMs,
          ...(value !== undefined && { value }),
          ...(status !== undefined && { status }),
          ...(gatewayTimeMs !== undefined && { sourceTimeMs: timeMs }),
          ...(serverTimeMs !== undefined && { serverTimeMs }),
        };
      }),
  };
}
