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

/**
 * The profile's points cut out of one answer whose first register is `first`; those of other
 * registers are left out. All registers of an answer have one width, that of the first's point.
 */
export function answered(profile: DeviceProfile, first: number, hex: string): SampleSet {
  const frame = Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');
  const points = Object.entries(profile.points);
  const isWide = points.some(
    ([, { modbus }]) => modbus?.address === first && modbus.width === 'enron',
  );
  const registerBytes = isWide ? 4 : 2;
  const samples = points.flatMap(([point, { modbus }]): Sample[] => {
    if (modbus === undefined || (modbus.width === 'enron') !== isWide) return [];
    const { address, encoding, registers = 0 } = modbus;
    const size = registers * registerBytes || Math.max(2, numberBytes[encoding.type] ?? 2);
    const start = registerBytes * (address - first);
    if (start < 0 || start + size > frame.length) return [];
    return [
      {
        point,
        rawHex: frame.subarray(start, start + size).toString('hex'),
        encoding: { order: 'ABCD', ...encoding },
        quality: 'good',
        gatewayTimeMs: GATEWAY_MS,
      },
    ];
  });
  if (samples.length === 0) throw new Error(`no point of ${profile.name} is in the frame`);
  return { samples };
}
