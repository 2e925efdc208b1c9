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

  it('say how far the ingester’s record is witnessed, and whether it keeps to it', () => {
    const { witness } = gatewaySnapshot();
    const of = (change: Partial<typeof witness>) => {
      const text = formatMetrics(gatewaySnapshot({ witness: { ...witness, ...change } }));
      return [...text.matchAll(/^bondline_gateway_((?:checkpoint|journal)_\S+ \S+)$/gm)].map(
        ([, line]) => line,
      );
    };
    const kept = ['checkpoint_entries 4711', 'checkpoint_issued_timestamp_seconds 90'];
    const doubts = (contradiction: number, unproven: number, silent = 0) => [
      `journal_contradiction ${contradiction}`,
      `journal_unproven ${unproven}`,
      `journal_silent ${silent}`,
    ];
    expect(of({})).toEqual([...kept, ...doubts(0, 0)]);
    expect(of({ contradiction: true })).toEqual([...kept, ...doubts(1, 0)]);
    expect(of({ unproven: true })).toEqual([...kept, ...doubts(0, 1)]);
    expect(of({ silent: true })).toEqual([...kept, ...doubts(0, 0, 1)]);
    const none = { contradiction: false, silent: false, unproven: false };
    const text = formatMetrics(gatewaySnapshot({ witness: none }));
    expect(text).not.toContain('gateway_checkpoint_');
    expect(text).toMatch(/^bondline_gateway_journal_contradiction 0$/m);
  });
});
