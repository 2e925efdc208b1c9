/** One request to one address that was checked, and its answer within bounds. */
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { isIP } from 'node:net';
import { rootCertificates, type TLSSocket } from 'node:tls';
import type { networkErrors } from '../../errors/network.ts';
import { limits } from '../../limits.ts';
import { digestMultibase } from '../../profile.ts';
import { maxAgeOf } from './freshness.ts';

/** A document as it came, with what is needed to keep and cite it. */
export interface Fetched {
  readonly url: string;
  readonly bytes: Uint8Array;
  /** `digestMultibase` of `bytes`: SHA-256. */
  readonly digest: string;
  /** Until when the server calls it fresh (RFC 9111 §4.2), from now; absent if it says nothing. */
  readonly maxAgeMs?: number;
  /** Media type as sent. */
  readonly contentType?: string;
}

/** Why there is no document; no bytes of it are kept. */
export interface FetchRefusal {
  readonly code: keyof typeof networkErrors;
  readonly reason: string;
}

/** Where a URL points, after the URL parser has made one form of all spellings of it. */
export interface Target {
  readonly url: string;
  readonly host: string;
  /** Host and port as the Host header has them. */
  readonly authority: string;
  readonly port: number;
  readonly path: string;
}

/** What one request needs; see `FetchOptions`. */
export interface AskOptions {
  readonly authorities?: string;
  readonly accept?: string;
  readonly bytesMax?: number;
  /** Its reason is the code of the refusal. */
  readonly signal: AbortSignal;
}

/** SP 800-52r2 §3.3.1: with TLS 1.2 only suites that authenticate what they encrypt. */
const CIPHERS = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** How far the connection came; what fails then tells whose mistake it is. */
type Phase = 'connecting' | 'securing' | 'answering';

const FAILED: Readonly<Record<Phase, FetchRefusal['code']>> = {
  connecting: 'NET_UNREACHABLE',
  securing: 'NET_TLS',
  answering: 'NET_BROKEN',
};

/** One request to one address. No redirect, no proxy, no second connection, no connection kept. */
export function ask(
  target: Target,
  address: string,
  options: AskOptions,
): Promise<Fetched | FetchRefusal> {
  const { authorities, accept = '*/*', signal } = options;
  const { authority, host, path, port } = target;
  return new Promise((resolve) => {
    let phase: Phase = 'connecting';
    const asked = request({
      // An address is dialled as it is: there is no second look-up that could say another.
      host: address,
      port,
      path,
      setHost: false,
      headers: { Host: authority, Accept: accept, 'Accept-Encoding': 'identity' },
      // An agent of its own knows no proxy of the environment and keeps nothing open.
      agent: new Agent({ keepAlive: false }),
      signal,
      maxHeaderSize: limits.fetchHeaderBytesMax,
      ...(isIP(host) === 0 && { servername: host }),
      ...(authorities !== undefined && { ca: [...rootCertificates, authorities] }),
      // Said outright, because the environment could turn the check off.
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
    });
    const settle = (result: Fetched | FetchRefusal): void => {
      resolve(result);
      asked.destroy();
    };
    const fail = (error?: unknown): void => {
      if (signal.aborted) settle(ended(signal, `fetching ${target.url}`));
      else settle(no(FAILED[phase], `${host} at ${address}, ${phase}: ${codeOf(error)}`));
    };
    asked.on('socket', (socket) => {
      socket.once('connect', () => {
        phase = 'securing';
      });
      (socket as TLSSocket).once('secureConnect', () => {
        phase = 'answering';
      });
    });
    asked.on('response', (response) => receive(response, { target, options, settle, fail }));
    asked.on('error', fail);
    // A switch of protocols is an answer that is not HTTP.
    asked.on('upgrade', (_, socket) => {
      socket.destroy();
      fail();
    });
    asked.on('close', () => fail());
    asked.end();
  });
}

interface Receiving {
  readonly target: Target;
  readonly options: AskOptions;
  readonly settle: (result: Fetched | FetchRefusal) => void;
  readonly fail: (error?: unknown) => void;
}

/** Reads the answer up to the bound and not one chunk further. */
function receive(response: IncomingMessage, { target, options, settle, fail }: Receiving): void {
  const { headers } = response;
  const { bytesMax = limits.fetchBytesMax } = options;
  const { url } = target;
  const large = no('NET_TOO_LARGE', `${url} has over ${bytesMax} bytes`);
  response.on('error', fail);
  const unfit = checkHead(response, url);
  if (unfit || Number(headers['content-length'] ?? 0) > bytesMax) {
    settle(unfit ?? large);
    return;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  response.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > bytesMax) settle(large);
    else chunks.push(chunk);
  });
  response.on('end', () => {
    // An answer that ends before its own length did is no document.
    if (!response.complete) {
      fail();
      return;
    }
    const bytes = Buffer.concat(chunks);
    const maxAgeMs = maxAgeOf(headers);
    const contentType = headers['content-type'];
    settle({
      url,
      bytes,
      digest: digestMultibase(bytes),
      ...(maxAgeMs !== undefined && { maxAgeMs }),
      ...(contentType !== undefined && { contentType }),
    });
  });
}

/** Why the body of an answer is not read, if it is not. */
function checkHead(
  { headers, statusCode }: IncomingMessage,
  url: string,
): FetchRefusal | undefined {
  const status = statusCode ?? 0;
  if (status >= 300 && status < 400) {
    return no('NET_REDIRECT', `${url} leads to ${String(headers.location).slice(0, 200)}`);
  }
  if (status !== 200) return no('NET_STATUS', `${url} answers ${status}`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() === 'identity') return undefined;
  return no('NET_ENCODING', `${url} is sent as ${encoding.slice(0, 60)}`);
}

/** What a fetch that was given up says. */
export function ended({ reason }: AbortSignal, doing: string): FetchRefusal {
  const code = reason === 'NET_CANCELLED' ? 'NET_CANCELLED' : 'NET_TIMEOUT';
  return no(code, `${doing} was given up`);
}

/** The short name of what went wrong below. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'closed';
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.message.slice(0, 100);
}

/** Makes a refusal. */
export function no(code: FetchRefusal['code'], reason: string): FetchRefusal {
  return { code, reason };
}
