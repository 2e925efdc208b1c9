/** What comes off the wire, to readings by a profile: for golden tests of profiles. */
import type { DeviceProfile } from '../../devices/profile.ts';
import { numberBytes, type Sample } from '../../devices/reading.ts';
import type { SampleSet } from '../../gateway/driver.ts';
import { compileMapping } from '../../gateway/drivers/mqtt/mapping.ts';
import { readPayload } from '../../gateway/drivers/mqtt/payload.ts';
import { measure, planMeasurement } from '../../gateway/measure.ts';

/** Wall time of the gateway in these tests. */
export const GATEWAY_MS = Date.UTC(2026, 10, 21, 12);

/** `[point, value, unit, quality]`, or with a status, in groups of one time and goods. */
export function told(profile: DeviceProfile, set: SampleSet, goods?: string) {
  return measure(set, planMeasurement(profile, goods), new Map()).map(
    ({ timeMs, about, readings }) => ({
      time: new Date(timeMs).toISOString(),
      ...(about !== undefined && { about }),
      readings: readings.map(({ point, value, unit, quality, status }) =>
        status === undefined
          ? [point, value, unit, quality]
          : [point, value, unit, quality, status],
      ),
    }),
  );
}

/** What the profile finds in a message, with nothing configured but the topic. */
export function published(profile: DeviceProfile, topic: string, message: unknown): SampleSet {
  const points = Object.entries(profile.points).filter(([, { mqtt }]) => mqtt?.topic === topic);
  const mapping = compileMapping(undefined, Object.fromEntries(points));
  const payload = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  return readPayload(payload, mapping, { gatewayTimeMs: GATEWAY_MS, retained: false });
}

/** The profile's points cut out of one answer whose first register is `first`. */
export function answered(profile: DeviceProfile, first: number, hex: string): SampleSet {
  const frame = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
  const samples = Object.entries(profile.points).map(([point, { modbus }]): Sample => {
    if (modbus === undefined) throw new Error(`${point} has no place`);
    const { address, encoding, registers } = modbus;
    const size =
      registers === undefined ? Math.max(2, numberBytes[encoding.type] ?? 2) : 2 * registers;
    const start = 2 * (address - first);
    const words = frame.subarray(start, start + size);
    if (words.length !== size) throw new Error(`the frame is too short for ${point}`);
    return {
      point,
      rawHex: words.toString('hex'),
      encoding: { order: 'ABCD', ...encoding },
      quality: 'good',
      gatewayTimeMs: GATEWAY_MS,
    };
  });
  return { samples };
}
