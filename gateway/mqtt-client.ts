/**
 * The gateway's one door to the `mqtt` package: every client speaks MQTT 3.1.1, reconnects only
 * when its owner says so, and queues nothing while it is offline.
 */
import { connect as connectSocket, type Socket } from 'node:net';
import type { Transform } from 'node:stream';
import { connect, type IClientOptions, type IPublishPacket, MqttClient } from 'mqtt';

export type { MqttClient };

/** A PUBLISH packet as it came. */
export type MqttPublish = IPublishPacket;

/** What a caller may choose; the rest is the same for all. */
export interface MqttOptions
  extends Omit<
    IClientOptions,
    'protocolVersion' | 'reconnectPeriod' | 'resubscribe' | 'queueQoSZero'
  > {
  /** Makes what stands between the broker's bytes and the parser; for `mqtt://` only. */
  readonly filter?: () => Transform;
}

/**
 * Dials a broker once. The client emits `connect` when it is accepted, `error` with the reason
 * and `close` when it is not, or no longer; it never dials again by itself, since mqtt.js knows
 * neither back-off nor jitter. What is published while it is not connected is lost at once rather
 * than kept in memory (MQTT.js #607, #2015).
 */
export function dialMqtt(url: string, options: MqttOptions): MqttClient {
  const { filter, ...rest } = options;
  const all: IClientOptions = {
    ...rest,
    protocolVersion: 4,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  };
  const client =
    filter === undefined
      ? connect(url, all)
      : new MqttClient(() => filteredSocket(new URL(url), filter()), all);
  // Without a listener, an error that nobody waits for would end the process.
  client.on('error', () => undefined);
  client.on('connect', () => {
    // Small packets would wait for each other's TCP acknowledgement (Nagle), 40 ms each time.
    (client.stream as Partial<Socket>).setNoDelay?.(true);
  });
  return client;
}

const PORT = 1883;

/** A socket that gives what it receives through `filter`; mqtt.js reads by piping it. */
function filteredSocket({ hostname, port }: URL, filter: Transform): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = connectSocket({ host, port: port === '' ? PORT : Number(port) });
  socket.pipe(filter);
  return Object.assign(socket, {
    pipe: <T extends NodeJS.WritableStream>(target: T): T => filter.pipe(target),
  });
}
