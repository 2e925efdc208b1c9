/** What a site says of an OPC UA device, and the mistakes in it that a schema cannot see. */
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import { type SchemaMistake, type Static, Type } from '../../../devices/schema.ts';

export const opcuaSettings = Type.Object(
  {
    url: Type.String({
      description: 'Address of the server.',
      maxLength: 1_000,
      pattern: '^opc\\.tcp://[^\\s/]+(/\\S*)?$',
      examples: ['opc.tcp://192.0.2.10:4840'],
    }),
    rootPath: Type.String({
      description: 'Browse path of the device below the Objects folder. Default: SteelLine.',
      default: 'SteelLine',
      maxLength: 1_000,
      minLength: 1,
      examples: ['Plant/SteelLine'],
    }),
    securityMode: Type.Enum(['SignAndEncrypt', 'Sign', 'None'], {
      description: 'Protection of each message; None must be written out. Default: SignAndEncrypt.',
      default: 'SignAndEncrypt',
    }),
    securityPolicy: Type.Enum(
      ['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss', 'None'],
      {
        description:
          'Algorithms of the secure channel; those with SHA-1 are not offered. Default: Basic256Sha256.',
        default: 'Basic256Sha256',
      },
    ),
    serverCertificate: Type.Optional(
      Type.String({
        description:
          "File with the server's certificate, PEM or DER: this one is trusted and no other. " +
          'Default: those that a person has put into pki/trusted/certs below the data directory.',
        minLength: 1,
        maxLength: 1_000,
        examples: ['server.pem'],
      }),
    ),
    publishingMs: Type.Integer({
      description: 'How often the server sends what has changed, milliseconds. Default: 100.',
      default: 100,
      minimum: 10,
      maximum: 10_000,
    }),
    samplingMs: Type.Integer({
      description:
        'How often the server looks at each value, milliseconds; 0: at every change. Default: 0.',
      default: 0,
      minimum: 0,
      maximum: 60_000,
    }),
    queueSize: Type.Integer({
      description: `Values that the server keeps for each item between two notifications. Default: ${limits.opcuaQueueSizeDefault}.`,
      default: limits.opcuaQueueSizeDefault,
      minimum: 2,
      maximum: 100_000,
    }),
  },
  { additionalProperties: false },
);

export type OpcuaSettings = Static<typeof opcuaSettings>;

/** Mistakes across fields, each with its path below the `connection` block. */
export function checkOpcua(
  settings: OpcuaSettings,
  points: Readonly<Record<string, PointDefinition>>,
): SchemaMistake[] {
  const mistakes: SchemaMistake[] = [];
  const { securityMode: mode, securityPolicy: policy } = settings;
  if ((mode === 'None') !== (policy === 'None')) {
    mistakes.push({
      path: [mode === 'None' ? 'securityPolicy' : 'securityMode'],
      message: `securityMode ${mode} does not go with securityPolicy ${policy}; None goes with None only`,
    });
  }
  if (mode === 'None' && settings.serverCertificate !== undefined) {
    mistakes.push({
      path: ['serverCertificate'],
      message: 'a certificate is not checked with securityMode None; choose SignAndEncrypt',
    });
  }
  if (settings.rootPath.split('/').some((name) => name === '')) {
    mistakes.push({
      path: ['rootPath'],
      message: `"${settings.rootPath}" has an empty name; write names with single slashes between`,
    });
  }
  for (const [name, point] of Object.entries(points)) {
    if (point.opcua?.path.split('/').every((part) => part !== '')) continue;
    mistakes.push({
      path: [],
      message: `point ${name} of the profile has no OPC UA path, so this driver cannot ask for it`,
    });
  }
  return mistakes;
}
