/**
 * An MQTT broker inside the process: gateways connect to it directly. It speaks MQTT 3.1.1 and
 * keeps no session and no message; what is not receipted is sent again by its gateway. Over TLS a
 * connection speaks for the gateway that its certificate names, in plain text on loopback for the
 * one that it names first.
 */
import { strict as assert } from 'node:assert';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { Aedes, type Client, type PublishPacket } from 'aedes';
import { receiptTopic } from '../../devices/envelope.ts';
import { EdgeError } from '../../devices/errors.ts';
import { isLoopback, plainTextMistakes } from '../../devices/io/uplink/tls.ts';
import { limits } from '../../devices/limits.ts';
import { type Static, Type } from '../../devices/schema.ts';
import { type OpenSource, type Source, type SourceContext, uplinkGateway } from '../source.ts';
import { createUnfinished } from '../unfinished.ts';
import { countConnections, guardDoor } from './door.ts';
import { guardReading, type Part } from './reading.ts';

const settings = Type.Object(
  {
    host: Type.String({
      default: '127.0.0.1',
      description: 'Address to listen on; beyond loopback only with `tls: true`.',
    }),
    port: Type.Integer({
      default: 1883,
      minimum: 0,
      maximum: 65535,
      description: 'TCP port to listen on; 0 takes any that is free.',
    }),
    tls: Type.Boolean({
      default: false,
      description:
        'Mutual TLS 1.3: each gateway shows the certificate that it gets at the `https` source.',
    }),
  },
  { additionalProperties: false, description: 'MQTT broker inside the ingester.' },
);

type Settings = Static<typeof settings>;

export const embedded: Source<Settings> = {
  name: 'embedded',
  summary: 'An MQTT 3.1.1 broker inside the ingester; gateways connect to it directly.',
  settings,
  needsUplink: ({ tls }) => tls,
  check: ({ host, tls }) =>
    plainTextMistakes(host, { isTls: tls, path: 'host', fix: 'write tls: true' }),
  open,
};

async function open(options: Settings, context: SourceContext): Promise<OpenSource> {
  const { host, tls } = options;
  if (!tls && !isLoopback(host)) throw new EdgeError('UPLINK_PLAIN_TEXT', `listening on ${host}`);
  const owners = new WeakMap<Client, string>();
  /** By connection: the gateway that its certificate names. */
  const proven = new WeakMap<object, string>();
  const broker = await Aedes.createBroker({
    // What is on its way to gateways is bounded in bytes (ways.ts); a bound in messages would let
    // two that do not read keep everybody else waiting.
    concurrency: 0,
    drainTimeout: limits.stopMs,
    connectTimeout: limits.brokerConnectMs,
    preConnect(client, packet, callback) {
      const gateway = proven.get(client.conn);
      if (tls && gateway === undefined) return callback(null, false);
      if (gateway !== undefined) {
        owners.set(client, gateway);
        // A name that another uses would end the other's connection.
        packet.clientId = `${gateway} ${packet.clientId}`;
      }
      // A session would keep messages in memory without a bound (aedes #1087), and a will would
      // speak for a gateway that is gone. Neither is needed, so neither is given.
      packet.clean = true;
      delete packet.will;
      callback(null, true);
    },
    authorizePublish: (client, packet, callback) => {
      const gateway = uplinkGateway(packet.topic);
      // QoS 2 would be kept in memory until its sender comes back to it.
      const isKept = packet.retain || packet.qos === 2;
      if (client === null || gateway === undefined || isKept || client.closed) {
        return callback(new Error(`publishing to ${packet.topic} is not allowed`));
      }
      if (!owns(owners, client, gateway)) {
        return callback(new Error(`this connection speaks for ${owners.get(client)} only`));
      }
      take(packet, gateway, context, callback);
    },
    authorizeSubscribe(client, subscription, callback) {
      const gateway = fingerprintOfReceiptTopic(subscription.topic);
      // MQTT 3.1.1 §3.9.3: a refused subscription is answered 0x80 and the connection stays.
      if (gateway === undefined || !owns(owners, client, gateway)) return callback(null, null);
      callback(null, subscription);
    },
    // The last look before bytes leave: only receipts, and only to the gateway that they are for.
    authorizeForward(client, packet) {
      const owner = owners.get(client);
      return owner !== undefined && packet.topic === receiptTopic(owner) ? packet : null;
    },
  });
  sayTroubles(broker, context);
  const sockets = new Set<Socket>();
  const partings = new Map<Socket, Part>();
  const unfinished = createUnfinished(context.clock);
  const accept = (socket: Socket) => {
    socket.setNoDelay(true);
    let client: Client | undefined;
    const gateway = () => proven.get(socket) ?? (client && owners.get(client));
    partings.set(socket, guardReading(socket, gateway, { context, unfinished }));
    socket.once('close', () => partings.delete(socket));
    client = broker.handle(socket);
  };
  const server = tls ? serveTls(accept, proven, context) : servePlain(accept);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.maxConnections = limits.mqttConnectionsMax;
  try {
    await listen(server, options);
  } catch (error) {
    unfinished.close();
    await closeBroker(broker);
    throw error;
  }
  server.on('error', (error) => {
    context.log.error('the MQTT broker cannot take connections', { error: error.message });
  });
  server.on('close', () => unfinished.close());
  const part = async () => {
    const waited = new AbortController();
    const all = Promise.all([...partings.values()].map((one) => one()));
    await Promise.race([all, context.clock.sleep(limits.partingMs, waited.signal)]);
    waited.abort();
  };
  return openSource(broker, server, { host, tls, sockets, part });
}

