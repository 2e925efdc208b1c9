import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limits } from '../../../devices/limits.ts';
import { watchFrames } from '../../../ingest/mqtt-frame.ts';

/** A packet with a body of `size` bytes; the length field is as of [MQTT-2.2.3]. */
function packet(size: number): Buffer {
  const digits: number[] = [];
  for (let left = size; ; left >>>= 7) {
    if (left < 128) {
      digits.push(left);
      break;
    }
    digits.push((left & 0x7f) | 0x80);
  }
  // Bodies that look like headers: the watch must not take them for one.
  return Buffer.concat([Buffer.from([0x32, ...digits]), Buffer.alloc(size, 0xff)]);
}

/** Cuts bytes at the given places, wherever they fall. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort(
    (a, b) => a - b,
  );
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length));
}

describe('watchFrames', () => {
  it('lets the largest packet pass and not one byte more', () => {
    expect(watchFrames(1000).take(packet(1000))).toBe(true);
    expect(watchFrames(1000).take(packet(1001))).toBe(false);
  });

  it('says so from the header alone', () => {
    expect(watchFrames(1000).take(packet(5000).subarray(0, 3))).toBe(false);
    expect(watchFrames(1000).take(Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff]))).toBe(false);
  });

  it('allows the first packet less than those behind it', () => {
    const watch = watchFrames(1000, 100);
    expect(watchFrames(1000, 100).take(packet(101))).toBe(false);
    expect(watch.take(Buffer.concat([packet(100), packet(1000)]))).toBe(true);
  });

  it('says what is held of a packet that is not whole, each piece with what it costs', () => {
    const watch = watchFrames(1000);
    const whole = packet(900);
    watch.take(Buffer.concat([packet(50), whole.subarray(0, 10)]));
    expect([watch.whole(), watch.held()]).toEqual([1, 10 + limits.messageOverheadBytes]);
    watch.take(whole.subarray(10, 11));
    expect(watch.held()).toBe(11 + 2 * limits.messageOverheadBytes);
    watch.take(whole.subarray(11));
    expect([watch.whole(), watch.held()]).toEqual([2, 0]);
  });

  it('gives the same answer however the stream is cut', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 1200 }), { maxLength: 8 });
    const places = fc.array(fc.nat(10_000), { maxLength: 12 });
    fc.assert(
      fc.property(sizes, places, (bodies, at) => {
        const watch = watchFrames(1000);
        const passed = cut(Buffer.concat(bodies.map(packet)), at).every((chunk) =>
          watch.take(chunk),
        );
        expect(passed).toBe(bodies.every((size) => size <= 1000));
      }),
    );
  });
});
