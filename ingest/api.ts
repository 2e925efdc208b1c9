/**
 * The HTTP API and the console's files, on loopback unless told otherwise. It reads; the one thing
 * that changes anything, trust, needs the token that only the ingester's own commands have.
 */
import { timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { EdgeError } from '../devices/errors.ts';
import { limits } from '../devices/limits.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import { type Asker, startAsker } from './api-ask.ts';
import { readConsole } from './api-static.ts';
import { statusOf } from './api-status.ts';
import type { Apply } from './apply.ts';
import type { CheckpointState } from './checkpoints-heard.ts';
import type { Feed } from './feed.ts';
import type { HealthSnapshot } from './health.ts';
import type { HeldDevice } from './held.ts';
import type { ListPage } from './trust-listing.ts';

export interface ApiOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly journalFile: string;
  readonly twinsFile: string;
  /** Where the built console lies; without it the API works and `/` says what is missing. */
  readonly consoleDirectory?: string;
  /** Shown by /api/status. */
  readonly ingester: string;
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly feed: Feed;
  readonly apply: Pick<Apply, 'cursor' | 'latency' | 'unapplied' | 'watch'>;
  readonly health: () => HealthSnapshot;
  readonly held: () => readonly HeldDevice[];
  readonly checkpoints: () => CheckpointState;
  readonly trust: {
    /** Bearer token of those who may change trust. */
    readonly token: string;
    /** Takes a parsed JSON body; its answer is sent as JSON. An EdgeError becomes status 400. */
    change(request: unknown): Promise<unknown>;
    /** Takes a parsed JSON body with credentials of parties, as `change` does. */
    submit(request: unknown): Promise<unknown>;
    /** Takes a parsed JSON body with credentials of evidence files, as `change` does. */
    import(request: unknown): Promise<unknown>;
    /** Takes a parsed JSON body with an officer's act, as `change` does. */
    decide(request: unknown): Promise<unknown>;
    /** Whom we trust, as JSON; enrolments from a position on, at most so many. */
    list(page: ListPage): unknown;
  };
}

export interface Api {
  /** `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Listens; the databases must exist (`startApply` makes them).
 *
 * @throws EdgeError IN_PORT_TAKEN, IN_LISTEN, and as `openDatabase` does
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { clock, journalFile, twinsFile } = options;
  const asker = await startAsker({ journalFile, twinsFile, clock });
  const bodyLimit = limits.apiBodyBytesMax;
  const server = fastify({ logger: false, bodyLimit, forceCloseConnections: true });
  server.server.maxConnections = limits.apiConnectionsMax;
  guard(server, options);
  addTwins(server, asker);
  addReadings(server, asker, options.log);
  addEvents(server, asker, options);
  addOperations(server, options);
  addConsole(server, options);
  const stopBeat = beating(options);
  try {
    const address = await server.listen({ host: options.host, port: options.port });
    const port = Number(new URL(address).port);
    return {
      address,
      port,
      async close() {
        stopBeat();
        options.feed.close();
        await server.close();
        await asker.close();
      },
    };
  } catch (cause) {
    stopBeat();
    await server.close();
    await asker.close();
    const taken = (cause as { code?: unknown }).code === 'EADDRINUSE';
    const where = `listening on ${options.host}:${options.port}`;
    throw new EdgeError(taken ? 'IN_PORT_TAKEN' : 'IN_LISTEN', where, { cause });
  }
}

/** Keeps connections alive and lets both ends notice dead ones. */
function beating({ clock, feed, apply, log }: ApiOptions): () => void {
  let cancel = () => {};
  const next = () => {
    cancel = clock.after(limits.feedBeatMs, () => {
      feed.beat();
      next();
      if (feed.subscribers() > 0) return;
      const failed = (error: unknown) => log.warn('resting the feed', { error: String(error) });
      apply.watch(false).catch(failed);
    });
  };
  next();
  return () => cancel();
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/** Headers of every answer, the check against DNS rebinding, and errors as JSON. */
function guard(server: FastifyInstance, { host, log }: ApiOptions): void {
  const local = ['localhost', '127.0.0.1', '::1'].includes(host);
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    });
    // A foreign page may point a name of its own at loopback; then its Host header tells.
    if (local && !LOOPBACK.test(request.headers.host ?? '')) {
      await reply.code(421).send({ code: 'MISDIRECTED', message: 'not a name of this service' });
    }
  });
  server.setErrorHandler(async (error: Error & { statusCode?: number }, request, reply) => {
    const isEdge = error instanceof EdgeError;
    const busy = isEdge && error.code === 'IN_API_BUSY';
    const status = busy ? 503 : (error.statusCode ?? 500);
    if (status >= 500) log.error('answering a request', { url: request.url, error: error.message });
    await reply.code(status).send({
      code: isEdge ? error.code : 'ERROR',
      message: error.message,
      ...(isEdge ? { hint: error.entry.hint } : {}),
    });
  });
  server.setNotFoundHandler(async (request, reply) => {
    await reply.code(404).send({ code: 'NOT_FOUND', message: `there is no ${request.url}` });
  });
}

