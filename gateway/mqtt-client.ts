/**
 * The gateway's one door to the `mqtt` package: every client speaks MQTT 3.1.1, reconnects only
 * when its owner says so, and queues nothing while it is offline.
 */
import type { Socket } from 'node:net';
import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt';

export type { MqttClient };

/** A PUBLISH packet as it came. */
export type MqttPublish = IPublishPacket;

/** What a caller may choose; the rest is the same for all. */
export type MqttOptions = Omit<
  IClientOptions,
  'protocolVersion' | 'reconnectPeriod' | 'resubscribe' | 'queueQoSZero'
>;

/**
 * Dials a broker once. The client emits `connect` when it is accepted, `error` with the reason
 * and `close` when it is not, or no longer; it never dials again by itself, since mqtt.js knows
 * neither back-off nor jitter. What is published while it is not connected is lost at once rather
 * than kept in memory (MQTT.js #607, #2015).
 */
export function dialMqtt(url: string, options: MqttOptions): MqttClient {
  const client = connect(url, {
    ...options,
    protocolVersion: 4,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  });
  client.on('connect', () => {
    // Small packets would wait for each other's TCP acknowledgement (Nagle), 40 ms each time.
    (client.stream as Partial<Socket>).setNoDelay?.(true);
  });
  return client;
}
