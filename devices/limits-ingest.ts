/** Bounds of the ingester: queues, receipts, trust, twins, console. */

export const ingestLimits = {
  /** Bytes of batches that the ingester holds between the sources and the journal, */
  receiveQueueBytesMax: 16 * 1024 * 1024,
  /** beyond that of gateways that have nothing there yet, */
  receiveReserveBytesMax: 48 * 1024 * 1024,
  /** and of papers (custody, enrolments), which wait in a lane of their own. */
  paperQueueBytesMax: 8 * 1024 * 1024,
  /** What a message that waits takes beside its bytes. */
  messageOverheadBytes: 256,
  /** Bytes of a message that are looked at to tell its lane. */
  glanceBytes: 1024,
  /** Credentials in one message to an admission worker, and in one journal transaction. */
  admitChunk: 16,
  journalGroupMax: 256,
  /** Entries of which the journal knows the answer without a look at the disk, newest first. */
  recentAnswers: 4096,
  /** What each admission worker is at is looked at this often; */
  admitLookMs: 5,
  /** after so much work on one message the others are judged elsewhere, */
  admitPatienceMs: 10,
  /** or so much while a worker is new, which it is for so many chunks, */
  admitColdPatienceMs: 250,
  admitWarmChunks: 8,
  /** although it tries itself on so many of the newest batches first; */
  admitTrials: 32,
  /** and after so much it is refused for good, milliseconds of the processor's time. */
  admitDeadlineMs: 500,
  /** or where its judge has so much more memory in use than before it, MiB. */
  admitGrowthMiB: 48,
  /** Workers that may be at such a message at the same time; so many more then stand by so long. */
  admitSuspectsMax: 3,
  admitSpares: 2,
  admitCalmMs: 60_000,
  /** A worker in which a message threw is replaced, but not more often than this. */
  admitReplaceMs: 1_000,
  /** Workers that may be lost one after the other with no message at fault. */
  admitLossesMax: 3,
  /** Room for objects in one admission worker, MiB. */
  admitHeapMiB: 192,
  /** Poisons that are known before a worker sees them; characters of what one did. */
  poisonsKnownMax: 10_000,
  poisonReasonMax: 300,
  /** Bytes in one journal transaction, and bytes that are judged and wait for theirs. */
  journalGroupBytesMax: 8 * 1024 * 1024,
  judgedBytesMax: 16 * 1024 * 1024,
  /** A source may send at once what its rate gives it in so many seconds. */
  rateBurstSeconds: 4,
  /** Bytes that wait of one gateway in debt, and of all, where they share a connection. */
  debtorBytesMax: 1024 * 1024,
  debtorsBytesAllMax: 16 * 1024 * 1024,
  /** The debts of a source that waits are looked at again after this long at most. */
  rateWaitMs: 1_000,
  /** Half of the space for young objects of one of the ingester's threads, MiB. */
  youngSemiSpaceMiB: 4,
  /** A checkpoint of the journal is signed this often, where there is anything new in it. */
  checkpointSecondsDefault: 10,
  /** The last one, at a stop, may take so long. */
  checkpointStopMs: 1_000,
  /** Of so many that were signed last the roots are at hand. */
  checkpointRootsKept: 64,
  /** A gateway's statement on one is looked at this often at most. */
  witnessMs: 500,
  /** Results in one receipt; fewer where it would be larger than `receiptBytesMax`. */
  receiptResultsMax: 200,
  /** Bytes of results that wait for the key that signs receipts; beyond it sources wait. */
  receiptsWaitingBytesMax: 8 * 1024 * 1024,
  /** Bytes of receipts on their way to one gateway, and to all; further ones are dropped. */
  receiptsPendingBytesMax: 512 * 1024,
  receiptsPendingBytesAllMax: 32 * 1024 * 1024,
  /** Gateways that are counted one by one. */
  sitesMax: 10_000,
  /** Bytes of refusals that are kept, of one gateway in a day and of all; beyond it they are */
  refusalDayBytesDefault: 64 * 1024 * 1024,
  refusalTotalBytesDefault: 1024 * 1024 * 1024,
  /** counted, by gateway and reason in so many rows, and told of this often. */
  refusalRowsMax: 1_000,
  refusalSummaryMs: 600_000,
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
  /** Work on one entry, of the processor's time, after which its thread is replaced; */
  applyDeadlineMs: 10_000,
  /** how often that is looked at, and room for objects in the thread, MiB. */
  applyLookMs: 1_000,
  applyHeapMiB: 512,
  /** An orderly stop applies what the journal has for so long; the rest comes at the next start. */
  applyCloseMs: 2_500,
  /** Entries that are looked at after a run that did not end in order; bytes of them at a time. */
  tailEntries: 2_000,
  tailPageBytes: 4 * 1024 * 1024,
  /** Entries whose leaves are read at once. */
  leavesPage: 64,
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
  /** Ranges of batches that signed losses account for. */
  historyGoneMax: 256,
  /** Devices that a facility's twin lists. */
  facilityDevicesMax: 512,
  /** Twins that the fold keeps in memory. */
  applyTwinsMax: 2_048,
  /** Changes of one twin are shown together when they come closer than this. */
  feedCoalesceMs: 100,
  /** Bytes on their way to one subscriber; a slower one is dropped and resumes. */
  feedBytesMax: 4 * 1024 * 1024,
  /** Bytes on their way to all subscribers; beyond it the slowest are dropped. */
  feedBytesAllMax: 64 * 1024 * 1024,
  /** A subscriber hears something at least this often. */
  feedBeatMs: 15_000,
  /** Beyond this delay, plus the time that a batch takes to arrive, a device is late. */
  staleGraceMs: 2_000,
  /** Entries of the journal that one request reads at a time, and twins in one page. */
  apiEntriesMax: 256,
  apiTwinsMax: 10_000,
  /** Connections to the API and the console, live subscribers included. */
  apiConnectionsMax: 2_048,
  /** Body of a request that changes something: documents of organisations, lists, evidence. */
  apiBodyBytesMax: 16 * 1024 * 1024,
  /** One answer of the query worker may take so long, and its objects so much room, MiB; */
  apiAnswerMs: 30_000,
  apiHeapMiB: 512,
  /** so often it is started one after the other before it is given up. */
  apiStartsMax: 3,
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
} as const;
