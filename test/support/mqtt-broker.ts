/**
 * A broker on bare sockets that does exactly what a test tells it to, and shows every packet that
 * it was sent: acknowledgements can be watched, lost, and asked for twice. Real brokers are tested
 * in test/peers.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** Control packet types [MQTT-2.2.1]. */
const CONNECT = 1;
const PUBLISH = 3;
const PUBACK = 4;
const SUBSCRIBE = 8;
const PINGREQ = 12;
const DISCONNECT = 14;

/** A PUBLISH that a client sent, or the will that its CONNECT left. */
export interface ClientMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
}

export interface BrokerClient {
  readonly clientId: string;
  readonly clean: boolean;
  readonly level: number;
  /** Topic filters with the QoS that was asked for. */
  readonly subscriptions: { filter: string; qos: number }[];
  /** Packet ids that were acknowledged, in order. */
  readonly acknowledged: number[];
  disconnected: boolean;
  readonly will?: ClientMessage;
  /** What it published, in order. */
  readonly published: ClientMessage[];
  publish(message: {
    topic: string;
    payload: string | Buffer;
    id?: number;
    dup?: boolean;
    retain?: boolean;
  }): void;
  /** Cuts the connection. */
  cut(): void;
}

export interface ScriptedBroker {
  readonly url: string;
  readonly port: number;
  /** Clients in the order in which they connected. */
  readonly clients: BrokerClient[];
  /** TCP connections that are open now. */
  open(): number;
  /** What CONNACK says of the session of the next client. */
  sessionPresent: boolean;
  /** Sent to each client that subscribes, after SUBACK, as retained messages. */
  readonly retained: { readonly topic: string; readonly payload: string }[];
  /** What SUBACK grants: 1, or 128 for a refusal. */
  granted: number;
  /** Told of each PUBLISH of a client, after it was kept. */
  onPublish: (message: ClientMessage, client: BrokerClient) => void;
  close(): Promise<void>;
}

/** Starts a broker on a free port of 127.0.0.1. */
export async function startBroker(port = 0): Promise<ScriptedBroker> {
  const sockets = new Set<Socket>();
  const clients: BrokerClient[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    let client: MutableClient | undefined;
    onPackets(socket, (type, body, flags) => {
      if (type === PUBLISH && client) {
        const message = published(body, flags);
        if (message.qos === 1) {
          const at = 2 + body.readUInt16BE(0);
          socket.write(Buffer.from([0x40, 2, body[at] ?? 0, body[at + 1] ?? 0]));
        }
        client.published.push(message);
        broker.onPublish(message, client);
      } else if (type === CONNECT) {
        client = connected(body, socket);
        clients.push(client);
        socket.write(Buffer.from([0x20, 2, broker.sessionPresent ? 1 : 0, 0]));
      } else if (type === SUBSCRIBE && client) {
        const filters = filtersOf(body);
        client.subscriptions.push(...filters);
        const codes = filters.map(() => broker.granted);
        socket.write(Buffer.from([0x90, 2 + codes.length, body[0] ?? 0, body[1] ?? 0, ...codes]));
        for (const message of broker.retained) client.publish({ ...message, retain: true });
      } else if (type === PUBACK && client) {
        client.acknowledged.push(body.readUInt16BE(0));
      } else if (type === PINGREQ) {
        socket.write(Buffer.from([0xd0, 0]));
      } else if (type === DISCONNECT && client) {
        client.disconnected = true;
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve());
  });
  const bound = (server.address() as AddressInfo).port;
  const broker: ScriptedBroker = {
    url: `mqtt://127.0.0.1:${bound}`,
    port: bound,
    clients,
    open: () => [...sockets].filter((socket) => !socket.destroyed).length,
    sessionPresent: false,
    retained: [],
    granted: 1,
    onPublish: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return broker;
}

type MutableClient = BrokerClient;

/** Variable header and payload of CONNECT [MQTT-3.1]: name, level, flags, keep-alive, client id. */
function connected(body: Buffer, socket: Socket): MutableClient {
  const level = body.readUInt8(6);
  const flags = body.readUInt8(7);
  const clientId = body.subarray(12, 12 + body.readUInt16BE(10)).toString();
  const will = willOf(body, flags);
  return {
    ...(will !== undefined && { will }),
    published: [],
    clientId,
    level,
    clean: (flags & 2) !== 0,
    subscriptions: [],
    acknowledged: [],
    disconnected: false,
    publish({ topic, payload, id = 0, dup = false, retain = false }) {
      const qos = id === 0 ? 0 : 1;
      const name = Buffer.from(topic);
      const bytes = Buffer.concat([
        Buffer.from([name.length >> 8, name.length & 255]),
        name,
        ...(qos === 1 ? [Buffer.from([id >> 8, id & 255])] : []),
        Buffer.from(payload),
      ]);
      const flags3 = (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
      socket.write(Buffer.concat([Buffer.from([0x30 | flags3]), remaining(bytes.length), bytes]));
    },
    cut: () => void socket.destroy(),
  };
}

/** Will flags and, behind the client id, will topic and will message [MQTT-3.1.2-8]. */
function willOf(body: Buffer, flags: number): ClientMessage | undefined {
  if ((flags & 4) === 0) return undefined;
  const at = 12 + body.readUInt16BE(10);
  const topicEnd = at + 2 + body.readUInt16BE(at);
  const end = topicEnd + 2 + body.readUInt16BE(topicEnd);
  return {
    topic: body.subarray(at + 2, topicEnd).toString(),
    payload: body.subarray(topicEnd + 2, end),
    qos: (flags >> 3) & 3,
    retain: (flags & 0x20) !== 0,
  };
}

function published(body: Buffer, flags: number): ClientMessage {
  const end = 2 + body.readUInt16BE(0);
  const qos = (flags >> 1) & 3;
  return {
    topic: body.subarray(2, end).toString(),
    payload: Buffer.from(body.subarray(end + (qos === 0 ? 0 : 2))),
    qos,
    retain: (flags & 1) !== 0,
  };
}

function filtersOf(body: Buffer): { filter: string; qos: number }[] {
  const filters: { filter: string; qos: number }[] = [];
  for (let offset = 2; offset < body.length; ) {
    const length = body.readUInt16BE(offset);
    const filter = body.subarray(offset + 2, offset + 2 + length).toString();
    filters.push({ filter, qos: body.readUInt8(offset + 2 + length) });
    offset += 3 + length;
  }
  return filters;
}

/** Remaining length, seven bits a byte [MQTT-2.2.3]. */
function remaining(length: number): Buffer {
  const bytes: number[] = [];
  let left = length;
  do {
    bytes.push((left % 128) | (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.from(bytes);
}

function onPackets(
  socket: Socket,
  take: (type: number, body: Buffer, flags: number) => void,
): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      let length = 0;
      let header = 1;
      for (; ; header += 1) {
        const byte = rest[header];
        if (byte === undefined) return;
        length += (byte & 127) * 128 ** (header - 1);
        if (byte < 128) break;
      }
      const end = header + 1 + length;
      if (rest.length < end) return;
      take((rest[0] ?? 0) >> 4, rest.subarray(header + 1, end), (rest[0] ?? 0) & 15);
      rest = rest.subarray(end);
    }
  });
}
