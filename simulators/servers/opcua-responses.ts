/** Hears what an OPC UA server really answers, and enters it in the ledger. */
import type * as opcua from 'node-opcua';
import type { DeviceSpace } from './opcua-address-space.ts';
import type { OpcuaLedger } from './opcua-ledger.ts';

/** OPC 10000-4 §5.10.2: the attribute that holds a variable's value. */
const VALUE = 13;

/**
 * From now on every sent value is entered. A response names neither what was read nor whose
 * message is sent again, so those requests are remembered until they are answered.
 */
export function keepLedger(
  server: opcua.OPCUAServer,
  space: DeviceSpace,
  entries: OpcuaLedger,
): void {
  const asked = new Map<string, opcua.Request>();
  server.on('request', (request: opcua.Request, channel: opcua.ServerSecureChannelLayer) => {
    const { name } = request.schema;
    if (name !== 'ReadRequest' && name !== 'RepublishRequest') return;
    asked.set(`${channel.channelId} ${request.requestHeader.requestHandle}`, request);
  });
  server.on('response', (response: opcua.Response, channel: opcua.ServerSecureChannelLayer) => {
    const key = `${channel.channelId} ${response.responseHeader.requestHandle}`;
    const request = asked.get(key);
    asked.delete(key);
    if (response.schema.name === 'PublishResponse') {
      const { subscriptionId, notificationMessage } = response as opcua.PublishResponse;
      entries.sent(subscriptionId, notificationMessage);
    } else if (response.schema.name === 'RepublishResponse') {
      const { subscriptionId } = request as opcua.RepublishRequest;
      entries.sent(subscriptionId, (response as opcua.RepublishResponse).notificationMessage);
    } else if (response.schema.name === 'ReadResponse') {
      const { nodesToRead } = request as opcua.ReadRequest;
      for (const [index, result] of ((response as opcua.ReadResponse).results ?? []).entries()) {
        const read = nodesToRead?.[index];
        const point = read?.attributeId === VALUE && space.pointOf(read.nodeId.toString());
        if (point) entries.read(point, result);
      }
    }
  });
}
