/** Bounds of what speaks with devices: lint, archives, Modbus, MQTT, Sparkplug, OPC UA. */

export const fieldLimits = {
  /** Modbus: registers in one request, and the hole that is read rather than skipped. */
  modbusRegistersMax: 125,
  modbusHoleMax: 8,
  modbusTimeoutMsDefault: 1_000,
  modbusTimeoutMsMin: 10,
  modbusTimeoutMsMax: 300_000,
  /** Pause that a device may want between two requests. */
  modbusPauseMsMax: 10_000,
  /** 4-byte registers in one answer: a PDU has 253 bytes, two of them are code and byte count. */
  modbusWideRegistersMax: 62,
  /** Coils or discrete inputs in one request. */
  modbusBitsMax: 2_000,
  /** Lint reads each point this often, with a pause of the device's interval within bounds. */
  lintReads: 3,
  lintPauseMsMin: 100,
  lintPauseMsMax: 2_000,
  /** Doubtful points of a device whose neighbours are read. */
  lintProbesMax: 500,
  /** Requests on one connection: each has a transaction id of its own, of which there are 2^16. */
  modbusRequestsMax: 65_536,
  /** Frames that answer no question, before the connection is given up. */
  modbusForeignFramesMax: 16,
  /** RTU: bytes that are no frame, before the connection is given up: two of the longest frames. */
  modbusNoiseBytesMax: 512,
  /** RTU: bytes before a silence this long do not belong to those after it. */
  modbusSilenceMs: 50,
  /** Times that a question is asked again, and requests at the same time on one connection. */
  modbusRetriesMax: 10,
  modbusInFlightMax: 64,
  /** Questions of another shape in one turn, to learn that a late answer can no longer come. */
  modbusResolvesMax: 3,
  /** A unit that is silent gets at least this long when it is tried again on a shared line. */
  modbusProbeMsMin: 50,

  /** Archives: records asked for between two reads, and gaps that wait for theirs. */
  archiveRecordsMax: 12,
  archiveTasksMax: 16,
  /** A shorter time without an answer is no gap to be filled. */
  archiveGapMsDefault: 60_000,
  /** Records remembered as handed over. */
  archiveGivenMax: 4_096,
  /** A device writes a period's record this long after its end. */
  archiveGraceMs: 5_000,
  /** Records that were handed over are signed after the longest flush interval, and a bit more. */
  archiveSignedMs: 660_000,

  /** MQTT devices: a payload larger than this is not read. */
  mqttPayloadBytesMax: 64 * 1024,
  /** Samples in one payload; those beyond it are counted as lost. */
  mqttSamplesMax: 1_000,
  /** A packet larger than this is not even held: payload, topic and packet id. */
  mqttDevicePacketBytesMax: 68 * 1024,
  /** Wait for CONNACK and SUBACK, and the interval of keep-alive. */
  mqttConnectMs: 10_000,
  mqttKeepaliveS: 30,
  /** How long a single read waits for the next message of each topic. */
  mqttReadMs: 15_000,
  /** Messages of one device on their way to the disk; MQTT 5 tells the broker (receive maximum). */
  mqttPendingMax: 128,
  /** Messages of one device remembered as durable, so that a copy is not taken twice. */
  mqttRememberedMax: 1_024,
  /** A broker of MQTT 5 keeps a session without its client for this long: thirty days. */
  mqttSessionExpirySDefault: 30 * 24 * 3_600,

  /** Sparkplug: a packet larger than this is not held; a birth names every metric of a node. */
  sparkplugPacketBytesMax: 1024 * 1024,
  /** Metrics in one payload, and metrics that one birth certificate may promise. */
  sparkplugMetricsMax: 20_000,
  /** Bytes of an edge node's messages that wait for one that is missing. */
  sparkplugHeldBytesMax: 1024 * 1024,
  /** A missing message may come late by this much before a rebirth is asked for. */
  sparkplugReorderMsDefault: 2_000,
  sparkplugReorderMsMax: 60_000,
  /** A birth that was asked for is asked for again after this long, doubling to the maximum. */
  sparkplugRebirthMs: 2_000,
  sparkplugRebirthMsMax: 60_000,
  /** A device whose birth does not come by then is stale. */
  sparkplugBirthMs: 5_000,
  /** A loss that lasts is signed this often; its values are counted as one a point this often. */
  sparkplugLossMs: 60_000,
  sparkplugChangeMs: 1_000,
  /** Sets of samples of one device that wait to be made durable, before the broker has to wait. */
  sparkplugQueueMax: 256,

  /** The same trouble with one device is said at most this often. */
  deviceComplaintMs: 60_000,

  /** OPC UA: Publish requests that wait at the server, so also notifications held in memory. */
  opcuaPublishWindow: 4,
  /** Values that a server keeps for each item between two notifications. */
  opcuaQueueSizeDefault: 1_000,
  /** Notifications in one Publish response; the rest follow in the next. */
  opcuaNotificationsMax: 10_000,
  /** A server keeps a subscription for this long without hearing from its gateway. */
  opcuaLifetimeMs: 60_000,
  /** A server with nothing to say says so at least this often; three times that is silence. */
  opcuaKeepAliveMs: 2_000,
  /** A service call, discovery and the opening of a session may each take this long. */
  opcuaRequestMs: 5_000,
  /** How often the loss of an unreachable OPC UA server is reported for signing. */
  opcuaLossMs: 10_000,
  /** Messages that are asked for again after a gap. */
  opcuaRepublishMax: 1_000,
  /** Where a server reports every change, a gap counts as one value this often. */
  opcuaChangeMs: 100,
  /** Data types looked at for the fields of structures, and how deep one may derive. */
  opcuaTypesMax: 256,
  opcuaTypeDepthMax: 16,
  /** An item that was not heard for this long is read, to tell unchanged from dead. */
  opcuaWatchdogMsDefault: 60_000,
  /** and not more often than this. */
  opcuaCheckMs: 50,
  /** History: nodes and values of each in one call, and all that fills one gap. */
  opcuaHistoryNodes: 50,
  opcuaHistoryValues: 1_000,
  opcuaHistoryValuesMax: 1_000_000,
  opcuaHistoryMs: 60_000,
  /** The loss of what history may fill is not signed before the gap has lasted this long. */
  opcuaHistoryDeferMs: 86_400_000,
  /** Values remembered of each point, to know one that comes again. */
  opcuaSeenValues: 32,
  /** Notifications remembered, to know one that comes again. */
  opcuaSeenMessages: 64,
  /** Nodes in one service call, and nodes looked at to find an event type. */
  opcuaNodesPerCall: 500,
  opcuaBrowseMax: 5_000,
  /** Certificates between a server's own and the root, refused certificates that are kept. */
  opcuaChainMax: 8,
  opcuaRefusedMax: 100,
  /** Letters of a browse path; a namespace in it is a whole URI. */
  opcuaPathLengthMax: 2_048,
  /** Elements of an array, or fields of a structure, that discovery writes as points. */
  opcuaDiscoverElementsMax: 64,
  /** Life of our own OPC UA certificate, and how long before its end it is renewed. */
  opcuaOwnCertificateDays: 5 * 365,
  opcuaRenewDays: 60,
  /** How often a long connection looks at certificates, and how often an expiry is said. */
  opcuaCertificateCheckMs: 86_400_000,
} as const;
