/**
 * Reads from an MQTT broker elsewhere, such as Mosquitto. It speaks MQTT 3.1.1 with a clean
 * session: what arrives while we are away is sent again by its gateway.
 */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { connect, type IPublishPacket, type MqttClient } from 'mqtt';
import { receiptTopic, uplinkFilter } from '../../devices/envelope.ts';
import { EdgeError } from '../../devices/errors.ts';
import { isLoopback, plainTextMistakes, tls13 } from '../../devices/io/uplink/tls.ts';
import { limits } from '../../devices/limits.ts';
import { type Static, Type } from '../../devices/schema.ts';
import { watchFrames } from '../mqtt-frame.ts';
import { type OpenSource, type Source, type SourceContext, uplinkGateway } from '../source.ts';
import { shareConnection } from './shared.ts';

const settings = Type.Object(
  {
    url: Type.String({
      pattern: '^mqtts?://[^/\\s]+$',
      examples: ['mqtts://broker.example:8883'],
      description:
        'Address of the broker, mqtts:// beyond loopback; required. It must let us read every uplink.',
    }),
    clientId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'Client identifier; default: one that the library chooses.',
      }),
    ),
    caFile: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 4_096,
        description:
          'With mqtts: certificates (PEM) that sign the broker’s. Default: our own authority.',
      }),
    ),
  },
  { additionalProperties: false, description: 'An MQTT broker elsewhere.' },
);

type Settings = Static<typeof settings>;

export const mqtt: Source<Settings> = {
  name: 'mqtt',
  summary: 'An MQTT broker elsewhere, e.g. Mosquitto.',
  settings,
  needsUplink: ({ url }) => isTls(url),
  check: ({ url }) =>
    URL.canParse(url)
      ? plainTextMistakes(new URL(url).hostname, {
          isTls: isTls(url),
          path: 'url',
          fix: 'write mqtts://',
        })
      : [{ path: ['url'], message: `${url} is no address: write mqtts://HOST:PORT` }],
  open,
};

const isTls = (url: string) => url.startsWith('mqtts:');

async function open(options: Settings, context: SourceContext): Promise<OpenSource> {
  const { url } = options;
  if (!isTls(url) && !isLoopback(new URL(url).hostname)) {
    throw new EdgeError('UPLINK_PLAIN_TEXT', `connecting to ${url}`);
  }
  const client = connect(url, {
    ...(isTls(url) && tlsOptions(options, context)),
    protocolVersion: 4,
    clean: true,
    manualConnect: true,
    // We subscribe on every connection ourselves, since only the answer says that we are there.
    resubscribe: false,
    reconnectPeriod: limits.reconnectMs,
    connectTimeout: limits.brokerConnectMs,
    ...(options.clientId === undefined ? {} : { clientId: options.clientId }),
  });
  const shared = { ...context, receive: shareConnection(context) };
  const rest = new AbortController();
  const taking = { context: shared, resting: rest.signal };
  client.handleMessage = (packet, done) => take(packet as IPublishPacket, taking, done);
  client.on('packetsend', ({ cmd }) => {
    if (cmd === 'connect') guardStream(client, context);
  });
  const ready = follow(client, url, context);
  const stopRenewing = isTls(url) ? renewing(client, context) : () => undefined;
  client.connect();
  await Promise.race([ready, context.clock.sleep(limits.brokerConnectMs)]);
  return openSource(client, url, { rest: () => rest.abort(), stopRenewing });
}

/** We show a certificate of our own authority; the broker's may be of another. */
function tlsOptions({ caFile }: Settings, { resolvePath, uplink }: SourceContext) {
  assert(uplink, 'a source that needs the uplink gets it');
  const ca = caFile === undefined ? uplink.authority : readCertificates(resolvePath(caFile));
  return { ...uplink.clientIdentity(), ca, ...tls13, rejectUnauthorized: true };
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new EdgeError('CFG_UNREADABLE', `reading ${file}`, { cause });
  }
}

