/** Prometheus's own Python parser reads our metrics and finds in them what the snapshot said. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { formatMetrics } from '../../gateway/http/metrics.ts';
import { deviceSnapshot, gatewaySnapshot } from '../support/gateway-snapshot.ts';
import { hasPeer } from '../support/peers.ts';

interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly [string, Readonly<Record<string, string>>, number][];
}

const READER = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as read
print(json.dumps({f.name: {"type": f.type, "help": f.documentation,
  "samples": [[s.name, s.labels, s.value] for s in f.samples]}
  for f in read(sys.stdin.read())}))`;

function families(text: string): Readonly<Record<string, Family>> {
  const read = execFileSync('/usr/bin/python3', ['-c', READER], { input: text, encoding: 'utf8' });
  return JSON.parse(read);
}

describe.skipIf(!hasPeer('prometheus'))('the metrics as Prometheus reads them', () => {
  const odd = 'caster "3" \\ north\nline';
  const read = families(
    formatMetrics(
      gatewaySnapshot({
        site: odd,
        devices: [
          deviceSnapshot({ counters: { requests: 12, foreignFrames: 2 } }),
          deviceSnapshot({
            name: 'line-1',
            driver: 'opcua',
            state: 'down',
            held: true,
            certificates: [
              { use: 'server', subject: 'CN=mill', fingerprint: 'AA', notAfterMs: 1_500_000 },
            ],
            points: [
              { point: 'heat', summary: '', unit: '', value: '26041', quality: 'good' },
              { point: 'count', summary: '', unit: '', value: 9007199254740993n, quality: 'good' },
              { point: 'stale', summary: '', unit: '', value: 4, quality: 'uncertain' },
            ],
          }),
        ],
      }),
    ),
  );

  const samples = (name: string) => read[`bondline_gateway_${name}`]?.samples;

  it('have a type, a help and a name that says the unit', () => {
    expect(Object.keys(read).length).toBeGreaterThan(20);
    for (const [name, { help, type }] of Object.entries(read)) {
      expect(name).toMatch(/^bondline_gateway_[a-z_]+$/);
      expect(help).not.toBe('');
      expect(['gauge', 'counter']).toContain(type);
    }
  });

  it('keep labels with quotes, backslashes and line ends', () => {
    expect(samples('info')?.[0]?.[1]).toMatchObject({ site: odd });
  });

  it('give seconds and bytes', () => {
    expect(samples('outbox_bytes')).toEqual([['bondline_gateway_outbox_bytes', {}, 2_048]]);
    expect(samples('clock_offset_seconds')?.[0]?.[2]).toBeCloseTo(0.0004);
    expect(samples('certificate_expiry_seconds')?.[0]?.[2]).toBe(1_500);
  });

  it('tell devices apart, and what each counted', () => {
    const state = samples('device_up')?.map(([, { device }, value]) => [device, value]);
    expect(state).toEqual([
      ['fc-1', 1],
      ['line-1', 0],
    ]);
    expect(samples('device_held')?.map(([, , value]) => value)).toEqual([0, 1]);
    expect(samples('device_events')).toContainEqual([
      'bondline_gateway_device_events_total',
      { device: 'fc-1', driver: 'modbus', event: 'foreignFrames' },
      2,
    ]);
  });

  it('show only good numbers as values of points', () => {
    const points = samples('point_value')?.map(([, { point }, value]) => [point, value]);
    expect(points).toEqual([
      ['temperature', 61.5],
      ['count', 9007199254740992],
    ]);
  });
});
