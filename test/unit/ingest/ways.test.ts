/** Receipts on their way to gateways that do not take them. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { silentLog, systemClock } from '../../../devices/runtime.ts';
import type { Source, SourceContext } from '../../../ingest/source.ts';
import { createWays } from '../../../ingest/ways.ts';

/** A source whose transport takes nothing until it is told to. */
async function setUp() {
  const sent: string[] = [];
  const taken: (() => void)[] = [];
  let heard: SourceContext['receive'] = () => undefined;
  const source = {
    async open(_settings: unknown, context: SourceContext) {
      heard = context.receive;
      return {
        address: 'test:',
        security: 'loopback',
        reply: (gateway: string) => {
          sent.push(gateway);
          return new Promise<void>((resolve) => taken.push(resolve));
        },
        close: async () => {},
      } as const;
    },
  } as unknown as Source;
  const ways = createWays({
    ...{ clock: systemClock, log: silentLog, resolvePath: (path: string) => path },
    receive: () => undefined,
  });
  await ways.open(source, {});
  const hear = (gateway: string) => heard({ gateway, bytes: new Uint8Array(), receivedMs: 0 });
  return { ways, sent, hear, take: () => taken.splice(0).map((one) => one()) };
}

const receipt = new Uint8Array(limits.receiptsPendingBytesMax / 4);

describe('receipts on their way', () => {
  it('are bounded in bytes for one gateway, and others get theirs', async () => {
    const { hear, sent, take, ways } = await setUp();
    for (const gateway of ['slow', 'quick']) void hear(gateway);
    const replies = Array.from({ length: 6 }, () => ways.reply('slow', receipt));
    void ways.reply('quick', receipt);
    expect(sent).toEqual(['slow', 'slow', 'slow', 'slow', 'quick']);
    take();
    await Promise.all(replies);
    // What was dropped is sent when the gateway asks again by sending again.
    void ways.reply('slow', receipt);
    expect(sent.length).toBe(6);
  });

  it('are bounded in bytes for all of them', async () => {
    const { hear, sent, take, ways } = await setUp();
    const most = limits.receiptsPendingBytesAllMax / receipt.length;
    for (let at = 0; at < most + 10; at += 1) {
      void hear(`g${at}`);
      void ways.reply(`g${at}`, receipt);
    }
    expect(sent.length).toBe(most);
    take();
    await new Promise((resolve) => setImmediate(resolve));
    void ways.reply('g0', receipt);
    expect(sent.length).toBe(most + 1);
  });
});
