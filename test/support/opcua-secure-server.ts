/** node-opcua's server with a certificate of the test's own, and users that it knows. */
import { join } from 'node:path';
import {
  type AddressSpace,
  MessageSecurityMode,
  nodesets,
  OPCUACertificateManager,
  OPCUAServer,
  RegisterServerMethod,
  SecurityPolicy,
  setErrorLogger,
  setWarningLogger,
} from 'node-opcua';
import { type Identity, makeCertificate, SERVER_URI, writeIdentity } from './opcua-certificates.ts';
import { freshFolder } from './opcua-device.ts';

export interface SecureServer {
  readonly url: string;
  readonly port: number;
  readonly identity: Identity;
  readonly certificateFile: string;
  readonly server: OPCUAServer;
  /** Folder of the certificates of users; one is let in when it lies in trusted/certs. */
  readonly userPki: string;
  /** Folder of the clients' certificates that this server trusts and refuses. */
  readonly clientPki: string;
  /** Makes the server look at its folder of clients anew. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

export interface SecureServerOptions {
  readonly identity?: Identity;
  /** Certificates that are shown behind the server's. */
  readonly behind?: readonly Identity[];
  readonly modes?: readonly ('None' | 'Sign' | 'SignAndEncrypt')[];
  readonly policies?: readonly (keyof typeof SecurityPolicy)[];
  readonly users?: Readonly<Record<string, string>>;
  readonly anonymous?: boolean;
  /** Whether every client certificate is let in; default: yes. */
  readonly open?: boolean;
  readonly port?: number;
  /** Adds what it is to have, before anybody can look. */
  readonly prepare?: (space: AddressSpace) => void;
}

/** Starts a server on 127.0.0.1. */
export async function startSecureServer(options: SecureServerOptions = {}): Promise<SecureServer> {
  const quiet = (): void => {};
  setWarningLogger(quiet);
  setErrorLogger(quiet);
  const identity = options.identity ?? (await makeCertificate());
  const directory = freshFolder();
  const files = writeIdentity(directory, identity, options.behind);
  const clientPki = join(directory, 'pki');
  const userPki = join(directory, 'user-pki');
  const manager = (rootFolder: string, open: boolean) =>
    new OPCUACertificateManager({
      rootFolder,
      automaticallyAcceptUnknownCertificate: open,
      disableFileWatchers: true,
    });
  const { users = {} } = options;
  const clients = manager(clientPki, options.open ?? true);
  const server = new OPCUAServer({
    host: '127.0.0.1',
    hostname: '127.0.0.1',
    port: options.port ?? 0,
    ...files,
    serverCertificateManager: clients,
    userCertificateManager: manager(userPki, true),
    securityModes: (options.modes ?? ['SignAndEncrypt']).map((mode) => MessageSecurityMode[mode]),
    securityPolicies: (options.policies ?? ['Basic256Sha256']).map((name) => SecurityPolicy[name]),
    allowAnonymous: options.anonymous ?? true,
    disableDiscovery: false,
    registerServerMethod: RegisterServerMethod.HIDDEN,
    nodesets: [nodesets.standard],
    serverInfo: { applicationUri: SERVER_URI },
    userManager: { isValidUser: (name: string, password: string) => users[name] === password },
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  if (space) options.prepare?.(space);
  await server.start();
  const port = server.endpoints[0]?.port ?? 0;
  return {
    url: `opc.tcp://127.0.0.1:${port}`,
    port,
    identity,
    certificateFile: files.certificateFile,
    server,
    userPki,
    clientPki,
    reload: () => clients.reloadCertificates(),
    close: () => server.shutdown(0),
  };
}
