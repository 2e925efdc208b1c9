/**
 * The server process of the OPC UA measurements: variables that all change at a fixed pace. Says
 * where it listens to its parent, and ends when the parent lets go of it; on the message `cut` it
 * breaks the connections over the wire. Arguments: folder for its key, number of variables,
 * milliseconds between two changes.
 */
import { join } from 'node:path';
import {
  DataType,
  MessageSecurityMode,
  nodesets,
  OPCUACertificateManager,
  OPCUAServer,
  RegisterServerMethod,
  SecurityPolicy,
  StatusCodes,
  setErrorLogger,
  setWarningLogger,
} from 'node-opcua';
import { cutWire } from '../support/opcua-wire.ts';

const [directory = '', count = '0', everyMs = '0'] = process.argv.slice(2);

setWarningLogger(() => undefined);
setErrorLogger(() => undefined);

const manager = (name: string) =>
  new OPCUACertificateManager({
    rootFolder: join(directory, name),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
    keySize: 2048,
  });
const server = new OPCUAServer({
  port: 0,
  host: '127.0.0.1',
  hostname: '127.0.0.1',
  // Goes into the certificate, which a careful client compares with the address it dialled.
  alternateHostname: '127.0.0.1',
  serverCertificateManager: manager('server-pki'),
  userCertificateManager: manager('user-pki'),
  securityModes: [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt],
  securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
  registerServerMethod: RegisterServerMethod.HIDDEN,
  nodesets: [nodesets.standard],
  serverInfo: { applicationUri: 'urn:bondline:bench' },
  // A gateway that reconnects leaves its old sessions until they time out.
  serverCapabilities: { minSupportedSampleRate: 0, maxSessions: 100_000 },
  maxConnectionsPerEndpoint: 1_000,
});
await server.initialize();
const space = server.engine.addressSpace;
if (!space) throw new Error('an initialised server has an address space');
const own = space.getOwnNamespace();
const root = own.addObject({ browseName: 'Line', organizedBy: space.rootFolder.objects });
const variables = Array.from({ length: Number(count) }, (_, index) =>
  own.addVariable({
    browseName: `V${index}`,
    componentOf: root,
    dataType: 'Double',
    minimumSamplingInterval: 0,
    value: { dataType: DataType.Double, value: 0 },
  }),
);
await server.start();
const port = server.endpoints[0]?.port ?? 0;

let step = 0;
const start = Date.now();
// The mean pace holds whatever the grain of the timer is.
setInterval(() => {
  const due = Math.floor((Date.now() - start) / Number(everyMs));
  while (step < due) {
    step += 1;
    const time = new Date(start + step * Number(everyMs));
    for (const [index, variable] of variables.entries()) {
      const value = { dataType: DataType.Double, value: step + index / 1_000 };
      variable.setValueFromSource(value, StatusCodes.Good, time);
    }
  }
}, 10);

const wire = await cutWire(port);
process.on('message', () => wire.cut());
process.on('disconnect', () => process.exit(0));
process.send?.({
  url: `opc.tcp://127.0.0.1:${port}`,
  wireUrl: wire.url,
  certificateFile: server.certificateFile,
});
