/** Promise: every queue is bounded. */
import { limits } from '../../devices/limits.ts';
import type { Facts } from './facts.ts';

/** Timers that a world of a few machines ever needs at once. */
const TIMERS_MAX = 20_000;

export function checkBounds(
  facts: Facts,
  now: {
    readonly timers: number;
    readonly queuedBytes: number;
    readonly stations: readonly { readonly name: string; readonly bytesMax: number }[];
  },
): string[] {
  const broken: string[] = [];
  if (now.timers > TIMERS_MAX) broken.push(`${now.timers} timers wait`);
  // What is under way when a source is told to wait is one message more.
  if (now.queuedBytes > limits.receiveQueueBytesMax + limits.credentialBytesMax) {
    broken.push(`the ingester holds ${now.queuedBytes} bytes between sources and journal`);
  }
  for (const { bytesMax, name } of now.stations) {
    const bytes = facts.waitingBytes.get(name) ?? 0;
    if (bytes <= bytesMax + limits.outboxReserveBytes + limits.batchBytesMax) continue;
    broken.push(`the outbox of ${name} holds ${bytes} bytes, its cap is ${bytesMax}`);
  }
  return broken;
}
