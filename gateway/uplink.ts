/** The way to the ingester: the sink that the configuration names, opened anew when it changes. */
import { strict as assert } from 'node:assert';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { GatewayConfig } from './config.ts';
import type { Registries } from './config-check.ts';
import type { Forwarder, Send } from './forward.ts';
import type { OpenSink } from './sink.ts';
import { within } from './wait.ts';

export interface Uplink {
  isUp(): boolean;
  /** Opens the sink that `settings` names, after closing the one before. */
  open(settings: GatewayConfig['uplink']): Promise<void>;
  close(): Promise<void>;
}

const CLOSE_MS = 500;

export function createUplink(options: {
  readonly known: Registries;
  readonly forwarder: Pick<Forwarder, 'receipt' | 'uplink'>;
  /** DID of the gateway. */
  readonly gateway: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly resolvePath: (path: string) => string;
}): Uplink {
  const { clock, forwarder, known } = options;
  let isUp = false;
  let current: { readonly sink: OpenSink; readonly closing: AbortController } | undefined;

  async function close(): Promise<void> {
    const before = current;
    current = undefined;
    if (!before) return;
    before.closing.abort();
    await within(clock, CLOSE_MS, before.sink.close());
    if (isUp) forwarder.uplink(undefined);
    isUp = false;
  }

  return {
    isUp: () => isUp,
    close,
    async open({ connection, sink: name }) {
      await close();
      const sink = known.sinks[name];
      assert(sink, `configuration was not checked: there is no sink ${name}`);
      const closing = new AbortController();
      // A sink may come up before `open` has returned.
      const opened: Promise<OpenSink> = sink.open(
        connection,
        {
          onReceipt: (bytes) => forwarder.receipt(bytes),
          onState(connected) {
            if (closing.signal.aborted) return;
            isUp = connected;
            const send: Send = async (token) => (await opened).send(token, closing.signal);
            forwarder.uplink(connected ? send : undefined);
          },
        },
        options,
      );
      current = { sink: await opened, closing };
    },
  };
}
