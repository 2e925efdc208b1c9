/**
 * Which rows of the outbox go next: urgent lane before live lane before backlog lane. Rows have
 * rising ids. When the uplink comes up, the highest id divides them: what is committed later is
 * live, what was there is backlog. Each lane is a scan that only moves up, so a row is taken once.
 */
import type { Held, Outbox, OutboxRow } from './outbox.ts';

export type Lane = 'urgent' | 'live' | 'backlog';

/** A row that is to be sent now. */
export interface Taken {
  readonly row: OutboxRow;
  readonly lane: Lane;
}

/** What may still be taken; the last row may go over the bytes. */
export interface Room {
  readonly rows: number;
  readonly bytes: number;
}

/** A part of the outbox that is gone through once, upwards. */
interface Scan {
  readonly lane: Lane;
  at: number;
  /** Absent for the lanes that have no end. */
  upTo?: number;
  /** Rows of one device, which the other lanes passed over while it was held. */
  readonly device?: string;
}

export interface Lanes {
  /** A new uplink: nothing has been taken; rows up to `lastId` are backlog. */
  restart(lastId: number): void;
  /** There is no uplink: nothing is taken. */
  clear(): void;
  /** An urgent row was committed. */
  urgentCommitted(): void;
  /** Goes through the device's rows up to `lastId` once more, its urgent ones first. */
  addDevice(device: string, lastId: number): void;
  /** Whether live rows may be waiting for room. */
  isLiveBehind(): boolean;
  /** What waits in the live lane up to `upTo` is fresh no more: it becomes backlog. */
  demoteLive(upTo: number): void;
  /**
   * Takes what there is room for; what is taken counts against the room of all lanes. `isTaken`:
   * in flight already; `held`: what to pass over. `isAll`: every lane with room is at its end.
   */
  next(
    rooms: Readonly<Record<Lane, Room>>,
    skip: { readonly isTaken: (digest: string) => boolean; readonly held: () => readonly Held[] },
  ): Promise<{ readonly taken: readonly Taken[]; readonly isAll: boolean }>;
}

export function createLanes(outbox: Outbox): Lanes {
  let urgent: Scan = { lane: 'urgent', at: 0 };
  let live: Scan = { lane: 'live', at: 0 };
  let old: Scan[] = [];
  let isOpen = false;
  /** There may be urgent rows that were not taken, so that it is worth looking for them. */
  let mayBeUrgent = false;
  let isLiveBehind = false;

  return {
    restart(lastId) {
      isOpen = true;
      mayBeUrgent = true;
      isLiveBehind = false;
      urgent = { lane: 'urgent', at: 0 };
      live = { lane: 'live', at: lastId };
      old = [{ lane: 'backlog', at: 0, upTo: lastId }];
    },
    clear() {
      isOpen = false;
      old = [];
    },
    urgentCommitted() {
      mayBeUrgent = true;
    },
    addDevice(device, lastId) {
      old.unshift({ lane: 'backlog', at: 0, upTo: lastId, device });
      // The urgent lane passed over its rows as well; what is in flight is not taken again.
      urgent = { lane: 'urgent', at: 0 };
      mayBeUrgent = true;
    },
    isLiveBehind: () => isOpen && isLiveBehind,
    demoteLive(upTo) {
      if (live.at >= upTo) return;
      // What stands between the end of the backlog and the live lane was taken already.
      const backlog = old.find(({ device }) => device === undefined);
      if (backlog) backlog.upTo = upTo;
      else old.push({ lane: 'backlog', at: live.at, upTo });
      live = { lane: 'live', at: upTo };
    },
    async next(rooms, { held, isTaken }) {
      const taken: Taken[] = [];
      if (!isOpen) return { taken, isAll: true };
      // A row can stand in front of two scans: its lane's and that of a device just released.
      const ids = new Set<number>();
      const sums = { rows: 0, bytes: 0 };
      let isAll = true;

      /** Takes from one scan; says whether it is at its end, and then that scan is over. */
      async function take(scan: Scan): Promise<boolean> {
        for (;;) {
          const { device, lane, upTo } = scan;
          const rows = rooms[lane].rows - sums.rows;
          const bytes = rooms[lane].bytes - sums.bytes;
          if (rows <= 0 || bytes <= 0) return false;
          const found = await outbox.peek({
            after: scan.at,
            count: rows,
            bytesMax: bytes,
            ...(upTo !== undefined && { upTo }),
            ...(lane === 'urgent' && { urgent: true as const }),
            except: held(),
            ...(device !== undefined && { device }),
          });
          let read = 0;
          for (const row of found) {
            scan.at = row.id;
            read += row.token.length;
            if (ids.has(row.id) || isTaken(row.digest)) continue;
            ids.add(row.id);
            taken.push({ row, lane });
            sums.rows += 1;
            sums.bytes += row.token.length;
          }
          if (found.length === rows || read >= bytes || scan.upTo !== upTo) continue;
          // At once: what became backlog between this and the answer would never be looked at.
          old = old.filter((other) => other !== scan);
          return true;
        }
      }

      if (mayBeUrgent) {
        // A row that is committed while this looks is seen now, or says so again.
        mayBeUrgent = false;
        if (!(await take(urgent))) mayBeUrgent = true;
      }
      isLiveBehind = !(await take(live));
      // The rows of a device that is held again, all of them, wait for its next release.
      const isWhole = new Map(held().map((one) => [one.device, one.closedFromMs === undefined]));
      old = old.filter(({ device }) => device === undefined || !isWhole.get(device));
      for (const scan of [...old]) isAll = (await take(scan)) && isAll;
      return { taken, isAll: isAll && !mayBeUrgent && !isLiveBehind };
    },
  };
}
