import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type FetchOptions,
  fetchDocument,
} from '../../../../../devices/io/resolve/fetch-document.ts';
import { systemClock } from '../../../../../devices/runtime.ts';
import {
  type HttpsSite,
  type SiteCertificate,
  siteCertificate,
  startHttpsSite,
} from '../../../../support/https-site.ts';

const HOST = 'mill.example';
let certificate: SiteCertificate;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  certificate = await siteCertificate([HOST, 'other.example']);
});

afterEach(async () => {
  for (const site of open.splice(0)) await site.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(answer: Answer, options: object = {}): Promise<HttpsSite> {
  const { cert, key } = certificate;
  const site = await startHttpsSite({ cert, key, ...options }, answer);
  open.push(site);
  return site;
}

const hello: Answer = (_, response) => response.end('{"hello":1}');

/** As an ingester with one private host: 127.0.0.1 stands for a public address. */
function options(changes: Partial<FetchOptions> = {}): FetchOptions {
  return {
    clock: systemClock,
    allowPrivate: ['127.0.0.1'],
    authorities: certificate.cert,
    lookup: async () => ['127.0.0.1'],
    ...changes,
  };
}

function ask({ port }: { readonly port: number }, changes: Partial<FetchOptions> = {}) {
  return fetchDocument(`https://${HOST}:${port}/did.json`, options(changes));
}

describe('a document', () => {
  it('comes with its bytes, their digest, and how long it is fresh', async () => {
    let name: unknown;
    let headers: IncomingMessage['headers'] = {};
    const site = await serve((request, response) => {
      name = (request.socket as TLSSocket & { servername?: string }).servername;
      headers = request.headers;
      response.setHeader('cache-control', 'max-age=30');
      response.setHeader('content-type', 'application/json');
      response.end('{"hello":1}');
    });
    const fetched = await ask(site, { accept: 'application/json' });
    const sha256 = createHash('sha256').update('{"hello":1}').digest();
    expect(fetched).toEqual({
      url: `https://${HOST}:${site.port}/did.json`,
      bytes: Buffer.from('{"hello":1}'),
      digest: `u${Buffer.concat([Buffer.from([0x12, 0x20]), sha256]).toString('base64url')}`,
      maxAgeMs: 30_000,
      contentType: 'application/json',
    });
    expect(name).toBe(HOST);
    expect(headers).toMatchObject({
      host: `${HOST}:${site.port}`,
      accept: 'application/json',
      'accept-encoding': 'identity',
      connection: 'close',
    });
    expect(headers['cookie'] ?? headers['authorization']).toBeUndefined();
  });

  it('may be as large as the bound and not a byte larger', async () => {
    const site = await serve((request, response) => {
      const size = request.url === '/did.json' ? 1000 : 0;
      response.write(Buffer.alloc(size));
      response.end();
    });
    expect(await ask(site, { bytesMax: 1000 })).toHaveProperty('bytes.length', 1000);
    expect(await ask(site, { bytesMax: 999 })).toMatchObject({ code: 'NET_TOO_LARGE' });
  });

  it('comes from the next address when one takes no connection', async () => {
    const site = await serve(hello);
    const lookup = async () => ['127.0.0.3', '127.0.0.1'];
    const allowPrivate = ['127.0.0.0/8'];
    expect(await ask(site, { lookup, allowPrivate })).toHaveProperty('bytes');
    await site.close();
    open.length = 0;
    expect(await ask(site, { lookup, allowPrivate })).toMatchObject({ code: 'NET_UNREACHABLE' });
  });
});

describe('nothing is fetched', () => {
  it.each([
    'http://mill.example/did.json',
    'file:///etc/passwd',
    'ftp://mill.example/',
    'https://user@mill.example/',
    'https://user:secret@mill.example/',
    'https://127.0.0.2/',
    'https://0x7f000002/',
    'https://2130706434/',
    'https://0177.0.0.2/',
    'https://127.2/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.2]/',
    'https://93.184.216.34/',
    'https://localhost/',
    'https://intranet/',
    'https://mill.example./',
    'not a url',
    '',
  ])('from %j', async (url) => {
    let asked = 0;
    const lookup = async () => {
      asked += 1;
      return ['127.0.0.1'];
    };
    const answer = await fetchDocument(url, options({ lookup }));
    expect(answer).toMatchObject({ code: 'NET_URL_REFUSED' });
    expect(asked).toBe(0);
  });

  it.each([
    ['a private address', ['10.0.0.1']],
    ['loopback', ['127.0.0.2']],
    ['loopback of IPv6', ['::1']],
    ['a mapped address', ['::ffff:127.0.0.1']],
    ['the address of cloud metadata', ['169.254.169.254']],
    ['one private address after a public one', ['93.184.216.34', '127.0.0.2']],
    ['one private address before a public one', ['127.0.0.2', '93.184.216.34']],
    ['what is no address', ['localhost']],
  ])('when the name has %s', async (_, addresses) => {
    const trap = await serve(hello, { address: '127.0.0.2' });
    const answer = await ask(trap, { lookup: async () => addresses });
    expect(answer).toMatchObject({ code: 'NET_ADDRESS_PRIVATE' });
    expect(trap.connections()).toBe(0);
  });

  it('when the name has no address, or cannot be looked up', async () => {
    const nobody = { port: 443 };
    const none = await ask(nobody, { lookup: async () => [] });
    expect(none).toMatchObject({ code: 'NET_NAME_UNKNOWN' });
    const failing = await ask(nobody, { lookup: () => Promise.reject(new Error('SERVFAIL')) });
    expect(failing).toMatchObject({ code: 'NET_NAME_UNKNOWN' });
  });
});

describe('a name that points elsewhere the second time', () => {
  it('is looked up once, and the address that was checked is dialled', async () => {
    const site = await serve(hello);
    const trap = await serve(hello, { address: '127.0.0.2', port: site.port });
    const answers = [['127.0.0.1'], ['127.0.0.2']];
    let asked = 0;
    const lookup = async () => {
      asked += 1;
      return answers.shift() ?? ['127.0.0.2'];
    };
    expect(await ask(site, { lookup })).toHaveProperty('bytes');
    expect(asked).toBe(1);
    expect(await ask(site, { lookup })).toMatchObject({ code: 'NET_ADDRESS_PRIVATE' });
    expect([site.connections(), trap.connections()]).toEqual([1, 0]);
  });
});

describe('a server', () => {
  it.each([301, 302, 303, 307, 308, 304])('is not followed with %i', async (status) => {
    const trap = await serve(hello, { address: '127.0.0.2' });
    const site = await serve((_, response) => {
      response.writeHead(status, { location: `https://127.0.0.2:${trap.port}/` }).end('x');
    });
    expect(await ask(site)).toMatchObject({ code: 'NET_REDIRECT' });
    expect(trap.connections()).toBe(0);
  });

  it.each([204, 206, 400, 404, 500])('is not believed with %i', async (status) => {
    const site = await serve((_, response) => response.writeHead(status).end());
    expect(await ask(site)).toMatchObject({ code: 'NET_STATUS' });
  });

  it('cannot send a compressed document, which might unpack to anything', async () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024));
    const site = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(bomb);
    });
    expect(await ask(site)).toMatchObject({ code: 'NET_ENCODING' });
  });

  it('that never ends its document is cut off', async () => {
    let sent = 0;
    const site = await serve((_, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    expect(await ask(site, { bytesMax: 100_000 })).toMatchObject({ code: 'NET_TOO_LARGE' });
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it('that says its document is too large is not read', async () => {
    const site = await serve((_, response) => {
      response.setHeader('content-length', 10_000_000);
      response.flushHeaders();
    });
    expect(await ask(site)).toMatchObject({ code: 'NET_TOO_LARGE' });
  });

  it('that drips byte by byte runs out of time', async () => {
    let timer: NodeJS.Timeout | undefined;
    const site = await serve((_, response) => {
      timer = setInterval(() => response.write('x'), 5);
    });
    expect(await ask(site, { timeoutMs: 150 })).toMatchObject({ code: 'NET_TIMEOUT' });
    clearInterval(timer);
  });

  it('that is silent, before TLS or after, runs out of time', async () => {
    const deaf = createServer(() => undefined);
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
    const { port } = deaf.address() as { port: number };
    expect(await ask({ port }, { timeoutMs: 100 })).toMatchObject({ code: 'NET_TIMEOUT' });
    deaf.close();
    const site = await serve(() => undefined);
    expect(await ask(site, { timeoutMs: 100 })).toMatchObject({ code: 'NET_TIMEOUT' });
    const lookup = () => new Promise<string[]>(() => undefined);
    expect(await ask(site, { timeoutMs: 50, lookup })).toMatchObject({ code: 'NET_TIMEOUT' });
  });

  it('is left alone when the process stops', async () => {
    const stop = new AbortController();
    const site = await serve(() => stop.abort());
    expect(await ask(site, { signal: stop.signal })).toMatchObject({ code: 'NET_CANCELLED' });
    expect(await ask(site, { signal: stop.signal })).toMatchObject({ code: 'NET_CANCELLED' });
    expect(site.connections()).toBe(1);
  });

  it.each([
    ['ends in the middle', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'],
    ['ends in a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhalf'],
    ['is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['has a head without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(64 * 1024)}\r\n\r\n`],
    ['is empty', ''],
    ['changes the protocol', 'HTTP/1.1 101 Up\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'],
    [
      'has two lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('whose answer %s gave no document', async (_, raw) => {
    const site = await serve((request) => request.socket.end(raw));
    expect(await ask(site)).toMatchObject({ code: 'NET_BROKEN' });
  });
});

describe('a certificate is refused', () => {
  const dayMs = 86_400_000;

  it.each([
    ['of another name', () => siteCertificate(['mill.example.evil.example'])],
    ['that expired', () => siteCertificate([HOST], { untilMs: Date.now() - 1000 })],
    ['that is not yet valid', () => siteCertificate([HOST], { fromMs: Date.now() + dayMs / 2 })],
  ])('%s', async (_, make) => {
    certificate = await make();
    const site = await serve(hello);
    expect(await ask(site)).toMatchObject({ code: 'NET_TLS' });
    expect(site.requests).toEqual([]);
    certificate = await siteCertificate([HOST]);
  });

  it('of an authority that is not known, even when the environment would let it pass', async () => {
    const site = await serve(hello);
    const { authorities: _, ...unknowing } = options();
    const url = `https://${HOST}:${site.port}/did.json`;
    expect(await fetchDocument(url, unknowing)).toMatchObject({ code: 'NET_TLS' });
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      expect(await fetchDocument(url, unknowing)).toMatchObject({ code: 'NET_TLS' });
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    }
    expect(site.requests).toEqual([]);
  });

  it.each([
    ['TLS 1.1', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' }],
    ['CBC', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' }],
  ])('with %s', async (_, tls) => {
    const site = await serve(hello, tls);
    expect(await ask(site)).toMatchObject({ code: 'NET_TLS' });
    expect(site.requests).toEqual([]);
  });

  afterAll(async () => {
    for (const site of open.splice(0)) await site.close();
  });
});
