/**
 * Whether the gateway does its work, for probes: red when data is stale, not when the process is
 * dead, which a probe that gets no answer sees by itself.
 */
import { limits } from '../../devices/limits.ts';
import type { DeviceSnapshot, GatewaySnapshot } from '../snapshot.ts';

/** A device whose newest data are older than they may be. */
export interface StaleDevice {
  readonly name: string;
  readonly reason: string;
  /** Milliseconds; absent where nothing ever came. */
  readonly ageMs?: number;
  readonly staleAfterMs: number;
}

/** What `/healthz` answers. */
export interface Health {
  readonly status: 'ok' | 'stale';
  readonly site: string;
  readonly devices: number;
  readonly stale: readonly StaleDevice[];
}

/** A device is stale after three of its intervals, but not before `limits.staleMsMin`. */
export function staleAfterMs({ everyMs }: Pick<DeviceSnapshot, 'everyMs'>): number {
  return Math.max(limits.staleIntervals * everyMs, limits.staleMsMin);
}

/** Whether what is known of a device is older than it may be; nothing at all is not stale. */
export function isStale(device: DeviceSnapshot): boolean {
  return device.ageMs !== undefined && device.ageMs > staleAfterMs(device);
}

/** The health of a gateway. A device that never answered is stale once it had the time to. */
export function judgeHealth(snapshot: GatewaySnapshot): Health {
  const upMs = snapshot.timeMs - snapshot.startedMs;
  const stale = snapshot.devices.flatMap((device): StaleDevice[] => {
    const after = staleAfterMs(device);
    if ((device.ageMs ?? upMs) <= after) return [];
    return [
      {
        name: device.name,
        reason: device.reason ?? (device.ageMs === undefined ? 'nothing came yet' : device.state),
        ...(device.ageMs !== undefined && { ageMs: Math.round(device.ageMs) }),
        staleAfterMs: after,
      },
    ];
  });
  return {
    status: stale.length === 0 ? 'ok' : 'stale',
    site: snapshot.site,
    devices: snapshot.devices.length,
    stale,
  };
}
