/**
 * The one place that knows the OPC UA packages. They are heavy and optional, so nothing of them is
 * loaded before a device needs it; everything else imports their types from here.
 */
import type * as certificates from 'node-opcua-certificate-manager';
import type * as client from 'node-opcua-client';
import { EdgeError } from '../../../devices/errors.ts';
import type { Log } from '../../../devices/runtime.ts';

export type Client = client.OPCUAClient;
/** A session with the services below the library's own subscriptions. */
export type Session = client.ClientSession &
  client.ClientSessionRawSubscriptionService &
  client.ClientSessionPublishService;
export type NodeId = client.NodeId;
export type Endpoint = client.EndpointDescription;
export type UserIdentity = client.UserIdentityInfo;
export type PublishResponse = client.PublishResponse;
export type NotificationMessage = client.NotificationMessage;
export type EventFilter = client.EventFilter;
export type CertificateManager = certificates.OPCUACertificateManager;

/** What the driver uses of both packages. */
export interface Opcua {
  readonly client: typeof client;
  readonly OPCUACertificateManager: typeof certificates.OPCUACertificateManager;
}

/**
 * Loads the packages; the second call gets the same modules. Their own warnings go to `log`.
 *
 * @throws EdgeError GW_DRIVER_PACKAGE_MISSING when they are not installed.
 */
export async function loadOpcua(log: Log): Promise<Opcua> {
  try {
    const [library, manager] = await Promise.all([
      import('node-opcua-client'),
      import('node-opcua-certificate-manager'),
    ]);
    const say = (...parts: unknown[]) => {
      const said = parts.filter((part) => typeof part === 'string').join(' ');
      log.debug('opcua library', { said });
    };
    library.setWarningLogger(say);
    library.setErrorLogger(say);
    return { client: library, OPCUACertificateManager: manager.OPCUACertificateManager };
  } catch (cause) {
    if (!isMissingPackage(cause)) throw cause;
    throw new EdgeError('GW_DRIVER_PACKAGE_MISSING', 'loading the OPC UA driver', { cause });
  }
}

/** Whether an import failed because a package is not installed. */
export function isMissingPackage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}

/** Whether the session has the raw services, which its declared type does not mention. */
export function isFullSession(session: client.ClientSession): session is Session {
  return 'publish' in session && 'republish' in session && 'createMonitoredItems' in session;
}
