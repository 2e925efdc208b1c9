/**
 * Which rows of the outbox go next: live lane before backlog lane. Rows have rising ids. When the
 * uplink comes up, the highest id divides them: what is committed later is live, what was there is
 * backlog. Each lane is a scan that only moves up, so a row is taken once.
 */
import type { Outbox, OutboxRow } from './outbox.ts';

/** A part of the outbox that is gone through once, upwards. */
interface Scan {
  at: number;
  /** Absent for the live lane, which has no end. */
  readonly upTo?: number;
  /** Rows of one device, which the other lanes passed over while it was held. */
  readonly device?: string;
}

export interface Lanes {
  /** A new uplink: nothing has been taken; rows up to `lastId` are backlog. */
  restart(lastId: number): void;
  /** There is no uplink: nothing is taken. */
  clear(): void;
  /** Goes through the device's rows up to `lastId` once more, after live, before backlog. */
  addDevice(device: string, lastId: number): void;
  /** Takes up to `room` rows. `isTaken`: in flight already; `held`: devices to pass over. */
  next(
    room: number,
    skip: { readonly isTaken: (digest: string) => boolean; readonly held: () => readonly string[] },
  ): Promise<OutboxRow[]>;
}

export function createLanes(outbox: Outbox): Lanes {
  let scans: Scan[] = [];
  return {
    restart(lastId) {
      scans = [{ at: lastId }, { at: 0, upTo: lastId }];
    },
    clear() {
      scans = [];
    },
    addDevice(device, lastId) {
      scans.splice(1, 0, { at: 0, upTo: lastId, device });
    },
    async next(room, { held, isTaken }) {
      const found: OutboxRow[] = [];
      // A row can stand in front of two scans: the live one and that of a device just released.
      const ids = new Set<number>();
      // The rows of a device that is held again wait for its next release.
      const isHeld = new Set(held());
      scans = scans.filter(({ device }) => device === undefined || !isHeld.has(device));
      for (const scan of [...scans]) {
        while (found.length < room) {
          const count = room - found.length;
          const { at: after, device, upTo } = scan;
          const rows = await outbox.peek({
            after,
            count,
            ...(upTo !== undefined && { upTo }),
            ...(device === undefined ? { except: held() } : { device }),
          });
          for (const row of rows) {
            scan.at = row.id;
            if (ids.has(row.id) || isTaken(row.digest)) continue;
            ids.add(row.id);
            found.push(row);
          }
          if (rows.length < count) {
            if (upTo !== undefined) scans = scans.filter((other) => other !== scan);
            break;
          }
        }
      }
      return found;
    },
  };
}
