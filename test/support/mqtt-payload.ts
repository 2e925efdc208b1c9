/** Payloads read by a mapping, for tests: points by their places, and what came in short. */
import { expect } from 'vitest';
import type { MqttPlace, PointDefinition } from '../../devices/profile.ts';
import { decode } from '../../gateway/decode.ts';
import type { SampleSet } from '../../gateway/driver.ts';
import {
  compileMapping,
  mistakesOfMapping,
  type PayloadSettings,
} from '../../gateway/drivers/mqtt/mapping.ts';
import { readPayload } from '../../gateway/drivers/mqtt/payload.ts';

/** Places by point; the path is the point's name where none is given. */
export type Places = Readonly<
  Record<string, Partial<MqttPlace> & { readonly type?: string; readonly rec20?: string }>
>;

export const arrival = { gatewayTimeMs: 1_700_000_000_000, retained: false };

export function pointsOf(places: Places): Record<string, PointDefinition> {
  return Object.fromEntries(
    Object.entries(places).map(([name, { type = 'Temperature', rec20 = 'CEL', ...place }]) => [
      name,
      { summary: '', type, unit: rec20, mqtt: { topic: '', path: name, ...place } },
    ]),
  );
}

/** What a payload says, by settings that must have no mistake. */
export function readBy(
  payload: string | Uint8Array,
  settings: PayloadSettings | undefined,
  places: Places,
  more: { readonly retained?: boolean } = {},
): SampleSet {
  const points = pointsOf(places);
  expect(mistakesOfMapping(settings, points)).toEqual([]);
  const mapping = compileMapping(settings, points);
  return readPayload(Buffer.from(payload), mapping, { ...arrival, ...more });
}

/** What came, as `[point, text, source time]`. */
export function rows({ samples }: SampleSet): unknown[] {
  return samples.map(({ point, rawHex, sourceTimeMs }) => [
    point,
    Buffer.from(rawHex, 'hex').toString(),
    sourceTimeMs,
  ]);
}

/** The values of what came. */
export function values({ samples }: SampleSet): unknown[] {
  return samples.map(({ rawHex, encoding }) => decode(rawHex, encoding));
}
