import { describe, expect, it } from 'vitest';
import type { Outage } from '../../faults/net/light-gateway.ts';
import {
  fixedHeader,
  pubackId,
  pubackPacket,
  publishPacket,
  readPublish,
} from '../../faults/net/mqtt-packets.ts';
import { judgeComeback } from '../../faults/net/reconnects.ts';

/** A gateway that was away for so long and tried at these times after it lost its broker. */
function outage(awayMs: number, tried: readonly number[], firstMs = tried[0] ?? 0): Outage {
  return {
    lostMs: 1_000,
    waitsMs: [firstMs],
    triedMs: tried.map((ms) => 1_000 + ms),
    backMs: 1_000 + awayMs,
  };
}

describe('the judge of gateways that come back', () => {
  it('takes waits that are spread and double', () => {
    const spread = Array.from({ length: 40 }, (_, at) => outage(2_000, [250 + 6 * at, 900]));
    const { attempts, herdShare, notes } = judgeComeback(spread);
    expect(notes).toEqual([]);
    expect(attempts).toBe(2);
    expect(herdShare).toBeLessThan(0.2);
  });

  it('finds gateways that come back at the same time', () => {
    const herd = Array.from({ length: 40 }, () => outage(600, [500]));
    expect(judgeComeback(herd).notes).toEqual(['40 of 40 gateways came back at the same time']);
  });

  it('takes as many attempts as doubling waits leave room for, and finds one more', () => {
    // At their shortest the waits are 250, 500 and 1,000 ms.
    expect(judgeComeback([outage(1_751, [250, 750, 1_750])]).notes).toEqual([]);
    expect(judgeComeback([outage(1_700, [250, 750, 1_650])]).notes).toEqual([
      'a gateway tried 3 times in 1700 ms, at most 2 are right',
    ]);
  });
});

describe('packets made by hand', () => {
  it('are read as they were written, with an identifier and without', () => {
    const payload = Buffer.from('what is said');
    for (const id of [undefined, 1, 65_535]) {
      const packet = publishPacket({ topic: 'a/b', payload, ...(id !== undefined && { id }) });
      expect(readPublish(packet)).toEqual({ topic: 'a/b', id, payload });
    }
    expect(pubackId(pubackPacket(4_711))).toBe(4_711);
  });

  it('have the lengths of the standard (MQTT 3.1.1, table 2.4)', () => {
    const lengths = [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455];
    expect(lengths.map((length) => fixedHeader(0x30, length).toString('hex'))).toEqual([
      ...['3000', '307f', '308001', '30ff7f', '30808001', '30ffff7f', '3080808001', '30ffffff7f'],
    ]);
  });
});
