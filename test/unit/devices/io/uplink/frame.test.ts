import { describe, expect, it } from 'vitest';
import { frameOf, readFrames } from '../../../../../devices/io/uplink/frame.ts';

describe('readFrames', () => {
  it('finds messages however they are cut, and says what is held', () => {
    const bytes = Buffer.concat([frameOf(Buffer.from('one')), frameOf(Buffer.from('three'))]);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const found: string[] = [];
      const frames = readFrames(5, (message) => found.push(Buffer.from(message).toString()));
      expect(frames.push(bytes.subarray(0, cut)) && frames.push(bytes.subarray(cut))).toBe(true);
      expect(found).toEqual(['one', 'three']);
      expect(frames.isWhole()).toBe(true);
    }
  });

  it('takes a chunk of empty messages in time that grows with the chunk', () => {
    let count = 0;
    const frames = readFrames(10, () => {
      count += 1;
    });
    const before = process.threadCpuUsage().user;
    for (let chunk = 0; chunk < 16; chunk += 1) frames.push(Buffer.alloc(65_536));
    expect(count).toBe(16 * 16_384);
    // With a copy of the chunk for each message it took some seconds.
    expect((process.threadCpuUsage().user - before) / 1_000).toBeLessThan(500);
  });

  it('refuses a message that is too long, for good', () => {
    const frames = readFrames(5, () => undefined);
    expect(frames.push(frameOf(Buffer.alloc(6)))).toBe(false);
    expect(frames.push(frameOf(Buffer.alloc(1)))).toBe(false);
  });
});
