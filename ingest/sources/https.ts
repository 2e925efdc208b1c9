/**
 * Credentials over HTTPS, for networks that let nothing else out: one request carries many, and
 * receipts come back on an answer that stays open. Certificates are given out here too, since a
 * gateway that has none yet can ask nowhere else.
 */
import { strict as assert } from 'node:assert';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { EdgeError } from '../../devices/errors.ts';
import { frameOf, framesType, type Held, readFrames } from '../../devices/io/uplink/frame.ts';
import { limits } from '../../devices/limits.ts';
import { type Static, Type } from '../../devices/schema.ts';
import type { OpenSource, Source, SourceContext } from '../source.ts';
import { createUnfinished, type Unfinished } from '../unfinished.ts';
import type { Uplink } from '../uplink.ts';
import { countConnections, guardDoor } from './door.ts';

const settings = Type.Object(
  {
    host: Type.String({ default: '127.0.0.1', description: 'Address to listen on.' }),
    port: Type.Integer({
      default: 8443,
      minimum: 0,
      maximum: 65535,
      description: 'TCP port to listen on; 0 takes any that is free.',
    }),
  },
  { additionalProperties: false, description: 'HTTPS with client certificates, TLS 1.3.' },
);

type Settings = Static<typeof settings>;

export const https: Source<Settings> = {
  name: 'https',
  summary: 'Credentials over HTTPS (TLS 1.3, client certificates); gives certificates out.',
  settings,
  needsUplink: () => true,
  open,
};

/** A connection's gateway, looked up once. */
type Gateways = WeakMap<Socket, string | undefined>;

/** What the handlers share. */
interface Desk {
  readonly context: SourceContext;
  readonly uplink: Uplink;
  readonly gateways: Gateways;
  /** What requests hold of messages that are not whole. */
  readonly unfinished: Unfinished;
  readonly connected: (gateway: string, socket: Socket) => void;
  /** The open answers on which receipts go out, by gateway; the newest of each. */
  readonly receipts: Map<string, ServerResponse>;
}

