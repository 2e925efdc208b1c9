/**
 * What all connections together hold of packets that are not whole yet: bounded in bytes and in
 * time. Whoever sends slowest makes room; an honest packet is whole within seconds.
 */
import { limits } from '../devices/limits.ts';
import type { Clock } from '../devices/runtime.ts';

export interface Unfinished {
  /** Says what a connection holds now; `end` ends it, and may be called at once. */
  note(connection: object, held: { packet: number; bytes: number }, end: () => void): void;
  /** The connection is gone. */
  forget(connection: object): void;
  /** Of all connections. */
  bytes(): number;
  close(): void;
}

interface Held {
  bytes: number;
  readonly packet: number;
  readonly sinceMs: number;
  readonly end: () => void;
}

export function createUnfinished(clock: Clock): Unfinished {
  // A Map keeps the order of insertion: the packet that began first stands first.
  const all = new Map<object, Held>();
  let total = 0;

  const forget = (connection: object) => {
    total -= all.get(connection)?.bytes ?? 0;
    all.delete(connection);
  };
  const endOldest = () => {
    const [oldest] = all;
    if (oldest === undefined) return;
    forget(oldest[0]);
    oldest[1].end();
  };
  let cancel = () => {};
  const look = () => {
    cancel = clock.after(limits.unfinishedLookMs, () => {
      const fromMs = clock.monotonicMs() - limits.unfinishedMs;
      for (let [first] = all; first && first[1].sinceMs < fromMs; [first] = all) endOldest();
      look();
    });
  };
  look();
  return {
    note(connection, { bytes, packet }, end) {
      if (all.get(connection)?.packet !== packet || bytes === 0) forget(connection);
      if (bytes === 0) return;
      const held = all.get(connection);
      total += bytes - (held?.bytes ?? 0);
      if (held !== undefined) held.bytes = bytes;
      else all.set(connection, { bytes, packet, sinceMs: clock.monotonicMs(), end });
      while (total > limits.unfinishedBytesMax) endOldest();
    },
    forget,
    bytes: () => total,
    close: () => cancel(),
  };
}
