/**
 * The one place of the simulators that knows the OPC UA package; it is heavy, so it is loaded only
 * when a server is started. Everything else imports its types from here.
 */
import type * as opcua from 'node-opcua';

export type Library = typeof opcua;
export type Server = opcua.OPCUAServer;
export type ServerOptions = opcua.OPCUAServerOptions;
export type AddressSpace = opcua.AddressSpace;
export type Namespace = opcua.Namespace;
export type ObjectNode = opcua.UAObject;
export type VariableNode = opcua.UAVariable;
export type EventTypeNode = opcua.UAEventType;
export type EventFilter = opcua.EventFilter;
export type NodeId = opcua.NodeId;
export type RaiseEventData = opcua.RaiseEventData;
export type Channel = opcua.ServerSecureChannelLayer;
export type Request = opcua.Request;
export type Response = opcua.Response;
export type PublishResponse = opcua.PublishResponse;
export type ReadRequest = opcua.ReadRequest;
export type ReadResponse = opcua.ReadResponse;
export type RepublishRequest = opcua.RepublishRequest;
export type RepublishResponse = opcua.RepublishResponse;

/** Loads the package; its own warnings go nowhere, since standard output is the station's. */
export async function loadLibrary(): Promise<Library> {
  const library = await import('node-opcua');
  const quiet = (): void => {};
  library.setWarningLogger(quiet);
  library.setErrorLogger(quiet);
  return library;
}
