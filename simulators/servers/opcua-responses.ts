/** Hears what an OPC UA server really answers, and enters it in the ledger. */
import type { DeviceSpace } from './opcua-address-space.ts';
import type { OpcuaLedger } from './opcua-ledger.ts';
import type {
  Channel,
  PublishResponse,
  ReadRequest,
  ReadResponse,
  RepublishRequest,
  RepublishResponse,
  Request,
  Response,
  Server,
} from './opcua-library.ts';

/** OPC 10000-4 §5.10.2: the attribute that holds a variable's value. */
const VALUE = 13;

/**
 * From now on every sent value is entered. A response names neither what was read nor whose
 * message is sent again, so those requests are remembered until they are answered.
 */
export function keepLedger(server: Server, space: DeviceSpace, entries: OpcuaLedger): void {
  const asked = new Map<string, Request>();
  server.on('request', (request: Request, channel: Channel) => {
    const { name } = request.schema;
    if (name !== 'ReadRequest' && name !== 'RepublishRequest') return;
    asked.set(`${channel.channelId} ${request.requestHeader.requestHandle}`, request);
  });
  server.on('response', (response: Response, channel: Channel) => {
    const key = `${channel.channelId} ${response.responseHeader.requestHandle}`;
    const request = asked.get(key);
    asked.delete(key);
    if (response.schema.name === 'PublishResponse') {
      const { subscriptionId, notificationMessage } = response as PublishResponse;
      entries.sent(subscriptionId, notificationMessage);
    } else if (response.schema.name === 'RepublishResponse') {
      const { subscriptionId } = request as RepublishRequest;
      entries.sent(subscriptionId, (response as RepublishResponse).notificationMessage);
    } else if (response.schema.name === 'ReadResponse') {
      const { nodesToRead } = request as ReadRequest;
      for (const [index, result] of ((response as ReadResponse).results ?? []).entries()) {
        const read = nodesToRead?.[index];
        const point = read?.attributeId === VALUE && space.pointOf(read.nodeId.toString());
        if (point) entries.read(point, result);
      }
    }
  });
}
