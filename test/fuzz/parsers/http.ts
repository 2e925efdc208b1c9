/** Whole HTTP requests, as bytes, at the ingester's real server: its lines, headers and bodies. */
import { connect } from 'node:net';
import { TwinWorld } from '../../support/twin-world.ts';
import { type Outcome, type Parser, refused } from '../parser.ts';

/** Who sent all that it will send is answered within this time, or its connection ends. */
const ANSWER_MS = 10_000;

function request(line: string, headers: readonly string[], body = ''): Uint8Array {
  const head = [line, 'Host: 127.0.0.1', ...headers, 'Connection: close', '', ''];
  return Buffer.from(head.join('\r\n') + body);
}

function post(path: string, token: string, value: unknown): Uint8Array {
  const body = JSON.stringify(value);
  const headers = [
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return request(`POST ${path} HTTP/1.1`, headers, body);
}

/** Sends it, and nothing more; resolves with the status, or 0 where the connection just ended. */
function statusOf(port: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.setTimeout(ANSWER_MS, () => {
      resolve(Number.NaN);
      socket.resetAndDestroy();
    });
    socket.once('data', (data) => {
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(data.toString('latin1'))?.[1];
      resolve(status === undefined ? Number.NaN : Number(status));
      socket.resetAndDestroy();
    });
    socket.once('close', () => resolve(0));
    socket.end(bytes);
  });
}

export const httpRequest: Parser = {
  name: 'http-request',
  async prepare() {
    const world = new TwinWorld();
    await world.start();
    const { api, token } = world;
    const chunked = ['Content-Type: application/json', 'Transfer-Encoding: chunked'];
    const given = [`Authorization: Bearer ${token}`, ...chunked];
    return {
      seeds: [
        request('GET /healthz HTTP/1.1', []),
        request('GET /api/status HTTP/1.1', ['Accept: application/json']),
        request('GET /api/trust?from=0&count=10 HTTP/1.1', [`Authorization: Bearer ${token}`]),
        request('GET /events HTTP/1.1', ['Accept: text/event-stream', 'Last-Event-ID: 7']),
        post('/api/trust', token, { remove: 'did:web:northline.example' }),
        post('/api/submit', token, { submit: [{ name: 'a.jwt', base64: 'eyJh' }] }),
        post('/api/acts', token, { accept: [1], officer: 'J. Doe', reason: 'Seen.' }),
        request('POST /api/import HTTP/1.1', given, '7\r\n{"a":1}\r\n0\r\n\r\n'),
        // Asks a thread: who has ended its side of the connection by then gets no answer.
        { bytes: request('GET /api/twins?from=0&count=10 HTTP/1.1', []), isRefused: true },
      ].map((seed) => ('bytes' in seed ? seed : { bytes: seed })),
      async parse(bytes): Promise<Outcome> {
        const status = await statusOf(api.port, bytes);
        if (Number.isNaN(status)) throw new Error('it is neither answered nor ended');
        if (status >= 500 && status !== 505) throw new Error(`it is answered with ${status}`);
        return status >= 200 && status < 400
          ? { taken: true, value: status }
          : refused('IN_REQUEST');
      },
      close: () => world.end(),
    };
  },
};
