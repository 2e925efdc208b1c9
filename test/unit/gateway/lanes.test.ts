import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLanes, type Room } from '../../../gateway/lanes.ts';
import { createLocalOutbox } from '../../../gateway/outbox-local.ts';
import { MachineClock, World } from '../../sim/clock.ts';
import { memorySigner } from '../../support/identity.ts';
import { draftOf, openStore } from './support/outbox-world.ts';

/** Lanes over a real outbox; `between` runs after each look at it, before its answer is known. */
function start() {
  const device = memorySigner();
  const { store } = openStore({ devices: [device] });
  const outbox = createLocalOutbox({ store, clock: new MachineClock(new World(0), 0) });
  const inFlight = new Set<string>();
  const t = { between: async (): Promise<void> => undefined };
  const lanes = createLanes({
    ...outbox,
    peek: async (request) => {
      const rows = await outbox.peek(request);
      await t.between();
      return rows;
    },
  });
  const append = async (priority?: 'urgent') => {
    await store.append([{ ...draftOf(device.did, undefined, 1), ...(priority && { priority }) }]);
    if (priority) lanes.urgentCommitted();
  };
  /** Takes what goes into `room`, and has it in flight. */
  const next = async (room: Room) => {
    const { isAll, taken } = await lanes.next(
      { urgent: room, live: room, backlog: room },
      { isTaken: (digest) => inFlight.has(digest), held: () => [] },
    );
    for (const { row } of taken) inFlight.add(row.digest);
    return { isAll, ids: taken.map(({ row }) => row.id), lanes: taken.map(({ lane }) => lane) };
  };
  /** The ingester has all that is in flight. */
  const settle = () => {
    store.settle([...inFlight].map((digest) => ({ digest, outcome: 'accepted' as const })));
    inFlight.clear();
  };
  return Object.assign(t, { device, lanes, store, append, next, settle });
}

const wide: Room = { rows: 1_000, bytes: 1e9 };

describe('the lanes of a gateway', () => {
  it('take what becomes backlog while the end of the backlog is being looked up', async () => {
    const t = start();
    await t.append();
    t.lanes.restart(1);
    for (let row = 2; row <= 4; row += 1) await t.append();
    expect((await t.next({ rows: 1, bytes: 1e9 })).ids).toEqual([2]);
    let looks = 0;
    t.between = async () => {
      looks += 1;
      // The first look is at the live lane, the second at the backlog: it is at its end.
      if (looks === 2) t.lanes.demoteLive(6);
      else if (looks === 1) for (let row = 5; row <= 6; row += 1) await t.append();
    };
    const taken = new Set((await t.next(wide)).ids);
    t.between = async () => undefined;
    for (const id of (await t.next(wide)).ids) taken.add(id);
    expect([...taken].sort()).toEqual([1, 3, 4, 5, 6]);
  });

  it('take every row, whatever happens while they look', async () => {
    const step = fc.constantFrom('append', 'urgent', 'demote', 'release', 'settle', 'look');
    const run = async (steps: readonly string[], rows: readonly number[], before: number) => {
      const t = start();
      for (let row = 0; row < before; row += 1) await t.append();
      t.lanes.restart(before);
      const todo = [...steps];
      const act = async (what = 'look'): Promise<void> => {
        if (what === 'append') await t.append();
        else if (what === 'urgent') await t.append('urgent');
        else if (what === 'demote') t.lanes.demoteLive(t.store.stats().lastId);
        else if (what === 'release') t.lanes.addDevice(t.device.did, t.store.stats().lastId);
        else if (what === 'settle') t.settle();
      };
      t.between = () => act(todo.shift());
      for (const count of rows) await t.next({ rows: count, bytes: 1e9 });
      t.between = async () => undefined;
      // A row waits for its turn at most as long as others are taken before it.
      for (let isAll = false; !isAll; t.settle()) isAll = (await t.next(wide)).isAll;
      expect(t.store.stats().rows).toBe(0);
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 0, max: 6 }),
        run,
      ),
      { numRuns: 200 },
    );
  });
});
