/**
 * The contract of the admission stage: judges chunks of credentials, elsewhere or here. How many
 * workers there are is nobody else's business.
 */
import { isPacked, unpackToken } from '../devices/credential/wire-pack.ts';
import { type Admission, admit } from './admit.ts';
import type { EnrolmentIndex } from './journal-index.ts';
import { poisonOf } from './poison.ts';
import type { Inbound } from './source.ts';
import { emptyTrust, learnTrust, type TrustNews } from './trust.ts';

/** Credentials that travel together: one buffer, which the admitter takes over and gives back. */
export interface Chunk {
  readonly buffer: ArrayBuffer;
  readonly items: readonly ChunkItem[];
}

/** A message whose bytes stand at `offset` in the chunk's buffer. */
export interface ChunkItem extends Omit<Inbound, 'bytes'> {
  readonly offset: number;
  readonly length: number;
}

export interface JudgedChunk extends Chunk {
  /** One for each item, in order. */
  readonly admissions: readonly Admission[];
  /** `position` of the trust book by which they were judged. */
  readonly trustPosition: number;
  /** Messages of the chunk that are judged apart, because they held a worker up or ended it. */
  readonly late?: readonly Promise<JudgedChunk>[];
}

export interface Admitter {
  /** Chunks that can usefully be under way at the same time. */
  readonly capacity: number;
  /**
   * Judges a chunk. A message that no worker can judge is refused for good. Rejects only when no
   * worker can be had, or a database failed, which ends the process.
   */
  admit(chunk: Chunk): Promise<JudgedChunk>;
  /** Tells of trust entries that are on disk; chunks that are handed in later know of them. */
  trust(news: TrustNews): void;
  close(): Promise<void>;
}

/** The message of an item; its bytes are a view, not a copy. */
export function messageOf(chunk: Chunk, item: ChunkItem): Inbound {
  const { gateway, receivedMs, offset, length } = item;
  return { gateway, receivedMs, bytes: new Uint8Array(chunk.buffer, offset, length) };
}

/** Copies messages into one buffer of their own, which can change threads without a copy. */
export function chunkOf(messages: readonly Inbound[]): Chunk {
  const size = messages.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const buffer = new ArrayBuffer(size);
  const all = new Uint8Array(buffer);
  let offset = 0;
  const items = messages.map(({ gateway, receivedMs, bytes }): ChunkItem => {
    all.set(bytes, offset);
    const item = { gateway, receivedMs, offset, length: bytes.length };
    offset += bytes.length;
    return item;
  });
  return { buffer, items };
}

/** Judges a chunk at once, by a book of its own. */
export interface ChunkJudge {
  judge(chunk: Chunk): JudgedChunk & {
    /** A message made the judge throw, and is refused for it. */
    readonly threw: boolean;
  };
  trust(news: TrustNews): void;
}

/** How a judge works, and who watches it. */
export interface JudgeOptions {
  readonly judgeOne?: typeof admit;
  /** Told before each step on a message: taking it out of the packed form, then judging it. */
  readonly at?: (item: number, isUnpacked: boolean) => void;
}

/**
 * A judge by whom messages that make it throw are refused for good. What is in the packed form and
 * has no token inside stays as it came, to be refused and kept.
 */
export function createChunkJudge(
  tenant: string,
  index?: EnrolmentIndex,
  { at, judgeOne = admit }: JudgeOptions = {},
): ChunkJudge {
  const book = emptyTrust(index);
  return {
    judge(chunk) {
      let threw = false;
      const messages: Inbound[] = [];
      const admissions = chunk.items.map((item, number) => {
        let message = messageOf(chunk, item);
        try {
          at?.(number, false);
          message = unpacked(message);
          at?.(number, true);
          return judgeOne(message, book, tenant);
        } catch (error) {
          threw = true;
          return poisonOf(error, message, tenant);
        } finally {
          messages.push(message);
        }
      });
      const isAnew = messages.some(({ bytes }) => bytes.buffer !== chunk.buffer);
      const judged = isAnew ? chunkOf(messages) : chunk;
      return { ...judged, admissions, trustPosition: book.position, threw };
    },
    trust: (news) => learnTrust(book, news),
  };
}

/** The message with its token out of the packed form, where that has one. */
export function unpacked(message: Inbound): Inbound {
  const token = isPacked(message.bytes) ? unpackToken(message.bytes) : undefined;
  return token === undefined ? message : { ...message, bytes: token };
}

/**
 * An admitter on the caller's own thread, for the simulation and for tests. Without `index` it
 * keeps all enrolments that it is told of, and knows none of those from before.
 */
export function createInlineAdmitter(tenant: string, index?: EnrolmentIndex): Admitter {
  const judge = createChunkJudge(tenant, index);
  return {
    capacity: 1,
    admit: async (chunk) => judge.judge(chunk),
    trust: judge.trust,
    close: async () => {},
  };
}
