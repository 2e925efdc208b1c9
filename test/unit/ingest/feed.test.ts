import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import type { Changes, TwinChange } from '../../../ingest/apply.ts';
import { createFeed, type FeedOutlet } from '../../../ingest/feed.ts';

const twin = (id: string, position: number): TwinChange => ({
  id,
  position,
  json: JSON.stringify({ id, position }),
});

/** A subscriber that notes what it is written. */
function outlet() {
  const seen = { text: '', closed: false, pendingBytes: 0 };
  const written: FeedOutlet = {
    pendingBytes: () => seen.pendingBytes,
    write: (text) => {
      seen.text += text;
    },
    close: () => {
      seen.closed = true;
    },
  };
  return { seen, written };
}

const nothing = async (): Promise<Changes> => ({ cursor: 0, twins: [] });
const ids = (text: string) => [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => json);

describe('the feed', () => {
  it('drops the slowest where too many bytes are on their way to all', async () => {
    const feed = createFeed();
    const all = Array.from({ length: 20 }, outlet);
    for (const { written } of all) await feed.subscribe(written, nothing)?.ready;
    for (const [at, { seen }] of all.entries()) {
      seen.pendingBytes = limits.feedBytesMax - 20 + at;
    }
    feed.publish({ cursor: 1, twins: [] });
    const most = Math.floor(limits.feedBytesAllMax / (limits.feedBytesMax - 20));
    expect(feed.subscribers()).toBe(most);
    expect(all.map(({ seen }) => seen.closed)).toEqual(all.map((_, at) => at >= most));
  });

  it('gives only the last event of a group the id', async () => {
    const feed = createFeed();
    const { seen, written } = outlet();
    await feed.subscribe(written, nothing)?.ready;
    seen.text = '';
    feed.publish({ cursor: 7, twins: [twin('a', 5), twin('b', 6)] });
    expect(seen.text).toBe(
      'event: twin\ndata: {"id":"a","position":5}\n\n' +
        'event: twin\ndata: {"id":"b","position":6}\n\n' +
        'event: position\nid: 7\ndata: 7\n\n',
    );
  });

  it('keeps what is published while the past is read, and sends it after', async () => {
    const feed = createFeed();
    const { seen, written } = outlet();
    let answer: (changes: Changes) => void = () => {};
    const missed = new Promise<Changes>((resolve) => {
      answer = resolve;
    });
    const subscription = feed.subscribe(written, () => missed);
    feed.publish({ cursor: 4, twins: [twin('a', 3)] });
    feed.publish({ cursor: 9, twins: [twin('b', 8)] });
    expect(seen.text).toBe('');
    // The past was read at 6: its a is newer than the one that was kept.
    answer({ cursor: 6, twins: [twin('a', 5), twin('c', 2)] });
    await subscription?.ready;
    expect(ids(seen.text)).toEqual([
      '{"id":"a","position":5}',
      '{"id":"c","position":2}',
      '{"id":"b","position":8}',
    ]);
    expect([...seen.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id)).toEqual(['6', '9']);
  });

  it('drops a subscriber that does not keep up, and nobody else', async () => {
    const feed = createFeed();
    const slow = outlet();
    const quick = outlet();
    await feed.subscribe(slow.written, nothing)?.ready;
    await feed.subscribe(quick.written, nothing)?.ready;
    slow.seen.pendingBytes = limits.feedBytesMax + 1;
    feed.publish({ cursor: 1, twins: [twin('a', 0)] });
    expect(slow.seen.closed).toBe(true);
    expect(quick.seen.closed).toBe(false);
    expect(quick.seen.text).toContain('"id":"a"');
    expect(feed.subscribers()).toBe(1);
  });

  it('drops a subscriber for whom too much is kept', () => {
    const feed = createFeed();
    const { seen, written } = outlet();
    feed.subscribe(written, () => new Promise(() => {}));
    const many = Array.from({ length: limits.feedQueueMax + 1 }, (_, at) => twin(`t${at}`, at));
    feed.publish({ cursor: 1, twins: many.slice(0, limits.feedQueueMax) });
    expect(seen.closed).toBe(false);
    feed.publish({ cursor: 2, twins: many.slice(limits.feedQueueMax) });
    expect(seen.closed).toBe(true);
  });

  it('takes no more subscribers than the bound, and one again when one left', () => {
    const feed = createFeed();
    const first = feed.subscribe(outlet().written, nothing);
    for (let at = 1; at < limits.feedSubscribersMax; at += 1) {
      feed.subscribe(outlet().written, nothing);
    }
    expect(feed.subscribe(outlet().written, nothing)).toBeUndefined();
    first?.end();
    expect(feed.subscribe(outlet().written, nothing)).toBeDefined();
  });
});
