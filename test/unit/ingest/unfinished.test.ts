import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { createUnfinished } from '../../../ingest/unfinished.ts';
import { manualClock } from '../../support/manual-clock.ts';

function setUp() {
  const clock = manualClock(0);
  const unfinished = createUnfinished(clock);
  const ended: string[] = [];
  const names = new Map<string, object>();
  const note = (name: string, packet: number, bytes: number) => {
    const connection = names.get(name) ?? {};
    names.set(name, connection);
    unfinished.note(connection, { packet, bytes }, () => ended.push(name));
  };
  return { clock, unfinished, ended, note, gone: (name: string) => names.get(name) as object };
}

const half = limits.unfinishedBytesMax / 2;

describe('unfinished packets', () => {
  it('are bounded together: the one that began first goes', () => {
    const { ended, note, unfinished } = setUp();
    note('a', 1, half);
    note('b', 1, half);
    expect(ended).toEqual([]);
    note('c', 1, 1);
    expect(ended).toEqual(['a']);
    expect(unfinished.bytes()).toBe(half + 1);
  });

  it('do not count once they are whole, or their connection is gone', () => {
    const { ended, gone, note, unfinished } = setUp();
    note('a', 1, half);
    note('a', 2, 0);
    note('b', 1, half);
    unfinished.forget(gone('b'));
    note('c', 1, 2 * half);
    expect(ended).toEqual([]);
    expect(unfinished.bytes()).toBe(2 * half);
  });

  it('are given up when they take too long, and not when each takes its time', () => {
    const { clock, ended, note } = setUp();
    note('slow', 1, 10);
    for (let packet = 0; packet < 4; packet += 1) {
      note('busy', packet, 10);
      note('slow', 1, 20 + packet);
      clock.advance(limits.unfinishedMs / 3);
    }
    clock.advance(limits.unfinishedLookMs);
    expect(ended).toEqual(['slow']);
  });
});
