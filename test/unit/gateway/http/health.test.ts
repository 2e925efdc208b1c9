/** When data counts as stale. */
import { describe, expect, it } from 'vitest';
import { judgeHealth, staleAfterMs } from '../../../../gateway/http/health.ts';
import { deviceSnapshot, gatewaySnapshot } from '../../../support/gateway-snapshot.ts';

describe('the health of a gateway', () => {
  it('is three intervals of the device, and never less than five seconds', () => {
    expect(staleAfterMs({ everyMs: 100 })).toBe(5_000);
    expect(staleAfterMs({ everyMs: 1_000 })).toBe(5_000);
    expect(staleAfterMs({ everyMs: 60_000 })).toBe(180_000);
  });

  it('turns from ok to stale at the moment at which the data are too old', () => {
    const at = (ageMs: number) =>
      judgeHealth(gatewaySnapshot({ devices: [deviceSnapshot({ ageMs, everyMs: 2_000 })] }));
    expect(at(6_000).status).toBe('ok');
    expect(at(6_001)).toEqual({
      status: 'stale',
      site: 'neche',
      devices: 1,
      stale: [{ name: 'fc-1', reason: 'up', ageMs: 6_001, staleAfterMs: 6_000 }],
    });
  });

  it('gives a device that never answered the time to, and says what is known of it', () => {
    const { ageMs: _, ...silent } = deviceSnapshot({ state: 'down', reason: 'timeout' });
    const early = gatewaySnapshot({ timeMs: 4_000, devices: [silent] });
    expect(judgeHealth(early).status).toBe('ok');
    const late = gatewaySnapshot({ timeMs: 6_000, devices: [deviceSnapshot(), silent] });
    expect(judgeHealth(late).stale).toEqual([
      { name: 'fc-1', reason: 'timeout', staleAfterMs: 5_000 },
    ]);
  });
});
