import { expect, it } from 'vitest';
import { createClockWatch } from '../../../gateway/clock.ts';
import { MachineClock, World } from '../../sim/clock.ts';

it('sees steps of the wall clock, but not time that passes or a small correction', async () => {
  const world = new World(1_767_225_600_000);
  const clock = new MachineClock(world, 0);
  const watch = createClockWatch(clock, { source: 'unknown' });
  await world.run(86_400_000);
  watch.observe();
  clock.step(99);
  watch.observe();
  expect(watch.steps()).toBe(0);
  clock.step(101);
  watch.observe();
  clock.step(-1_767_225_600_000);
  watch.observe();
  expect(watch.steps()).toBe(2);
  expect(watch.quality(1)).toEqual({ source: 'unknown', monotonicMs: 86_400_000, steps: 1 });
});
