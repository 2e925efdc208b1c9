/**
 * Keeps gateways apart that come over one connection, such as that to a broker elsewhere: one that
 * is in debt must not keep it from being read for the others. Its own messages wait within a bound
 * of their own; beyond it they are dropped without a receipt, and the gateway sends them again.
 */
import { limits } from '../../devices/limits.ts';
import type { Inbound, SourceContext } from '../source.ts';

interface Held {
  readonly messages: Inbound[];
  bytes: number;
  /** Something of it was dropped, and the log says so. */
  isTold: boolean;
}

/** As `SourceContext.receive`; what it waits for concerns all who share the connection. */
export function shareConnection({
  log,
  receive,
  room,
}: Pick<SourceContext, 'log' | 'receive' | 'room'>): SourceContext['receive'] {
  /** By gateway, from its first debt on until nothing of it waits. */
  const debtors = new Map<string, Held>();
  let heldBytes = 0;

  const hold = (held: Held, message: Inbound) => {
    const bytes = costOf(message);
    const isFull =
      held.bytes + bytes > limits.debtorBytesMax || heldBytes + bytes > limits.debtorsBytesAllMax;
    if (isFull) {
      if (!held.isTold)
        log.debug('a gateway sends faster than it may', { gateway: message.gateway });
      held.isTold = true;
      return;
    }
    // A copy: what came may be a part of something larger.
    held.messages.push({ ...message, bytes: Uint8Array.from(message.bytes) });
    held.bytes += bytes;
    heldBytes += bytes;
  };
  /** Gives what a debtor sent, each once the one before is paid for. */
  const giveLater = async (gateway: string, held: Held, paid: Promise<void>) => {
    await paid;
    for (let next = held.messages.shift(); next !== undefined; next = held.messages.shift()) {
      const bytes = costOf(next);
      held.bytes -= bytes;
      heldBytes -= bytes;
      await receive(next);
    }
    debtors.delete(gateway);
  };
  return (message) => {
    const { gateway } = message;
    const held = debtors.get(gateway);
    if (held !== undefined) {
      hold(held, message);
      return room?.(undefined);
    }
    const paid = receive(message);
    if (paid === undefined || room === undefined || debtors.size >= limits.sitesMax) return paid;
    const made: Held = { messages: [], bytes: 0, isTold: false };
    debtors.set(gateway, made);
    // A stopped ingester takes nothing more and says so by never answering.
    giveLater(gateway, made, paid).catch(() => undefined);
    return room(undefined);
  };
}

function costOf({ bytes }: Inbound): number {
  return bytes.length + limits.messageOverheadBytes;
}