async function sendJson(reply: FastifyReply, json: string | undefined): Promise<FastifyReply> {
  if (json !== undefined) return reply.type('application/json; charset=utf-8').send(json);
  return reply.code(404).send({ code: 'NOT_FOUND', message: 'there is no such thing' });
}

/** A whole number of at least 0 from a query or path; anything else is `undefined`. */
function countOf(text: unknown): number | undefined {
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

type Named = { Params: Record<string, string>; Querystring: Record<string, unknown> };

function addTwins(server: FastifyInstance, asker: Asker): void {
  server.get<Named>('/api/twins', async (request, reply) => {
    const kind = textOf(request.query['kind']);
    const after = textOf(request.query['after']);
    const count = countOf(request.query['count']);
    const json = await asker.ask({
      ask: 'twins',
      ...(kind === undefined ? {} : { kind }),
      ...(after === undefined ? {} : { after }),
      ...(count === undefined ? {} : { count: Math.max(1, count) }),
    });
    return sendJson(reply, json);
  });
  server.get<Named>('/api/twins/:id', async (request, reply) =>
    sendJson(reply, await asker.ask({ ask: 'twin', id: request.params['id'] ?? '' })),
  );
  server.get<Named>('/api/twins/:id/proof/:attribute', async (request, reply) => {
    const { id = '', attribute = '' } = request.params;
    return sendJson(reply, await asker.ask({ ask: 'proof', id, attribute }));
  });
  server.get<Named>('/api/twins/:id/papers', async (request, reply) =>
    sendJson(reply, await asker.ask({ ask: 'papers', id: request.params['id'] ?? '' })),
  );
  server.get<Named>('/api/evidence/:position', async (request, reply) => {
    const position = countOf(request.params['position']);
    const enrolmentAt = countOf(request.query['enrolment']);
    if (position === undefined) return sendJson(reply, undefined);
    const named = { ...(enrolmentAt !== undefined && { enrolmentAt }) };
    return sendJson(reply, await asker.ask({ ask: 'evidence', position, ...named }));
  });
  server.get<Named>('/api/entries/:position', async (request, reply) => {
    const position = countOf(request.params['position']);
    if (position === undefined) return sendJson(reply, undefined);
    return sendJson(reply, await asker.ask({ ask: 'entry', position }));
  });
  server.get<Named>('/api/doubts', async (request, reply) => {
    const { device, from, count, all } = request.query;
    const named = textOf(device);
    const json = await asker.ask({
      ask: 'doubts',
      ...(named === undefined ? {} : { device: named }),
      from: countOf(from) ?? 0,
      count: Math.max(1, countOf(count) ?? limits.doubtsPageMax),
      isOpen: textOf(all) === undefined,
    });
    return sendJson(reply, json);
  });
  server.get('/api/kinds', async (_request, reply) =>
    sendJson(reply, await asker.ask({ ask: 'kinds' })),
  );
}

/** Streams lines at the pace of the reader, a stretch of the journal at a time. */
function addReadings(server: FastifyInstance, asker: Asker, log: Log): void {
  server.get<Named>('/api/readings', async (request, reply) => {
    const from = countOf(request.query['from']) ?? 0;
    const count = countOf(request.query['count']) ?? Number.MAX_SAFE_INTEGER;
    // The first stretch is read before the answer begins, so that a failure still has a status.
    let lines = await asker.ask({ ask: 'readings', from, count });
    const end = Math.min(from + count, lines.size);
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    try {
      for (;;) {
        if (!raw.write(lines.text)) await drained(raw);
        if (raw.destroyed || lines.next >= end) break;
        const { next } = lines;
        lines = await asker.ask({ ask: 'readings', from: next, count: end - next });
      }
      raw.end();
    } catch (error) {
      // Too late for a status: a broken stream tells the reader that lines are missing.
      log.error('giving out readings', { error: String(error) });
      raw.destroy();
    }
  });
}

function drained(raw: FastifyReply['raw']): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      raw.off('drain', done);
      raw.off('close', done);
      resolve();
    };
    raw.on('drain', done);
    raw.on('close', done);
  });
}

