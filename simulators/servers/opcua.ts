/**
 * An OPC UA server that shows one device of a profile: a variable for each point that has a path,
 * an event type with a field for each point that has an event. Security as in the field: signed
 * and encrypted, with a certificate of its own that is made at the first start and kept.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { EdgeError } from '../../devices/errors.ts';
import type { DeviceProfile } from '../../devices/profile.ts';
import type { Clock } from '../../devices/runtime.ts';
import type { Ledger } from '../ledger.ts';
import { buildAddressSpace, type DeviceSpace } from './opcua-address-space.ts';
import type { BuiltInType, ServedValue } from './opcua-bytes.ts';
import { openOpcuaLedger } from './opcua-ledger.ts';
import { type Library, loadLibrary, type Server, type ServerOptions } from './opcua-library.ts';
import { keepLedger } from './opcua-responses.ts';

/** Name of a security mode and policy as OPC UA has them. */
export interface OfferedSecurity {
  readonly modes: readonly ('None' | 'Sign' | 'SignAndEncrypt')[];
  readonly policies: readonly (
    | 'None'
    | 'Basic256Sha256'
    | 'Aes128_Sha256_RsaOaep'
    | 'Aes256_Sha256_RsaPss'
  )[];
}

export interface OpcuaServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Folder of the server's key and certificate. */
  readonly directory: string;
  readonly profile: DeviceProfile;
  /** The device's name in the ledger, and the browse name of its node below Objects. */
  readonly device: string;
  readonly rootName: string;
  /** Built-in type of each point on the wire. */
  readonly types: Readonly<Record<string, BuiltInType>>;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Default: SignAndEncrypt with Basic256Sha256. */
  readonly security?: OfferedSecurity;
}

export interface OpcuaServer {
  readonly url: string;
  readonly port: number;
  /** The server's certificate, PEM. */
  readonly certificateFile: string;
  /** Writes a variable. `status` is a status code's name, default `Good`. */
  write(point: string, value: ServedValue | null, sourceTimeMs: number, status?: string): void;
  /** Raises an event of the profile with these fields. */
  raise(event: string, fields: Readonly<Record<string, ServedValue>>, timeMs: number): void;
  /** Stops at once, as a process that ends; resolves when the port is free. */
  close(): Promise<void>;
}

const DEFAULT_SECURITY: OfferedSecurity = {
  modes: ['SignAndEncrypt'],
  policies: ['Basic256Sha256'],
};

/** Each restart of a gateway leaves its old session until that times out. */
const SESSIONS_MAX = 100;

/** @throws EdgeError SIM_PORT_TAKEN */
export async function startOpcuaServer(options: OpcuaServerOptions): Promise<OpcuaServer> {
  const library = await loadLibrary();
  const { clock, device, ledger } = options;
  const entries = openOpcuaLedger({ device, ledger, clock });
  let space: DeviceSpace | undefined;
  const server = createServer(library, options, async (subscription, item) => {
    const watched = space?.watched(item);
    if (watched) entries.watch(subscription.id, item.clientHandle, watched);
    return library.StatusCodes.Good;
  });
  await server.initialize();
  assert(server.engine.addressSpace, 'an initialised server has an address space');
  space = buildAddressSpace(library, server.engine.addressSpace, options);
  keepLedger(server, space, entries);
  try {
    await server.start();
  } catch (cause) {
    await server.shutdown(0).catch(() => undefined);
    throw new EdgeError('SIM_PORT_TAKEN', `listening on ${options.host}:${options.port}`, {
      cause,
    });
  }
  const port = server.endpoints[0]?.port ?? options.port;
  return {
    url: `opc.tcp://${options.host}:${port}`,
    port,
    certificateFile: server.certificateFile,
    write: space.write,
    raise: space.raise,
    close: () => server.shutdown(0),
  };
}

type ItemHook = NonNullable<ServerOptions['onCreateMonitoredItem']>;

function createServer(
  library: Library,
  options: OpcuaServerOptions,
  onCreateMonitoredItem: ItemHook,
): Server {
  const { OPCUACertificateManager, MessageSecurityMode, SecurityPolicy } = library;
  const { modes, policies } = options.security ?? DEFAULT_SECURITY;
  const manager = (name: string) =>
    new OPCUACertificateManager({
      rootFolder: join(options.directory, name),
      // The simulated mill lets every gateway in; whom a gateway believes is what is tested.
      automaticallyAcceptUnknownCertificate: true,
      disableFileWatchers: true,
      keySize: 2048,
    });
  return new library.OPCUAServer({
    host: options.host,
    hostname: options.host,
    // Goes into the certificate, which a careful client compares with the address it dialled.
    alternateHostname: options.host,
    port: options.port,
    serverCertificateManager: manager('pki'),
    userCertificateManager: manager('user-pki'),
    securityModes: modes.map((mode) => MessageSecurityMode[mode]),
    securityPolicies: policies.map((policy) => SecurityPolicy[policy]),
    allowAnonymous: true,
    disableDiscovery: false,
    registerServerMethod: library.RegisterServerMethod.HIDDEN,
    nodesets: [library.nodesets.standard],
    serverInfo: {
      applicationUri: `urn:bondline:simulator:${options.device}`,
      productUri: 'urn:bondline:simulator',
      applicationName: { text: `Bondline simulator ${options.device}` },
    },
    // 0: every change goes out, none is folded into the next.
    serverCapabilities: { maxSessions: SESSIONS_MAX, minSupportedSampleRate: 0 },
    maxConnectionsPerEndpoint: SESSIONS_MAX,
    onCreateMonitoredItem,
  });
}
