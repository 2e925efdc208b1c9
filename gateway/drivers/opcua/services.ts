/**
 * The services of OPC UA that this driver uses, and the guard that lets no other request leave: a
 * gateway looks at a server, it never changes one. Methods, writes, history updates and node
 * management have no way out, whatever code or library asks for them.
 */
import { strict as assert } from 'node:assert';
import { limits } from '../../../devices/limits.ts';
import type { Clock } from '../../../devices/runtime.ts';
import { deadline } from '../deadline.ts';
import type { Client, NodeId, Opcua, Session } from './library.ts';
import type { WireDataValue } from './value.ts';

/**
 * Requests that may leave (OPC 10000-4 §5). Subscriptions and items are our own, and creating them
 * changes nothing that the server shows to others.
 */
export const allowedRequests: ReadonlySet<string> = new Set([
  'ActivateSessionRequest',
  'BrowseNextRequest',
  'BrowseRequest',
  'CloseSessionRequest',
  'CreateMonitoredItemsRequest',
  'CreateSessionRequest',
  'CreateSubscriptionRequest',
  'DeleteMonitoredItemsRequest',
  'DeleteSubscriptionsRequest',
  'GetEndpointsRequest',
  'HistoryReadRequest',
  'PublishRequest',
  'ReadRequest',
  'RepublishRequest',
  'TransferSubscriptionsRequest',
  'TranslateBrowsePathsToNodeIdsRequest',
]);

interface WireRequest {
  readonly constructor: { readonly name: string };
}

type Answer = (error: Error | null, response?: unknown) => void;

/** The one function through which every request of a client goes, and that of a session. */
interface Requesting {
  performMessageTransaction(request: WireRequest, callback: Answer): void;
}

interface Transactions {
  _performMessageTransaction(request: WireRequest, callback: Answer): void;
}

/**
 * From now on a request that is not on the list ends with an error and leaves nothing. To be called
 * before the client connects, so that no session exists without the guard.
 */
export function guardServices(client: Client): void {
  assert(isRequesting(client), 'node-opcua-client sends requests by another way now');
  const perform = client.performMessageTransaction.bind(client);
  client.performMessageTransaction = (request, callback) => {
    const { name } = request.constructor;
    if (allowedRequests.has(name)) perform(request, callback);
    else callback(new Error(`${name} is a service that this gateway never uses`));
  };
}

function isRequesting(client: object): client is Requesting {
  return 'performMessageTransaction' in client;
}

function isTransacting(session: object): session is Transactions {
  return '_performMessageTransaction' in session;
}

/** One attribute of one node, or a part of it. */
export interface ReadTarget {
  readonly nodeId: NodeId | string;
  readonly attributeId: number;
  /** Numeric range of OPC 10000-4 §7.27. */
  readonly indexRange?: string;
}

export interface ServiceContext {
  readonly opcua: Opcua;
  readonly session: Session;
  readonly clock: Clock;
}

/**
 * Reads up to `limits.opcuaNodesPerCall` attributes in one call, with both times, straight from
 * the server (maxAge 0). Structures stay as their bytes: the library's own `read` would decode
 * them. Rejects when the call as a whole fails.
 */
export async function readAttributes(
  { opcua, session, clock }: ServiceContext,
  targets: readonly ReadTarget[],
): Promise<readonly WireDataValue[]> {
  assert(targets.length <= limits.opcuaNodesPerCall, 'a Read is bounded');
  const { ReadRequest, resolveNodeId } = opcua.client;
  const request = new ReadRequest({
    maxAge: 0,
    // Both.
    timestampsToReturn: 2,
    nodesToRead: targets.map(({ nodeId, attributeId, indexRange }) => ({
      nodeId: resolveNodeId(nodeId),
      attributeId,
      ...(indexRange !== undefined && { indexRange: rangeOf(indexRange) }),
    })),
  });
  const asked = transact(session, request);
  const response = await deadline(clock, limits.opcuaRequestMs, 'reading', asked);
  const { results } = response as { readonly results?: readonly WireDataValue[] | null };
  return results ?? [];
}

/** The library makes a range of a text; only its types do not say so, nor does it export them. */
export function rangeOf(text: string): IndexRange {
  return text as unknown as IndexRange;
}

type IndexRange = NonNullable<
  NonNullable<ConstructorParameters<Opcua['client']['ReadValueId']>[0]>['indexRange']
>;

/** Sends one request as it is; the answer is of the service's own type. */
export function transact(session: Session, request: WireRequest): Promise<object> {
  assert(isTransacting(session), 'node-opcua-client sends requests by another way now');
  return new Promise((resolve, reject) => {
    session._performMessageTransaction(request, (error, response) => {
      if (error) reject(error);
      else if (typeof response === 'object' && response !== null) resolve(response);
      else reject(new Error('the server gave an empty answer'));
    });
  });
}
