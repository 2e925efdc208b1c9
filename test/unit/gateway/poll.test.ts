import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import type { Loss } from '../../../devices/reading.ts';
import { createLog } from '../../../devices/runtime.ts';
import { createDeviceWatch } from '../../../gateway/device-state.ts';
import type { Connection, SampleSet } from '../../../gateway/driver.ts';
import { listen } from '../../../gateway/listen.ts';
import { poll } from '../../../gateway/poll.ts';
import { MachineClock, World } from '../../sim/clock.ts';

const START = 1_767_225_600_000;

const flow: SampleSet = {
  samples: [
    {
      point: 'flow',
      rawHex: '0001',
      encoding: { type: 'uint16', order: 'ABCD' },
      quality: 'good',
      gatewayTimeMs: 0,
    },
  ],
};
const nothing: SampleSet = { samples: [], missing: { points: ['flow'], cause: 'timeout' } };

/** A polled device whose answers a test decides on. */
function startPoll(
  answer: (world: World, clock: MachineClock, signal: AbortSignal) => Promise<SampleSet>,
  options: { everyMs?: number; hasRoom?: () => boolean } = {},
) {
  const world = new World(START);
  const clock = new MachineClock(world, 0);
  const lines: string[] = [];
  const log = createLog({ component: 't', level: 'info', clock, write: (l) => lines.push(l) });
  const watch = createDeviceWatch({ device: 'fc-1', clock, log });
  const stop = new AbortController();
  const abort = new AbortController();
  const askedMs: number[] = [];
  const took: { set: SampleSet; losses: readonly Loss[] }[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  const connection: Connection = {
    async read(_, signal) {
      askedMs.push(world.nowMs - START);
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      try {
        return await answer(world, clock, signal);
      } finally {
        inFlight -= 1;
      }
    },
    close: async () => undefined,
  };
  let ended = false;
  const done = poll({
    device: 'fc-1',
    connection,
    points: ['flow'],
    everyMs: options.everyMs ?? 1_000,
    phaseMs: 0,
    clock,
    log,
    watch,
    take: (set, losses) => took.push({ set, losses }),
    hasRoom: options.hasRoom ?? (() => true),
    stop: stop.signal,
    abort: abort.signal,
  }).then(() => {
    ended = true;
  });
  const losses = () => took.flatMap((t) => t.losses);
  return {
    world,
    clock,
    watch,
    stop,
    abort,
    lines,
    askedMs,
    took,
    losses,
    done,
    ended: () => ended,
    mostInFlight: () => mostInFlight,
  };
}

describe('polling', () => {
  it('asks on a grid that does not drift by the time that answers take', async () => {
    const t = startPoll(async (_, clock) => {
      await clock.sleep(137);
      return flow;
    });
    await t.world.run(5_500);
    expect(t.askedMs).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
    expect(t.losses()).toEqual([]);
    expect(t.watch.state().condition).toBe('up');
  });

  it('makes up a little lateness, and says what it leaves out beyond that', async () => {
    const answers = [1_500, 100, 3_400, 100, 100];
    const t = startPoll(async (_, clock) => {
      await clock.sleep(answers.shift() ?? 100);
      return flow;
    });
    await t.world.run(7_900);
    // Late by half an interval: asked at once. Late by more than two: two are left out.
    expect(t.askedMs).toEqual([0, 1_500, 2_000, 5_400, 6_000, 7_000]);
    expect(t.losses()).toEqual([
      { fromMs: START + 2_000, toMs: START + 5_400, count: 2, cause: 'timeout' },
    ]);
    expect(t.mostInFlight()).toBe(1);
  });

  it('turns what is missing into a loss of the interval in which it was asked', async () => {
    const t = startPoll(async (_, clock) => {
      await clock.sleep(400);
      return { ...nothing, missing: { points: ['flow'], cause: 'nonsense' } };
    });
    await t.world.run(900);
    expect(t.losses()).toEqual([{ fromMs: START, toMs: START + 400, count: 1, cause: 'nonsense' }]);
    expect(t.watch.state()).toMatchObject({ condition: 'down', reason: 'nonsense' });
  });

  it('says a lasting trouble once a minute with a count, and its end once', async () => {
    let dead = true;
    const t = startPoll(async () => (dead ? nothing : flow));
    await t.world.run(150_500);
    const complaints = t.lines.filter((line) => line.includes('does not answer'));
    expect(complaints).toHaveLength(3);
    expect(complaints[1]).toContain('missing=60');
    dead = false;
    await t.world.run(10_000);
    expect(t.lines.filter((line) => line.includes('answers again'))).toHaveLength(1);
    expect(t.watch.state()).toMatchObject({ condition: 'up', sinceMs: START + 151_000 });
  });

  it('outlives a driver that throws', async () => {
    let count = 0;
    const t = startPoll(async () => {
      count += 1;
      if (count === 1) throw new Error('bug');
      return flow;
    });
    await t.world.run(1_100);
    expect(t.losses()).toMatchObject([{ cause: 'nonsense', count: 1 }]);
    expect(t.took.at(-1)?.set).toBe(flow);
  });

  it('gives up a read that never ends, asks nothing meanwhile, and says so', async () => {
    let aborted = false;
    const t = startPoll(
      (_, __, signal) =>
        new Promise(() => signal.addEventListener('abort', () => (aborted = true))),
    );
    await t.world.run(limits.readMsMax + 5_000);
    expect(aborted).toBe(true);
    expect(t.askedMs).toEqual([0]);
    const count = t.losses().reduce((sum, loss) => sum + loss.count, 0);
    // One value a second from the first read on; the one at the end is not over yet.
    expect(count).toBeGreaterThanOrEqual((limits.readMsMax + 4_000) / 1_000);
    expect(t.watch.state().condition).toBe('down');
  });

  it('leaves reads out while there is no room, and says why', async () => {
    let room = true;
    const t = startPoll(async () => flow, { hasRoom: () => room });
    await t.world.run(500);
    room = false;
    await t.world.run(1_000);
    expect(t.askedMs).toEqual([0]);
    expect(t.losses()).toEqual([
      { fromMs: START + 1_000, toMs: START + 1_000, count: 1, cause: 'queue-full' },
    ]);
    room = true;
    await t.world.run(1_000);
    expect(t.askedMs).toEqual([0, 2_000]);
  });

  it('stops when told: the read in flight is finished, and broken off only on demand', async () => {
    const t = startPoll(async (_, clock, signal) => {
      await clock.sleep(5_000, signal);
      return signal.aborted ? nothing : flow;
    });
    await t.world.run(100);
    t.stop.abort();
    await t.world.run(100);
    expect(t.ended()).toBe(false);
    t.abort.abort();
    await t.world.run(1);
    expect(t.ended()).toBe(true);
    expect(t.took).toHaveLength(1);
    expect(t.askedMs).toEqual([0]);
  });
});

describe('listening', () => {
  function startListen(saysItself: boolean) {
    const world = new World(START);
    const clock = new MachineClock(world, 0);
    const watch = createDeviceWatch({
      device: 'r',
      clock,
      log: { debug() {}, info() {}, warn() {}, error() {} },
    });
    const stop = new AbortController();
    const took: { set: SampleSet; losses: readonly Loss[] }[] = [];
    let deliver: (set: SampleSet) => Promise<void> = async () => undefined;
    const connection: Connection = {
      read: async () => nothing,
      subscribe: async (_, given) => {
        deliver = given;
      },
      ...(saysItself && { silence: { whileAway: false, whileRunning: true } }),
      close: async () => undefined,
    };
    const done = listen({
      connection,
      points: ['flow', 'pressure'],
      everyMs: 1_000,
      clock,
      watch,
      stop: stop.signal,
      take: async (set, losses) => {
        took.push({ set, losses });
      },
    });
    return { world, watch, stop, took, done, deliver: (set: SampleSet) => deliver(set) };
  }

  it('signs the silence of a device that should publish', async () => {
    const t = startListen(false);
    await t.world.run(1);
    await t.deliver(flow);
    await t.world.run(10_500);
    expect(t.watch.state().condition).toBe('silent');
    const [, silence] = t.took;
    expect(silence?.losses).toMatchObject([{ fromMs: START + 1, cause: 'timeout', count: 20 }]);
    await t.deliver(flow);
    expect(t.watch.state().condition).toBe('up');
    await t.world.run(5_000);
    expect(t.took).toHaveLength(3);
    t.stop.abort();
    await t.world.run(1);
    await t.done;
  });

  it('leaves silence to a driver that knows whether its device lives', async () => {
    const t = startListen(true);
    await t.world.run(1);
    await t.deliver(flow);
    await t.world.run(100_000);
    expect(t.took).toHaveLength(1);
    expect(t.watch.state().condition).toBe('up');
  });

  it('signs exactly the interval that the driver states', async () => {
    const t = startListen(true);
    await t.world.run(1);
    const missing = { points: ['flow'], cause: 'absent', fromMs: 5, toMs: 9, count: 40 } as const;
    await t.deliver({ samples: [], missing });
    expect(t.took[0]?.losses).toEqual([
      { fromMs: 5, toMs: 9, count: 40, cause: 'absent', points: ['flow'] },
    ]);
  });
});
