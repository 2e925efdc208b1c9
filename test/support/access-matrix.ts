/**
 * Who may do what on an uplink broker, tried out: each role with each verb on each topic. What is
 * allowed is computed from one rule; what happened is seen by canaries who listen where they may.
 */
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import { receiptTopic, uplinkTopic } from '../../devices/envelope.ts';
import type { TlsIdentity } from '../../devices/io/uplink/x509.ts';
import { eventually } from './eventually.ts';

export interface Role {
  readonly name: string;
  /** Absent: it shows no certificate. */
  readonly identity?: TlsIdentity;
  /** Fingerprint that its certificate proves to the broker, if it proves one. */
  readonly proven?: string;
  /** Whether what it delivers is handed on; a broker elsewhere knows less than the ingester. */
  readonly delivers: boolean;
  /** Fingerprints of itself, or of whom it pretends to be, and of whom it attacks. */
  readonly self: string;
  readonly victim: string;
}

export const verbs = [
  'publish',
  'publishRetained',
  'will',
  'willRetained',
  'subscribe',
  'unsubscribe',
] as const;
export type Verb = (typeof verbs)[number];

export function topicsOf({ self, victim }: Role): readonly string[] {
  return [
    ...[uplinkTopic(self), receiptTopic(self), uplinkTopic(victim), receiptTopic(victim)],
    ...['#', '+/+/+/+', 'bondline/v1/+/up', 'bondline/v1/+/down', 'bondline/#', '$SYS/#'],
    ...[`$share/group/${receiptTopic(self)}`, `$share/group/${receiptTopic(victim)}`],
    ...['other', `bondline/v2/${self}/up`],
  ];
}

/** What comes of an attempt. */
export interface Effect {
  /** Fingerprint under which a message reached the ingester. */
  readonly delivered?: string;
  /** Whose receipts, or what else, the role heard. */
  readonly heard: readonly string[];
}

/** The rule, in one line each: up for itself, down for itself, nothing else. */
export function expectedEffect(
  role: Role,
  verb: Verb,
  topic: string,
  broker: { readonly willsAreGiven: boolean },
): Effect {
  const { delivers, proven } = role;
  const says = verb === 'publish' || (verb === 'will' && broker.willsAreGiven);
  if (says && proven !== undefined && delivers && topic === uplinkTopic(proven)) {
    return { delivered: proven, heard: [] };
  }
  const hears = verb === 'subscribe' && proven !== undefined && topic === receiptTopic(proven);
  return { heard: hears ? [proven] : [] };
}

export interface MatrixPeer {
  /** `mqtts://HOST:PORT`. */
  readonly url: string;
  readonly ca: string;
  /** Everything that reached the ingester, in order. */
  readonly taken: readonly { readonly gateway: string; readonly text: string }[];
  /** Sends a receipt to a gateway. */
  reply(gateway: string, text: string): Promise<void>;
}

/** A gateway that connects as it should, and hears everything that it may. */
export interface Canary {
  readonly fingerprint: string;
  readonly heard: string[];
  readonly client: MqttClient;
}

export async function startCanary(
  peer: MatrixPeer,
  fingerprint: string,
  identity: TlsIdentity,
): Promise<Canary> {
  const client = await attach(peer, identity);
  if (!client) throw new Error('the canary was not let in');
  const heard: string[] = [];
  client.on('message', (_topic, payload) => heard.push(payload.toString()));
  await client.subscribeAsync(receiptTopic(fingerprint), { qos: 1 });
  return { fingerprint, heard, client };
}

/** A connected client, or `undefined` when it was not let in. */
export function attach(
  { ca, url }: Pick<MatrixPeer, 'ca' | 'url'>,
  identity: TlsIdentity | undefined,
  more: IClientOptions = {},
): Promise<MqttClient | undefined> {
  const client = connect(url, {
    ...{ ca, ...identity, protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 5_000, ...more },
  });
  client.on('error', () => undefined);
  return new Promise((resolve) => {
    // TLS 1.3: the server looks at the certificate when the client believes to be connected.
    client.once('connect', () => resolve(client));
    client.once('close', () => resolve(undefined));
  });
}

let attempts = 0;

/** Tries one cell of the matrix; returns what came of it, as the canaries and the ingester saw. */
export async function tryOut(
  peer: MatrixPeer,
  canaries: readonly Canary[],
  role: Role,
  verb: Verb,
  topic: string,
): Promise<Effect & { readonly connected: boolean; readonly leaked: readonly string[] }> {
  attempts += 1;
  const text = `attempt ${attempts}`;
  const isWill = verb === 'will' || verb === 'willRetained';
  const will = {
    topic,
    payload: Buffer.from(text),
    qos: 1,
    retain: verb === 'willRetained',
  } as const;
  const client = await attach(peer, role.identity, isWill ? { will } : {});
  const heard: string[] = [];
  if (client) {
    client.on('message', (_topic, payload) => heard.push(payload.toString()));
    await act(client, verb, topic, text);
  }
  // What is sent to each canary now comes behind everything that the attempt may have caused.
  for (const { fingerprint } of canaries)
    await peer.reply(fingerprint, `${text} to ${fingerprint}`);
  await eventually(
    () => canaries.every((one) => one.heard.includes(`${text} to ${one.fingerprint}`)),
    'the receipts of the canaries',
  );
  await sayUp(peer, canaries, text);
  const isOpen = client?.connected === true;
  if (isOpen && !isWill) await client.subscribeAsync(topicOfNobody).catch(() => undefined);
  client?.end(true);
  const from = peer.taken.find((one) => one.text === text)?.gateway;
  return {
    connected: client !== undefined,
    ...(from !== undefined && { delivered: from }),
    heard: heard.map((one) => one.split(' to ')[1] ?? one),
    leaked: canaries.flatMap((one) => one.heard.filter((said) => said === text)),
  };
}

const topicOfNobody = 'nobody';

async function act(client: MqttClient, verb: Verb, topic: string, text: string): Promise<void> {
  const gone = new Promise<void>((resolve) => client.once('close', () => resolve()));
  if (verb === 'will' || verb === 'willRetained') {
    client.stream.destroy();
    await gone;
    return;
  }
  const done =
    verb === 'subscribe'
      ? client.subscribeAsync(topic, { qos: 1 })
      : verb === 'unsubscribe'
        ? client.unsubscribeAsync(topic)
        : client.publishAsync(topic, text, { qos: 1, retain: verb === 'publishRetained' });
  await Promise.race([done.catch(() => undefined), gone]);
}

/** A message of the first canary arrives behind everything that came before it. */
async function sayUp(peer: MatrixPeer, [first]: readonly Canary[], text: string): Promise<void> {
  if (!first) return;
  const said = `behind ${text}`;
  await first.client.publishAsync(uplinkTopic(first.fingerprint), said, { qos: 1 });
  await eventually(() => peer.taken.some((one) => one.text === said), 'what the canary says');
}
