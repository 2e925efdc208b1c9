/**
 * The gateway's one door to the `mqtt` package: every client reconnects only when its owner says
 * so, queues nothing while it is offline, and may have what it receives looked at before mqtt.js
 * sees it, over TCP and TLS alike.
 */
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import type { Transform } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import {
  connect,
  type IClientOptions,
  type IConnackPacket,
  type IDisconnectPacket,
  MqttClient,
  ReasonCodes,
} from 'mqtt';

export type { IConnackPacket as MqttConnack, IDisconnectPacket as MqttDisconnect, MqttClient };

/** What a caller may choose; the rest is the same for all. */
export interface MqttOptions
  extends Omit<
    IClientOptions,
    'protocolVersion' | 'reconnectPeriod' | 'resubscribe' | 'queueQoSZero'
  > {
  /** MQTT 3.1.1 or 5. Default 4, which is how 3.1.1 names itself on the wire. */
  readonly version?: 4 | 5;
  /** Makes what stands between the broker's bytes and the parser. */
  readonly filter?: () => Transform;
}

/**
 * Dials a broker once. The client emits `connect` when it is accepted, `error` with the reason
 * and `close` when it is not, or no longer; it never dials again by itself, since mqtt.js knows
 * neither back-off nor jitter. What is published while it is not connected is lost at once rather
 * than kept in memory (MQTT.js #607, #2015).
 */
export function dialMqtt(url: string, options: MqttOptions): MqttClient {
  const { filter, version = 4, ...rest } = options;
  const all: IClientOptions = {
    ...rest,
    protocolVersion: version,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  };
  const client =
    filter === undefined
      ? connect(url, all)
      : new MqttClient(() => filteredSocket(new URL(url), all, filter()), all);
  // Without a listener, an error that nobody waits for would end the process.
  client.on('error', () => undefined);
  client.on('connect', () => {
    // Small packets would wait for each other's TCP acknowledgement (Nagle), 40 ms each time.
    (client.stream as Partial<Socket>).setNoDelay?.(true);
  });
  return client;
}

/** Writes bytes of a packet that the owner made itself; nothing when the connection is gone. */
export function writeRaw(client: MqttClient, bytes: Uint8Array): void {
  if (client.stream.writable) client.stream.write(bytes);
}

/** The words of the standard for a reason or return code, e.g. `Not authorized (135)`. */
export function reasonText(code: number): string {
  const words: string | undefined = (ReasonCodes as Record<number, string>)[code];
  return words ? `${words} (${code})` : `code ${code}`;
}

const PORT = { 'mqtt:': 1883, 'mqtts:': 8883 } as const;

/** A socket that gives what it receives through `filter`; mqtt.js reads by piping it. */
function filteredSocket(url: URL, options: IClientOptions, filter: Transform): Socket {
  const protocol = url.protocol === 'mqtts:' ? 'mqtts:' : 'mqtt:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? PORT[protocol] : Number(url.port);
  const { ca, cert, key, servername } = options;
  const socket =
    protocol === 'mqtt:'
      ? connectSocket({ host, port })
      : connectTls({
          ...{ host, port, ca, cert, key, minVersion: 'TLSv1.2', rejectUnauthorized: true },
          // A name is also asked for (SNI); an address may not be (RFC 6066 §3).
          ...(servername === undefined && isIP(host) !== 0
            ? {}
            : { servername: servername ?? host }),
        });
  socket.pipe(filter);
  return Object.assign(socket, {
    pipe: <T extends NodeJS.WritableStream>(target: T): T => filter.pipe(target),
  });
}
