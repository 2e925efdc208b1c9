/**
 * The gateway's own HTTP server: status page, probes, metrics. Loopback only, reading only; a
 * browser on another site's page gets nothing out of it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { explain } from '../../devices/errors.ts';
import { limits } from '../../devices/limits.ts';
import type { Clock, Log } from '../../devices/runtime.ts';
import type { GatewaySnapshot } from '../snapshot.ts';
import { judgeHealth } from './health.ts';
import { formatMetrics, METRICS_TYPE } from './metrics.ts';
import { devicePage, overviewPage, SCRIPT } from './page.ts';
import { ICON, STYLE } from './style.ts';

export interface StatusServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly snapshot: () => Promise<GatewaySnapshot>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface StatusServer {
  /** `http://127.0.0.1:8650`. */
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
const PLAIN = 'text/plain; charset=utf-8';

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
    "connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Paths whose answer is made of a snapshot. */
const VIEWS: Readonly<Record<string, (snapshot: GatewaySnapshot) => Answer>> = {
  '/': (snapshot) => ({ status: 200, type: HTML, text: overviewPage(snapshot) }),
  '/healthz': (snapshot) => {
    const health = judgeHealth(snapshot);
    return answerJson(health.status === 'ok' ? 200 : 503, health);
  },
  // Whoever gets an answer here has an outbox that answered, so that readings can be kept.
  '/readyz': ({ site }) => answerJson(200, { status: 'ready', site }),
  '/metrics': (snapshot) => ({ status: 200, type: METRICS_TYPE, text: formatMetrics(snapshot) }),
  '/status.json': (snapshot) => answerJson(200, snapshot),
};

/** Paths whose answer is always the same. */
const FILES: Readonly<Record<string, Answer>> = {
  '/status.css': { status: 200, type: 'text/css; charset=utf-8', text: STYLE },
  '/icon.svg': { status: 200, type: 'image/svg+xml', text: ICON },
  '/status.js': { status: 200, type: 'text/javascript; charset=utf-8', text: SCRIPT },
};

/**
 * Starts to listen; where the port is taken, another one is used and the log says so.
 *
 * @throws the error of `listen` for every other reason.
 */
export async function serveStatus(options: StatusServerOptions): Promise<StatusServer> {
  const { host, log, port } = options;
  const server = createServer(
    { requestTimeout: limits.statusRequestMs, headersTimeout: limits.statusRequestMs },
    (request, response) => void respond(options, request, response),
  );
  server.maxConnections = limits.statusConnectionsMax;
  await listen(server, host, port).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    await listen(server, host, 0);
    log.warn(`port ${port} is taken; the status page uses another`, { url: urlOf(server) });
  });
  return {
    url: urlOf(server),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function urlOf(server: Server): string {
  // A server that listens on a port has an address of this form.
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function respond(
  options: StatusServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, text, type } = await answerTo(options, request);
  response.writeHead(status, {
    ...HEADERS,
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    ...(status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

async function answerTo(options: StatusServerOptions, request: IncomingMessage): Promise<Answer> {
  const { method, headers, url = '/' } = request;
  if (method !== 'GET' && method !== 'HEAD') return refuse(405, 'only GET and HEAD');
  // A name that leads here is not enough (DNS rebinding): the browser must mean this machine.
  if (!isLoopbackHost(headers.host)) return refuse(403, 'this page is for this machine only');
  const path = url.split('?', 1)[0] ?? '/';
  const file = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (file) return file;
  const view = Object.hasOwn(VIEWS, path) ? VIEWS[path] : viewOfDevice(path);
  if (!view) return refuse(404, 'there is no such page');
  try {
    const snapshot = await within(options, options.snapshot());
    return snapshot ? view(snapshot) : refuse(503, 'the gateway does not answer in time');
  } catch (error) {
    options.log.error('the status could not be made', { error: explain(error) });
    return refuse(503, 'the gateway cannot say how it is');
  }
}

function viewOfDevice(path: string): ((snapshot: GatewaySnapshot) => Answer) | undefined {
  const name = /^\/devices\/([A-Za-z0-9._-]+)$/.exec(path)?.[1];
  if (name === undefined) return undefined;
  return (snapshot) => {
    const device = snapshot.devices.find((one) => one.name === name);
    if (!device) return refuse(404, `there is no device ${name}`);
    return { status: 200, type: HTML, text: devicePage(snapshot, device) };
  };
}

/** What `work` resolves to, or `undefined` when it takes too long. */
async function within<T>({ clock }: StatusServerOptions, work: Promise<T>): Promise<T | undefined> {
  let cancel = (): void => undefined;
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.after(limits.statusSnapshotMs, () => resolve(undefined));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}

function isLoopbackHost(host: string | undefined): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host ?? '');
}

/** A bigint has no JSON form of its own; its digits are a text, as in a credential. */
function answerJson(status: number, value: unknown): Answer {
  const text = JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  );
  return { status, type: JSON_TYPE, text: `${text}\n` };
}

function refuse(status: number, message: string): Answer {
  return { status, type: PLAIN, text: `${message}\n` };
}