/** With a new certificate the client connects anew; what is lost meanwhile is sent again. */
function renewing(client: MqttClient, { uplink }: SourceContext): () => void {
  assert(uplink, 'a source that needs the uplink gets it');
  return uplink.onRenewed(() => {
    Object.assign(client.options, uplink.clientIdentity());
    client.stream.destroy();
  });
}

/**
 * Ends a connection on which the broker announces a packet that is too large, before the library
 * has more of it than the piece that says so. Called when the stream is new and nothing has come.
 */
function guardStream({ stream }: MqttClient, context: SourceContext): void {
  const watch = watchFrames(limits.mqttPacketBytesMax);
  stream.prependListener('data', (chunk: Uint8Array) => {
    if (watch.take(chunk)) return;
    context.tooLarge?.();
    stream.destroy(new Error(`a packet is larger than ${limits.mqttPacketBytesMax} bytes`));
  });
}

/**
 * Hands the payload over; the library sends its PUBACK, and reads on, after `done`. It only reads
 * on where `done` gets an error: the PUBACKs of our own receipts come behind what is not taken.
 */
function take(
  packet: IPublishPacket,
  { context, resting }: { readonly context: SourceContext; readonly resting: AbortSignal },
  done: (error?: Error) => void,
): void {
  const gateway = uplinkGateway(packet.topic);
  // A retained message is old by definition, and may be anybody's.
  if (gateway === undefined || packet.retain) {
    done();
    return;
  }
  // The broker has proven who it is; whether it still may, it does not know.
  const { uplink } = context;
  if (uplink !== undefined) {
    if (!uplink.isAllowed(`did:key:${gateway}`)) {
      done();
      return;
    }
    context.known?.(gateway);
  }
  const bytes = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
  const pass = () => done(new Error('nothing more is taken'));
  if (resting.aborted) {
    pass();
    return;
  }
  const room = context.receive({ gateway, bytes, receivedMs: context.clock.nowMs() });
  if (room === undefined) {
    done();
    return;
  }
  // A stopped ingester takes nothing more and says so by never acknowledging.
  resting.addEventListener('abort', pass, { once: true });
  const readOn = () => {
    resting.removeEventListener('abort', pass);
    if (!resting.aborted) done();
  };
  room.then(readOn, () => {});
}

/**
 * Subscribes whenever the client connects, and tells a person once when the broker goes away.
 * Resolves at the first subscription.
 */
function follow(client: MqttClient, url: string, context: SourceContext): Promise<void> {
  let away = false;
  const troubled = (error?: Error) => {
    if (away || client.disconnecting) return;
    away = true;
    context.log.warn('the broker cannot be reached; trying again', { url, error: error?.message });
  };
  client.on('error', troubled);
  client.on('close', () => troubled());
  return new Promise((resolve) => {
    client.on('connect', () => {
      // Nagle's algorithm would hold receipts back for 40 ms.
      if (client.stream instanceof Socket) client.stream.setNoDelay(true);
      client.subscribe(uplinkFilter, { qos: 1 }, (error, granted) => {
        // MQTT 3.1.1 §3.9.3: 0x80 says that the broker refuses the subscription.
        if (error || granted?.some(({ qos }) => Number(qos) === 0x80)) {
          context.log.error('the broker does not let us read the uplinks', { url });
          return;
        }
        if (away) context.log.info('the broker is back', { url });
        away = false;
        resolve();
      });
    });
  });
}

function openSource(
  client: MqttClient,
  address: string,
  { rest, stopRenewing }: { readonly rest: () => void; readonly stopRenewing: () => void },
): OpenSource {
  return {
    rest,
    address,
    security: isTls(address) ? 'tls' : 'loopback',
    reply(gateway, receipt) {
      // Without a connection the library would queue in memory; the gateway will ask again.
      if (!client.connected) return Promise.resolve();
      const payload = Buffer.from(receipt.buffer, receipt.byteOffset, receipt.byteLength);
      return new Promise((resolve) => {
        client.publish(receiptTopic(gateway), payload, { qos: 1 }, () => resolve());
      });
    },
    close() {
      stopRenewing();
      return new Promise((resolve) => client.end(true, {}, () => resolve()));
    },
  };
}
