/** Whether there is room for more of a gateway between the sources and the journal. */
import { limits } from '../devices/limits.ts';
import { type Deferred, deferred } from './apply-deferred.ts';
import type { Lane } from './lane.ts';
import type { Queue } from './queue.ts';
import type { Rates } from './rates.ts';

export interface Room {
  /** `undefined` where there is room, else a promise of it. */
  wait(gateway: string | undefined): Promise<void> | undefined;
  /** Looks whether there is room again; called whenever something was stored, or signed. */
  look(): void;
}

export function createRoom(
  queues: Readonly<Record<Lane, Pick<Queue, 'bytes' | 'has'>>>,
  behind: { readonly rates?: Pick<Rates, 'wait'>; readonly unsignedBytes?: () => number },
): Room {
  const { batch, paper } = queues;
  const { rates, unsignedBytes = () => 0 } = behind;
  let space: Deferred<void> | undefined;

  /**
   * Beyond the bound those still have room of whom nothing waits, within a reserve: who floods
   * the queue keeps nobody else from a first word.
   */
  const isFull = (gateway: string | undefined) => {
    if (paper.bytes() > limits.paperQueueBytesMax) return true;
    if (unsignedBytes() > limits.receiptsWaitingBytesMax) return true;
    const over = batch.bytes() - limits.receiveQueueBytesMax;
    if (over <= 0) return false;
    return over > limits.receiveReserveBytesMax || (gateway !== undefined && batch.has(gateway));
  };
  return {
    wait(gateway) {
      const paid = gateway === undefined ? undefined : rates?.wait(gateway);
      if (!isFull(gateway)) return paid;
      space ??= deferred<void>();
      return paid === undefined ? space.promise : Promise.all([paid, space.promise]).then(() => {});
    },
    look() {
      const isHalf =
        batch.bytes() <= limits.receiveQueueBytesMax / 2 &&
        paper.bytes() <= limits.paperQueueBytesMax / 2 &&
        unsignedBytes() <= limits.receiptsWaitingBytesMax / 2;
      if (space === undefined || !isHalf) return;
      space.resolve();
      space = undefined;
    },
  };
}
