/** The queues between the sources and the journal, with an admission that the test holds back. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import type { Chunk, JudgedChunk } from '../../../ingest/admitter.ts';
import { createReceive } from '../../../ingest/receive.ts';
import { eventually } from '../../support/eventually.ts';

interface Setup {
  /** What came to the journal, in order. */
  readonly stored: string[];
  readonly groups: number[];
  readonly receive: ReturnType<typeof createReceive>;
  /** Lets what waits in admission go. */
  go(): void;
  send(gateway: string, name: string, size?: number): Promise<void> | undefined;
}

const paper = (name: string) => JSON.stringify({ custody: name });
const nameOf = (text: string) =>
  text.startsWith('{') ? (JSON.parse(text) as { custody: string }).custody : text.trimEnd();

const none = (): number => 0;

/** `grown` is what a chunk has more of when it is unpacked. */
function setUp({ held = true, journal = true, grown = 0, unsignedBytes = none } = {}): Setup {
  const waiting: (() => void)[] = [];
  const stored: string[] = [];
  const groups: number[] = [];
  let isHeld = held;
  const admit = async (chunk: Chunk): Promise<JudgedChunk> => {
    if (isHeld) await new Promise<void>((resolve) => waiting.push(resolve));
    const buffer = new ArrayBuffer(chunk.buffer.byteLength + grown);
    new Uint8Array(buffer).set(new Uint8Array(chunk.buffer));
    return { ...chunk, buffer, admissions: [], trustPosition: 0 };
  };
  const receive = createReceive({
    admitter: { capacity: 2, admit },
    unsignedBytes,
    async record(chunks) {
      if (!journal) await new Promise(() => {});
      groups.push(chunks.reduce((sum, { buffer }) => sum + buffer.byteLength, 0));
      for (const { buffer, items } of chunks) {
        for (const { length, offset } of items) {
          stored.push(nameOf(Buffer.from(buffer, offset, length).toString()));
        }
      }
      return [];
    },
    stored: () => {},
    failed: (error) => {
      throw error;
    },
  });
  return {
    ...{ stored, groups, receive },
    go() {
      isHeld = false;
      for (const one of waiting.splice(0)) one();
    },
    send(gateway, name, size = 0) {
      const bytes = Buffer.from(name.padEnd(size));
      return receive.receive({ gateway, bytes, receivedMs: 0 });
    },
  };
}

const large = 256 * 1024;
const enough = Math.ceil(limits.receiveQueueBytesMax / large) + 1;

describe('receive', () => {
  it('lets papers go past a full queue of batches, in their own order', async () => {
    const { go, receive, send, stored } = setUp();
    for (let at = 0; at < enough; at += 1) void send('rude', `batch-${at}`, large);
    expect(send('rude', 'more')).toBeDefined();
    const papers = Array.from({ length: 40 }, (_, at) => `step-${at}`);
    for (const name of papers) expect(send('officer', paper(name))).toBeUndefined();
    go();
    await receive.drain();
    expect(stored.filter((name) => name.startsWith('step'))).toEqual(papers);
    // Those whose chunks were in admission already may come first, and no others.
    expect(stored.indexOf('step-39')).toBeLessThan(papers.length + 4 * limits.admitChunk);
    expect(stored.length).toBe(enough + 1 + papers.length);
  });

  it('has room for a first word of each beyond the bound, and for no second one', () => {
    const { receive, send } = setUp();
    for (let at = 0; at < enough; at += 1) void send('rude', `batch-${at}`, large);
    expect(receive.room('rude')).toBeInstanceOf(Promise);
    expect(receive.room('other')).toBeUndefined();
    expect(send('other', 'one')).toBeInstanceOf(Promise);
  });

  it('has room for nobody beyond the reserve', async () => {
    const { go, receive, send } = setUp();
    const all = limits.receiveQueueBytesMax + limits.receiveReserveBytesMax;
    for (let at = 0; at * large <= all; at += 1) void send(`g${at}`, `batch-${at}`, large);
    const room = receive.room('other');
    expect(room).toBeInstanceOf(Promise);
    go();
    await room;
    expect(receive.queuedBytes()).toBeLessThanOrEqual(limits.receiveQueueBytesMax / 2);
  });

  it('bounds the lane of papers too', () => {
    const { receive, send } = setUp();
    const text = paper('x'.repeat(large));
    for (let at = 0; at * large <= limits.paperQueueBytesMax; at += 1) void send('officer', text);
    expect(receive.room('other')).toBeInstanceOf(Promise);
  });

  it('has room for nobody while the key that signs receipts is too far behind', async () => {
    let unsigned = limits.receiptsWaitingBytesMax + 1;
    const { receive, send } = setUp({ unsignedBytes: () => unsigned });
    const told = receive.room('other');
    expect(told).toBeInstanceOf(Promise);
    expect(send('other', 'one')).toBe(told);
    unsigned = limits.receiptsWaitingBytesMax / 2;
    receive.look();
    await told;
    expect(receive.room('other')).toBeUndefined();
  });

  it('counts small messages with what they take besides', () => {
    const { receive, send } = setUp();
    const most = Math.ceil(limits.receiveQueueBytesMax / limits.messageOverheadBytes);
    for (let at = 0; at < most; at += 1) void send('rude', '.');
    expect(receive.room('rude')).toBeInstanceOf(Promise);
  });

  it('judges no more while so much is unpacked and waits for the journal', async () => {
    const grown = 4 * 1024 * 1024;
    const { receive, send } = setUp({ held: false, journal: false, grown });
    for (let at = 0; at < 100 * limits.admitChunk; at += 1) void send('rude', `${at}`);
    const most = limits.judgedBytesMax + limits.journalGroupBytesMax + 4 * grown;
    await eventually(() => receive.queuedBytes() > grown, 'what is unpacked');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(receive.queuedBytes()).toBeLessThan(most);
  });

  it('gives the journal no more bytes at once than it takes', async () => {
    const grown = 1024 * 1024;
    const { go, groups, receive, send } = setUp({ grown });
    for (let at = 0; at < 60 * limits.admitChunk; at += 1) void send('rude', `${at}`);
    go();
    await receive.drain();
    expect(Math.max(...groups)).toBeLessThanOrEqual(limits.journalGroupBytesMax);
  });
});
