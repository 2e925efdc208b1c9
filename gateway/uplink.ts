/** The way to the ingester: the sink that the configuration names, opened anew when it changes. */
import { strict as assert } from 'node:assert';
import { isNoticeMessage } from '../devices/credential/checkpoint.ts';
import { readInvitation } from '../devices/io/uplink/invitation.ts';
import { isLoopback } from '../devices/io/uplink/tls.ts';
import type { Clock, Log, Random } from '../devices/runtime.ts';
import type { GatewayConfig } from './config.ts';
import type { Registries } from './config-check.ts';
import type { Forwarder, Send } from './forward.ts';
import type { Vouch } from './outbox-message.ts';
import type { OpenSink } from './sink.ts';
import { createUplinkIdentity, type UplinkIdentity } from './uplink-certificate.ts';
import { within } from './wait.ts';
import type { Witness } from './witness.ts';

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
  /** Signs with the gateway's key; needed by settings that name an invitation. */
  readonly vouch?: Vouch;
  /** Takes notices of the ingester's checkpoints; without one nobody does. */
  readonly witness?: Pick<Witness, 'connected' | 'hear' | 'receipted'> | undefined;
  /** Enrolment credentials, which a request for a certificate shows. */
  readonly tokens: () => Iterable<Uint8Array>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly resolvePath: (path: string) => string;
}): Uplink {
  const { clock, forwarder, known, tokens, vouch, witness } = options;
  let isUp = false;
  let current:
    | {
        readonly sink: OpenSink;
        readonly identity: UplinkIdentity | undefined;
        readonly closing: AbortController;
      }
    | undefined;

  function identify(invitation: string | undefined): UplinkIdentity | undefined {
    if (invitation === undefined) return undefined;
    assert(vouch, 'a gateway that was invited can sign requests');
    const read = readInvitation(options.resolvePath(invitation));
    const typ = 'bondline-certificate-request+jwt';
    return createUplinkIdentity({
      ...options,
      invitation: read,
      vouch: (payload) => vouch({ payload, typ }),
      enrolments: tokens,
    });
  }

  async function close(): Promise<void> {
    const before = current;
    current = undefined;
    if (!before) return;
    before.closing.abort();
    await within(clock, CLOSE_MS, before.sink.close());
    before.identity?.close();
    if (isUp) forwarder.uplink(undefined);
    isUp = false;
  }

  return {
    isUp: () => isUp,
    close,
    async open({ compress = 'auto', connection, invitation, sink: name }) {
      await close();
      const packs = compress === 'always' || (compress === 'auto' && !isLocal(connection));
      const sink = known.sinks[name];
      assert(sink, `configuration was not checked: there is no sink ${name}`);
      const identity = identify(invitation);
      const closing = new AbortController();
      // A sink may come up before `open` has returned.
      const send: Send = async (token) => (await opened).send(token, closing.signal);
      const opened: Promise<OpenSink> = sink.open(
        connection,
        {
          onReceipt(bytes) {
            if (isNoticeMessage(bytes)) return witness?.hear(bytes, send);
            witness?.receipted();
            forwarder.receipt(bytes);
          },
          onState(connected) {
            if (closing.signal.aborted) return;
            isUp = connected;
            witness?.connected();
            forwarder.uplink(connected ? send : undefined, { packs });
          },
        },
        { ...options, ...(identity && { identity }) },
      );
      current = { sink: await opened, identity, closing };
    },
  };
}

/** Whether the ingester is on this machine, where bytes cost nothing. */
function isLocal({ url }: GatewayConfig['uplink']['connection']): boolean {
  return typeof url === 'string' && URL.canParse(url) && isLoopback(new URL(url).hostname);
}
