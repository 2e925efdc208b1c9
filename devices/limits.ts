/** Every bound in one table, with its unit in its name. A bound that is hit is a coded error. */
import { fieldLimits } from './limits-field.ts';
import { ingestLimits } from './limits-ingest.ts';
import { uplinkLimits } from './limits-uplink.ts';

export const limits = {
  ...fieldLimits,
  ...ingestLimits,
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
  /** Credentials of evidence files that are imported in one request. */
  importMax: 256,
  /** A file of receipts that a person carries: its bytes, and receipts. */
  receiptFileBytesMax: 64 * 1024 * 1024,
  receiptsInFileMax: 20_000,
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
  /** Characters of a configuration file; 10,000 devices with profiles of their own have fewer. */
  configLengthMax: 16 * 1024 * 1024,
  /** Characters of a word, text or comment in it. */
  configWordMax: 16 * 1024,
  /** How deep its lists and maps stand within each other, the file and the word counted too. */
  configDepthMax: 32,
  /** Equal words, signs or empty lines in a row: what is damaged has more, what is meant fewer. */
  configRepeatsMax: 1_000,
  /** Mistakes of a file that are told; nobody reads more before the first are mended. */
  configMistakesMax: 100,
  /** Terms that the contexts of one file may define, where their meaning is looked at. */
  contextTermsMax: 500_000,
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
  /** at most this many readings in one transaction, unless a single batch has more, */
  outboxCommitReadingsMax: 256,
  /** and at most this many batches, since a heartbeat has no readings. */
  outboxCommitBatchesMax: 64,
  /** Epochs that a device opens one after the other, while others move its counter as well. */
  epochTriesMax: 16,
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
  /** Beyond that, room for the heartbeats and losses that say what was dropped, */
  outboxReserveBytes: 1024 * 1024,
  /** and a file of this size beside the database that makes room where the disk itself is full. */
  outboxReserveFileBytes: 4 * 1024 * 1024,
  /** The file is made again at the earliest so long after it went; until then readings are lost. */
  outboxReserveRetryMs: 1_000,
  /** Bytes of the losses that are noted beside the database while the disk is full. */
  outboxLossesFileBytes: 128 * 1024,
  /** Of a full outbox: bytes that give way at one time, batches that one batch of aggregates */
  outboxGiveWayBytes: 256 * 1024,
  /** stands for, and such steps for one batch that comes. */
  outboxThinBatches: 16,
  outboxThinStepsMax: 64,
  /** Places of batches of one device that gave way and that no batch has named yet. */
  outboxGoneMax: 4_096,

  /** 2026-01-01: no clock that is right says an earlier time than this program was made. */
  clockPlausibleMs: 1_767_225_600_000,

  /** Readings may be dated this far ahead of their receipt. */
  clockSkewMs: 5 * 60_000,
  /** A batch that is dated further ahead than that is held up to here, and refused beyond. */
  batchAheadMsMax: 86_400_000,
  /** An orderly stop takes at most this long; an ingester's has the next two in it. */
  stopMs: 4_000,
  /** So long an ingester waits until what it took is stored and answered. */
  drainMs: 2_500,
  /** So long its connections have to end by themselves, with all that was written to them. */
  partingMs: 1_000,
} as const;
