/** A snapshot as Prometheus reads it (text exposition format 0.0.4). */
import type { DeviceSnapshot, GatewaySnapshot } from '../snapshot.ts';
import { isStale, judgeHealth } from './health.ts';

type Labels = Readonly<Record<string, string>>;

interface Sample {
  readonly value: number;
  readonly labels?: Labels;
}

interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Media type of `formatMetrics`. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** All metrics. Times and sizes are in base units (seconds, bytes), as Prometheus asks. */
export function formatMetrics(snapshot: GatewaySnapshot): string {
  return [
    ...gatewayFamilies(snapshot),
    ...outboxFamilies(snapshot),
    ...clockFamilies(snapshot),
    ...witnessFamilies(snapshot),
    ...deviceFamilies(snapshot),
  ]
    .filter(({ samples }) => samples.length > 0)
    .map(formatFamily)
    .join('');
}

function gatewayFamilies(snapshot: GatewaySnapshot): Family[] {
  const { configuration, counters, did, site, startedMs, timeMs, uplink } = snapshot;
  return [
    gauge('info', 'The gateway and the configuration in force.', 1, { site, did, configuration }),
    gauge('start_time_seconds', 'When the gateway was started.', startedMs / 1_000),
    gauge('time_seconds', 'Wall time of the gateway.', timeMs / 1_000),
    gauge('healthy', '1 while no device is stale, else 0.', healthOf(snapshot)),
    gauge('uplink_up', '1 while the uplink stands, else 0.', uplink.up ? 1 : 0),
    counter('sampled_total', 'Point values received from devices.', counters.sampled),
    counter('signed_total', 'Readings signed and durable.', counters.signed),
    counter('suppressed_total', 'Readings that reported nothing new.', counters.suppressed),
    counter('batches_total', 'Batches signed.', counters.batches),
    counter('delivered_total', 'Readings that a receipt accepted.', counters.delivered),
    counter('refused_total', 'Readings that a receipt refused.', counters.refused),
    counter('dropped_total', 'Readings not kept: the outbox was full.', counters.dropped),
    counter('losses_total', 'Point values that signed losses say.', counters.lossesSigned),
  ];
}

function healthOf(snapshot: GatewaySnapshot): number {
  return judgeHealth(snapshot).status === 'ok' ? 1 : 0;
}

function outboxFamilies({ outbox }: GatewaySnapshot): Family[] {
  return [
    gauge('outbox_batches', 'Batches that wait for their receipt.', outbox.rows),
    gauge('outbox_readings', 'Readings in them.', outbox.readings),
    gauge('outbox_bytes', 'Bytes in them.', outbox.bytes),
    gauge('outbox_bytes_max', 'Bytes that the outbox may hold.', outbox.bytesMax),
    counter('outbox_damaged_total', 'Batches found damaged on disk.', outbox.damaged),
    counter('outbox_gave_way_total', 'Readings that gave way to newer ones.', outbox.gaveWay),
  ];
}

function clockFamilies({ clock }: GatewaySnapshot): Family[] {
  const { offsetMs, source, steps, uncertaintyMs } = clock;
  return [
    gauge('clock_info', 'What sets the clock.', 1, { source }),
    optional('clock_offset_seconds', 'Known offset of the clock from UTC.', offsetMs),
    optional('clock_uncertainty_seconds', 'Uncertainty of that offset.', uncertaintyMs),
    counter('clock_steps_total', 'Steps of the wall clock since the start.', steps),
  ];
}

function witnessFamilies({ witness }: GatewaySnapshot): Family[] {
  const { checkpoint, contradiction, silent, unproven } = witness;
  const issued = 'When the ingester signed that checkpoint.';
  return [
    many('checkpoint_entries', 'gauge', 'Entries of the ingester’s record in the one kept.', [
      ...(checkpoint ? [{ value: checkpoint.size }] : []),
    ]),
    optional('checkpoint_issued_timestamp_seconds', issued, checkpoint?.issuedMs),
    gauge(
      'journal_contradiction',
      '1 while it contradicts what was signed.',
      contradiction ? 1 : 0,
    ),
    gauge('journal_unproven', '1 while nothing proves that it continues.', unproven ? 1 : 0),
    gauge('journal_silent', '1 while receipts come and no further checkpoint.', silent ? 1 : 0),
  ];
}

function deviceFamilies({ devices }: GatewaySnapshot): Family[] {
  const each = (value: (device: DeviceSnapshot) => number | undefined): Sample[] =>
    devices.flatMap((device) => {
      const found = value(device);
      return found === undefined ? [] : [{ value: found, labels: labelsOf(device) }];
    });
  return [
    many('device_up', 'gauge', '1 while the device answers, else 0.', [
      ...each(({ state }) => (state === 'up' ? 1 : 0)),
    ]),
    many('device_age_seconds', 'gauge', 'Age of the newest data.', [
      ...each(({ ageMs }) => (ageMs === undefined ? undefined : ageMs / 1_000)),
    ]),
    many('device_held', 'gauge', '1 while the ingester holds what it signs.', [
      ...each(({ held }) => (held ? 1 : 0)),
    ]),
    many(
      'device_events_total',
      'counter',
      'What the driver counted, by event.',
      devices.flatMap((device) =>
        Object.entries(device.counters).map(([event, value]) => ({
          value,
          labels: { ...labelsOf(device), event },
        })),
      ),
    ),
    many(
      'certificate_expiry_seconds',
      'gauge',
      'When a certificate expires.',
      devices.flatMap((device) =>
        device.certificates.map(({ fingerprint, notAfterMs, subject, use }) => ({
          value: notAfterMs / 1_000,
          labels: { device: device.name, use, subject, fingerprint },
        })),
      ),
    ),
    many('device_clock_doubted', 'gauge', '1 while its own clock cannot be believed, else 0.', [
      ...each(({ clock }) => (clock === undefined ? 0 : 1)),
    ]),
    many('point_value', 'gauge', 'Newest value of a point, while good.', [
      ...pointSamples(devices.filter((device) => !isStale(device))),
    ]),
  ];
}

/** Numbers and truth values whose quality is good; a stale or bad one is no number to plot. */
function pointSamples(devices: readonly DeviceSnapshot[]): Sample[] {
  return devices.flatMap((device) =>
    device.points.flatMap(({ point, quality, unit, value }): Sample[] => {
      if (quality !== 'good' || value === undefined || typeof value === 'string') return [];
      return [{ value: Number(value), labels: { device: device.name, point, unit } }];
    }),
  );
}

function labelsOf({ driver, name }: DeviceSnapshot): Labels {
  return { device: name, driver };
}

function gauge(name: string, help: string, value: number, labels: Labels = {}): Family {
  return many(name, 'gauge', help, [{ value, labels }]);
}

function counter(name: string, help: string, value: number): Family {
  return many(name, 'counter', help, [{ value }]);
}

/** A gauge in seconds that may be unknown. */
function optional(name: string, help: string, valueMs: number | undefined): Family {
  return many(name, 'gauge', help, valueMs === undefined ? [] : [{ value: valueMs / 1_000 }]);
}

function many(
  name: string,
  type: Family['type'],
  help: string,
  samples: readonly Sample[],
): Family {
  return { name: `bondline_gateway_${name}`, type, help, samples };
}

function formatFamily({ help, name, samples, type }: Family): string {
  const lines = samples.map(({ labels = {}, value }) => `${name}${formatLabels(labels)} ${value}`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}

function formatLabels(labels: Labels): string {
  const parts = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
