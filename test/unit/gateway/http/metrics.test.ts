/** The metrics of a gateway: what is not so any more is no number to plot. */
import { describe, expect, it } from 'vitest';
import { formatMetrics } from '../../../../gateway/http/metrics.ts';
import { deviceSnapshot, gatewaySnapshot } from '../../../support/gateway-snapshot.ts';

const textOf = (changes: Parameters<typeof deviceSnapshot>[0]) =>
  formatMetrics(gatewaySnapshot({ devices: [deviceSnapshot(changes)] }));

describe('the metrics', () => {
  it('have the values of a device while they are fresh, and none when they are stale', () => {
    const value = /^bondline_gateway_point_value\{device="fc-1",point="temperature".*\} 61\.5$/m;
    expect(textOf({ ageMs: 5_000 })).toMatch(value);
    const stale = textOf({ ageMs: 5_001 });
    expect(stale).not.toContain('point_value');
    expect(stale).toMatch(/^bondline_gateway_healthy 0$/m);
    expect(stale).toMatch(/^bondline_gateway_device_age_seconds\{.*\} 5\.001$/m);
  });

  it('say which device’s clock is in doubt, and how much reported nothing new', () => {
    const doubted =
      /^bondline_gateway_device_clock_doubted\{device="fc-1",driver="modbus"\} (\d)$/m;
    expect(doubted.exec(textOf({}))?.[1]).toBe('0');
    expect(doubted.exec(textOf({ clock: 'jumped' }))?.[1]).toBe('1');
    const { counters } = gatewaySnapshot();
    const text = formatMetrics(gatewaySnapshot({ counters: { ...counters, suppressed: 7 } }));
    expect(text).toMatch(/^bondline_gateway_suppressed_total 7$/m);
  });
});
