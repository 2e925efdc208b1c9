import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerTo,
  createIntake,
  type Incoming,
} from '../../../../../gateway/drivers/mqtt/intake.ts';

const MAX = 300;

interface Packet {
  readonly first: number;
  readonly body: Buffer;
}

function lengthOf(count: number): number[] {
  const length: number[] = [];
  let left = count;
  do {
    length.push((left % 128) | (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return length;
}

function bytesOf({ first, body }: Packet): Buffer {
  return Buffer.concat([Buffer.from([first, ...lengthOf(body.length)]), body]);
}

type Qos = 0 | 1 | 2;

/** A PUBLISH; with `properties`, as MQTT 5 writes it. */
function publish(topic: string, payload: Buffer, qos: Qos = 1, properties?: Buffer): Packet {
  const name = Buffer.from(topic);
  const id = qos === 0 ? [] : [0x12, 0x34];
  const extra = properties
    ? Buffer.concat([Buffer.from(lengthOf(properties.length)), properties])
    : Buffer.alloc(0);
  return {
    first: 0x30 | (qos << 1),
    body: Buffer.concat([
      Buffer.from([name.length >> 8, name.length & 255]),
      name,
      Buffer.from(id),
      extra,
      payload,
    ]),
  };
}

interface Passed {
  /** What mqtt.js would see. */
  readonly out: Buffer;
  readonly messages: Incoming[];
  readonly released: number[];
  readonly malformed: string[];
}

/** Sends `bytes` through in pieces of the given sizes, over and over. */
async function pass(bytes: Buffer, sizes: readonly number[], version: 4 | 5 = 4): Promise<Passed> {
  const passed = { messages: [], released: [], malformed: [] } as Omit<Passed, 'out'>;
  const stream = createIntake({
    version,
    bytesMax: MAX,
    onMessage: (message) => passed.messages.push(message),
    onRelease: (id) => passed.released.push(id),
    onMalformed: (reason) => passed.malformed.push(reason),
    room: () => undefined,
  });
  const out: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => out.push(chunk));
  const ended = once(stream, 'end');
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    stream.write(bytes.subarray(at, at + size));
    at += size;
  }
  stream.end();
  await ended;
  return { ...passed, out: Buffer.concat(out) };
}

const PINGRESP = { first: 0xd0, body: Buffer.alloc(0) };
const CONNACK = { first: 0x20, body: Buffer.from([0, 0]) };

describe('the intake of a session', () => {
  it('takes messages and releases out, and passes the rest on untouched', async () => {
    const pubrel = { first: 0x62, body: Buffer.from([0x12, 0x34]) };
    const bytes = Buffer.concat(
      [CONNACK, publish('a/b', Buffer.from('1.50'), 2), pubrel, PINGRESP].map(bytesOf),
    );
    for (const sizes of [[1], [7], [bytes.length]]) {
      const { malformed, messages, out, released } = await pass(bytes, sizes);
      expect(out).toEqual(Buffer.concat([CONNACK, PINGRESP].map(bytesOf)));
      expect(released).toEqual([0x1234]);
      expect(malformed).toEqual([]);
      const payload = new Uint8Array(Buffer.from('1.50'));
      const said = { topic: 'a/b', qos: 2, id: 0x1234, retained: false, duplicate: false };
      expect(messages).toEqual([{ ...said, payload }]);
    }
  });

  it('reads the flags: retained, and sent before', async () => {
    const { first, body } = publish('t', Buffer.from('x'), 1);
    const { messages } = await pass(bytesOf({ first: first | 9, body }), [99]);
    expect(messages).toMatchObject([{ retained: true, duplicate: true, qos: 1 }]);
  });

  it('skips the properties of MQTT 5, however long, and of no properties', async () => {
    const user = Buffer.concat([Buffer.from([0x26, 0, 100]), Buffer.alloc(150, 0x61)]);
    for (const properties of [Buffer.alloc(0), user]) {
      const bytes = bytesOf(publish('t', Buffer.from('42'), 1, properties));
      const { messages } = await pass(bytes, [3], 5);
      expect(messages.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['42']);
    }
  });

  it('keeps topic and packet id of a message that is too large, and nothing of its payload', async () => {
    for (const version of [4, 5] as const) {
      const none = version === 5 ? Buffer.alloc(0) : undefined;
      const small = bytesOf(publish('a/b', Buffer.from('1'), 1, none));
      const large = bytesOf(publish('a/b', Buffer.alloc(100_000, 7), 1, none));
      const bytes = Buffer.concat([small, large, small]);
      for (const sizes of [[7], [65_536], [bytes.length]]) {
        const { messages } = await pass(bytes, sizes, version);
        expect(messages.map(({ payload }) => payload.length)).toEqual([1, 0, 1]);
        expect(messages[1]).toMatchObject({ topic: 'a/b', id: 0x1234 });
        expect(messages[1]?.tooLarge).toBe(100_000 + (version === 5 ? 1 : 0));
      }
    }
  });

  it('begins at the first byte over the limit', async () => {
    const last = await pass(bytesOf(publish('t', Buffer.alloc(MAX - 3), 0)), [64]);
    expect(last.messages).toMatchObject([{ topic: 't' }]);
    expect(last.messages[0]?.tooLarge).toBeUndefined();
    const first = await pass(bytesOf(publish('t', Buffer.alloc(MAX - 2), 0)), [64]);
    expect(first.messages).toMatchObject([{ tooLarge: MAX - 2 }]);
  });

  it('gives up what is no MQTT, once, and passes nothing on after it', async () => {
    const wrong: Record<string, Buffer> = {
      length: Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]),
      'a topic': bytesOf({ first: 0x30, body: Buffer.from([0xff, 0xff, 1]) }),
      'has no topic': bytesOf({ first: 0x30, body: Buffer.from([0]) }),
      'no alias': bytesOf({ first: 0x30, body: Buffer.from([0, 0]) }),
      'QoS 3': bytesOf({ first: 0x36, body: Buffer.from([0, 1, 0x61, 0, 1]) }),
      'id is 0': bytesOf({ first: 0x32, body: Buffer.from([0, 1, 0x61, 0, 0]) }),
      'type 9': bytesOf({ first: 0x90, body: Buffer.alloc(MAX + 1) }),
    };
    for (const [why, bytes] of Object.entries(wrong)) {
      const { malformed, messages, out } = await pass(
        Buffer.concat([bytes, bytesOf(PINGRESP)]),
        [5],
      );
      expect(malformed, why).toEqual([expect.stringContaining(why)]);
      expect(messages, why).toEqual([]);
      expect(out.length, why).toBe(0);
    }
    const properties = bytesOf({ first: 0x30, body: Buffer.from([0, 1, 0x61, 9, 1]) });
    expect((await pass(properties, [9], 5)).malformed).toEqual([
      expect.stringContaining('properties'),
    ]);
  });

  it('waits for room before each message, and holds the socket back meanwhile', async () => {
    const messages: Incoming[] = [];
    let open: () => void = () => undefined;
    const stream = createIntake({
      version: 4,
      bytesMax: MAX,
      onMessage: (message) => messages.push(message),
      onRelease: () => undefined,
      onMalformed: () => undefined,
      room: () =>
        messages.length === 0
          ? undefined
          : new Promise((resolve) => {
              open = resolve;
            }),
    });
    const one = bytesOf(publish('t', Buffer.from('1'), 0));
    let taken = false;
    stream.write(Buffer.concat([one, one]), () => {
      taken = true;
    });
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
    expect([messages.length, taken]).toEqual([1, false]);
    open();
    for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
    expect([messages.length, taken]).toEqual([2, true]);
  });

  it('does the same to any packets, however they are cut up', async () => {
    const packet = fc.oneof(
      fc.tuple(
        fc.string({ minLength: 1, maxLength: 20 }),
        fc.nat(2_000),
        fc.constantFrom<Qos[]>(0, 1, 2),
      ),
      fc.constant(undefined),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 });
    const version = fc.constantFrom<(4 | 5)[]>(4, 5);
    await fc.assert(
      fc.asyncProperty(
        fc.array(packet, { maxLength: 20 }),
        sizes,
        version,
        async (all, cuts, v) => {
          const properties = v === 5 ? Buffer.from([0x01, 0x01]) : undefined;
          const packets = all.map((kind) =>
            kind ? publish(kind[0], Buffer.alloc(kind[1], 7), kind[2], properties) : PINGRESP,
          );
          const got = await pass(Buffer.concat(packets.map(bytesOf)), cuts, v);
          expect(got.malformed).toEqual([]);
          expect(got.out.length).toBe(2 * all.filter((kind) => kind === undefined).length);
          const sent = all.flatMap((kind, index) => {
            const isLarge = (packets[index]?.body.length ?? 0) > MAX;
            return kind ? [[kind[0], isLarge ? 0 : kind[1], kind[2]]] : [];
          });
          expect(got.messages.map((m) => [m.topic, m.payload.length, m.qos])).toEqual(sent);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('answers in the two bytes that both versions share', () => {
    expect([...answerTo(0x1234, 'puback')]).toEqual([0x40, 2, 0x12, 0x34]);
    expect([...answerTo(1, 'pubrec')]).toEqual([0x50, 2, 0, 1]);
    expect([...answerTo(65_535, 'pubcomp')]).toEqual([0x70, 2, 255, 255]);
  });
});
