/** A snapshot of a gateway with two devices, to vary in tests of what shows it. */
import type { DeviceSnapshot, GatewaySnapshot } from '../../gateway/snapshot.ts';

export function deviceSnapshot(changes: Partial<DeviceSnapshot> = {}): DeviceSnapshot {
  return {
    name: 'fc-1',
    did: 'did:key:zDevice',
    driver: 'modbus',
    profile: 'liquid-flow-computer',
    state: 'up',
    sinceMs: 1_000,
    everyMs: 1_000,
    ageMs: 120,
    held: false,
    counters: { requests: 12, timeouts: 0 },
    certificates: [],
    points: [
      {
        point: 'temperature',
        summary: 'Temperature of the liquid at the meter.',
        unit: 'FAH',
        value: 61.5,
        quality: 'good',
        gatewayTimeMs: 99_900,
      },
    ],
    ...changes,
  };
}

export function gatewaySnapshot(changes: Partial<GatewaySnapshot> = {}): GatewaySnapshot {
  return {
    timeMs: 100_000,
    startedMs: 0,
    site: 'neche',
    did: 'did:key:zGateway',
    configuration: 'uEiConfiguration',
    counters: {
      sampled: 12,
      signed: 12,
      suppressed: 0,
      batches: 2,
      lossesSigned: 0,
      dropped: 0,
      delivered: 6,
      refused: 0,
      newestMs: 99_900,
    },
    uplink: { up: true },
    outbox: { rows: 1, readings: 6, bytes: 2_048, bytesMax: 1_048_576, damaged: 0, gaveWay: 0 },
    clock: { source: 'ntp', offsetMs: 0.4, uncertaintyMs: 2, monotonicMs: 100_000, steps: 0 },
    witness: {
      checkpoint: { size: 4_711, issuedMs: 90_000, keptMs: 90_250 },
      contradiction: false,
      unproven: false,
      silent: false,
    },
    devices: [deviceSnapshot()],
    ...changes,
  };
}
