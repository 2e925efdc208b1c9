/** Exact readings of scales, laboratories and scanners; their maps are our own. */
import { describe, expect, it } from 'vitest';
import { coilScale } from '../../../../devices/profiles/coil-scale.ts';
import { parcelScanner } from '../../../../devices/profiles/parcel-scanner.ts';
import { spectrometer } from '../../../../devices/profiles/spectrometer.ts';
import { sampleOfField } from '../../../../gateway/drivers/opcua/value.ts';
import { answered, GATEWAY_MS, published, told } from '../../../support/golden-profile.ts';

describe('a coil scale', () => {
  const id = Buffer.from('26041-03'.padEnd(32, ' ')).toString('hex');
  const goods = 'did:web:mill.example/piece/';

  it('names the piece on it', () => {
    // 24,130.0 kg net, 24,550.0 gross, 420.0 tare; stable and zeroed.
    const frame = `0003befc 00001068 0003ae94 0005 0011 ${id}`;
    expect(told(coilScale, answered(coilScale, 100, frame), goods)).toEqual([
      {
        time: '2026-11-21T12:00:00.000Z',
        about: `${goods}26041-03`,
        readings: [
          ['pieceId', '26041-03', '', 'good'],
          ['grossMass', 24_550, 'KGM', 'good'],
          ['tareMass', 420, 'KGM', 'good'],
          ['pieceWeight', 24_130, 'KGM', 'good'],
          ['massStable', true, '', 'good'],
          ['scaleOverloaded', false, '', 'good'],
          ['scaleZeroed', true, '', 'good'],
          ['weighingNumber', 17, 'C62', 'good'],
        ],
      },
    ]);
  });

  it('names none while it is empty', () => {
    const frame = `00000000 00000000 fffffffb 0004 0011 ${'20'.repeat(32)}`;
    const [group] = told(coilScale, answered(coilScale, 100, frame), goods);
    expect(group).not.toHaveProperty('about');
    expect(group?.readings.slice(3, 5)).toEqual([
      ['pieceWeight', -0.5, 'KGM', 'good'],
      ['massStable', false, '', 'good'],
    ]);
  });
});

describe('a spectrometer', () => {
  // OPC 10000-6 §5.1.2: built-in types 11 Double, 12 String, 7 UInt32.
  const DOUBLE = 11;
  const scalar = (dataType: number, value: unknown) => ({ dataType, arrayType: 0, value });
  const fields: Record<string, ReturnType<typeof scalar>> = {
    analysisHeatId: scalar(12, '26041'),
    sampleId: scalar(12, '26041-L2'),
    sampleKind: scalar(12, 'ladle'),
    burns: scalar(7, 3),
    ironBalance: scalar(DOUBLE, 98.0812),
    carbon: scalar(DOUBLE, 0.162),
    manganese: scalar(DOUBLE, 1.41),
    boron: scalar(DOUBLE, 0.0004),
    nitrogen: scalar(DOUBLE, 0.61),
  };

  it('gives mass fractions of the heat that it names', () => {
    const timeMs = Date.UTC(2026, 10, 21, 11, 58);
    const samples = Object.entries(fields).map(([point, variant]) => {
      return sampleOfField(point, variant, { sourceTimeMs: timeMs, gatewayTimeMs: GATEWAY_MS });
    });
    const goods = 'did:web:mill.example/heat/';
    expect(told(spectrometer, { samples }, goods)).toEqual([
      {
        time: '2026-11-21T11:58:00.000Z',
        about: `${goods}26041`,
        readings: [
          ['analysisHeatId', '26041', '', 'good'],
          ['sampleId', '26041-L2', '', 'good'],
          ['sampleKind', 'ladle', '', 'good'],
          ['burns', 3, 'C62', 'good'],
          ['ironBalance', 98.0812, '60', 'good'],
          ['carbon', 0.162, '60', 'good'],
          ['manganese', 1.41, '60', 'good'],
          ['boron', 0.0004, '60', 'good'],
          ['nitrogen', 0.61, '60', 'uncertain', 'out-of-range'],
        ],
      },
    ]);
  });

  it('knows every element of a mill certificate that it may be compared with', () => {
    const symbols = Object.values(spectrometer.points).flatMap(({ opcua }) =>
      opcua?.path.startsWith('Element') ? [opcua.path.slice('Element'.length)] : [],
    );
    const asked = 'C Si Mn P S Cr Mo Ni Al Cu Nb Ti V B N'.split(' ');
    expect(symbols).toEqual(expect.arrayContaining(asked));
    expect(new Set(symbols).size).toBe(symbols.length);
  });
});

describe('a parcel scanner', () => {
  it('names the parcel by its tracking number', () => {
    const set = published(
      parcelScanner,
      'scans',
      '{"timeMs":1795262399500,"tracking":"1Z 999/AA1","event":"inducted","facility":"MEM1","mass":1.340,"size":{"length":32.5,"width":20,"height":11.5},"entryType":"11"}',
    );
    const goods = 'did:web:carrier.example/parcel/';
    expect(told(parcelScanner, set, goods)).toEqual([
      {
        time: '2026-11-21T11:59:59.500Z',
        about: `${goods}1Z%20999%2FAA1`,
        readings: [
          ['trackingNumber', '1Z 999/AA1', '', 'good'],
          ['scanEvent', 'inducted', '', 'good'],
          ['scanFacility', 'MEM1', '', 'good'],
          ['parcelMass', 1.34, 'KGM', 'good'],
          ['parcelLength', 32.5, 'CMT', 'good'],
          ['parcelWidth', 20, 'CMT', 'good'],
          ['parcelHeight', 11.5, 'CMT', 'good'],
          ['entryType', '11', '', 'good'],
        ],
      },
    ]);
  });

  it('that read no label is about no parcel', () => {
    const set = published(parcelScanner, 'scans', '{"event":"no-read","facility":"MEM1","mass":1}');
    expect(set.missing).toEqual({ points: ['trackingNumber'], cause: 'nonsense' });
    expect(told(parcelScanner, set, 'did:web:carrier.example/parcel/')[0]).not.toHaveProperty(
      'about',
    );
  });
});
