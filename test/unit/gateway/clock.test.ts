import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { type AskClock, createClockWatch } from '../../../gateway/clock.ts';
import type { ClockAnswer } from '../../../gateway/clock-sources/source.ts';
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

it("signs the operator's word as the operator's", () => {
  const clock = new MachineClock(new World(0), 0);
  const watch = createClockWatch(clock, { source: 'gnss', uncertaintyMs: 1 });
  expect(watch.quality(0)).toMatchObject({
    source: 'gnss',
    toldBy: 'configuration',
    uncertaintyMs: 1,
  });
  watch.state({ source: 'unknown' });
  expect(watch.quality(0)).toEqual({ source: 'unknown', monotonicMs: 0, steps: 0 });
});

describe('a clock that is asked about', () => {
  const said: ClockAnswer = { source: 'ntp', toldBy: 'chrony', offsetMs: 0.5, uncertaintyMs: 2 };

  function start(answer: AskClock) {
    const world = new World(1_767_225_600_000);
    const clock = new MachineClock(world, 0);
    let asked = 0;
    const watch = createClockWatch(clock, { source: 'auto' }, (...of) => {
      asked += 1;
      return answer(...of);
    });
    /** Time that passes while the gateway looks once a second. */
    const run = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        watch.observe();
        await world.run(1_000);
      }
    };
    return { asked: () => asked, clock, run, watch };
  }

  it('is unknown until somebody answers, and less certain the older the answer is', async () => {
    const { asked, run, watch } = start(async () => said);
    expect(watch.quality(0)).toMatchObject({ source: 'unknown' });
    await run(10);
    expect(asked()).toBe(1);
    expect(watch.quality(0)).toMatchObject({ ...said, uncertaintyMs: 2 + 0.15 });
    await run(20);
    expect(asked()).toBe(2);
  });

  it('says that it was stepped, and believes nothing that was said before', async () => {
    const { asked, clock, run, watch } = start(async () => said);
    await run(5);
    clock.step(-3_600_000);
    expect(watch.quality(0)).toMatchObject({ source: 'unknown', steps: 1 });
    await run(1);
    expect(asked()).toBe(2);
    expect(watch.quality(1)).toMatchObject({ source: 'ntp', offsetMs: 0.5, steps: 0 });
  });

  it('believes no answer to a question from before a step', async () => {
    const answers: ((answer: ClockAnswer) => void)[] = [];
    const { clock, run, watch } = start(() => new Promise((answer) => answers.push(answer)));
    await run(1);
    clock.step(3_600_000);
    watch.observe();
    answers[0]?.(said);
    await run(1);
    expect(watch.quality(0)).toMatchObject({ source: 'unknown' });
    answers[1]?.(said);
    await run(1);
    expect(watch.quality(0)).toMatchObject({ source: 'ntp' });
  });

  it('is broken off when nobody answers in time, and asks again later', async () => {
    const broken: boolean[] = [];
    const { asked, run, watch } = start(
      (_, signal) =>
        new Promise((answer) =>
          signal.addEventListener('abort', () => {
            broken.push(true);
            answer(undefined);
          }),
        ),
    );
    await run(40);
    expect(asked()).toBe(3);
    expect(broken).toHaveLength(3);
    expect(watch.quality(0)).toMatchObject({ source: 'unknown' });
  });

  it('forgets an answer that nobody repeats', async () => {
    let isThere = true;
    const { run, watch } = start(async (_, signal) => {
      if (isThere) return said;
      return new Promise((never) => signal.addEventListener('abort', () => never(undefined)));
    });
    await run(1);
    isThere = false;
    expect(watch.quality(0)).toMatchObject({ source: 'ntp' });
    await run((limits.clockAskMs + limits.clockAnswerMs) / 1_000 + 1);
    expect(watch.quality(0)).toMatchObject({ source: 'unknown' });
  });
});
