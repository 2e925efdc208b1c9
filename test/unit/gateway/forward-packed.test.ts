import { describe, expect, it } from 'vitest';
import { isPacked, unpackToken } from '../../../devices/credential/wire-pack.ts';
import { limits } from '../../../devices/limits.ts';
import { startForwarder as start } from './support/forward-world.ts';

describe('packed batches', () => {
  it('go to an ingester that says that it unpacks them, where that pays', async () => {
    const t = start();
    await t.append(1, undefined, 20);
    await t.up(true);
    const [token] = t.sent.splice(0) as [Uint8Array];
    expect(isPacked(token)).toBe(false);
    await t.receipt([token], 'accepted', { takesPacked: true });
    await t.append(1, undefined, 20);
    const [packed] = t.sent.splice(0) as [Uint8Array];
    const [row] = t.store.peek({ after: 0, count: 1 });
    expect(isPacked(packed)).toBe(true);
    expect(unpackToken(packed)).toEqual(Buffer.from(row?.token ?? []));
    // What has to be sent again goes as it is: the other end may be another one by now.
    await t.world.run(limits.receiptTimeoutMs + limits.forwardTickMs);
    expect(t.sent.splice(0)).toEqual([row?.token]);
    await t.receipt([row?.token ?? new Uint8Array()], 'accepted', { takesPacked: true });
    expect(t.store.stats().rows).toBe(0);
  });

  it.each([
    ['an older ingester', true, false],
    ['an uplink where bytes cost nothing', false, true],
  ])('do not go to %s', async (_who, packs, takesPacked) => {
    const t = start();
    await t.append(1);
    await t.up(packs);
    await t.receipt(t.sent.splice(0), 'accepted', { takesPacked });
    await t.append(1);
    expect(t.sent.some(isPacked)).toBe(false);
    // Another ingester may stand behind the next uplink.
    await t.up(true);
    expect(t.sent.some(isPacked)).toBe(false);
  });
});
