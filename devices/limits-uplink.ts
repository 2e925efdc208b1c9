/** Bounds of the uplink, on both sides: sending, connecting, certificates; part of `limits`. */
export const uplinkLimits = {
  /** Batches sent and not yet receipted, per gateway: urgent ones, live ones, backlog. */
  forwardWindow: 64,
  forwardLiveWindow: 56,
  forwardBacklogWindow: 40,
  /** Their bytes, all together; one batch of a lane may always be on its way. */
  forwardWindowBytes: 2 * 1024 * 1024,
  /** The backlog under way may keep what is fresh waiting for about this long, */
  forwardDelayMs: 1_000,
  /** which is so many bytes as receipts tell: at first, and within bounds. */
  forwardCreditBytes: 64 * 1024,
  forwardCreditBytesMin: 4 * 1024,
  forwardCreditBytesMax: 768 * 1024,
  /** How often a gateway looks for papers to carry, how many it takes then, and how soon. */
  paperLookMs: 500,
  papersAtOnce: 256,
  paperTakenMs: 15_000,
  /** Live batches that have waited for room this long have become backlog. */
  forwardBehindMs: 2_000,
  /** A batch without a receipt is sent again after this long, doubling to the maximum. */
  receiptTimeoutMs: 5_000,
  receiptTimeoutMsMax: 60_000,
  /** How often the forwarder looks for what is due again. */
  forwardTickMs: 250,
  /** After connecting, batches wait this long for the receipts of the enrolments. */
  enrolmentWaitMs: 1_000,
  /** Held batches are tried again after this long, doubling to the maximum. */
  heldRetryMs: 1_000,
  heldRetryMsMax: 30_000,

  /** A checkpoint, a statement on one, and a notice: one with its proof. Each fits the next. */
  checkpointTokenBytesMax: 1024,
  statementBytesMax: 2 * 1024,
  checkpointBytesMax: 16 * 1024,
  /** Hashes in a proof: two for each level of a tree that no disk holds. */
  checkpointProofMax: 128,
  /** So many checkpoints one after the other without a proof are said. */
  checkpointsUnprovenMax: 3,
  /** Receipts without any further checkpoint for so long are said. */
  checkpointSilentMs: 900_000,
  /** Checkpoints that wait at a gateway while it looks at one; more are dropped. */
  checkpointsWaitingMax: 4,
  /** A file with a checkpoint and statements on it; so many of the largest fit. */
  checkpointFileBytesMax: 2 * 1024 * 1024,
  checkpointWitnessesMax: 1_000,

  /** Reconnects of drivers and sinks: first delay and longest delay, with jitter. */
  reconnectMs: 500,
  reconnectMsMax: 30_000,

  /** An MQTT packet that is longer ends its connection; credentials are far below. */
  mqttPacketBytesMax: 1024 * 1024,
  /** What follows the fixed header of a CONNECT, the first packet of a connection. */
  mqttConnectBytesMax: 4 * 1024,
  /** Bytes of packets that are not whole yet, of all connections; beyond it the oldest goes. */
  unfinishedBytesMax: 64 * 1024 * 1024,
  /** A packet is whole after this long; how often that is looked at. */
  unfinishedMs: 120_000,
  unfinishedLookMs: 1_000,
  /** Connections of one gateway; a further one takes the place of the oldest. */
  gatewayConnectionsMax: 8,
  /** What a connection may hold unread before it is read no further. */
  mqttReadBytesMax: 64 * 1024,
  /** MQTT connections at the same time. */
  mqttConnectionsMax: 10_000,
  /** Start waits this long for a broker elsewhere, then goes on and keeps trying. */
  brokerConnectMs: 5_000,

  /** Uplink: bytes of a request for a certificate, and of the request for a key inside it. */
  certificateRequestBytesMax: 64 * 1024,
  certificateKeyRequestBytesMax: 2 * 1024,
  /** Enrolments that a gateway shows when it asks for a certificate. */
  certificateEnrolmentsMax: 4,
  /** A request is as fresh as this, and remembered this long, so that none counts twice. */
  certificateFreshMs: 10 * 60_000,
  /** Requests for certificates from one address and from all: at once, and each second. */
  certificateBurst: 20,
  certificatePerSecond: 5,
  certificateBurstAll: 200,
  certificatePerSecondAll: 50,
  /** Certificates begin this long before they are made, since clocks differ. */
  certificateEarlyMs: 60 * 60_000,
  /** How long a request for a certificate, and a TLS handshake, may take. */
  certificateAnswerMs: 15_000,
  tlsHandshakeMs: 10_000,
  /** TLS handshakes of one address and of all: at once, and each second; under way. */
  handshakeBurst: 500,
  handshakesPerSecond: 50,
  handshakeBurstAll: 2_000,
  handshakesPerSecondAll: 200,
  handshakesMax: 1_000,
  /** How often connections are looked at: certificate not expired, gateway still allowed. */
  uplinkCheckMs: 500,
  /** Bytes of credentials in one HTTPS request, and of what waits to be sent. */
  httpsBodyBytesMax: 1024 * 1024,
  httpsPendingBytesMax: 16 * 1024 * 1024,
  /** The stream of receipts says something at least this often; three times that is silence. */
  httpsBeatMs: 10_000,
  /** HTTPS connections at the same time. */
  httpsConnectionsMax: 10_000,
  /** One HTTPS request may take this long, waiting for room not counted. */
  httpsRequestMs: 30_000,
  /** Bytes of receipts on their way to one gateway; a slower one is dropped and asks again. */
  httpsReceiptBytesMax: 4 * 1024 * 1024,
} as const;