function addEvents(server: FastifyInstance, asker: Asker, options: ApiOptions): void {
  const { feed, log, apply } = options;
  server.get<Named>('/events', async (request: FastifyRequest<Named>, reply) => {
    const last = request.headers['last-event-id'] ?? request.query['after'];
    const from = countOf(last) ?? 0;
    // A position that is not there yet is of another journal. This answer ends an EventSource for
    // good, so that the page reads its list anew.
    if (from > apply.cursor()) return reply.code(204).send();
    reply.hijack();
    const { raw } = reply;
    raw.socket?.setNoDelay(true);
    const subscription = feed.subscribe(
      {
        pendingBytes: () => raw.writableLength,
        write: (text) => void raw.write(text),
        close: () => raw.destroy(),
      },
      async () => {
        // First the changes to come are asked for, then those that were: nothing falls between.
        await apply.watch(true);
        return asker.ask({ ask: 'changes', from });
      },
    );
    if (subscription === undefined) {
      log.warn('too many subscribers', { max: limits.feedSubscribersMax });
      raw.writeHead(503, { 'retry-after': '5' }).end();
      return;
    }
    raw.on('close', () => subscription.end());
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'x-content-type-options': 'nosniff',
    });
    raw.write('retry: 1000\n\n');
    await subscription.ready;
  });
}

function addOperations(server: FastifyInstance, options: ApiOptions): void {
  const { trust, held } = options;
  server.get('/healthz', async () => ({ ok: true }));
  server.get('/api/status', async () => statusOf(options));
  server.get('/api/held', async () => ({ held: held() }));
  const expected = Buffer.from(`Bearer ${trust.token}`);
  const allowed = ({ headers }: FastifyRequest) => {
    const given = Buffer.from(headers.authorization ?? '');
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
  const refuse = (reply: FastifyReply) =>
    reply.code(401).send({ code: 'UNAUTHORIZED', message: 'the token of control.json is needed' });
  server.get<Named>('/api/trust', async (request, reply) => {
    if (!allowed(request)) return refuse(reply);
    const from = countOf(request.query['from']);
    const count = countOf(request.query['count']);
    return reply.send(trust.list({ ...(from && { from }), ...(count && { count }) }));
  });
  // Before the body is read: nobody without the token makes us hold one.
  const onRequest = async (request: FastifyRequest, reply: FastifyReply) =>
    allowed(request) ? undefined : refuse(reply);
  const change = (path: string, take: (request: unknown) => Promise<unknown>) =>
    server.post(path, { onRequest }, async (request, reply) => {
      try {
        return await reply.send(await take(request.body));
      } catch (error) {
        if (!(error instanceof EdgeError)) throw error;
        const { code, message, entry } = error;
        return reply.code(400).send({ code, message, hint: entry.hint });
      }
    });
  change('/api/trust', trust.change);
  change('/api/submit', trust.submit);
  change('/api/import', trust.import);
  change('/api/acts', trust.decide);
}

const NO_CONSOLE =
  'The console is not built: run "npm run build". The API is at /api/twins, /api/status, /events.\n';

function addConsole(server: FastifyInstance, { consoleDirectory }: ApiOptions): void {
  const files = readConsole(consoleDirectory);
  server.get('/', async (_request, reply) => {
    const index = files.get('/');
    return index === undefined
      ? reply.code(200).type('text/plain; charset=utf-8').send(NO_CONSOLE)
      : reply.type(index.type).send(index.bytes);
  });
  for (const [path, { type, bytes, immutable }] of files) {
    if (path === '/') continue;
    const keep = immutable ? 'public, max-age=31536000, immutable' : 'no-store';
    server.get(path, async (_request, reply) =>
      reply.type(type).header('cache-control', keep).send(bytes),
    );
  }
}
