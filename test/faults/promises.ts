/**
 * The promises that the suite attacks, each phrased so that it can be tested, with the mechanism
 * that keeps it and the tests of it. docs/guarantees.md is made from this, from the
 * plants and from what the long form has reached.
 */

import { tamper } from './promise-tamper.ts';

export interface Guarantee {
  readonly title: string;
  /** What is promised, under which condition. */
  readonly says: string;
  /** How it is kept, naming files. */
  readonly mechanism: string;
  /** Titles of tests, by test file below test/. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
  /** Names of the faults that attack it. */
  readonly faults: readonly string[];
}

export const promises = {
  durable: {
    title: 'Durable',
    says:
      'Once a batch is committed to the outbox, no kill, crash, power cut or full disk loses it ' +
      'before the ingester’s signed receipt for it is verified and its removal committed. The disk ' +
      'must honour a flush. What the ingester holds for want of trust stays on the gateway until it ' +
      'is judged.',
    mechanism:
      '`gateway/outbox-store.ts` commits before anything is sent, with `synchronous=FULL` that ' +
      '`devices/io/sqlite.ts` sets and asserts; `devices/io/prove-disk.ts` proves that the disk ' +
      'still takes changes after it; `gateway/forward.ts` settles a row by a verified receipt ' +
      'alone; `ingest/journal-store.ts` commits before `ingest/receipts.ts` answers.',
    tests: {
      'e2e/kill.test.ts': ['loses nothing that was signed and applies nothing twice'],
      'unit/gateway/forward.test.ts': [
        'deletes a row when, and only when, the ingester’s receipt names it',
        'sends again what a full disk could not let go, and lets it go by the next receipt',
        'stays, is tried one batch at a time with back-off, and goes on when it is taken',
      ],
      'unit/devices/io/sqlite.test.ts': ['that does not sync each commit is refused'],
      'unit/devices/io/prove-disk.test.ts': [
        'fails where the folder is gone, and so takes nothing',
      ],
      'contract/journal.test.ts': [
        'stores nothing, and says so, while the disk fails; then goes on',
      ],
    },
    faults: [
      'sigkill-gateway',
      'sigkill-ingester',
      'sigkill-both',
      'sigkill-starts',
      'power-cut-gateway',
      'power-cut-ingester',
      'power-cut-gateway-unsynced',
      'power-cut-ingester-unsynced',
      'failing-calls-outbox',
      'failing-calls-journal',
      'failing-calls-files',
      'lying-syncs-outbox',
      'lying-syncs-journal',
      'lying-syncs-files',
      'read-only',
      'forwarding',
      'lying-broker',
      'restart-storm',
      'simulation',
      'offline',
    ],
  },
  full: {
    title: 'A full disk is said',
    says:
      'What a full disk or the cap of the outbox keeps out is a signed loss with interval, count and ' +
      'cause; what gave way to newer readings is named by its sequences.',
    mechanism:
      '`gateway/outbox-reserve.ts` holds room for it; `gateway/outbox-losses.ts` keeps it until ' +
      'a batch says it, `gateway/outbox-losses-beside.ts` where the database has no room for it.',
    tests: {
      'unit/gateway/outbox-full.test.ts': [
        'that keeps the newest lets the oldest go, names them, and keeps what is urgent',
        'that thins out puts aggregates in their place that add up',
        'keeps through a crash how much was lost',
        'says once what it lost, also where the crash comes right after it was taken in',
      ],
      'unit/gateway/outbox-store.test.ts': [
        'still says so in heartbeats, from a reserve that is bounded',
      ],
      'peers/full-disk.test.ts': [
        'still takes the signed loss of what it has no room for, and all again when it has',
      ],
    },
    faults: ['outbox-full', 'disk-full', 'file-size-limit'],
  },
  order: {
    title: 'In order',
    says:
      'Within a device, (epoch, sequence, index) orders; the wall clock never does. Between devices ' +
      'the time of observation does, corrected by the signed offset and never later than its receipt, ' +
      'then the DID; an untrusted clock never displaces a trusted one. Current state only moves ' +
      'forward, late data fill history.',
    mechanism: '`ingest/fold-history.ts`, `ingest/twin-statement.ts`.',
    tests: {
      'unit/ingest/fold.test.ts': [
        'follows the sequence and not the wall clock',
        'never lets an untrusted clock displace a trusted one',
        'corrects the observed time by the signed offset',
        'takes no observation for later than its receipt',
        'decides a tie by the DID',
      ],
      'unit/ingest/fold-order.test.ts': ['gives byte-equal twins in any order'],
    },
    faults: ['clock-jumps', 'simulation'],
  },
  once: {
    title: 'Exactly once, for ever',
    says:
      'Each (device, epoch, sequence) takes effect once, however often it comes, with no window. ' +
      'No sequence of an epoch is signed twice with other content by a gateway; where a key does it ' +
      'all the same, what came second is kept, alerted of and without effect.',
    mechanism:
      'The replay key stands in the transaction of the entry (`ingest/journal-place.ts`); twins and ' +
      'their position in another (`ingest/apply-engine.ts`); every start opens an epoch with a nonce ' +
      '(`gateway/outbox-places.ts`).',
    tests: {
      'contract/journal.test.ts': [
        'gives each place one effect, whatever comes in whatever order',
        'keeps what contradicts a stored batch as equivocation, once',
      ],
      'unit/ingest/fold-order.test.ts': ['takes each batch once, however often it comes'],
      'unit/gateway/outbox-store.test.ts': [
        'does not move when the transaction fails, and nothing of it is kept',
      ],
    },
    faults: [
      ...['sigkill-both', 'sigkill-starts', 'outbox-full', 'lying-broker', 'simulation'],
      'two-histories',
    ],
  },
  omission: {
    title: 'Omission shows',
    says:
      'A batch that is missing in the middle shows at the next one, as a gap with its sequences; a ' +
      'missing tail shows within one heartbeat and grace.',
    mechanism: '`ingest/fold-history.ts`, `ingest/rules/gap.ts`, `ingest/rules/silent.ts`.',
    tests: {
      'unit/ingest/rules.test.ts': [
        'names the missing interval and closes when the last of it arrives',
        'shows the missing end of an epoch by the digest that the next one follows',
        'shows within a heartbeat and the grace that the end of a history may be missing',
      ],
    },
    faults: ['simulation'],
  },
  unknown: {
    title: 'Unknown is unknown',
    says:
      'No value is signed that no sensor gave: one that does not answer, or whose answer cannot be ' +
      'read, leaves a signed loss. A value that is not renewed is not shown as fresh: after three ' +
      'intervals it is alerted of as stale, after twelve as lost. A gap counts for no limit as kept.',
    mechanism:
      '`gateway/poll.ts`, `gateway/measure.ts`, `ingest/rules/stale.ts`, `ingest/rules/lost.ts`.',
    tests: {
      'unit/gateway/poll.test.ts': [
        'turns what is missing into a loss of the interval in which it was asked',
        'signs the silence of a device that should publish',
      ],
      'unit/gateway/measure.test.ts': [
        'that is no number is bad and has no value',
        'is never NaN, infinite or null, whatever came',
      ],
      'unit/ingest/rules.test.ts': [
        'fire from ticks only, at three and twelve intervals',
        'a minute without a reading neither clears nor accrues',
      ],
    },
    faults: ['simulation', 'parsers-field'],
  },
  complete: {
    title: 'Complete',
    says: 'Twins follow from the journal: what is shown is what a fold from the first entry gives.',
    mechanism: '`ingest/fold.ts` is pure; `bondline-ingest rebuild --check` compares.',
    tests: {
      'unit/ingest/rebuild.test.ts': [
        'proves the live twins equal, while the ingester runs and after restarts in between',
      ],
    },
    faults: ['sigkill-ingester', 'simulation'],
  },
  tamper,
  rot: {
    title: 'What a disk changed is not believed',
    says:
      'No value that changed on a disk is sent or shown. A damaged batch in the outbox becomes a ' +
      'signed loss with its interval and count, which are estimates and say so where neither token ' +
      'nor head can be read; an entry of the journal that is damaged stops who reads it. A WAL whose damage hides committed transactions stops the ingester at its start, ' +
      'and becomes a signed loss with an interval of a gateway; but for the last transaction and a ' +
      'lost end, which cannot be told from a power cut.',
    mechanism:
      'Hash and signature of a row are checked before it is sent (`gateway/outbox-row.ts`), the leaf ' +
      'of an entry whenever it is read (`ingest/journal-reader.ts`), the chain of a WAL before ' +
      'SQLite recovers it (`devices/io/wal-check.ts`).',
    tests: {
      'unit/gateway/outbox-damage.test.ts': ['never is sent, whichever bit of any column changes'],
      'contract/journal.test.ts': ['notices a changed byte'],
      'unit/devices/io/wal-check.test.ts': [
        'in which a bit of an early frame flipped is rotten, whichever it is',
        'of which only the last transaction is damaged is what a power cut leaves',
      ],
      'unit/gateway/outbox-open.test.ts': ['goes on, keeps a copy, and signs that it lost some'],
      'unit/ingest/journal-left.test.ts': ['does not open, and is as it was'],
    },
    faults: ['bit-flips-outbox', 'bit-flips-journal', 'outbox-rows', 'packed'],
  },
  bounded: {
    title: 'Bounded',
    says:
      'Every queue of the ingester has a limit in bytes, those of the gateway one in bytes or readings. ' +
      'At ten times overload the gateway stays below 256 MiB of ' +
      'resident memory, the ingester below 1 GiB; what is too much waits on the gateways’ disks. ' +
      'Beside 2,000 connections that are slow, half open, too large, reset or cut short a healthy ' +
      'gateway’s receipts take at most twice as long (p99, the median of three ' +
      'rounds). No input of strangers crashes a parser, holds it up for ' +
      '100 ms of CPU time or leaves memory behind (`test/fuzz`). A long configuration takes time by ' +
      'its size, 0.4 ms a KiB as people write them; of the densest YAML 60 KiB take 100 ms.',
    mechanism:
      '`devices/limits.ts`; rates by source before any cryptography, a length guard before the ' +
      'broker (`ingest/sources/`, `ingest/receive.ts`).',
    tests: {
      'unit/ingest/receive.test.ts': ['has room for nobody beyond the reserve'],
      'unit/ingest/rates.test.ts': ['hold a drain at full speed back by nothing'],
      'unit/ingest/embedded.test.ts': [
        'remembers nothing of clients that asked for a session and went away',
      ],
      'unit/ingest/journal-refusals.test.ts': [
        'become an entry that says who, why, how many and from when to when',
      ],
    },
    faults: [
      ...['overload', 'flood', 'connections', 'comeback', 'memory-limit', 'parsers-field'],
      ...['parsers-uplink', 'parsers-credentials', 'parsers-files'],
      ...['parsers-requests', 'parsers-http'],
    ],
  },
  fresh: {
    title: 'Fresh',
    says: 'While a backlog drains, what the gateway sends live is at most 5 s old.',
    mechanism: '`gateway/lanes.ts`, `gateway/in-flight.ts`.',
    tests: {
      'e2e/slow-line.test.ts': [
        'keeps live data fresh while a backlog drains, and drains faster with packed batches',
      ],
      'unit/gateway/forward.test.ts': [
        'lets fresh batches overtake live ones that had to wait for long',
      ],
    },
    faults: ['forwarding', 'offline'],
  },
  custody: {
    title: 'Custody has a lane',
    says:
      'On the gateway custody steps, seals and alarms go before live data, and those before what is ' +
      'older. In the ingester custody steps and revocations pass telemetry: at ten times overload ' +
      'custody steps are answered within 1 s (p99), and beside a full queue a revocation bites within ' +
      '1 s. Custody never skips a step, and nothing is taken that a device sends after its revocation ' +
      'is stored.',
    mechanism: '`gateway/lanes.ts`, `ingest/receive.ts`, `ingest/fold-custody.ts`.',
    tests: {
      'unit/gateway/forward.test.ts': ['sends what is urgent before live, and live before backlog'],
      'unit/ingest/receive.test.ts': [
        'lets papers go past a full queue of batches, in their own order',
      ],
    },
    faults: ['flood', 'overload', 'forwarding', 'simulation'],
  },
  poison: {
    title: 'Poison is put aside',
    says:
      'A message that makes a worker throw, end or take too long or too much memory is kept as ' +
      'evidence after the first time and tried no more; the worker is replaced, and beside one such ' +
      'message in a hundred others wait at most twice as long (p99, the median of eight comparisons ' +
      'with batches right before, from the second such message of a process on). An entry that the fold of twins throws at, or comes to no end with, ' +
      'is passed by and told; one that ends the thread of the fold is tried once more before.',
    mechanism: '`ingest/admit-pool.ts`, `ingest/heap-gauge.ts`, `ingest/apply-thread.ts`.',
    tests: {
      'unit/ingest/admit-pool.test.ts': [
        '(%s) is refused for good, and the others of its chunk are judged',
        'is known when it comes again, also after a start',
        'is refused as soon as it takes too much memory, before that is full',
        'is none that only takes much, as a document of the size that is accepted may',
      ],
      'unit/ingest/lost-threads.test.ts': [
        'passes an entry by at once that it comes to no end with',
        'passes an entry by that ended it twice, and not one that ended it once',
      ],
      'unit/ingest/unapplied.test.ts': [
        'is passed by, noted, and passed by in each group that it comes in',
      ],
    },
    faults: ['poison'],
  },
  'fail-safe': {
    title: 'Stops rather than guesses',
    says:
      'A failed write or sync, corruption or a broken invariant ends the process with one clear line, ' +
      'acknowledging nothing after it; once a store is made, a sync that failed is never tried again. ' +
      'An ingester that is told to stop stores and answers what it took before, or says after 2.5 s ' +
      'that it could not; a start after a crash says what it found.',
    mechanism: '`devices/io/sqlite.ts`, `ingest/journal-store.ts`, `gateway/outbox-local.ts`.',
    tests: {
      'unit/ingest/unapplied.test.ts': [
        'is told apart from a database that fails, which stops the fold',
      ],
      'unit/faults/disk.test.ts': ['is told from one that is full'],
      'unit/ingest/ingest.test.ts': [
        'stores and receipts what it took before it drained, and takes nothing after',
      ],
      'unit/ingest/embedded.test.ts': [
        'ends so that receipts arrive which were sent before, whatever is unread by then',
      ],
      'unit/ingest/mqtt-source.test.ts': [
        'carries receipts out and acknowledges nothing once nothing more is taken',
      ],
      'e2e/ingester.test.ts': [
        'ends the ingester with one line; it acknowledged only what is stored',
        'loses nothing that was acknowledged and stores nothing twice',
      ],
    },
    faults: [
      ...['failing-syncs-gateway', 'failing-syncs-ingester', 'read-only', 'no-descriptors'],
      ...['orderly-stop', 'orderly-stop-mosquitto'],
    ],
  },
  restore: {
    title: 'A copy is worth what it rebuilds',
    says:
      'A backup of a running ingester, restored, gives the same twins; a schema moves forward behind ' +
      'a backup and never backward.',
    mechanism: '`bondline-ingest backup`, `restore`; `devices/io/sqlite.ts`.',
    tests: {
      'unit/devices/io/sqlite.test.ts': [
        'of a newer version is refused, byte for byte unchanged',
        'is copied before it is changed, and said; of older copies none is kept',
      ],
    },
    faults: ['restore', 'import'],
  },
  rollback: {
    title: 'A restored disk image shows',
    says:
      'An outbox that was put back to an earlier state shows as two epochs behind one batch: both are ' +
      'kept and count, and the alert says rollback, not fraud. A token that counts batches lets a ' +
      'copy of a running machine sign no place twice.',
    mechanism: '`gateway/outbox-places.ts`, `ingest/journal-place.ts`, `ingest/rules/rollback.ts`.',
    tests: {
      'contract/journal-doubt.test.ts': ['does not take two epochs behind one digest for a cheat'],
      'unit/gateway/epoch-guard.test.ts': [
        'shows a disk that was put back, in the log and in the first batch, once',
      ],
      'unit/gateway/counted-places.test.ts': [
        'goes on in a new epoch behind what it has, and says so, where places are counted',
      ],
      'peers/softhsm-counters.test.ts': [
        'gives a place to one of two processes that count at the same time',
      ],
      'unit/ingest/restored-disk.test.ts': [
        'leaves the end of an epoch that is missing exactly named',
      ],
    },
    faults: ['simulation'],
  },
} as const satisfies Readonly<Record<string, Guarantee>>;

export type PromiseKey = keyof typeof promises;
