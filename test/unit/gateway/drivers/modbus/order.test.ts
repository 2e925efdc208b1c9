/** Which answers may still come on a line whose frames have no number. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Asked } from '../../../../../gateway/drivers/modbus/frame.ts';
import { AnswerOrder } from '../../../../../gateway/drivers/modbus/order.ts';

function asked(code: number, bytes: number, unit = 1): Asked {
  return { unit, code, bytes };
}

/** An order that has heard the unit, so that nothing of an earlier life is in doubt. */
function known(): AnswerOrder {
  const order = new AnswerOrder();
  order.ask(asked(1, 1));
  expect(order.hear({ unit: 1, code: 1, bytes: 1 })).toBe('answer');
  return order;
}

describe('the order of answers', () => {
  it('doubts a unit that it has not heard since the start', () => {
    const order = new AnswerOrder();
    expect(order.isDoubtful(asked(3, 2))).toBe(true);
    expect(known().isDoubtful(asked(3, 2))).toBe(false);
    expect(known().isDoubtful(asked(3, 2, 9))).toBe(true);
  });

  it('doubts the shape of an unanswered question until another shape was answered after it', () => {
    const order = known();
    order.ask(asked(3, 2));
    order.giveUp();
    expect(order.isDoubtful(asked(3, 2))).toBe(true);
    expect(order.isDoubtful(asked(3, 4))).toBe(false);
    order.ask(asked(3, 4));
    expect(order.hear({ unit: 1, code: 3, bytes: 2 })).toBe('foreign');
    expect(order.hear({ unit: 1, code: 3, bytes: 4 })).toBe('answer');
    expect(order.isDoubtful(asked(3, 2))).toBe(false);
  });

  it('takes an exception for nobody’s while it may be an earlier question’s', () => {
    const order = known();
    order.ask(asked(3, 2));
    order.giveUp();
    order.ask(asked(3, 4));
    expect(order.hear({ unit: 1, code: 3, bytes: undefined })).toBe('doubtful');
    // Whoever it was for: the first question is over.
    expect(order.hear({ unit: 1, code: 3, bytes: undefined })).toBe('answer');
  });

  it('never believes a frame that answers another question, whatever was lost or late', () => {
    const shape = fc.record({
      code: fc.constantFrom(3, 4),
      bytes: fc.constantFrom(2, 4),
      // What becomes of the answer: never, after some later questions, or an exception.
      delay: fc.option(fc.nat(3), { nil: undefined }),
      refuses: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(shape, { maxLength: 40 }), (questions) => {
        const order = known();
        // The device: answers in order, each at most once, and later ones wait for earlier ones.
        const under: { at: number; due: number; code: number; bytes: number | undefined }[] = [];
        questions.forEach(({ code, bytes, delay, refuses }, at) => {
          order.ask(asked(code, bytes));
          const earliest = Math.max(0, ...under.map(({ due }) => due));
          if (delay !== undefined) {
            const due = Math.max(earliest, at + delay);
            under.push({ at, due, code, bytes: refuses ? undefined : bytes });
          }
          while (under[0] !== undefined && under[0].due <= at) {
            const frame = under.shift();
            if (frame === undefined) break;
            const meaning = order.hear({ unit: 1, code: frame.code, bytes: frame.bytes });
            if (meaning === 'answer') expect(frame.at).toBe(at);
          }
          order.giveUp();
        });
      }),
      { numRuns: 2_000 },
    );
  });
});
