/**
 * An OPC UA server that misbehaves as real ones do, on demand, and remembers which services it was
 * asked for. It is node-opcua's server with its answers changed on their way out, so everything
 * else about it is honest.
 */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import {
  type AddressSpace,
  MessageSecurityMode,
  MonitoringMode,
  type Namespace,
  type NodeId,
  nodesets,
  OPCUACertificateManager,
  OPCUAServer,
  PublishResponse,
  RegisterServerMethod,
  SecurityPolicy,
  setErrorLogger,
  setWarningLogger,
  type UAObject,
} from 'node-opcua';

/** What the server does wrong from now on. */
export interface Tricks {
  /** Services that it does not have: TransferSubscriptions, Republish, ... */
  readonly lacks: Set<string>;
  /** Publish requests are taken and never answered. */
  holdPublish: boolean;
  /** Every notification is sent twice. */
  twice: boolean;
  /** Added to the number of every notification. */
  sequenceOffset: number;
  /** Added to every client handle, as if the subscription were another's. */
  handleOffset: number;
  /** So many notifications are never sent. */
  swallow: number;
}

export interface Misbehaving {
  readonly url: string;
  readonly port: number;
  readonly certificateFile: string;
  readonly tricks: Tricks;
  /** Names of the requests that came, in order, without those of the channel. */
  readonly asked: string[];
  /** Items of each CreateMonitoredItems request that came. */
  readonly batches: number[];
  /** Stops sampling the items of a node without a word to anybody; returns how many there were. */
  forget(nodeId: string): number;
  /** Closes every session without a word to anybody; subscriptions may still be taken over. */
  forgetSessions(): void;
  /** Sessions and subscriptions that it holds. */
  sessions(): number;
  subscriptions(): number;
  close(): Promise<void>;
}

export interface MisbehavingOptions {
  readonly directory: string;
  readonly port?: number;
  /** Default: no security. */
  readonly secured?: boolean;
  /** Most sessions at a time; default 100. */
  readonly maxSessions?: number;
  /** Most items in one CreateMonitoredItems request. */
  readonly itemsPerCall?: number;
  /** Adds the nodes of a test below the device `TestDevice`. */
  build(own: Namespace, device: UAObject, space: AddressSpace): void | Promise<void>;
}

type Channel = {
  send_response(type: string, response: object, message: object, done?: () => void): void;
};
type Message = { readonly request: { readonly requestHeader: { requestHandle: number } } };

const REQUESTS_OF_CHANNEL = /^(OpenSecureChannel|CloseSecureChannel|GetEndpoints|FindServers)/;

/** Starts the server; it is honest until a trick is set. */
export async function startMisbehaving(options: MisbehavingOptions): Promise<Misbehaving> {
  setWarningLogger(() => undefined);
  setErrorLogger(() => undefined);
  const server = createServer(options);
  await server.initialize();
  const space = server.engine.addressSpace;
  assert(space, 'an initialised server has an address space');
  const own = space.getOwnNamespace();
  const objects = space.rootFolder.objects;
  const device = own.addObject({
    browseName: 'TestDevice',
    organizedBy: objects,
    eventNotifier: 1,
    notifierOf: objects.server,
  });
  await options.build(own, device, space);
  const tricks: Tricks = {
    lacks: new Set(),
    holdPublish: false,
    twice: false,
    sequenceOffset: 0,
    handleOffset: 0,
    swallow: 0,
  };
  const asked: string[] = [];
  const batches: number[] = [];
  server.on('request', (request) => {
    const { name } = request.schema;
    if (!REQUESTS_OF_CHANNEL.test(name)) asked.push(name.replace(/Request$/, ''));
    if ('itemsToCreate' in request) batches.push((request.itemsToCreate as object[]).length);
  });
  playTricks(server, tricks);
  await server.start();
  const port = server.endpoints[0]?.port ?? 0;
  return {
    url: `opc.tcp://127.0.0.1:${port}`,
    port,
    certificateFile: server.certificateFile,
    tricks,
    asked,
    batches,
    forget: (nodeId) => forget(server, nodeId),
    forgetSessions() {
      for (const session of Object.values(sessionsOf(server))) {
        const { authenticationToken } = session as { authenticationToken: NodeId };
        server.engine.closeSession(authenticationToken, false, 'Forcing');
      }
    },
    sessions: () => Object.keys(sessionsOf(server)).length,
    subscriptions: () => server.engine.currentSubscriptionCount,
    close: () => server.shutdown(0),
  };
}

