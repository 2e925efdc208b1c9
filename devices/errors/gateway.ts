/** Codes of the gateway side. */
import type { ErrorEntry } from '../errors.ts';

export const gatewayErrors = {
  GW_DRIVER_PACKAGE_MISSING: {
    meaning: 'A driver needs a package that is not installed.',
    hint: 'Install it with: npm install node-opcua-client node-opcua-certificate-manager',
    retryable: false,
  },
  GW_OPCUA_UNREACHABLE: {
    meaning: 'The OPC UA server does not answer.',
    hint: 'Check the url, the network and that the server runs; the gateway keeps trying.',
    retryable: true,
  },
  GW_OPCUA_ENDPOINT_MISSING: {
    meaning: 'The OPC UA server offers no endpoint with the configured security.',
    hint: 'Choose one of the modes and policies listed, or have it enabled at the server.',
    retryable: true,
  },
  GW_OPCUA_CERTIFICATE_REFUSED: {
    meaning: 'The certificate that the OPC UA server showed is not trusted.',
    hint: 'See all refused ones and why: bondline-gateway opcua-trust CONFIG list. Trust one only after comparing its fingerprint at the server.',
    retryable: true,
  },
  GW_OPCUA_CLOCK_WRONG: {
    meaning: 'There is no certificate of our own, and the clock is too wrong to make one.',
    hint: 'Set the clock of this machine; the gateway keeps trying.',
    retryable: true,
  },
  GW_OPCUA_USER_UNREADABLE: {
    meaning: 'The password, certificate or key file of the OPC UA user cannot be used.',
    hint: 'Check the paths below "user", their permissions, and that key and certificate go together.',
    retryable: false,
  },
  GW_OPCUA_USER_REFUSED: {
    meaning:
      'The OPC UA server does not take the user, or only in a way that gives the secret away.',
    hint: 'Check user and password at the server, and which kinds of user its endpoint takes.',
    retryable: true,
  },
  GW_OPCUA_CERTIFICATE_UNKNOWN: {
    meaning: 'There is no such certificate to trust or to remove.',
    hint: 'See what there is: bondline-gateway opcua-trust CONFIG list.',
    retryable: false,
  },
  GW_OPCUA_CERTIFICATE_UNREADABLE: {
    meaning: 'The file named cannot be read, or is no certificate and no revocation list.',
    hint: 'Give the path of a certificate or revocation list in PEM or DER form.',
    retryable: false,
  },
  GW_OPCUA_SESSION_REFUSED: {
    meaning: 'The OPC UA server refused the secure channel or the session.',
    hint: "Have the gateway's certificate (below its data directory, pki/own) trusted there.",
    retryable: true,
  },
  GW_OPCUA_NOTHING_FOUND: {
    meaning: 'Discovery found no variable that could be a point.',
    hint: 'Name another --root, or log in as a user who may see more; --json says what was left out.',
    retryable: false,
  },
  GW_OPCUA_NODE_MISSING: {
    meaning: 'The root node of the device is not in the OPC UA server.',
    hint: 'Compare rootPath with the browse names that the server shows below Objects.',
    retryable: true,
  },
  GW_FAULT: {
    meaning: 'A mistake in the program that nobody caught; the process ends at once.',
    hint: 'Start it again: what was signed is in the outbox; report the line above.',
    retryable: true,
  },
  GW_OUTBOX_FAILED: {
    meaning: 'The outbox can keep nothing any more, so the gateway stops.',
    hint: 'Check the disk, then start the gateway again; what was committed is still there.',
    retryable: true,
  },
  GW_OUTBOX_DAMAGED: {
    meaning:
      'The outbox is damaged in more than single batches: its WAL, or its database, and then the gateway stops.',
    hint: 'Run bondline-gateway outbox CONFIG repair, which keeps all that can be read; check the disk.',
    retryable: false,
  },
  GW_OUTBOX_ABSENT: {
    meaning: 'There is no outbox yet in the data directory.',
    hint: 'Run the gateway once, or name the configuration that it runs with.',
    retryable: false,
  },
  GW_OUTBOX_ROWS_DAMAGED: {
    meaning: 'Batches in the outbox are damaged: their hash or signature is wrong.',
    hint: 'They will not be sent and a signed loss will say so; check the disk.',
    retryable: false,
  },
  GW_OUTBOX_FULL: {
    meaning: 'The outbox has no room for a paper, so it is not kept.',
    hint: 'Let the gateway forward what waits, or raise outbox.bytesMax; then carry it again.',
    retryable: true,
  },
  GW_RECEIPTS_REFUSED: {
    meaning: 'A file holds no receipt of the pinned ingester for this gateway; no row was touched.',
    hint: 'Give the file that bondline-ingest import CONFIG FILE --receipts wrote for this gateway.',
    retryable: false,
  },
  GW_RECEIPTS_WAIT: {
    meaning: 'The running gateway has not taken the receipts yet.',
    hint: 'They stay in its folder and are taken when it can; look with: outbox CONFIG list.',
    retryable: true,
  },
  GW_PAPER_REFUSED: {
    meaning: 'A file is no credential of a party that a gateway can carry; none was kept.',
    hint: 'Give what bondline-wallet sign wrote: a token or JSON with proofs, at most 256 KiB.',
    retryable: false,
  },
  GW_PAPER_WAITS: {
    meaning: 'The running gateway has not taken all papers yet; they are safe in its folder.',
    hint: 'It takes them as soon as it can; its log says why not. The same command again is no harm.',
    retryable: true,
  },
  GW_SINK_DOWN: {
    meaning: 'There is no uplink to the ingester.',
    hint: 'Check the uplink address and the network; batches wait in the outbox meanwhile.',
    retryable: true,
  },
  GW_SINK_FILE_UNREADABLE: {
    meaning: 'A certificate, key or password file of the uplink cannot be read.',
    hint: 'Check the path in the configuration and its permissions.',
    retryable: false,
  },
  GW_DRIVER_FILE_UNREADABLE: {
    meaning: 'A certificate, key or password file of a device’s connection cannot be read.',
    hint: 'Check the path in the configuration and its permissions; the gateway keeps trying.',
    retryable: true,
  },
  GW_DEVICE_INCOMPLETE: {
    meaning: 'Not every configured point gave a value.',
    hint: 'Check address, register map and wiring of the points that are listed.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorEntry>;
