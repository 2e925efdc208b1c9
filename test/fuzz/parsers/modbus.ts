/**
 * Answers of Modbus devices, TCP and RTU: nothing is believed that is no answer to the question.
 */

import type { RawType } from '../../../devices/reading.ts';
import { systemClock } from '../../../devices/runtime.ts';
import { decode } from '../../../gateway/decode.ts';
import type { Asked, Framing, FramingEvents } from '../../../gateway/drivers/modbus/frame.ts';
import { MbapFraming } from '../../../gateway/drivers/modbus/mbap.ts';
import { AnswerOrder } from '../../../gateway/drivers/modbus/order.ts';
import { RtuFraming } from '../../../gateway/drivers/modbus/rtu.ts';
import { frame } from '../../support/modbus-slave.ts';
import { rtuFrame } from '../../support/rtu-slave.ts';
import { attempt, type Parser } from '../parser.ts';

const UNIT = 17;
const FIRST_ID = 7;
const fixed: Asked = { unit: UNIT, code: 3, bytes: 4 };
/** Only the device knows how long its answer is, as of an archive. */
const open: Asked = { unit: UNIT, code: 3, bytes: undefined };
const request = Buffer.from([UNIT, 3, 0, 107, 0, 2, 0, 0]);
/** Unit, function code, count and 251 bytes: the longest that a PDU of 253 bytes can be. */
const BODY_MAX = 254;

const types: readonly RawType[] = ['bool', 'uint8', 'int32', 'uint64', 'float64', 'bcd', 'string'];

const bodies = [
  Buffer.from([UNIT, 3, 4, 0xde, 0xad, 0xbe, 0xef]),
  Buffer.from([UNIT, 0x83, 2]),
  Buffer.concat([Buffer.from([UNIT, 3, 250]), Buffer.alloc(250, 0x42)]),
];

interface Heard {
  readonly asked: Asked;
  readonly body: Buffer;
}

/** What a framing takes for answers, of whole bytes and of the same bytes in pieces. */
function listen(make: (events: FramingEvents) => Framing, asked: Asked, bytes: Buffer): Heard[] {
  const heard: Heard[] = [];
  const framing = make({
    onAnswer: (to, body) => heard.push({ asked: to, body: Buffer.from(body) }),
    onDoubtful: () => undefined,
    onDamaged: () => undefined,
    onForeign: () => undefined,
    onCorrupt: () => undefined,
    onBroken: () => undefined,
  });
  framing.ask(asked, request);
  // As a socket cuts it: somewhere in the first frame, then by the largest chunk.
  const first = bytes.subarray(0, 5);
  if (first.length > 0) framing.take(first);
  for (let at = 5; at < bytes.length; at += 65_536) framing.take(bytes.subarray(at, at + 65_536));
  framing.giveUp(asked);
  return heard;
}

function mistakeOf({ asked, body }: Heard): string | undefined {
  const [unit, code = 0, count = 0] = body;
  const isException = code === (asked.code | 0x80);
  if (unit !== asked.unit) return 'an answer of another unit is taken';
  if (code !== asked.code && !isException) return 'an answer to another question is taken';
  if (body.length > BODY_MAX) return `an answer of ${body.length} bytes is taken`;
  if (isException) return body.length === 3 ? undefined : 'an exception of the wrong length';
  if (body.length !== 3 + count) return 'a byte count that is not true is taken';
  if (asked.bytes !== undefined && asked.bytes !== count) return 'an answer too long is taken';
  return undefined;
}

function parserOf(
  name: string,
  make: (events: FramingEvents) => Framing,
  wrap: (body: Buffer) => Buffer,
): Parser {
  const parse = (bytes: Uint8Array) =>
    attempt(() => {
      const heard = [fixed, open].flatMap((asked) => listen(make, asked, Buffer.from(bytes)));
      for (const { body } of heard) {
        const rawHex = body.subarray(3).toString('hex');
        for (const type of types) decode(rawHex, { type, order: 'CDAB' });
      }
      return heard.length === 0 ? undefined : heard;
    });
  return {
    name,
    prepare: () => ({
      seeds: bodies.flatMap((body) => [
        { bytes: wrap(body) },
        // The body changes and its frame is right.
        { bytes: body, wrap: (changed) => wrap(Buffer.from(changed.subarray(0, 60_000))) },
      ]),
      parse,
      doubt: (_, outcome) =>
        outcome.taken ? (outcome.value as Heard[]).map(mistakeOf).find(Boolean) : undefined,
    }),
  };
}

function heardOrder(): AnswerOrder {
  const order = new AnswerOrder();
  order.ask(fixed);
  order.hear({ unit: UNIT, code: 3, bytes: 4 });
  return order;
}

export const modbusTcp = parserOf(
  'modbus-tcp',
  (events) => new MbapFraming(FIRST_ID, events),
  (body) => frame(FIRST_ID, body[0] ?? 0, body.subarray(1)),
);

export const modbusRtu = parserOf(
  'modbus-rtu',
  (events) => new RtuFraming(heardOrder(), systemClock, events),
  rtuFrame,
);
