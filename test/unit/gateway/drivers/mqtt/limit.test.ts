import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitPublish } from '../../../../../gateway/drivers/mqtt/limit.ts';

const MAX = 300;

interface Packet {
  readonly first: number;
  readonly body: Buffer;
}

function bytesOf({ first, body }: Packet): Buffer {
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left % 128) | (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

function publish(topic: string, payload: number, qos: 0 | 1 | 2 = 1): Packet {
  const name = Buffer.from(topic);
  const id = qos === 0 ? [] : [0x12, 0x34];
  return {
    first: 0x30 | (qos << 1),
    body: Buffer.concat([
      Buffer.from([0, name.length]),
      name,
      Buffer.from(id),
      Buffer.alloc(payload, 7),
    ]),
  };
}

/** Sends `bytes` through in pieces of the given sizes, over and over. */
async function pass(bytes: Buffer, sizes: readonly number[]): Promise<Buffer> {
  const stream = limitPublish(MAX);
  const out: Buffer[] = [];
  stream.on('data', (chunk) => out.push(chunk));
  const ended = once(stream, 'end');
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    stream.write(bytes.subarray(at, at + size));
    at += size;
  }
  stream.end();
  await ended;
  return Buffer.concat(out);
}

describe('the limit on MQTT packets', () => {
  it('passes everything within the limit untouched', async () => {
    const bytes = Buffer.concat([
      bytesOf({ first: 0x20, body: Buffer.from([0, 0]) }),
      bytesOf(publish('a/b', 290)),
      bytesOf({ first: 0xd0, body: Buffer.alloc(0) }),
    ]);
    expect(await pass(bytes, [1_000])).toEqual(bytes);
    expect(await pass(bytes, [1])).toEqual(bytes);
  });

  it('keeps topic and packet id of a message that is too large, and nothing of its payload', async () => {
    const before = bytesOf(publish('a/b', 5));
    const large = bytesOf(publish('a/b', 100_000));
    const bytes = Buffer.concat([before, large, before]);
    const expected = Buffer.concat([before, bytesOf(publish('a/b', 0)), before]);
    for (const sizes of [[1], [7], [65_536], [bytes.length]]) {
      expect(await pass(bytes, sizes)).toEqual(expected);
    }
  });

  it('begins at the first byte over the limit', async () => {
    const body = (payload: number) => publish('t', payload, 0);
    expect(await pass(bytesOf(body(MAX - 3)), [64])).toEqual(bytesOf(body(MAX - 3)));
    expect(await pass(bytesOf(body(MAX - 2)), [64])).toEqual(bytesOf(body(0)));
  });

  it('leaves to the parser what is no MQTT', async () => {
    const noLength = Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
    expect(await pass(noLength, [2])).toEqual(noLength);
    const longTopic = bytesOf({ first: 0x30, body: Buffer.alloc(MAX + 1, 0xff) });
    expect(await pass(longTopic, [100])).toEqual(longTopic);
  });

  it('does the same to any packets, however they are cut up', async () => {
    const packet = fc.oneof(
      fc.tuple(
        fc.string({ maxLength: 20 }),
        fc.nat(2_000),
        fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2),
      ),
      fc.constant(undefined),
    );
    const sizes = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { maxLength: 20 }), sizes, async (kinds, cuts) => {
        const packets = kinds.map((kind) =>
          kind === undefined ? { first: 0xd0, body: Buffer.alloc(0) } : publish(...kind),
        );
        const expected = kinds.map((kind, index) => {
          const sent = packets[index];
          if (sent === undefined) throw new Error('no packet');
          if (kind === undefined || sent.body.length <= MAX) return bytesOf(sent);
          return bytesOf(publish(kind[0], 0, kind[2]));
        });
        const got = await pass(Buffer.concat(packets.map(bytesOf)), cuts);
        expect(got.equals(Buffer.concat(expected))).toBe(true);
      }),
    );
  });
});
