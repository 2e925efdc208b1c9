/**
 * The contract of the admission stage: judges chunks of credentials, elsewhere or here. How many
 * workers there are is nobody else's business.
 */
import { isPacked, unpackToken } from '../devices/credential/wire-pack.ts';
import { type Admission, admit } from './admit.ts';
import type { EnrolmentIndex } from './journal-index.ts';
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
}

export interface Admitter {
  /** Chunks that can usefully be under way at the same time. */
  readonly capacity: number;
  /** Judges a chunk. Rejects only when a worker is lost, which ends the process. */
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

/**
 * The chunk with its tokens out of the packed form. What is in that form and has no token inside
 * stays as it came, to be refused and kept.
 */
function unpackChunk(chunk: Chunk): Chunk {
  const messages = chunk.items.map((item) => messageOf(chunk, item));
  if (!messages.some(({ bytes }) => isPacked(bytes))) return chunk;
  return chunkOf(
    messages.map((message) => {
      const token = isPacked(message.bytes) ? unpackToken(message.bytes) : undefined;
      return token === undefined ? message : { ...message, bytes: token };
    }),
  );
}

/** Judges a chunk at once, by a book of its own. */
export interface ChunkJudge {
  judge(chunk: Chunk): JudgedChunk;
  trust(news: TrustNews): void;
}

export function createChunkJudge(tenant: string, index?: EnrolmentIndex): ChunkJudge {
  const book = emptyTrust(index);
  return {
    judge(given) {
      const chunk = unpackChunk(given);
      return {
        ...chunk,
        admissions: chunk.items.map((item) => admit(messageOf(chunk, item), book, tenant)),
        trustPosition: book.position,
      };
    },
    trust: (news) => learnTrust(book, news),
  };
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
