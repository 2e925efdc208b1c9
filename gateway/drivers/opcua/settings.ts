/** What a site says of an OPC UA device, and the mistakes in it that a schema cannot see. */
import { limits } from '../../../devices/limits.ts';
import type { PointDefinition } from '../../../devices/profile.ts';
import { type SchemaMistake, type Static, Type } from '../../../devices/schema.ts';
import { mistakeOfAddress } from '../address.ts';
import { PATH_HINT, parseBrowsePath } from './browse-path.ts';
import { tolerances } from './judge.ts';
import { OLD_POLICIES } from './old-policies.ts';
import { checkData, dataSettings } from './settings-data.ts';

const userFile = (description: string, example: string) =>
  Type.Optional(Type.String({ description, minLength: 1, maxLength: 1_000, examples: [example] }));

const userSettings = Type.Object(
  {
    name: Type.Optional(
      Type.String({ description: 'User name; passwordFile goes with it.', maxLength: 256 }),
    ),
    passwordFile: userFile('File with the password in its first line.', 'opcua-password'),
    certFile: userFile('X.509 certificate of the user; keyFile goes with it.', 'user.pem'),
    keyFile: userFile('Private key (PEM) of that certificate.', 'user-key.pem'),
  },
  {
    additionalProperties: false,
    description:
      'Who logs in: a name with its password, or an X.509 certificate. Default: anonymous.',
  },
);

export const opcuaSettings = Type.Object(
  {
    url: Type.String({
      description: 'Address of the server.',
      maxLength: 1_000,
      // No user and password: an address is shown in every log.
      pattern: '^opc\\.tcp://[^\\s/@]+(/\\S*)?$',
      examples: ['opc.tcp://192.0.2.10:4840'],
    }),
    rootPath: Type.String({
      description:
        'Browse path of the device below the Objects folder; names may be in any namespace, or in the one before them: 2:Name or nsu=URI;Name. Default: SteelLine.',
      default: 'SteelLine',
      maxLength: limits.opcuaPathLengthMax,
      minLength: 1,
      examples: ['Plant/SteelLine'],
    }),
    securityMode: Type.Enum(['SignAndEncrypt', 'Sign', 'None'], {
      description:
        'Protection of each message; None protects nothing and needs insecure: true. Default: SignAndEncrypt.',
      default: 'SignAndEncrypt',
    }),
    securityPolicy: Type.Enum(
      [
        'Basic256Sha256',
        'Aes128_Sha256_RsaOaep',
        'Aes256_Sha256_RsaPss',
        'None',
        // Known by name, so that checkOpcua can say why not.
        'Basic128Rsa15',
        'Basic256',
      ],
      {
        description:
          'Algorithms of the secure channel; Basic128Rsa15 and Basic256 are known but refused. Default: Basic256Sha256.',
        default: 'Basic256Sha256',
      },
    ),
    serverCertificate: Type.Optional(
      Type.String({
        description:
          "File with the server's certificate, PEM or DER: this one is trusted and no other. " +
          'Default: those that a person has trusted with bondline-gateway opcua-trust.',
        minLength: 1,
        maxLength: 1_000,
        examples: ['server.pem'],
      }),
    ),
    tolerate: Type.Optional(
      Type.Array(Type.Enum(tolerances, { description: 'One fault of a certificate.' }), {
        description:
          'Faults of the server certificate that are accepted, and said at every connection: expired, host (names another one), no-crl (its issuer has no current revocation list here). Default: none.',
        maxItems: tolerances.length,
        examples: [['expired']],
      }),
    ),
    insecure: Type.Optional(
      Type.Boolean({
        description:
          'true: securityMode None is meant, and anyone on the way may read and change everything. Default: false.',
        default: false,
      }),
    ),
    user: Type.Optional(userSettings),
    ...dataSettings,
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
  const address = mistakeOfAddress(settings.url);
  if (address !== undefined) mistakes.push({ path: ['url'], message: address });
  const old = OLD_POLICIES[policy];
  if (old !== undefined) {
    const message = `${old}; choose Basic256Sha256 or newer`;
    mistakes.push({ path: ['securityPolicy'], message });
  }
  mistakes.push(...checkUser(settings));
  if (mode === 'None' && !settings.insecure) {
    const message =
      'securityMode None protects nothing: anyone on the way may read and change everything; ' +
      'choose SignAndEncrypt, or write insecure: true if it is meant';
    mistakes.push({ path: ['securityMode'], message });
  }
  if (mode !== 'None' && settings.insecure) {
    const message = `insecure goes with securityMode None only, and this is ${mode}: leave it out`;
    mistakes.push({ path: ['insecure'], message });
  }
  if ((mode === 'None') !== (policy === 'None')) {
    mistakes.push({
      path: [mode === 'None' ? 'securityPolicy' : 'securityMode'],
      message: `securityMode ${mode} does not go with securityPolicy ${policy}; None goes with None only`,
    });
  }
  // A password or a user certificate is meant for one server only, so that one is looked at.
  if (mode === 'None' && settings.serverCertificate !== undefined && !settings.user) {
    mistakes.push({
      path: ['serverCertificate'],
      message: 'a certificate is not checked with securityMode None; choose SignAndEncrypt',
    });
  }
  if (!parseBrowsePath(settings.rootPath)) {
    const message = `"${settings.rootPath}" is no browse path; ${PATH_HINT}`;
    mistakes.push({ path: ['rootPath'], message });
  }
  for (const [name, point] of Object.entries(points)) {
    if (point.opcua?.path) continue;
    mistakes.push({
      path: [],
      message: `point ${name} of the profile has no OPC UA path, so this driver cannot ask for it`,
    });
  }
  return [...mistakes, ...checkData(settings, points)];
}

function checkUser({ user }: OpcuaSettings): SchemaMistake[] {
  if (!user) return [];
  const { certFile, keyFile, name, passwordFile } = user;
  const byName = name !== undefined && passwordFile !== undefined;
  const byCertificate = certFile !== undefined && keyFile !== undefined;
  const given = [name, passwordFile, certFile, keyFile].filter((field) => field !== undefined);
  if ((byName || byCertificate) && given.length === 2) return [];
  const message = 'a user is either name and passwordFile, or certFile and keyFile: write one pair';
  return [{ path: ['user'], message }];
}
