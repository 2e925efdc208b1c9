/** The open sources together: which gateway came by which, so that receipts find their way back. */
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import type { Inbound, OpenSource, Source, SourceContext } from './source.ts';
import type { Uplink } from './uplink.ts';

export interface Ways {
  /** Opens a further source. @throws EdgeError as the source does */
  open(source: Source, settings: unknown, uplink?: Uplink): Promise<OpenSource>;
  /**
   * Sends a receipt by the source from which the gateway was heard last. Never rejects. Where too
   * many bytes are on their way to it, or to all, the receipt is dropped.
   */
  reply(gateway: string, receipt: Uint8Array): Promise<void>;
  /** As `OpenSource.rest`, of all. */
  rest(): void;
  close(): Promise<void>;
}

export function createWays(context: SourceContext): Ways {
  const opened: OpenSource[] = [];
  const routes = new Map<string, OpenSource>();
  /** Bytes of receipts on their way, by gateway, and of all. */
  const pending = new Map<string, number>();
  let pendingAll = 0;
  const remember = (gateway: string, source: OpenSource) => {
    if (routes.get(gateway) === source) return;
    routes.delete(gateway);
    routes.set(gateway, source);
    const [oldest] = routes.keys();
    if (routes.size > limits.sitesMax && oldest !== undefined) routes.delete(oldest);
  };
  return {
    async open(source, settings, uplink) {
      let own: OpenSource | undefined;
      const receive = (message: Inbound) => {
        if (own !== undefined) remember(message.gateway, own);
        return context.receive(message);
      };
      own = await source.open(settings, { ...context, receive, ...(uplink && { uplink }) });
      opened.push(own);
      return own;
    },
    async reply(gateway, receipt) {
      // Before a source has said that it is open, its first messages may be through already.
      const source = routes.get(gateway) ?? (opened.length === 1 ? opened[0] : undefined);
      const before = pending.get(gateway) ?? 0;
      const { length } = receipt;
      const isFull =
        before + length > limits.receiptsPendingBytesMax ||
        pendingAll + length > limits.receiptsPendingBytesAllMax;
      // The gateway sends again what it has no receipt for, and gets the same one.
      if (source === undefined || isFull) return;
      pending.set(gateway, before + length);
      pendingAll += length;
      await source.reply(gateway, receipt);
      pendingAll -= length;
      const left = (pending.get(gateway) ?? 0) - length;
      if (left > 0) pending.set(gateway, left);
      else pending.delete(gateway);
    },
    rest() {
      for (const source of opened) source.rest?.();
    },
    async close() {
      await Promise.all(opened.splice(0).map((source) => source.close()));
    },
  };
}

/**
 * Runs `start` with a port, and where that port is taken and `any` is allowed once more with any
 * free one, after saying which was taken.
 */
export async function withPort<T>(
  port: number,
  start: (port: number) => Promise<T>,
  options: { readonly any: boolean; readonly say: (port: number) => void },
): Promise<T> {
  try {
    return await start(port);
  } catch (error) {
    const taken = error instanceof EdgeError && error.code === 'IN_PORT_TAKEN';
    if (!taken || !options.any) throw error;
    options.say(port);
    return start(0);
  }
}
