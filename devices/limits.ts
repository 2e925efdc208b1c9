/** Every bound in one table, with its unit in its name. A bound that is hit is a coded error. */
import { uplinkLimits } from './limits-uplink.ts';

export const limits = {
  ...uplinkLimits,

  /** A batch closes at this many readings, */
  batchReadingsMax: 256,
  /** or when its credential as sent reaches this size, */
  batchBytesMax: 64 * 1024,
  /** or at the device's flush interval, whichever comes first. */
  flushIntervalMsDefault: 1_000,
  /** A batch that a source waits for closes after this long. */
  hurriedFlushMs: 50,
  /** A signed heartbeat goes out when there was nothing else to say for this long. */
  heartbeatMsDefault: 60_000,

  /** Keys that a device may have had, one after the other. */
  keyGenerationsMax: 32,
  /** How long a command of the wallet waits for another one, and how often it looks. */
  walletLockMs: 10_000,
  walletLockLookMs: 50,
  /** A credential of another kind (enrolment, declaration) may be this large. */
  credentialBytesMax: 256 * 1024,
  /** A receipt may be this large. */
  receiptBytesMax: 64 * 1024,
  /** Disclosures beside one token: each element of a batch and each of its goods, with decoys. */
  disclosuresMax: 1024,
  /** Nesting of JSON that is received. */
  jsonDepthMax: 32,
  /** Bytes of a status list when unpacked: 8,388,608 entries; the least is 131,072. */
  statusListBytesMax: 1024 * 1024,
  /** Status lists that are kept unpacked in memory. */
  statusListsCached: 32,
  /** Files in a folder of documents, and folders below one another. */
  documentsMax: 100_000,
  documentsDepthMax: 8,
  /** Devices whose enrolments are kept ready in memory; the others are looked up on disk. */
  enrolmentsCached: 10_000,
  /** Enrolments of one device that are looked at, newest first. */
  deviceEnrolmentsMax: 1_000,
  /** Data Integrity proofs of one document. */
  proofsMax: 16,
  /** Credentials in one presentation, array or evidence file, and envelopes around one another. */
  credentialsInFileMax: 10_000,
  envelopesMax: 4,
  /** A presentation may be this large, and a file that is judged offline. */
  presentationBytesMax: 4 * 1024 * 1024,
  evidenceBytesMax: 64 * 1024 * 1024,
  /** Documents whose RDF is canonicalised to judge one file, and the work allowed for each: */
  rdfDocumentsMax: 256,
  /** exponent of the number of blank nodes that look alike. */
  rdfWorkFactorMax: 2,
  rdfMs: 10_000,
  /** Public keys of devices that are kept ready in memory. */
  publicKeysCached: 10_000,
  /** Characters of a DID; the longest that is accepted is a did:jwk. */
  didLengthMax: 2_048,
  /** Services of a DID document that are read. */
  didServicesMax: 64,
  /** A document that is fetched: bytes, headers, time for all of it, addresses of its host. */
  fetchBytesMax: 256 * 1024,
  fetchHeaderBytesMax: 16 * 1024,
  fetchMs: 10_000,
  fetchAddressesMax: 4,
  /** DIDs that are being resolved at the same time; further ones are refused until one is done. */
  resolvesMax: 64,
  /** Resolved documents that are kept, and their bytes. */
  resolvedMax: 4_096,
  resolvedBytesMax: 16 * 1024 * 1024,
  /** They are kept as long as their server says, within bounds; so long if it says nothing. */
  resolvedMsDefault: 300_000,
  resolvedMsMax: 3_600_000,
  /** A DID that could not be resolved is not tried again before this. */
  resolveFailedMs: 10_000,

  /** Raw bytes of one sample; a longer one becomes a bad reading without its raw words. */
  rawBytesMax: 4_096,
  /** Characters of a value that names goods. */
  goodsNameMax: 128,
  /** Characters of the URI of goods that such a value completes. */
  goodsUriMax: 512,
  /** Characters of a protocol's own words for a quality. */
  statusMax: 256,
  /** Loss records in one batch; more wait for the next. */
  batchLossesMax: 32,
  /** Points named in one loss record; more make several records. */
  lossPointsMax: 64,
  /** Loss records of one device that wait to be signed; beyond it the oldest are merged. */
  lossesPendingMax: 128,
  /** A point that reports by exception is signed at least this often. */
  reportSilenceMsDefault: 60_000,
  /** No device that is read says a time before 2020 and means it. */
  deviceTimeMsMin: 1_577_836_800_000,
  /** A device's clock may be this far ahead of the gateway's, */
  deviceClockAheadMs: 5_000,
  /** go back this far without having jumped (readings that overtook others), */
  deviceClockStepMs: 2_000,
  /** and lie behind this far, as a source that delivers late does. */
  deviceClockBehindMs: 300_000,
  /** Times go on at the pace of a clock when they differ from it by no more than this. */
  deviceClockPaceMs: 1_000,
  /** So many readings show that times go on, or that values change under one time, */
  deviceClockChanges: 2,
  /** and a clock stands still after this long: the coarsest tell minutes. */
  deviceClockStillMs: 90_000,
  /** How often the service that sets the gateway's clock is asked, and how long it may take. */
  clockAskMs: 16_000,
  clockAnswerMs: 2_000,
  clockAnswerBytesMax: 64 * 1024,
  /** Drift of a clock that nobody disciplines meanwhile, parts per million (RFC 5905 PHI). */
  clockDriftPpm: 15,
  /** An answer older than this says nothing any more. */
  clockAnswerAgeMsMax: 300_000,
  /** How often the gateway looks whether its configuration file has changed. */
  configWatchMs: 1_000,
  /** The wall clock has been stepped when it moves this far against the monotonic one. */
  clockStepMs: 100,
  /** How often the gateway compares its two clocks. */
  clockWatchMs: 1_000,
  /** A read that its driver has not ended by then is given up. */
  readMsMax: 30_000,
  /** One device's troubles are said at most this often. */
  troubleLogMs: 60_000,
  /** A device that publishes regularly is silent after this many of its intervals. */
  silentIntervals: 10,
  /** but not before this long. */
  silentMsMin: 5_000,
  /** A device's data are stale after this many of its intervals, */
  staleIntervals: 3,
  /** but not before this long. */
  staleMsMin: 5_000,
  /** The gateway's own status page: one request, one look at the gateway, and browsers at once. */
  statusRequestMs: 10_000,
  statusSnapshotMs: 2_000,
  statusConnectionsMax: 64,
  /** Telling systemd something may take this long. */
  systemdNotifyMs: 2_000,
  /** A certificate that expires within this many days is warned of. */
  certificateWarnDays: 60,
  /** How often the gateway looks for new or changed enrolment files. */
  enrolmentWatchMs: 1_000,

  /** Group commit of the outbox: at most this long, */
  outboxCommitMs: 20,
  /** and at most this many batches in one transaction. */
  outboxCommitBatchesMax: 64,
  /** Characters of a passphrase or PIN that is typed. */
  secretCharactersMax: 1024,
  /** A token (PKCS#11) must answer within this. */
  keyTokenMs: 10_000,
  /** A key whose token fails is asked again after this long, doubling to the maximum. */
  keyRetryMs: 500,
  keyRetryMaxMs: 30_000,
  /** Readings that wait in memory for key and outbox; beyond it the drivers are told to wait. */
  outboxPendingReadingsMax: 256 * 256,
  /** Bytes of signed batches kept on disk; beyond it a signed loss says what was dropped. */
  outboxBytesMaxDefault: 1024 * 1024 * 1024,
  /** Beyond that, room for the heartbeats and losses that say what was dropped. */
  outboxReserveBytes: 1024 * 1024,

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
  /** 2026-01-01: no clock that is right says an earlier time than this program was made. */
  clockPlausibleMs: 1_767_225_600_000,

  /** Bytes that the ingester holds between a source and the journal. */
  receiveQueueBytesMax: 16 * 1024 * 1024,
  /** Credentials in one message to an admission worker, and in one journal transaction. */
  admitChunk: 16,
  journalGroupMax: 256,
  /** Half of the space for young objects of one of the ingester's threads, MiB. */
  youngSemiSpaceMiB: 4,
  /** Results in one receipt, so that it stays below `receiptBytesMax`. */
  receiptResultsMax: 200,
  /** Receipts on their way to one gateway; further ones are dropped, since it sends again. */
  receiptsPendingMax: 64,
  /** Gateways that are counted one by one. */
  sitesMax: 10_000,
  /** Bytes of a credential that is too large which are kept as evidence. */
  refusalBytesMax: 64 * 1024,
  /** Enrolments that one page of a listing shows, unless asked otherwise, and at most. */
  trustPageDefault: 100,
  trustPageMax: 1_000,
  /** A status list is looked for at its address this often, or more often where its ttl is less, */
  statusRefreshMs: 60_000,
  statusRefreshMsMin: 1_000,
  /** so many of them at the same time; after a failure again after this long, doubling. */
  statusFetchesMax: 4,
  statusRetryMs: 1_000,
  /** A list that was not found for this long is too old to be believed. */
  statusStaleMs: 300_000,
  /** A start waits this long for the first look at lists that it knows from before. */
  statusFirstMs: 3_000,
  /** Lists and DID documents that are looked for; how often the DID documents. */
  statusListsWatchedMax: 10_000,
  didCheckMs: 600_000,
  /** Lists of one organisation that are looked for only because something held names them. */
  statusListsWantedMax: 16,
  /** Credentials that one command submits. */
  submitMax: 1_000,
  /** Documents in one change of trust. */
  trustDocumentsMax: 10_000,
  /** The same complaint about the same gateway is logged again after this long. */
  tellMs: 60_000,
  /** Clock ticks are journalled this often while anything is enrolled. */
  tickMs: 10_000,
  /** Entries that one application transaction folds. */
  applyGroupMax: 256,
  /** Devices that may speak to one attribute of one twin. */
  attributeDevicesMax: 16,
  /** Attributes, enrolments and minutes of history that one twin keeps. */
  twinAttributesMax: 512,
  twinEnrolmentsMax: 16,
  /** Papers of parties, and corrections of them, that one twin keeps. */
  twinPapersMax: 64,
  /** Bonds, or standings, of one party that are remembered. */
  partyFactsMax: 64,
  /** Steps of custody of one thing that wait for others, and past moves that are remembered. */
  custodyWaitingMax: 256,
  /** Pending steps of one signer that are judged anew between two other changes. */
  pendingStepsPage: 256,
  custodyPastMax: 256,
  /** Steps of custody that moved which one answer of the API lists. */
  apiStepsMax: 32,
  twinMinutesMax: 180,
  /** Epochs, ranges of sequences in an epoch, and losses that a device's twin keeps. */
  historyEpochsMax: 256,
  historyRangesMax: 128,
  historyLossesMax: 16,
  /** Devices that a facility's twin lists. */
  facilityDevicesMax: 512,
  /** Twins that the fold keeps in memory. */
  applyTwinsMax: 2_048,
  /** Changes of one twin are shown together when they come closer than this. */
  feedCoalesceMs: 100,
  /** Bytes on their way to one subscriber; a slower one is dropped and resumes. */
  feedBytesMax: 4 * 1024 * 1024,
  /** A subscriber hears something at least this often. */
  feedBeatMs: 15_000,
  /** Beyond this delay, plus the time that a batch takes to arrive, a device is late. */
  staleGraceMs: 2_000,
  /** Entries of the journal that one request reads at a time, and twins in one page. */
  apiEntriesMax: 256,
  apiTwinsMax: 10_000,
  /** Requests that wait for the query worker. */
  apiQueueMax: 256,
  /** Held devices that are remembered and shown. */
  heldDevicesMax: 10_000,
  /** Doubtful batches that one act accepts, and devices whose quarantine it ends. */
  actPositionsMax: 1_000,
  /** Later epochs in which a batch that came in doubt looks for the one that names it. */
  voucherEpochsMax: 16,
  /** Doubtful batches, and quarantines, on one page of a listing. */
  doubtsPageMax: 500,
  /** Live subscribers of the feed, and events kept for one that is slow. */
  feedSubscribersMax: 1_000,
  feedQueueMax: 1_000,

  /** Readings may be dated this far ahead of their receipt. */
  clockSkewMs: 5 * 60_000,
  /** An orderly stop takes at most this long. */
  stopMs: 4_000,
} as const;
