/**
 * The order of the stages, nothing else: source, admit, journal, receipts, apply. Messages travel
 * in chunks and keep the order in which they came. What is under way is bounded in bytes; beyond
 * that a source is told to wait.
 */
import { limits } from '../devices/limits.ts';
import { type Admitter, chunkOf, type JudgedChunk } from './admitter.ts';
import type { Outcome } from './record.ts';
import type { Inbound } from './source.ts';

export interface ReceiveStages {
  readonly admitter: Pick<Admitter, 'admit' | 'capacity'>;
  /** Stores a group durably; a rejection means that the disk failed. */
  readonly record: (chunks: readonly JudgedChunk[]) => Promise<readonly Outcome[]>;
  /** Everything that follows a commit: receipts, counters, the application stage. */
  readonly stored: (outcomes: readonly Outcome[]) => void;
  /** Called once when a stage failed; from then on nothing is taken and nothing acknowledged. */
  readonly failed: (error: unknown) => void;
}

export interface Receive {
  /** As `SourceContext.receive`. The bytes must not change afterwards. */
  receive(message: Inbound): Promise<void> | undefined;
  /** Bytes between the sources and the journal. */
  queuedBytes(): number;
  /** Takes nothing more; resolves when all that was taken is stored, or a stage failed. */
  drain(): Promise<void>;
}

interface UnderWay {
  judged?: JudgedChunk;
}

export function createReceive(stages: ReceiveStages): Receive {
  const waiting: Inbound[] = [];
  /** Chunks in admission or after it, in the order in which they came. */
  const underWay: UnderWay[] = [];
  let judging = 0;
  let storing = false;
  let queued = 0;
  let state: 'open' | 'draining' | 'failed' = 'open';
  let pumpDue = false;
  let room: { promise: Promise<void>; open: () => void } | undefined;
  let drained: (() => void) | undefined;

  const fail = (error: unknown) => {
    if (state === 'failed') return;
    state = 'failed';
    drained?.();
    stages.failed(error);
  };

  const pump = () => {
    pumpDue = false;
    while (state !== 'failed' && waiting.length > 0 && judging < stages.admitter.capacity) {
      const messages = waiting.splice(0, limits.admitChunk);
      const chunk = chunkOf(messages);
      const size = chunk.buffer.byteLength;
      const entry: UnderWay = {};
      underWay.push(entry);
      judging += 1;
      const judged = stages.admitter.admit(chunk).then((result) => {
        judging -= 1;
        entry.judged = result;
        // What came packed has more bytes from here on (`unpackChunk`).
        queued += result.buffer.byteLength - size;
        pump();
        store();
      });
      judged.catch(fail);
    }
  };

  const store = () => {
    if (storing || state === 'failed') return;
    const group = takeJudged(underWay);
    if (group.length === 0) return;
    storing = true;
    // The buffers are given away with the group, so their sizes are read before.
    const bytes = group.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    const stored = stages.record(group).then((outcomes) => {
      storing = false;
      queued -= bytes;
      stages.stored(outcomes);
      if (room !== undefined && queued <= limits.receiveQueueBytesMax / 2) {
        room.open();
        room = undefined;
      }
      store();
      if (isIdle()) drained?.();
    });
    stored.catch(fail);
  };

  const isIdle = () => waiting.length === 0 && underWay.length === 0 && !storing;

  return {
    receive(message) {
      // Not taken and never acknowledged: the gateway sends it again after the next start.
      if (state !== 'open') return new Promise(() => {});
      waiting.push(message);
      queued += message.bytes.length;
      if (!pumpDue) {
        // Messages of one read of a socket come in one turn and make one chunk.
        pumpDue = true;
        queueMicrotask(pump);
      }
      if (queued <= limits.receiveQueueBytesMax) return undefined;
      room ??= createRoom();
      return room.promise;
    },
    queuedBytes: () => queued,
    drain() {
      if (state === 'open') state = 'draining';
      if (state === 'failed' || isIdle()) return Promise.resolve();
      return new Promise((resolve) => {
        drained = resolve;
      });
    },
  };
}

/** The chunks that are judged, from the oldest on, as many as one transaction takes. */
function takeJudged(underWay: UnderWay[]): JudgedChunk[] {
  const group: JudgedChunk[] = [];
  let count = 0;
  for (let first = underWay[0]; first?.judged !== undefined; first = underWay[0]) {
    count += first.judged.items.length;
    if (group.length > 0 && count > limits.journalGroupMax) break;
    group.push(first.judged);
    underWay.shift();
  }
  return group;
}

function createRoom(): { promise: Promise<void>; open: () => void } {
  let open = () => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}
