/**
 * The uplink over HTTPS, for networks that let nothing else out. What waits to be sent goes in one
 * request at a time, many credentials in each; receipts come on an answer that stays open. The
 * uplink is up while that answer is.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { EdgeError } from '../../devices/errors.ts';
import { frameOf, framesType, readFrames } from '../../devices/io/uplink/frame.ts';
import { tls13 } from '../../devices/io/uplink/tls.ts';
import { limits } from '../../devices/limits.ts';
import { type SchemaMistake, type Static, Type } from '../../devices/schema.ts';
import type { OpenSink, Sink, SinkContext, SinkEvents } from '../sink.ts';
import { createRetry, type Retry } from '../sink-retry.ts';

const settings = Type.Object(
  {
    url: Type.String({
      description: 'Address of the ingester: https://HOST:PORT. Required.',
      pattern: '^https://[^/]+$',
      examples: ['https://border.example:8443'],
    }),
  },
  { additionalProperties: false, description: 'Uplink over HTTPS, TLS 1.3.' },
);

type Settings = Static<typeof settings>;

export const httpsSink: Sink<Settings> = {
  name: 'https',
  summary: 'HTTPS with the certificate that an invitation brings: TLS 1.3, many in one request.',
  settings,
  check: (_settings, { isInvited }): SchemaMistake[] =>
    isInvited
      ? []
      : [{ path: ['url'], message: 'https needs an invitation: write uplink.invitation' }],
  async open({ url }, events, context) {
    return new HttpsUplink(url, events, context);
  },
};

interface Waiting {
  readonly token: Uint8Array;
  readonly done: () => void;
  readonly fail: (cause?: unknown) => void;
}

/** One connection for what goes up, one for what comes down, made anew until it is closed. */
class HttpsUplink implements OpenSink {
  readonly #url: string;
  readonly #events: SinkEvents;
  readonly #context: SinkContext;
  readonly #retry: Retry;
  readonly #closing = new AbortController();
  readonly #stopRenewals: () => void;
  #agent: Agent | undefined;
  #down: ClientRequest | undefined;
  #isUp = false;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #sending: Waiting[] = [];
  #cancelSilence: () => void = () => undefined;

  constructor(url: string, events: SinkEvents, context: SinkContext) {
    this.#url = url;
    this.#events = events;
    this.#context = context;
    this.#retry = createRetry(context, url, () => void this.#connect());
    // What is on its way is sent again, since only receipts count.
    const renewed = () => this.#drop('the certificate was renewed');
    this.#stopRenewals = context.identity?.onRenewed(renewed) ?? (() => undefined);
    void this.#connect();
  }

  send(token: Uint8Array, signal: AbortSignal): Promise<void> {
    const down = (cause?: unknown) =>
      new EdgeError('GW_SINK_DOWN', `sending to ${this.#url}`, { cause });
    if (!this.#isUp || signal.aborted) return Promise.reject(down());
    if (this.#waitingBytes > limits.httpsPendingBytesMax) return Promise.reject(down());
    return new Promise((resolve, reject) => {
      const fail = (cause?: unknown) => reject(down(cause));
      signal.addEventListener('abort', fail, { once: true });
      const done = () => {
        signal.removeEventListener('abort', fail);
        resolve();
      };
      this.#waiting.push({ token, done, fail });
      this.#waitingBytes += token.length;
      // Those of one turn go together.
      if (this.#waiting.length === 1) queueMicrotask(() => this.#post());
    });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#stopRenewals();
    this.#retry.cancel();
    this.#end();
  }

  async #connect(): Promise<void> {
    const { clock, identity } = this.#context;
    if (identity === undefined) return;
    const { signal } = this.#closing;
    const shown = await identity.current(signal).catch(() => undefined);
    if (shown === undefined || signal.aborted) return;
    const { authority: ca } = identity;
    const agent = new Agent({
      ...{ ca, ...shown, ...tls13, rejectUnauthorized: true },
      ...{ keepAlive: true, maxSockets: 2, timeout: 3 * limits.httpsBeatMs },
    });
    this.#agent = agent;
    const asked = request(`${this.#url}/uplink/receipts`, { agent }, (response) => {
      if (agent !== this.#agent) return;
      if (response.statusCode === 200) this.#listen(response);
      else {
        // The certificate may be of an authority, or for a gateway, that is no longer taken.
        if (response.statusCode === 401) identity.distrust(shown);
        this.#drop(`the ingester answered with status ${response.statusCode}`);
      }
    });
    this.#down = asked;
    asked.on('error', (error) => {
      if (agent === this.#agent) this.#drop(error.message);
    });
    asked.on('close', () => {
      if (agent === this.#agent) this.#drop('the connection was closed');
    });
    asked.end();
    this.#cancelSilence = clock.after(limits.mqttConnectMs, () => this.#drop('no answer in time'));
  }

  #listen(response: IncomingMessage): void {
    const { clock } = this.#context;
    const frames = readFrames(limits.receiptBytesMax, (receipt) => {
      if (receipt.length > 0) this.#events.onReceipt(receipt);
    });
    const heard = () => {
      this.#cancelSilence();
      const silentMs = 3 * limits.httpsBeatMs;
      this.#cancelSilence = clock.after(silentMs, () => this.#drop('the ingester is silent'));
    };
    heard();
    response.on('data', (chunk: Buffer) => {
      heard();
      if (!frames.push(chunk)) this.#drop('a receipt is too large');
    });
    response.on('error', () => undefined);
    this.#isUp = true;
    this.#retry.succeeded();
    this.#context.log.info('uplink is up', { url: this.#url });
    this.#events.onState(true);
  }

  /** One request after the other, so that what is sent keeps its order. */
  #post(): void {
    const agent = this.#agent;
    if (!this.#isUp || !agent || this.#sending.length > 0) return;
    let bytes = 0;
    const fits = this.#waiting.findIndex(({ token }) => {
      bytes += token.length + 4;
      return bytes > limits.httpsBodyBytesMax;
    });
    this.#sending = this.#waiting.splice(0, fits < 0 ? this.#waiting.length : Math.max(1, fits));
    if (this.#sending.length === 0) return;
    const body = Buffer.concat(this.#sending.map(({ token }) => frameOf(token)));
    const headers = { 'content-type': framesType, 'content-length': body.length };
    const path = `${this.#url}/uplink/credentials`;
    const posted = request(path, { agent, method: 'POST', headers }, (response) => {
      response.resume();
      if (agent !== this.#agent) return;
      if (response.statusCode !== 202) {
        this.#drop(`the ingester answered with status ${response.statusCode}`);
        return;
      }
      for (const { done, token } of this.#sending.splice(0)) {
        this.#waitingBytes -= token.length;
        done();
      }
      this.#post();
    });
    posted.setNoDelay(true);
    posted.on('error', (error) => {
      if (agent === this.#agent) this.#drop(error.message);
    });
    posted.end(body);
  }

  /** Gives this connection up and begins another after a while. */
  #drop(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#end();
    this.#retry.again(reason);
  }

  #end(): void {
    const agent = this.#agent;
    this.#agent = undefined;
    this.#cancelSilence();
    this.#down?.destroy();
    agent?.destroy();
    const lost = [...this.#sending.splice(0), ...this.#waiting.splice(0)];
    this.#waitingBytes = 0;
    for (const { fail } of lost) fail();
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#events.onState(false);
  }
}
