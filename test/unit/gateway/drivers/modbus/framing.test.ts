/** Whatever bytes come, in whatever pieces: nothing is thrown, and only an answer is one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../../devices/runtime.ts';
import type { Asked, Framing, FramingEvents } from '../../../../../gateway/drivers/modbus/frame.ts';
import { MbapFraming } from '../../../../../gateway/drivers/modbus/mbap.ts';
import { AnswerOrder } from '../../../../../gateway/drivers/modbus/order.ts';
import { RtuFraming } from '../../../../../gateway/drivers/modbus/rtu.ts';
import { frame } from '../../../../support/modbus-slave.ts';
import { rtuFrame } from '../../../../support/rtu-slave.ts';

const asked: Asked = { unit: 17, code: 3, bytes: 4 };
const request = Buffer.from([17, 3, 0, 107, 0, 2, 0, 0]);
const answer = Buffer.from([17, 3, 4, 0xde, 0xad, 0xbe, 0xef]);

/** A framing with the question open, and what it says. */
function listen(make: (events: FramingEvents) => Framing) {
  const seen = { answers: [] as string[], foreign: 0, corrupt: 0, broken: 0, damaged: 0 };
  const framing = make({
    onAnswer: (_, body) => seen.answers.push(body.toString('hex')),
    onDoubtful: () => undefined,
    onDamaged: () => {
      seen.damaged += 1;
    },
    onForeign: () => {
      seen.foreign += 1;
    },
    onCorrupt: () => {
      seen.corrupt += 1;
    },
    onBroken: () => {
      seen.broken += 1;
    },
  });
  framing.ask(asked, request);
  return { framing, seen };
}

function heardOrder(): AnswerOrder {
  const order = new AnswerOrder();
  order.ask(asked);
  order.hear({ unit: 17, code: 3, bytes: 4 });
  return order;
}

const kinds = {
  mbap: {
    make: (events: FramingEvents): Framing => new MbapFraming(7, events),
    wrap: (body: Buffer) => frame(7, body[0] ?? 0, body.subarray(1)),
  },
  rtu: {
    make: (events: FramingEvents): Framing => new RtuFraming(heardOrder(), systemClock, events),
    wrap: rtuFrame,
  },
} as const;

function inPieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  const sorted = at.sort((a, b) => a - b);
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

describe.each(Object.entries(kinds))('%s', (name, { make, wrap }) => {
  it('finds the answer however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 12 }), (cuts) => {
        const { framing, seen } = listen(make);
        for (const piece of inPieces(wrap(answer), cuts)) framing.take(piece);
        expect(seen).toMatchObject({ answers: [answer.toString('hex')], foreign: 0, corrupt: 0 });
      }),
    );
  });

  it('throws nothing and believes nothing of random bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }),
        fc.array(fc.nat(600), { maxLength: 8 }),
        (bytes, cuts) => {
          const { framing, seen } = listen(make);
          for (const piece of inPieces(Buffer.from(bytes), cuts)) framing.take(piece);
          expect(seen.answers).toEqual([]);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('counts a frame with any byte changed, and never takes it for a value of its own', () => {
    const right = wrap(answer);
    fc.assert(
      fc.property(fc.nat(right.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(right);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        const { framing, seen } = listen(make);
        framing.take(bytes);
        framing.take(wrap(Buffer.from([17, 0x80 | 3, 2])));
        framing.giveUp(asked);
        const isData = at >= 9 && name === 'mbap';
        // TCP has a checksum of its own: a changed value is one there, and nowhere else.
        const values = seen.answers.filter((hex) => hex.length === 14);
        expect(values.length).toBe(isData ? 1 : 0);
        if (!isData) expect(seen.corrupt + seen.foreign).toBeGreaterThan(0);
      }),
    );
  });

  it('drops frames of other units, functions and lengths', () => {
    const others = ['1203040102', '1103020102', '1104040102', '110306010203040506', '118401'];
    for (const hex of others) {
      const body = Buffer.from(hex === '1203040102' ? '12030401020304' : hex, 'hex');
      const whole = hex === '1104040102' ? Buffer.from('11040401020304', 'hex') : body;
      const { framing, seen } = listen(make);
      framing.take(wrap(whole));
      expect(seen.answers, hex).toEqual([]);
      expect(seen.corrupt + seen.foreign, hex).toBeGreaterThan(0);
    }
  });
});

describe('rtu', () => {
  const { make } = kinds.rtu;

  it('finds the answer behind noise, an echo of the request and a foreign frame', () => {
    const { framing, seen } = listen(make);
    framing.take(Buffer.from([0xff, 0x00]));
    framing.take(request);
    framing.take(rtuFrame(Buffer.from([9, 3, 2, 0, 1])));
    framing.take(rtuFrame(answer));
    expect(seen).toMatchObject({ answers: [answer.toString('hex')], foreign: 1, corrupt: 1 });
  });

  it('says at once that the answer was damaged', () => {
    const { framing, seen } = listen(make);
    const bytes = rtuFrame(answer);
    bytes[5] = 0;
    framing.take(bytes);
    expect(seen).toMatchObject({ answers: [], damaged: 1 });
    expect(seen.corrupt).toBeGreaterThan(0);
  });
});