const reading = { highWaterMark: limits.mqttReadBytesMax } as const;

function servePlain(accept: (socket: Socket) => void): Server {
  return createServer(reading, accept);
}

/** Nobody without a certificate of our authority gets as far as a first MQTT packet. */
function serveTls(
  accept: (socket: Socket) => void,
  proven: WeakMap<object, string>,
  context: SourceContext,
): TlsServer {
  const { log, uplink } = context;
  assert(uplink, 'a source that needs the uplink gets it');
  const connected = countConnections();
  const server = createTlsServer(
    {
      ...reading,
      ...uplink.serverContext(),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: limits.tlsHandshakeMs,
    },
    (socket) => {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      const gateway = uplink.admit(socket, (reason) => {
        log.warn('ended a connection', { peer, reason });
        socket.destroy();
      });
      if (gateway === undefined) {
        log.warn('a client certificate names no gateway that may connect', { peer });
        socket.destroy();
        return;
      }
      proven.set(socket, gateway.fingerprint);
      context.known?.(gateway.fingerprint);
      connected(gateway.fingerprint, socket);
      accept(socket);
    },
  );
  guardDoor(server, context.clock, () => log.debug('turned a connection away: too many at once'));
  server.on('tlsClientError', (error, socket) => {
    log.debug('a TLS handshake failed', { peer: socket.remoteAddress, error: error.message });
  });
  server.on(
    'close',
    uplink.onRenewed(() => server.setSecureContext(uplink.serverContext())),
  );
  return server;
}

/** Hands the payload over before the broker sends its PUBACK, which waits for the callback. */
function take(
  packet: PublishPacket,
  gateway: string,
  context: SourceContext,
  callback: (error?: Error | null) => void,
): void {
  const bytes = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
  const room = context.receive({ gateway, bytes, receivedMs: context.clock.nowMs() });
  // An error here would make the gateway reconnect and send the same again for ever, so a bad
  // credential is never one: it is taken, and refused by receipt.
  if (room === undefined) callback(null);
  else room.then(() => callback(null), callback);
}

/** Whether the connection speaks for `gateway`: for the first one that it names, and no other. */
function owns(owners: WeakMap<Client, string>, client: Client, gateway: string): boolean {
  const owner = owners.get(client);
  if (owner === undefined) owners.set(client, gateway);
  return owner === undefined || owner === gateway;
}

function fingerprintOfReceiptTopic(topic: string): string | undefined {
  const gateway = uplinkGateway(topic.replace(/\/down$/, '/up'));
  return gateway !== undefined && topic === receiptTopic(gateway) ? gateway : undefined;
}

function sayTroubles(broker: Aedes, context: SourceContext): void {
  broker.on('clientError', (client, error) => {
    context.log.warn('an MQTT connection failed', { client: client.id, error: error.message });
  });
  broker.on('connectionError', (_client, error) => {
    context.log.debug('an MQTT connection failed before it began', { error: error.message });
  });
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const where = `listening on ${host}:${port}`;
      if (cause.code === 'EADDRINUSE') reject(new EdgeError('IN_PORT_TAKEN', where, { cause }));
      else reject(new EdgeError('IN_LISTEN', where, { cause }));
    });
    server.listen({ host, port }, () => resolve());
  });
}

function openSource(
  broker: Aedes,
  server: Server,
  connections: { host: string; tls: boolean; sockets: ReadonlySet<Socket>; part: Part },
): OpenSource {
  const { host, part, sockets, tls } = connections;
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    security: tls ? 'tls' : 'loopback',
    address: `${tls ? 'mqtts' : 'mqtt'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    reply(gateway, receipt) {
      const payload = Buffer.from(receipt.buffer, receipt.byteOffset, receipt.byteLength);
      const packet = { cmd: 'publish', topic: receiptTopic(gateway), payload } as const;
      return new Promise((resolve) => {
        broker.publish({ ...packet, qos: 1, dup: false, retain: false }, () => resolve());
      });
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await part();
      await closeBroker(broker);
      // The broker knows only those that got as far as CONNECT.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function closeBroker(broker: Aedes): Promise<void> {
  return new Promise((resolve) => broker.close(() => resolve()));
}