async function open({ host, port }: Settings, context: SourceContext): Promise<OpenSource> {
  const { uplink } = context;
  assert(uplink, 'a source that needs the uplink gets it');
  const desk: Desk = {
    ...{ context, uplink, gateways: new WeakMap(), receipts: new Map() },
    unfinished: createUnfinished(context.clock),
    connected: countConnections(),
  };
  const server = createServer(
    {
      ...uplink.serverContext(),
      requestCert: true,
      // Who asks for a certificate has none; every other answer looks at the certificate itself.
      rejectUnauthorized: false,
      handshakeTimeout: limits.tlsHandshakeMs,
      requestTimeout: limits.httpsRequestMs,
      headersTimeout: limits.tlsHandshakeMs,
      keepAliveTimeout: 2 * limits.httpsBeatMs,
      maxHeaderSize: 8 * 1024,
    },
    (request, response) => answer(desk, request, response),
  );
  server.maxConnections = limits.httpsConnectionsMax;
  const turnedAway = () => context.log.debug('turned a connection away: too many at once');
  guardDoor(server, context.clock, turnedAway);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', (error) => {
    context.log.debug('a TLS handshake failed', { error: error.message });
  });
  const stopRenewing = uplink.onRenewed(() => server.setSecureContext(uplink.serverContext()));
  server.on('close', () => desk.unfinished.close());
  await listen(server, host, port);
  server.on('error', (error) => {
    context.log.error('HTTPS cannot take connections', { error: error.message });
  });
  const stopBeating = beating(desk);
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    address: `https://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    security: 'tls',
    async reply(gateway, receipt) {
      const stream = desk.receipts.get(gateway);
      if (stream === undefined) return;
      if (stream.writableLength > limits.httpsReceiptBytesMax) stream.destroy();
      else await new Promise<void>((resolve) => stream.write(frameOf(receipt), () => resolve()));
    },
    async close() {
      stopRenewing();
      stopBeating();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'IN_PORT_TAKEN' : 'IN_LISTEN';
      reject(new EdgeError(code, `listening on ${host}:${port}`, { cause }));
    });
    server.listen({ host, port }, () => resolve());
  });
}

/** Open answers say something now and then, so that either end notices when the other is gone. */
function beating({ context, receipts }: Desk): () => void {
  let cancel = () => {};
  const next = () => {
    cancel = context.clock.after(limits.httpsBeatMs, () => {
      for (const stream of receipts.values()) stream.write(frameOf(new Uint8Array()));
      next();
    });
  };
  next();
  return () => cancel();
}

function answer(desk: Desk, request: IncomingMessage, response: ServerResponse): void {
  request.on('error', () => undefined);
  response.on('error', () => undefined);
  const what = `${request.method} ${request.url}`;
  if (what === 'POST /uplink/certificate') {
    giveCertificate(desk, request, response);
    return;
  }
  const gateway = gatewayOf(desk, request);
  if (gateway === undefined) refuse(response, 401, 'a client certificate is needed');
  else if (what === 'POST /uplink/credentials') takeCredentials(desk, gateway, request, response);
  else if (what === 'GET /uplink/receipts') openReceipts(desk, gateway, response);
  else refuse(response, 404, 'there is nothing here');
}

/** The gateway of the connection, by its certificate. */
function gatewayOf(desk: Desk, { socket }: IncomingMessage): string | undefined {
  const { context, gateways, uplink } = desk;
  if (gateways.has(socket)) return gateways.get(socket);
  const admitted = uplink.admit(socket as TLSSocket, () => socket.destroy());
  gateways.set(socket, admitted?.fingerprint);
  if (admitted === undefined) return undefined;
  desk.connected(admitted.fingerprint, socket);
  context.known?.(admitted.fingerprint);
  return admitted.fingerprint;
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify({ reason }));
}

function giveCertificate(desk: Desk, request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  let size = 0;
  request.on('close', () => desk.unfinished.forget(request));
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limits.certificateRequestBytesMax) {
      refuse(response, 413, 'a request for a certificate is smaller');
      return;
    }
    chunks.push(chunk);
    holdBack(desk, request, { bytes: size, pieces: chunks.length, message: 0 });
  });
  request.on('end', () => {
    if (response.headersSent) return;
    const address = request.socket.remoteAddress ?? '';
    desk.uplink.issue(Buffer.concat(chunks), address).then(
      ({ body, status }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      },
      (error: unknown) => {
        desk.context.log.error('a certificate was not issued', { error: String(error) });
        refuse(response, 500, 'it failed here');
      },
    );
  });
}

/** Counts what a request holds; who sends slowest makes room for the others. */
function holdBack(
  { unfinished }: Desk,
  request: IncomingMessage,
  { bytes, pieces, message }: Held & { readonly message: number },
): void {
  const held = { packet: message, bytes: bytes + pieces * limits.messageOverheadBytes };
  unfinished.note(request, held, () => request.destroy());
}

/** Takes each credential as soon as it is whole; without room the request is read no further. */
function takeCredentials(
  desk: Desk,
  gateway: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { context } = desk;
  let room = context.room?.(gateway);
  let taken = 0;
  const readOn = () => {
    room = context.room?.(gateway);
    if (room === undefined) request.resume();
    else void room.then(readOn);
  };
  const frames = readFrames(limits.credentialBytesMax, (bytes) => {
    const receivedMs = context.clock.nowMs();
    taken += 1;
    room = context.receive({ gateway, bytes, receivedMs }) ?? room;
  });
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > limits.httpsBodyBytesMax || !frames.push(chunk)) {
      context.tooLarge?.();
      request.destroy();
      return;
    }
    holdBack(desk, request, { ...frames.held(), message: taken });
    if (room === undefined) return;
    request.pause();
    void room.then(readOn);
  });
  request.on('close', () => desk.unfinished.forget(request));
  if (room !== undefined) {
    request.pause();
    void room.then(readOn);
  }
  request.on('end', () => {
    // What was taken is answered by receipts; this says only that all of it was.
    if (!frames.isWhole()) return refuse(response, 400, 'the last message is not whole');
    response.writeHead(202).end();
  });
}

/** One stream a gateway: a newer one takes the place of the one before. */
function openReceipts({ receipts }: Desk, gateway: string, response: ServerResponse): void {
  receipts.get(gateway)?.end();
  receipts.set(gateway, response);
  response.on('close', () => {
    if (receipts.get(gateway) === response) receipts.delete(gateway);
  });
  response.writeHead(200, { 'content-type': framesType, 'cache-control': 'no-store' });
  response.flushHeaders();
}
