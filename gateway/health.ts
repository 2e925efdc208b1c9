/** What the gateway counts, and the status line that it prints; batches aside, in readings. */
import type { DeviceState } from './device-state.ts';
import type { OutboxStats } from './outbox.ts';

/** Counted since the start of this run. */
export interface Counters {
  /** Point values received from devices. */
  sampled: number;
  /** Readings signed and durable. */
  signed: number;
  /** Point values that were not signed, because they said nothing new (report by exception). */
  suppressed: number;
  batches: number;
  /** Point values that signed losses account for. */
  lossesSigned: number;
  /** Readings not kept because the outbox is full. */
  dropped: number;
  /** Readings for which a receipt said accepted, and refused. */
  delivered: number;
  refused: number;
  /** Wall time of the newest value received; 0 before the first. */
  newestMs: number;
}

export function createCounters(): Counters {
  return {
    sampled: 0,
    signed: 0,
    suppressed: 0,
    batches: 0,
    lossesSigned: 0,
    dropped: 0,
    delivered: 0,
    refused: 0,
    newestMs: 0,
  };
}

export interface DeviceStatus {
  readonly name: string;
  readonly state: DeviceState['condition'];
  readonly sinceMs: number;
  readonly reason?: string;
}

/** One line of status, once a second. */
export interface StatusLine {
  readonly timeMs: number;
  readonly site: string;
  readonly sampled: number;
  readonly signed: number;
  readonly suppressed: number;
  readonly batches: number;
  /** Readings in the outbox now, and those of them that the ingester holds. */
  readonly waiting: number;
  readonly held: number;
  readonly delivered: number;
  readonly refused: number;
  readonly dropped: number;
  readonly damaged: number;
  /** Readings that gave way to newer ones because the outbox was full. */
  readonly gaveWay: number;
  readonly lossesSigned: number;
  readonly newestMs: number;
  readonly uplink: boolean;
  readonly devices: readonly DeviceStatus[];
}

export function composeStatus(facts: {
  readonly timeMs: number;
  readonly site: string;
  readonly counters: Counters;
  readonly outbox: OutboxStats;
  /** DIDs of the devices that the ingester holds. */
  readonly held: readonly string[];
  readonly uplink: boolean;
  readonly devices: readonly DeviceStatus[];
}): StatusLine {
  const { counters, devices, held, outbox, site, timeMs, uplink } = facts;
  const { batches, delivered, dropped, lossesSigned, newestMs, refused, sampled, signed } =
    counters;
  const { suppressed } = counters;
  return {
    timeMs,
    site,
    sampled,
    signed,
    suppressed,
    batches,
    waiting: outbox.readings,
    held: held.reduce((sum, did) => sum + (outbox.devices[did]?.readings ?? 0), 0),
    delivered,
    refused,
    dropped,
    damaged: outbox.damaged,
    gaveWay: outbox.gaveWay,
    lossesSigned,
    newestMs,
    uplink,
    devices,
  };
}

/** The status for people: one line, the devices that are not well at its end. */
export function formatStatus(line: StatusLine): string {
  const { batches, delivered, held, refused, sampled, signed, uplink, waiting } = line;
  const counts = Object.entries({ sampled, signed, batches, waiting, delivered, held, refused })
    .map(([name, count]) => `${name} ${count}`)
    .join('  ');
  const unwell = line.devices
    .filter(({ state }) => state !== 'up')
    .map(({ name, reason, state }) => `${name} ${state}${reason ? ` (${reason})` : ''}`);
  const devices = unwell.length > 0 ? `  devices: ${unwell.join(', ')}` : '';
  return `${line.site}  ${counts}  uplink ${uplink ? 'up' : 'down'}${devices}`;
}
