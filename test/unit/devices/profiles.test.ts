import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { liquidFlowComputer } from '../../../devices/profiles/liquid-flow-computer.ts';
import { profiles } from '../../../devices/profiles/registry.ts';
import { units } from '../../../devices/units.ts';
import { mistakesOfMapping } from '../../../gateway/drivers/mqtt/mapping.ts';
import { hasShared, sharedPath } from '../../support/shared.ts';

const points = Object.values(profiles).flatMap((profile) =>
  Object.entries(profile.points).map(([name, point]) => ({ at: `${profile.name}.${name}`, point })),
);

describe('every profile', () => {
  it('is listed under its own name', () => {
    expect(Object.keys(profiles).length).toBeGreaterThanOrEqual(11);
    for (const [name, profile] of Object.entries(profiles)) expect(profile.name).toBe(name);
  });

  it.each(points)('$at has a unit that is known, or none', ({ point }) => {
    if (point.unit !== '') expect(units.has(point.unit)).toBe(true);
  });

  it.each(points)('$at says what its value is, and in which unit of UCUM', ({ point }) => {
    expect(point.quantity).toBeDefined();
    const unit = units.get(point.unit);
    // API gravity and the US therm have no UCUM expression.
    if (unit) expect(unit.ucum ?? unit.code).toMatch(unit.ucum ? /./ : /^(J13|N72)$/);
  });

  it.each(points)('$at has an accuracy that is a bound', ({ point }) => {
    const { absolute = 1, percent = 1 } = point.accuracy ?? {};
    expect(absolute).toBeGreaterThan(0);
    expect(percent).toBeGreaterThan(0);
    if (point.range && point.accuracy?.absolute !== undefined) {
      expect(absolute).toBeLessThan(point.range[1] - point.range[0]);
    }
    if (point.cadenceMs !== undefined) expect(point.cadenceMs).toBeGreaterThanOrEqual(100);
  });

  it('has places in MQTT payloads without a mistake', () => {
    for (const profile of Object.values(profiles)) {
      if (profile.protocol !== 'mqtt') continue;
      expect(mistakesOfMapping(undefined, profile.points)).toEqual([]);
    }
  });

  it.each(points)('$at has sentinels outside its plausible range', ({ point }) => {
    for (const sentinel of point.sentinels ?? []) {
      const [low, high] = point.range ?? [Number.NaN, Number.NaN];
      expect(sentinel >= low && sentinel <= high).toBe(false);
    }
  });

  it('gives no two Modbus points the same bytes', () => {
    for (const profile of Object.values(profiles)) {
      const taken = Object.values(profile.points).flatMap(({ modbus }) => {
        if (!modbus) return [];
        const words = { float64: 4, uint64: 4, int64: 4, float32: 2, int32: 2, uint32: 2 };
        const size = words[modbus.encoding.type as keyof typeof words] ?? 1;
        const span = modbus.width === 'enron' ? Math.ceil(size / 2) : size;
        const length = modbus.registers ?? span;
        // Bits share their register, but no two points the same bit.
        const bit = modbus.encoding.bit === undefined ? '' : ` bit ${modbus.encoding.bit}`;
        return Array.from({ length }, (_, i) => `${modbus.table} ${modbus.address + i}${bit}`);
      });
      expect(new Set(taken).size).toBe(taken.length);
    }
  });
});

describe.skipIf(!hasShared)('the liquid flow computer', () => {
  // Collected even where it is skipped, so a missing file must not throw here.
  const file = sharedPath('data', 'modbus', 'enron-meter-run-0.csv');
  const map = (hasShared ? readFileSync(file, 'utf8') : '')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => line.split(','))
    .map(([register = '', type = '', description = '']) => ({
      register: Number(register),
      type,
      description,
    }));
  const documented = Object.values(liquidFlowComputer.points).flatMap((point) => {
    const row = map.find(({ register }) => register === point.modbus?.address);
    return row ? [{ point, row }] : [];
  });

  it('uses registers of the documented run', () => {
    expect(documented.length).toBe(9);
  });

  it.each(documented)('reads $row.register as documented: $row.description', ({ point, row }) => {
    expect(point.modbus?.encoding).toEqual({ type: row.type, order: 'ABCD' });
    expect(point.modbus?.width).toBe('enron');
    const subject = row.description.match(/time|mass|volume|temperature|pressure/)?.[0] ?? '';
    expect(point.summary.toLowerCase()).toContain(row.register === 7004 ? 'flow rate' : subject);
  });

  it('keeps 4-byte registers in the Enron ranges and words out of them', () => {
    for (const { modbus } of Object.values(liquidFlowComputer.points)) {
      const address = modbus?.address ?? 0;
      const long = address > 5000 && address < 6000;
      const float = address > 7000 && address < 8000;
      expect(modbus?.width === 'enron').toBe(long || float);
      if (long) expect(modbus?.encoding.type).toMatch(/int32$/);
      if (float) expect(modbus?.encoding.type).toBe('float32');
    }
  });
});
