/** Exact readings of meters, and the frames that their makers print. */
import { describe, expect, it } from 'vitest';
import { densitometer } from '../../../../devices/profiles/densitometer.ts';
import { gasChromatograph } from '../../../../devices/profiles/gas-chromatograph.ts';
import { gasFlowComputer } from '../../../../devices/profiles/gas-flow-computer.ts';
import { crc16 } from '../../../../gateway/drivers/modbus/crc.ts';
import { placeOnDevice } from '../../../../gateway/drivers/modbus/options.ts';
import { planBlocks } from '../../../../gateway/drivers/modbus/plan.ts';
import { answered, told } from '../../../support/golden-profile.ts';

const readingsOf = (groups: ReturnType<typeof told>) => groups.flatMap(({ readings }) => readings);

describe('a densitometer', () => {
  it('is asked for its line density with the frame of its manual', () => {
    const place = densitometer.points['lineDensity']?.modbus;
    if (!place) throw new Error('the profile has no line density');
    const [block] = planBlocks([{ point: 'lineDensity', place: placeOnDevice(place, {}) }]);
    const { address = 0, code = 0, quantity = 0 } = block ?? {};
    const head = Buffer.from([1, code, address >> 8, address & 0xff, quantity >> 8, quantity]);
    const check = crc16(head);
    const frame = Buffer.concat([head, Buffer.from([check & 0xff, check >> 8])]);
    // 78285000 section D.7.2: reading register 257 of slave 1 at a register size of 32 bits.
    expect(frame.toString('hex')).toBe('010301010001d436');
  });

  it('tells a density and the health of its fork', () => {
    const density = told(densitometer, answered(densitometer, 257, '4454a000'), undefined);
    expect(readingsOf(density)).toEqual([['lineDensity', 850.5, 'KMQ', 'good']]);
    const fork = answered(densitometer, 263, '42dc0000 3f800000 44bb8000');
    expect(readingsOf(told(densitometer, fork, undefined))).toEqual([
      ['sensorResistance', 110, 'OHM', 'good'],
      ['pickupLevel', 1, 'VLT', 'good'],
      ['resonanceQuality', 1_500, 'C62', 'good'],
    ]);
  });
});

describe('a gas flow computer', () => {
  const goods = 'did:web:gas.example/gas-flow/emerson';

  it('tells totals of 4-byte registers', () => {
    const frame = '00015180 00000e10 000004b0 00000708 00000258 000f4240 0012d687 0000c350';
    expect(told(gasFlowComputer, answered(gasFlowComputer, 5001, frame), goods)).toEqual([
      {
        time: '2026-11-21T12:00:00.000Z',
        about: goods,
        readings: [
          ['runTime', 86_400, 'SEC', 'good'],
          ['flowTimePreviousDay', 3_600, 'SEC', 'good'],
          ['flowTimeDay', 1_200, 'SEC', 'good'],
          ['flowTimePreviousHour', 1_800, 'SEC', 'good'],
          ['flowTimeHour', 600, 'SEC', 'good'],
          ['massTotal', 1_000_000, 'KGM', 'good'],
          ['baseVolumeTotal', 1_234_567, 'MTQ', 'good'],
          ['flowingVolumeTotal', 50_000, 'MTQ', 'good'],
        ],
      },
    ]);
  });

  it('never gives a forced input as a measurement', () => {
    const frame = '41200000 45bb8000 00000000 449c4000 00000000 00000000 00000000';
    const forced = '41700000 45bb8000 00000000';
    // Register 7005, a mass flow rate, is read as a hole and belongs to no point.
    const readings = readingsOf(
      told(gasFlowComputer, answered(gasFlowComputer, 7001, `${frame} ${forced}`), goods),
    );
    expect(readings).toEqual([
      ['temperature', 10, 'CEL', 'good'],
      ['staticPressure', 6_000, 'KPA', 'good'],
      ['differentialPressure', 0, 'KPA', 'good'],
      ['volumeFlowRate', 1_250, 'MQH', 'good'],
      ['extensionHour', 0, 'C62', 'good'],
      ['uncorrectedFlowHour', 0, 'MQH', 'good'],
      ['forcedTemperature', 15, 'CEL', 'forced'],
      ['forcedStaticPressure', 6_000, 'KPA', 'forced'],
      ['forcedDifferentialPressure', 0, 'KPA', 'forced'],
    ]);
  });
});

describe('a gas chromatograph', () => {
  it('says which component stands where, and how much of it there is', () => {
    const codes = `006c 0072 0064 0075${'0000'.repeat(12)}`;
    const names = readingsOf(
      told(gasChromatograph, answered(gasChromatograph, 3001, codes), undefined),
    );
    expect(names.slice(0, 4)).toEqual([
      ['component1Code', 108, 'C62', 'good'],
      ['component2Code', 114, 'C62', 'good'],
      ['component3Code', 100, 'C62', 'good'],
      ['component4Code', 117, 'C62', 'good'],
    ]);
    const shares = `3d4ccccd 3fc00000 42be0000 3f800000${'00000000'.repeat(12)}`;
    const percent = readingsOf(
      told(gasChromatograph, answered(gasChromatograph, 7001, shares), undefined),
    );
    expect(percent[2]).toEqual(['component3MolePercent', 95, 'P1', 'good']);
  });
});
