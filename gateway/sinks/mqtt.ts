/**
 * The uplink over MQTT 3.1.1, QoS 1. It connects, reconnects with jitter, and publishes only while
 * it is connected: a client's own queue is memory, and what waits belongs into the outbox.
 */
import { readFileSync } from 'node:fs';
import { fingerprintOfDid, receiptTopic, uplinkTopic } from '../../devices/envelope.ts';
import { EdgeError } from '../../devices/errors.ts';
import { isLoopback, tls13 } from '../../devices/io/uplink/tls.ts';
import type { TlsIdentity } from '../../devices/io/uplink/x509.ts';
import { limits } from '../../devices/limits.ts';
import { type SchemaMistake, type Static, Type } from '../../devices/schema.ts';
import { dialMqtt, type MqttClient, type MqttOptions } from '../mqtt-client.ts';
import type { OpenSink, Sink, SinkContext, SinkEvents } from '../sink.ts';
import { createRetry, type Retry } from '../sink-retry.ts';

const path = (description: string) =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 4096 }));

const settings = Type.Object(
  {
    url: Type.String({
      description:
        'Address of the broker: mqtt://HOST:PORT on the same machine, mqtts://HOST:PORT elsewhere. Required.',
      pattern: '^mqtts?://[^/]+$',
      examples: ['mqtts://border.example:8883'],
    }),
    username: Type.Optional(
      Type.String({ description: 'User name, where the broker asks for one.', maxLength: 256 }),
    ),
    passwordFile: path('Path of a file that holds the password in its first line.'),
    caFile: path('Path of the certificates (PEM) that sign the broker’s. Default: the system’s.'),
    certFile: path('Path of this gateway’s client certificate (PEM).'),
    keyFile: path('Path of the client certificate’s private key (PEM).'),
    connectTimeoutMs: Type.Optional(
      Type.Integer({
        description: `How long connecting may take, milliseconds. Default ${limits.mqttConnectMs}.`,
        minimum: 100,
        maximum: 120_000,
        default: limits.mqttConnectMs,
      }),
    ),
    keepaliveS: Type.Optional(
      Type.Integer({
        description: `A silent connection is tried this often, seconds. Default ${limits.mqttKeepaliveS}.`,
        minimum: 1,
        maximum: 3_600,
        default: limits.mqttKeepaliveS,
      }),
    ),
  },
  { additionalProperties: false, description: 'Uplink over MQTT 3.1.1.' },
);

type Settings = Static<typeof settings>;

export const mqttSink: Sink<Settings> = {
  name: 'mqtt',
  summary: 'MQTT 3.1.1, QoS 1, one credential a message; TLS 1.3 beyond this machine.',
  settings,
  check,
  async open(given, events, context) {
    const { hostname, protocol } = new URL(given.url);
    if (protocol === 'mqtt:' && !isLoopback(hostname)) {
      throw new EdgeError('UPLINK_PLAIN_TEXT', `connecting to ${given.url}`);
    }
    return new MqttUplink(given.url, dialOptions(given, context), events, context);
  },
};

/** Beyond loopback only mutual TLS: a reading belongs to its owner, a receipt to its gateway. */
function check(given: Settings, { isInvited }: { readonly isInvited: boolean }): SchemaMistake[] {
  if (!URL.canParse(given.url)) {
    return [{ path: ['url'], message: `${given.url} is no address: write mqtts://HOST:PORT` }];
  }
  const { protocol, hostname } = new URL(given.url);
  const mistakes: SchemaMistake[] = [];
  const isSecure = protocol === 'mqtts:';
  if (!isSecure && !isLoopback(hostname)) {
    const message = `${hostname} is another machine: write mqtts:// and an invitation, or certFile and keyFile`;
    mistakes.push({ path: ['url'], message });
  }
  if ((given.certFile === undefined) !== (given.keyFile === undefined)) {
    mistakes.push({ path: ['certFile'], message: 'certFile and keyFile go together: name both' });
  } else if (isInvited && given.certFile !== undefined) {
    const message = 'the invitation brings a certificate: leave certFile and keyFile out';
    mistakes.push({ path: ['certFile'], message });
  } else if (isSecure && !isInvited && given.certFile === undefined && !isLoopback(hostname)) {
    const message = 'mqtts:// needs an invitation, or certFile and keyFile (mutual TLS)';
    mistakes.push({ path: ['url'], message });
  }
  return mistakes;
}

function dialOptions(given: Settings, context: SinkContext): MqttOptions {
  const read = (file: string) => {
    try {
      return readFileSync(context.resolvePath(file));
    } catch (cause) {
      throw new EdgeError('GW_SINK_FILE_UNREADABLE', `reading ${file}`, { cause });
    }
  };
  const { caFile, certFile, keyFile, passwordFile, username } = given;
  const password = passwordFile && read(passwordFile).toString('utf8').split(/\r?\n/, 1)[0];
  return {
    // 23 characters are what every server takes [MQTT-3.1.3-5].
    clientId: `bl-${fingerprintOfDid(context.gateway).slice(-20)}`,
    clean: true,
    keepalive: given.keepaliveS ?? limits.mqttKeepaliveS,
    connectTimeout: given.connectTimeoutMs ?? limits.mqttConnectMs,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(caFile !== undefined && { ca: read(caFile) }),
    ...(certFile !== undefined && { cert: read(certFile) }),
    ...(keyFile !== undefined && { key: read(keyFile) }),
    ...(given.url.startsWith('mqtts:') && { ...tls13, rejectUnauthorized: true }),
  };
}

