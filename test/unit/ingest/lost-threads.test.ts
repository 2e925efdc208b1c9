/** Threads that end by themselves while they answer or apply, and those that take their place. */
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { type Clock, systemClock } from '../../../devices/runtime.ts';
import { startAsker } from '../../../ingest/api-ask.ts';
import { startApplyThread } from '../../../ingest/apply-thread.ts';
import type { ApplyNews } from '../../../ingest/apply-worker.ts';
import { eventually } from '../../support/eventually.ts';
import { manualClock } from '../../support/manual-clock.ts';

const files = { journalFile: '', twinsFile: '', clock: systemClock };
const module = new URL('../../support/failing-thread.ts', import.meta.url);

describe('the thread that answers questions', () => {
  it('is replaced when a question ends it: that one fails, the others are answered', async () => {
    const asker = await startAsker({ ...files, module });
    const ask = (id: string) => asker.ask({ ask: 'twin', id });
    const asked = ['a', 'end', 'b', 'end', 'c'].map(ask);
    const settled = await Promise.allSettled(asked);
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual([
      ...[true, false, true, false, true],
    ]);
    expect(settled[1]).toMatchObject({ reason: { code: 'IN_WORKER_LOST' } });
    expect(await ask('d')).toEqual({ id: 'd' });
    await asker.close();
  });

  it('is given up when it cannot be started', async () => {
    const absent = new URL('./no-such-worker.ts', import.meta.url);
    await expect(startAsker({ ...files, module: absent })).rejects.toMatchObject({
      code: 'IN_WORKER_LOST',
    });
  });
});

describe('the thread that applies', () => {
  it('passes an entry by that ended it twice, and not one that ended it once', async () => {
    const { end, news, replaced, thread } = startApplying(8);
    const said = await eventually(() => news.find(({ kind }) => kind === 'unapplied'), 'a note');
    expect(said).toMatchObject({ entry: { position: 7, how: 'held' } });
    expect(replaced).toHaveLength(2);
    expect(end.error).toBeUndefined();
    thread.tell({ kind: 'close' });
    await eventually(() => end.error, 'its end');
  });

  it('passes an entry by at once that it comes to no end with', async () => {
    const clock = manualClock();
    const { end, news, replaced, thread } = startApplying(9, clock);
    const said = await eventually(() => {
      // Only the looks at the thread wait for this clock.
      clock.advance(limits.applyLookMs);
      return news.find(({ kind }) => kind === 'unapplied');
    }, 'a note');
    expect(said).toMatchObject({ entry: { position: 8, how: 'held' } });
    expect(replaced).toEqual([expect.stringContaining('no end after')]);
    thread.tell({ kind: 'close' });
    await eventually(() => end.error, 'its end');
  });
});

/** Threads that apply `size` entries, one in place of the other, and what is heard of them. */
function startApplying(size: number, clock: Clock = systemClock) {
  const news: ApplyNews[] = [];
  const replaced: string[] = [];
  const end: { error?: unknown } = {};
  const thread = startApplyThread({
    ...{ ...files, clock, module },
    hear: (one) => news.push(one),
    replaced(why) {
      replaced.push(why);
      thread.tell({ kind: 'wake', size });
    },
    ended: (error) => {
      end.error = error;
    },
  });
  thread.tell({ kind: 'wake', size });
  return { news, replaced, end, thread };
}
