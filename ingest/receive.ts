/**
 * The order of the stages, nothing else: source, admit, journal, receipts, apply. Messages travel
 * in chunks, papers in a lane of their own beside the batches (lane.ts). Papers keep the order in
 * which they came, batches that of their gateway. What is under way is bounded in bytes; beyond
 * that a source is told to wait.
 */
import { type Admitter, chunkOf, type JudgedChunk } from './admitter.ts';
import { type Lane, laneOf } from './lane.ts';
import { createQueue, type Queue } from './queue.ts';
import type { Rates } from './rates.ts';
import type { Outcome } from './record.ts';
import { createRoom } from './room.ts';
import type { Inbound } from './source.ts';

export interface ReceiveStages {
  readonly admitter: Pick<Admitter, 'admit' | 'capacity'>;
  /** Stores a group durably; a rejection means that the disk failed. */
  readonly record: (chunks: readonly JudgedChunk[]) => Promise<readonly Outcome[]>;
  /** Everything that follows a commit: receipts, counters, the application stage. */
  readonly stored: (outcomes: readonly Outcome[]) => void;
  /** Called once when a stage failed; from then on nothing is taken and nothing acknowledged. */
  readonly failed: (error: unknown) => void;
  /** How much each gateway may send; absent where nobody sends more than it should. */
  readonly rates?: Pick<Rates, 'spend' | 'wait'>;
  /** Bytes that are stored and wait for the key that signs receipts. */
  readonly unsignedBytes?: () => number;
}

export interface Receive {
  /** As `SourceContext.receive`. The bytes must not change afterwards. */
  receive(message: Inbound): Promise<void> | undefined;
  /** As `SourceContext.room`. */
  room(gateway: string | undefined): Promise<void> | undefined;
  /** Looks whether there is room again, since fewer bytes are unsigned. */
  look(): void;
  /** Bytes between the sources and the journal. */
  queuedBytes(): number;
  /** Takes nothing more; resolves when all that was taken is stored, or a stage failed. */
  drain(): Promise<void>;
}

/** Papers are few; more chunks of them than this would take the threads from the batches. */
const PAPER_SLOTS = 2;

export function createReceive(stages: ReceiveStages): Receive {
  const { admitter, rates } = stages;
  const queues = createQueues(admitter);
  const { batch, paper } = queues;
  const space = createRoom(queues, stages);
  let storing = false;
  let state: 'open' | 'draining' | 'failed' = 'open';
  let pumpDue = false;
  let drained: (() => void) | undefined;

  const fail = (error: unknown) => {
    if (state === 'failed') return;
    state = 'failed';
    drained?.();
    stages.failed(error);
  };

  const pump = () => {
    pumpDue = false;
    for (const queue of [paper, batch]) {
      while (state !== 'failed' && start(queue));
    }
  };

  /** Hands a chunk to admission, if one may go. */
  const start = (queue: Queue): boolean => {
    const next = queue.next();
    if (next === undefined) return false;
    const chunk = chunkOf(next.messages);
    const size = chunk.buffer.byteLength;
    const judged = admitter.admit(chunk).then((result) => {
      queue.judged(next.entry, result, result.buffer.byteLength - size);
      awaitLate(queue, result, { store, fail });
      pump();
      store();
    });
    judged.catch(fail);
    return true;
  };

  const store = () => {
    if (storing || state === 'failed') return;
    const papers = paper.take();
    const batches = batch.take();
    const chunks = [...papers, ...batches].map(({ judged }) => judged as JudgedChunk);
    if (chunks.length === 0) return;
    storing = true;
    const stored = stages.record(chunks).then((outcomes) => {
      storing = false;
      paper.stored(papers);
      batch.stored(batches);
      stages.stored(outcomes);
      space.look();
      pump();
      store();
      if (isIdle()) drained?.();
    });
    stored.catch(fail);
  };

  const isIdle = () => !storing && paper.isIdle() && batch.isIdle();
  // Not taken and never acknowledged: the gateway sends it again after the next start.
  const room = (gateway: string | undefined) =>
    state === 'open' ? space.wait(gateway) : new Promise<void>(() => {});

  return {
    receive(message) {
      const { bytes, gateway } = message;
      if (state !== 'open') return room(gateway);
      const lane = laneOf(bytes);
      queues[lane].add(message);
      rates?.spend(gateway, bytes.length, lane);
      if (!pumpDue) {
        // Messages of one read of a socket come in one turn and make one chunk.
        pumpDue = true;
        queueMicrotask(pump);
      }
      return room(gateway);
    },
    room,
    look: space.look,
    queuedBytes: () => paper.bytes() + batch.bytes(),
    drain() {
      if (state === 'open') state = 'draining';
      if (state === 'failed' || isIdle()) return Promise.resolve();
      return new Promise((resolve) => {
        drained = resolve;
      });
    },
  };
}

function createQueues({ capacity }: Pick<Admitter, 'capacity'>): Record<Lane, Queue> {
  return { paper: createQueue(PAPER_SLOTS, true), batch: createQueue(capacity, false) };
}

/** What held a worker up is stored when its verdict comes; nothing waits for it. */
function awaitLate(
  queue: Queue,
  { late = [] }: JudgedChunk,
  then: { readonly store: () => void; readonly fail: (error: unknown) => void },
): void {
  for (const one of late) {
    const came = queue.apart();
    const judged = one.then((chunk) => {
      came(chunk);
      awaitLate(queue, chunk, then);
      then.store();
    });
    judged.catch(then.fail);
  }
}
