/** All parsers that see bytes of strangers, in groups by where the bytes come from. */
import type { Parser } from './parser.ts';
import * as checkpoints from './parsers/checkpoints.ts';
import * as credentials from './parsers/credentials.ts';
import * as files from './parsers/files.ts';
import { httpRequest } from './parsers/http.ts';
import * as messages from './parsers/messages.ts';
import { modbusRtu, modbusTcp } from './parsers/modbus.ts';
import * as requests from './parsers/requests.ts';
import * as uplink from './parsers/uplink.ts';

export const groups = {
  field: [
    modbusTcp,
    modbusRtu,
    messages.mqttJson,
    messages.mqttCbor,
    messages.mqttSenml,
    messages.mqttPlain,
    messages.cbor,
    messages.sparkplug,
    messages.sparkplugState,
  ],
  uplink: [
    uplink.mqttFrame,
    uplink.httpsFrames,
    uplink.packed,
    uplink.receipt,
    checkpoints.notice,
    checkpoints.statement,
    uplink.certificateRequest,
    uplink.admission,
  ],
  credentials: [
    credentials.strictJson,
    credentials.vcJwt,
    credentials.vcProof,
    credentials.vcRdf,
    credentials.presentation,
    credentials.evidence,
    credentials.sdJwt,
    credentials.did,
    credentials.didDocument,
    credentials.statusList,
    credentials.claims,
  ],
  files: [
    files.gatewayYaml,
    files.profileYaml,
    files.ingestYaml,
    files.invitation,
    files.enrolRequest,
    files.geoJson,
    checkpoints.checkpointFile,
  ],
  http: [httpRequest],
  requests: [requests.trustRequest, requests.submitRequest, requests.officerRequest],
} as const satisfies Readonly<Record<string, readonly Parser[]>>;

export type GroupName = keyof typeof groups;
