/** What a configuration says of a device behind a broker, and what can be wrong with it. */
import { isDidKey } from '../../../devices/identity/did-key.ts';
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import { type SchemaMistake, type Static, Type } from '../../../devices/schema.ts';
import { mistakeOfAddress } from '../address.ts';
import { mistakesOfMapping, payloadSettings } from './mapping.ts';
import { isShared } from './topics.ts';

const file = (description: string) =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 4_096 }));

export const settings = Type.Object(
  {
    url: Type.String({
      description:
        'Address of the broker that the device publishes to: mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS (URL).',
      pattern: '^mqtts?://[^/@?#]+$',
      maxLength: 300,
      examples: ['mqtts://yard.example:8883'],
    }),
    topic: Type.String({
      description:
        "Topic below which the device publishes; its points' topics follow (text). + stands for one level, # at the end for any number; $share/GROUP/ before it shares the messages with others of the group.",
      pattern: '^(\\$share/[^/+#]+/)?(([^/+#]+|\\+)(/([^/+#]+|\\+))*(/#)?|#)$',
      maxLength: 1_024,
      examples: ['yard/MSKU9070323'],
    }),
    version: Type.Optional(
      Type.Integer({
        description: 'Version of MQTT: 4 is MQTT 3.1.1, 5 is MQTT 5. Default 4.',
        minimum: 4,
        maximum: 5,
        default: 4,
      }),
    ),
    qos: Type.Optional(
      Type.Integer({
        description:
          'Quality of service: 1 and 2 are acknowledged when the samples are on disk; 2 also makes sure that nothing comes twice; 0 may lose. Default 1.',
        minimum: 0,
        maximum: 2,
        default: 1,
      }),
    ),
    clientId: Type.Optional(
      Type.String({
        description:
          'Client id at the broker (text); it names the session that the broker keeps for us. ' +
          'Default: made of the DID of the gateway and the name of the device.',
        pattern: '^[0-9A-Za-z_.:-]+$',
        minLength: 1,
        maxLength: 128,
        examples: ['bondline-nogales-reefer-1'],
      }),
    ),
    cleanStart: Type.Optional(
      Type.Boolean({
        description:
          'Whether the first connection after a start drops what the broker kept before it. Default false.',
        default: false,
      }),
    ),
    sessionExpiryS: Type.Optional(
      Type.Integer({
        description: `How long the broker keeps the session while the gateway is away, seconds; 0 keeps nothing; other values need version 5. Default ${limits.mqttSessionExpirySDefault} with version 5; with version 4 as long as the broker likes.`,
        minimum: 0,
        maximum: 4_294_967_295,
      }),
    ),
    packetBytesMax: Type.Optional(
      Type.Integer({
        description:
          'Largest packet that the broker is to send, bytes; needs version 5. The broker drops larger ones without a word. Default: none, and the gateway signs the loss of what is too large.',
        minimum: 1_024,
        maximum: 268_435_455,
      }),
    ),
    username: Type.Optional(
      Type.String({
        description: 'User name, where the broker asks for one (text). Default: none.',
        minLength: 1,
        maxLength: 256,
      }),
    ),
    passwordFile: file('Path of a file with the password in its first line. Default: none.'),
    caFile: file(
      'Path of the certificates (PEM) that may sign the broker’s. Default: the system’s.',
    ),
    serverName: Type.Optional(
      Type.String({
        description:
          'Name that the certificate of the broker must be for (text). Default: the host of the url.',
        minLength: 1,
        maxLength: 253,
      }),
    ),
    certFile: file('Path of our certificate (PEM), where the broker asks for one. Default: none.'),
    keyFile: file('Path of the private key (PEM) of that certificate. Default: none.'),
    signedBy: Type.Optional(
      Type.String({
        description:
          'DID of the device, where it signs by itself: each payload is then a batch credential, which is passed on as it is. Default: the gateway signs.',
        pattern: '^did:key:z[1-9A-HJ-NP-Za-km-z]{40,64}$',
        maxLength: 80,
        examples: ['did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'],
      }),
    ),
    signerEnrolment: file(
      'Path of the enrolment credential of that DID; it may appear while the gateway runs. Default: none.',
    ),
    payload: Type.Optional(payloadSettings),
  },
  { additionalProperties: false },
);

export type MqttSettings = Static<typeof settings>;

/** Mistakes that the schema cannot see. */
export function check(
  given: MqttSettings,
  points: Readonly<Record<string, PointDefinition>>,
): SchemaMistake[] {
  const { caFile, certFile, keyFile, packetBytesMax, passwordFile, payload, serverName } = given;
  const { sessionExpiryS, signedBy, signerEnrolment, topic, url, username, version = 4 } = given;
  const mistakes: SchemaMistake[] = [];
  const say = (key: string, message: string) => mistakes.push({ path: [key], message });
  const address = mistakeOfAddress(url);
  if (address !== undefined) say('url', address);
  if (version === 4 && isShared(topic)) {
    const why = 'a broker of MQTT 3.1.1 may take it for a plain topic, and nothing would come';
    say('topic', `shared subscriptions need version: 5 (${why})`);
  }
  if (version === 4 && sessionExpiryS !== undefined && sessionExpiryS !== 0) {
    say('sessionExpiryS', 'needs version: 5; with MQTT 3.1.1 the broker decides');
  }
  if (version === 4 && packetBytesMax !== undefined) say('packetBytesMax', 'needs version: 5');
  if (!url.startsWith('mqtts:')) {
    const key = Object.entries({ caFile, serverName, certFile, keyFile }).find(([, v]) => v)?.[0];
    if (key !== undefined) say(key, 'is for TLS: write mqtts:// in the url');
  }
  if ((certFile === undefined) !== (keyFile === undefined)) {
    say('certFile', 'certFile and keyFile go together: name both');
  }
  if (passwordFile !== undefined && username === undefined) {
    say('passwordFile', 'a password goes with a user name: write username');
  }
  if (signerEnrolment !== undefined && signedBy === undefined) {
    say('signerEnrolment', 'is for a device that signs by itself: write signedBy');
  }
  if (signedBy !== undefined && !isDidKey(signedBy)) {
    say('signedBy', `${signedBy} holds no P-256 or Ed25519 key; copy it from the device`);
  }
  // Credentials are no payload to find points in, wherever those stand.
  if (signedBy !== undefined) return mistakes;
  for (const [name, { mqtt }] of Object.entries(points)) {
    const message = mistakeOf(mqtt);
    if (message !== undefined) mistakes.push({ path: [], message: `point ${name} ${message}` });
  }
  return [...mistakes, ...mistakesOfMapping(payload, points)];
}

function mistakeOf(place: PointDefinition['mqtt']): string | undefined {
  if (place === undefined) return 'has no mqtt place; give it a topic and a path';
  if (/[+#]/.test(place.topic)) {
    return `has the topic "${place.topic}"; wildcards are not allowed here, only in "topic" of the connection`;
  }
  return undefined;
}