/** One connection after the other until it is closed. */
class MqttUplink implements OpenSink {
  readonly #url: string;
  readonly #options: MqttOptions;
  readonly #events: SinkEvents;
  readonly #context: SinkContext;
  readonly #topic: string;
  #client: MqttClient | undefined;
  #isUp = false;
  readonly #closing = new AbortController();
  readonly #retry: Retry;
  readonly #stopRenewals: () => void;

  constructor(url: string, options: MqttOptions, events: SinkEvents, context: SinkContext) {
    this.#url = url;
    this.#options = options;
    this.#events = events;
    this.#context = context;
    this.#topic = uplinkTopic(fingerprintOfDid(context.gateway));
    this.#retry = createRetry(context, url, () => void this.#connect());
    // A client of the same name takes the place of the one before; what it had sent and nobody
    // has receipted is sent again.
    const renewed = () => void this.#client?.end(false);
    this.#stopRenewals = context.identity?.onRenewed(renewed) ?? (() => undefined);
    void this.#connect();
  }

  send(token: Uint8Array, signal: AbortSignal): Promise<void> {
    const client = this.#client;
    if (!client || !this.#isUp) {
      return Promise.reject(new EdgeError('GW_SINK_DOWN', `sending to ${this.#url}`));
    }
    return new Promise((resolve, reject) => {
      const fail = (cause?: unknown) =>
        reject(new EdgeError('GW_SINK_DOWN', `sending to ${this.#url}`, { cause }));
      if (signal.aborted) return fail();
      signal.addEventListener('abort', fail, { once: true });
      client.publish(this.#topic, Buffer.from(token), { qos: 1 }, (error) => {
        signal.removeEventListener('abort', fail);
        if (error) fail(error);
        else resolve();
      });
    });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#stopRenewals();
    this.#retry.cancel();
    const client = this.#client;
    this.#down();
    if (client) await endClient(client);
  }

  /** Each connection is a client of its own, so that nothing waits in one that is not connected. */
  async #connect(): Promise<void> {
    const { identity } = this.#context;
    if (identity === undefined) {
      this.#follow(dialMqtt(this.#url, this.#options), undefined);
      return;
    }
    const { signal } = this.#closing;
    const shown = await identity.current(signal).catch(() => undefined);
    if (shown === undefined || signal.aborted) return;
    const own = { ca: identity.authority, ...shown };
    this.#follow(dialMqtt(this.#url, { ...this.#options, ...own }), shown);
  }

  #follow(client: MqttClient, shown: TlsIdentity | undefined): void {
    this.#client = client;
    let wasAccepted = false;
    let reason = 'the connection was closed';
    client.on('connect', () => {
      wasAccepted = true;
      const topic = receiptTopic(fingerprintOfDid(this.#context.gateway));
      client.subscribe(topic, { qos: 1 }, (error, granted) => {
        // 0x80 is the broker's refusal of a subscription [MQTT-3.9.3-2].
        if (error || granted?.some(({ qos }) => qos >= 0x80)) {
          reason = 'the broker refused the subscription to receipts';
          client.end(true);
        } else if (client === this.#client && !this.#closing.signal.aborted) this.#up();
      });
    });
    client.on('message', (_topic, payload) => {
      if (payload.length <= limits.receiptBytesMax) this.#events.onReceipt(payload);
    });
    client.on('error', (error) => {
      reason = error.message || String(error);
      client.end(true);
    });
    client.on('close', () => {
      if (client !== this.#client) return;
      this.#client = undefined;
      client.end(true);
      this.#down();
      // Somebody was there and did not want this certificate: the next attempt has another.
      const isUnwanted = shown !== undefined && !wasAccepted && !isNetworkTrouble(reason);
      if (isUnwanted) this.#context.identity?.distrust(shown);
      if (!this.#closing.signal.aborted) this.#retry.again(reason);
    });
  }

  #up(): void {
    this.#isUp = true;
    this.#retry.succeeded();
    const how = this.#url.startsWith('mqtts:') ? '' : ' in plain text, loopback only';
    this.#context.log.info(`uplink is up${how}`, { url: this.#url });
    this.#events.onState(true);
  }

  #down(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#events.onState(false);
  }
}

/** Whether nobody was reached who could have looked at a certificate. */
function isNetworkTrouble(reason: string): boolean {
  return /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|timeout/i.test(
    reason,
  );
}

/** Says goodbye to the broker, or drops the connection when that takes too long. */
function endClient(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.once('close', () => resolve());
    client.end(false, () => resolve());
  });
}