function createServer(options: MisbehavingOptions): OPCUAServer {
  const { directory, itemsPerCall, maxSessions = 100, port, secured } = options;
  const manager = (name: string) =>
    new OPCUACertificateManager({
      rootFolder: join(directory, name),
      automaticallyAcceptUnknownCertificate: true,
      disableFileWatchers: true,
      keySize: 2048,
    });
  return new OPCUAServer({
    host: '127.0.0.1',
    port: port ?? 0,
    hostname: '127.0.0.1',
    alternateHostname: '127.0.0.1',
    serverCertificateManager: manager('pki'),
    userCertificateManager: manager('user-pki'),
    securityModes: [secured ? MessageSecurityMode.SignAndEncrypt : MessageSecurityMode.None],
    securityPolicies: [secured ? SecurityPolicy.Basic256Sha256 : SecurityPolicy.None],
    disableDiscovery: false,
    registerServerMethod: RegisterServerMethod.HIDDEN,
    nodesets: [nodesets.standard],
    serverInfo: { applicationUri: 'urn:bondline:misbehaving' },
    serverCapabilities: {
      maxSessions,
      minSupportedSampleRate: 0,
      maxMonitoredItems: 10_000,
      maxMonitoredItemsPerSubscription: 10_000,
      ...(itemsPerCall !== undefined && {
        operationLimits: { maxMonitoredItemsPerCall: itemsPerCall },
      }),
    },
    maxConnectionsPerEndpoint: 100,
  });
}

type Handler = (message: Message, channel: Channel) => void;

/** The server looks its handlers up by name for each request; these stand before some of them. */
function playTricks(server: OPCUAServer, tricks: Tricks): void {
  const handlers = server as unknown as Record<string, Handler | undefined>;
  const before = (service: string, play: (handler: Handler) => Handler) => {
    const name = `_on_${service}Request`;
    const honest = handlers[name]?.bind(server);
    assert(honest, `the server has no ${service} any more`);
    const playing = play(honest);
    Object.defineProperty(server, name, {
      // What it lacks it answers with BadServiceUnsupported, as for any unknown service.
      get: () => (tricks.lacks.has(service) ? undefined : playing),
    });
  };
  for (const service of ['TransferSubscriptions', 'Republish', 'HistoryRead']) {
    before(service, (honest) => honest);
  }
  let again: PublishResponse | undefined;
  const tricked = new WeakSet<Channel>();
  before('Publish', (honest) => (message, channel) => {
    if (!tricked.has(channel)) {
      tricked.add(channel);
      const send = channel.send_response.bind(channel);
      channel.send_response = (type, response, to, done) => {
        if (response instanceof PublishResponse && hasData(response)) {
          if (tricks.holdPublish) return;
          if (tricks.swallow > 0) {
            tricks.swallow -= 1;
            return;
          }
          change(response, tricks);
          if (tricks.twice) again = response;
        } else if (response instanceof PublishResponse && tricks.holdPublish) return;
        send(type, response, to, done);
      };
    }
    const copy = again;
    again = undefined;
    if (!copy) return honest(message, channel);
    const response = new PublishResponse({
      subscriptionId: copy.subscriptionId,
      responseHeader: { requestHandle: message.request.requestHeader.requestHandle },
    });
    response.notificationMessage = copy.notificationMessage;
    // Past the tricks, or it would come a third time.
    tricks.twice = false;
    channel.send_response('MSG', response, message);
    tricks.twice = true;
  });
}

function hasData(response: PublishResponse): boolean {
  return (response.notificationMessage.notificationData ?? []).length > 0;
}

/** The server's own memory of the message changes with it, so that it stays one story. */
function change(response: PublishResponse, tricks: Tricks): void {
  const message = response.notificationMessage;
  if (tricks.sequenceOffset !== 0) {
    message.sequenceNumber = (message.sequenceNumber + tricks.sequenceOffset) >>> 0;
  }
  if (tricks.handleOffset === 0) return;
  for (const data of message.notificationData ?? []) {
    if (!data || !('monitoredItems' in data)) continue;
    for (const item of data.monitoredItems as { clientHandle: number }[]) {
      item.clientHandle = (item.clientHandle + tricks.handleOffset) >>> 0;
    }
  }
}

function forget(server: OPCUAServer, nodeId: string): number {
  let count = 0;
  for (const session of Object.values(sessionsOf(server))) {
    for (const subscription of Object.values(subscriptionsOf(session))) {
      for (const item of itemsOf(subscription)) {
        if (item.node?.nodeId.toString() !== nodeId) continue;
        item.setMonitoringMode(MonitoringMode.Disabled);
        count += 1;
      }
    }
  }
  return count;
}

interface ServerItem {
  readonly node: { readonly nodeId: object } | null;
  setMonitoringMode(mode: MonitoringMode): void;
}

/** The server keeps these to itself; a test looks at them as a debugger would. */
function sessionsOf(server: OPCUAServer): Record<string, object> {
  return (server.engine as unknown as { _sessions: Record<string, object> })._sessions;
}

function subscriptionsOf(session: object): Record<string, object> {
  const { publishEngine } = session as { publishEngine: { subscriptions: object[] } };
  return Object.fromEntries(publishEngine.subscriptions.entries());
}

function itemsOf(subscription: object): Iterable<ServerItem> {
  return (subscription as { monitoredItems: Map<number, ServerItem> }).monitoredItems.values();
}
