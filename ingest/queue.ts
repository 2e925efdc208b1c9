/** One lane between the sources and the journal: its messages in order, counted in bytes. */
import { limits } from '../devices/limits.ts';
import type { JudgedChunk } from './admitter.ts';
import type { Inbound } from './source.ts';

/** A chunk in admission or after it. */
export interface UnderWay {
  /** What it counts for. */
  bytes: number;
  /** What each of its messages counts for with its gateway. */
  readonly shares: readonly (readonly [gateway: string, bytes: number])[];
  judged?: JudgedChunk;
}

export interface Queue {
  add(message: Inbound): void;
  /** The messages of the next chunk, where one may be judged now; they are under way then. */
  next(): { readonly messages: readonly Inbound[]; readonly entry: UnderWay } | undefined;
  /** A chunk was judged, and has `grown` by so many bytes since it was packed before. */
  judged(entry: UnderWay, chunk: JudgedChunk, grown: number): void;
  /** A message of a chunk is judged apart; the chunk is handed to the answer once it is. */
  apart(): (chunk: JudgedChunk) => void;
  /** The chunks that are judged and may go, oldest first, as many as one transaction takes. */
  take(): UnderWay[];
  /** What was taken is stored. */
  stored(entries: readonly UnderWay[]): void;
  /** What waits and is under way. */
  bytes(): number;
  has(gateway: string): boolean;
  isIdle(): boolean;
}

/**
 * A queue of which `slots` chunks may be in admission at the same time. Its chunks leave in order
 * (`isInOrder`), or in the order of each gateway: one that is not judged yet then keeps no other
 * gateway waiting.
 */
export function createQueue(slots: number, isInOrder: boolean): Queue {
  const waiting: Inbound[] = [];
  /** In the order in which they came. */
  const underWay: UnderWay[] = [];
  const byGateway = new Map<string, number>();
  let judging = 0;
  let apart = 0;
  let bytes = 0;
  /** Bytes of those that are judged and wait for the journal, unpacked. */
  let judgedBytes = 0;
  return {
    add(message) {
      const cost = costOf(message.bytes);
      waiting.push(message);
      bytes += cost;
      byGateway.set(message.gateway, (byGateway.get(message.gateway) ?? 0) + cost);
    },
    next() {
      const isFree = judging < slots && judgedBytes < limits.judgedBytesMax;
      if (!isFree || waiting.length === 0) return undefined;
      const messages = waiting.splice(0, limits.admitChunk);
      const shares = messages.map((one) => [one.gateway, costOf(one.bytes)] as const);
      const entry = { bytes: shares.reduce((sum, [, cost]) => sum + cost, 0), shares };
      underWay.push(entry);
      judging += 1;
      return { messages, entry };
    },
    judged(entry, chunk, grown) {
      judging -= 1;
      entry.judged = chunk;
      entry.bytes += grown;
      bytes += grown;
      judgedBytes += entry.bytes;
    },
    apart() {
      apart += 1;
      return (judged) => {
        apart -= 1;
        // Nothing waits for it: it does not wait for others either.
        const cost = judged.buffer.byteLength;
        bytes += cost;
        judgedBytes += cost;
        underWay.unshift({ bytes: cost, shares: [], judged });
      };
    },
    take() {
      const group: UnderWay[] = [];
      let count = 0;
      let size = 0;
      for (const entry of ripe(underWay, isInOrder)) {
        count += entry.judged?.items.length ?? 0;
        size += entry.bytes;
        const isFull = count > limits.journalGroupMax || size > limits.journalGroupBytesMax;
        if (group.length > 0 && isFull) break;
        group.push(entry);
        judgedBytes -= entry.bytes;
      }
      for (const entry of group) underWay.splice(underWay.indexOf(entry), 1);
      return group;
    },
    stored(entries) {
      for (const entry of entries) {
        bytes -= entry.bytes;
        for (const [gateway, cost] of entry.shares) {
          const left = (byGateway.get(gateway) ?? 0) - cost;
          if (left > 0) byGateway.set(gateway, left);
          else byGateway.delete(gateway);
        }
      }
    },
    bytes: () => bytes,
    has: (gateway) => byGateway.has(gateway),
    isIdle: () => waiting.length === 0 && underWay.length === 0 && apart === 0,
  };
}

/** What a message takes while it waits. */
function costOf(bytes: Uint8Array): number {
  return bytes.length + limits.messageOverheadBytes;
}

/** The chunks that are judged and wait for none before them. */
function ripe(underWay: readonly UnderWay[], isInOrder: boolean): UnderWay[] {
  const found: UnderWay[] = [];
  const held = new Set<string>();
  for (const entry of underWay) {
    const { judged, shares } = entry;
    if (judged && !shares.some(([gateway]) => held.has(gateway))) found.push(entry);
    else if (isInOrder) break;
    else for (const [gateway] of shares) held.add(gateway);
  }
  return found;
}
