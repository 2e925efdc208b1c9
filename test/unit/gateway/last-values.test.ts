import { expect, it } from 'vitest';
import { defineProfile } from '../../../devices/profile.ts';
import type { Reading } from '../../../devices/reading.ts';
import { createLastValues } from '../../../gateway/last-values.ts';

const profile = defineProfile({
  name: 'test-meter',
  summary: 'a test',
  source: 'none',
  protocol: 'opcua',
  reportsOn: 'pipeline-batch',
  points: {
    t: { summary: 'T.', type: 'Temperature', unit: 'CEL', opcua: { path: 'T' } },
    idle: { summary: 'Idle.', type: 'Temperature', unit: 'CEL', opcua: { path: 'I' } },
  },
});
const fixed = { point: 't', type: 'Temperature', unit: 'CEL', rawHex: '00' } as const;
const reading = (value: number, more: Partial<Reading> = {}): Reading => ({
  ...fixed,
  value,
  quality: 'good',
  ...more,
});

it('has all times of the newest reading, the server’s as long as it is stated', () => {
  const values = createLastValues(profile);
  const shown = { point: 't', summary: 'T.', unit: 'CEL', quality: 'good' };
  const idle = { point: 'idle', summary: 'Idle.', unit: 'CEL' };
  values.take([
    { timeMs: 500, gatewayTimeMs: 510, readings: [reading(1), reading(2, { serverTimeMs: 503 })] },
  ]);
  expect(values.snapshot()).toEqual([
    { ...shown, value: 2, sourceTimeMs: 500, serverTimeMs: 503, gatewayTimeMs: 510 },
    idle,
  ]);
  values.take([{ timeMs: 600, gatewayTimeMs: 610, readings: [reading(3)] }]);
  expect(values.snapshot()).toEqual([
    { ...shown, value: 3, sourceTimeMs: 600, gatewayTimeMs: 610 },
    idle,
  ]);
});

it('takes no record of an archive for the present value', () => {
  const values = createLastValues(profile);
  values.take([{ timeMs: 600, readings: [reading(3)] }]);
  values.take([{ timeMs: 700, readings: [reading(4, { quality: 'archived' })] }]);
  expect(values.snapshot()[0]).toMatchObject({ value: 3, gatewayTimeMs: 600 });
});
