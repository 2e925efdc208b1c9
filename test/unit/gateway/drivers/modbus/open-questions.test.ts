/** Open questions under one timer: each has its own deadline, and ends once. */
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../../devices/runtime.ts';
import type { Asked } from '../../../../../gateway/drivers/modbus/frame.ts';
import { OpenQuestions } from '../../../../../gateway/drivers/modbus/open-questions.ts';
import { missing } from '../../../../../gateway/drivers/modbus/question.ts';

/** A clock that stands still until it is told; its timers, and how many there ever were. */
function handClock() {
  let nowMs = 1_000;
  let started = 0;
  const timers = new Map<object, { atMs: number; action: () => void }>();
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    after(delayMs, action) {
      const key = {};
      started += 1;
      timers.set(key, { atMs: nowMs + delayMs, action });
      return () => timers.delete(key);
    },
  };
  const goTo = (atMs: number) => {
    for (nowMs = Math.floor(nowMs); nowMs < atMs; ) {
      nowMs += 1;
      for (const [key, timer] of [...timers]) {
        if (timer.atMs <= nowMs && timers.delete(key)) timer.action();
      }
    }
  };
  return { clock, goTo, pending: () => timers.size, started: () => started };
}

function asked(unit: number): Asked {
  return { unit, code: 3, bytes: 2 };
}

const answer = { kind: 'exception', code: 2 } as const;
const silence = { kind: 'missing', cause: 'timeout', reached: true };

describe('open questions', () => {
  it('end each at its own deadline, in whatever order they were put', async () => {
    const { clock, goTo } = handClock();
    const open = new OpenQuestions(clock);
    const ended: number[] = [];
    const waits = [300, 20, 150, 20, 4_000];
    const all = waits.map(async (waitMs, unit) => {
      const outcome = await open.open(asked(unit), waitMs, false);
      expect(outcome).toMatchObject({ ...silence, detail: `no answer within ${waitMs} ms` });
      ended.push(unit);
    });
    const settled = () => new Promise((resolve) => setImmediate(resolve));
    for (const [atMs, units] of [
      [1_019, []],
      [1_020, [1, 3]],
      [1_149, [1, 3]],
      [1_150, [1, 3, 2]],
      [1_300, [1, 3, 2, 0]],
      [4_999, [1, 3, 2, 0]],
      [5_000, [1, 3, 2, 0, 4]],
    ] as const) {
      goTo(atMs);
      await settled();
      expect(ended).toEqual(units);
    }
    await Promise.all(all);
  });

  it('end with their answer, once, and cost no timer each', async () => {
    const { clock, goTo, pending, started } = handClock();
    const open = new OpenQuestions(clock);
    for (let n = 0; n < 1_000; n += 1) {
      const question = asked(n);
      const outcome = open.open(question, 500, false);
      open.settle(question, answer);
      open.settle(question, missing('timeout', true, 'too late'));
      expect(await outcome).toEqual(answer);
    }
    expect(started()).toBe(1);
    goTo(2_000);
    expect(pending()).toBe(0);
    // The timer that found nothing to do is not the last one.
    const next = open.open(asked(1), 50, false);
    goTo(2_050);
    expect(await next).toMatchObject(silence);
  });

  it('take a sign of life only where it is enough', async () => {
    const { clock, goTo } = handClock();
    const open = new OpenQuestions(clock);
    const [one, other] = [asked(1), asked(2)];
    const outcomes = [open.open(one, 100, true), open.open(other, 100, false)];
    open.settle(one, 'alive');
    open.settle(other, 'alive');
    goTo(1_100);
    expect(await outcomes[0]).toBe('alive');
    expect(await outcomes[1]).toMatchObject(silence);
  });

  it('all end with the line, and leave no timer', async () => {
    const { clock, pending } = handClock();
    const open = new OpenQuestions(clock);
    const questions = [asked(1), asked(2)];
    const outcomes = questions.map((question) => open.open(question, 100, false));
    expect(open.settleAll(answer)).toEqual(questions);
    expect(await Promise.all(outcomes)).toEqual([answer, answer]);
    expect(pending()).toBe(0);
  });
});
