import { describe, expect, it } from 'vitest';
import { distanceM } from '../../../devices/geo.ts';
import type { ReadingGroup } from '../../../devices/reading.ts';
import type { JournalEntry } from '../../../ingest/store.ts';
import { twinId } from '../../../ingest/twin.ts';
import { FoldWorld } from '../../support/fold-world.ts';
import {
  batchEntry,
  deviceDid,
  enrolmentEntry,
  facility,
  reading,
  rulesEntry,
  startMs,
  tenant,
} from '../../support/journal-entries.ts';

const meter = deviceDid('meter');
const barrelM3 = 0.158987294928;
const route = {
  type: 'FeatureCollection',
  features: [
    {
      type: 'Feature',
      properties: { name: 'Mainline' },
      geometry: {
        type: 'LineString',
        coordinates: [
          [-97.53103, 48.99929],
          [-97.0, 48.0],
        ],
      },
    },
  ],
};
const onLine = { ...facility, line: { route: 'Mainline', distanceM: 500, innerDiameterM: 0.6 } };
const batchUri = 'did:web:northline.example/batch/284';

function total(position: number, sequence: number, barrels: number | undefined): JournalEntry {
  const timeMs = startMs + sequence * 1_000;
  const readings = [reading('indicatedVolumeTotal', barrels, { unit: 'BLL' })];
  const groups = [{ timeMs, about: batchUri, readings }];
  return batchEntry({ position, device: meter, sequence, groups });
}

function oil(...entries: JournalEntry[]) {
  const enrolment = enrolmentEntry({ position: 0, device: meter, facility: onLine });
  return new FoldWorld().apply([enrolment, rulesEntry(1, { routes: [route] }), ...entries]);
}

describe('pipeline batch', () => {
  it('has its head where the line is filled to since its first reading', () => {
    const { place, label } = oil(total(2, 1, 1_000), total(3, 2, 3_000)).twin(
      'pipeline-batch',
      batchUri,
    );
    const filledM = (2_000 * barrelM3) / ((Math.PI / 4) * 0.6 ** 2);
    expect(label).toBe('Batch 284');
    expect(place).toMatchObject({
      kind: 'line',
      name: 'Mainline',
      basis: 'estimated',
      rule: 'line-fill',
      observedMs: startMs + 2_000,
      source: { position: 3, element: 0 },
    });
    expect(place?.distanceM).toBeCloseTo(500 + filledM, 6);
    const start = { latitude: 48.99929, longitude: -97.53103 };
    expect(distanceM(start, place ?? start)).toBeCloseTo(500 + filledM, 2);
    expect(place?.accuracyM).toBeCloseTo(50 + 0.0025 * filledM, 6);
  });

  it('counts from the first reading even when that comes last', () => {
    const inOrder = oil(total(2, 1, 1_000), total(3, 2, 3_000));
    const late = oil(total(3, 2, 3_000), total(2, 1, 1_000));
    expect(late.twin('pipeline-batch', batchUri)).toEqual(inOrder.twin('pipeline-batch', batchUri));
  });

  it('is at its meter when no route is known, and when the total went back', () => {
    const enrolment = enrolmentEntry({ position: 0, device: meter, facility: onLine });
    const noRoute = new FoldWorld().apply([enrolment, total(2, 1, 1_000)]);
    const expected = {
      kind: 'facility',
      name: facility.name,
      unlocode: 'USNCE',
      basis: 'observed',
    };
    expect(noRoute.twin('pipeline-batch', batchUri).place).toMatchObject(expected);
    const back = oil(total(2, 1, 3_000), total(3, 2, 1_000));
    expect(back.twin('pipeline-batch', batchUri).place).toMatchObject(expected);
  });

  it('never goes beyond the end of the known line', () => {
    const { place } = oil(total(2, 1, 0), total(3, 2, 1e9)).twin('pipeline-batch', batchUri);
    expect(place?.latitude).toBeCloseTo(48, 6);
    expect(place?.longitude).toBeCloseTo(-97, 6);
  });
});

describe('control', () => {
  it('is derived from the enrolment where it declares nothing, and none is invented', () => {
    const { control } = oil(total(2, 1, 1)).twin('pipeline-batch', batchUri);
    expect(control).toEqual({
      possessor: {
        party: 'did:web:northline.example',
        name: 'Northline Pipeline',
        sinceMs: startMs + 1_000,
        basis: 'derived',
        rule: 'possessor-by-enrolment',
        source: { position: 0, issuer: 'did:web:northline.example' },
      },
    });
  });

  it('is what the enrolment declares where it does', () => {
    const owner = { id: 'did:web:owner.example', name: 'Owner' };
    const possessor = { id: 'did:web:carrier.example', name: 'Carrier' };
    const enrolment = enrolmentEntry({ position: 0, device: meter, scope: { owner, possessor } });
    const { control } = new FoldWorld()
      .apply([enrolment, total(2, 1, 1)])
      .twin('pipeline-batch', batchUri);
    expect(control.owner).toMatchObject({ party: owner.id, basis: 'declared' });
    expect(control.possessor).toMatchObject({ party: possessor.id, basis: 'declared' });
    expect(control).not.toHaveProperty('bondLiable');
    expect(control).not.toHaveProperty('hold');
  });

  it('of goods says nothing of the device or the facility', () => {
    const owner = { id: 'did:web:owner.example', name: 'Owner' };
    const enrolment = enrolmentEntry({ position: 0, device: meter, scope: { owner } });
    const world = new FoldWorld().apply([enrolment, total(2, 1, 1)]);
    for (const twin of [world.twin('device', meter), world.twin('facility', facility.id)]) {
      expect(Object.keys(twin.control)).toEqual(['possessor']);
      expect(twin.control.possessor).toMatchObject({ party: 'did:web:northline.example' });
    }
  });
});

describe('steel', () => {
  const mill = 'did:web:mill.example';
  const world = (groups: ReadingGroup[]) =>
    new FoldWorld().apply([
      enrolmentEntry({ position: 0, device: meter, organisation: mill, goods: [`${mill}/`] }),
      batchEntry({ position: 1, device: meter, sequence: 1, groups }),
    ]);

  it('a piece names its heat, within its mill', () => {
    const folded = world([
      { timeMs: startMs, about: `${mill}/heat/26041`, readings: [reading('grade', 'S355J2')] },
      {
        timeMs: startMs,
        about: `${mill}/piece/26041-03`,
        readings: [reading('pieceHeatId', '26041'), reading('pieceWeight', 24_130)],
      },
    ]);
    const piece = folded.twin('steel-piece', `${mill}/piece/26041-03`);
    expect(piece.label).toBe('Piece 26041-03');
    expect(piece.aliases).toEqual([{ scheme: 'piece', scope: mill, value: '26041-03' }]);
    expect(piece.relations).toEqual({ heat: twinId(tenant, 'steel-heat', `${mill}/heat/26041`) });
    expect(folded.twin('steel-heat', `${mill}/heat/26041`).id).toBe(piece.relations['heat']);
  });

  it('a piece whose heat number was not read has no heat', () => {
    const folded = world([
      {
        timeMs: startMs,
        about: `${mill}/piece/26041-03`,
        readings: [reading('pieceHeatId', undefined), reading('pieceWeight', 24_130)],
      },
    ]);
    expect(folded.twin('steel-piece', `${mill}/piece/26041-03`).relations).toEqual({});
  });
});

describe('container', () => {
  const uri = 'urn:epc:id:bic:MSKU9070323';
  const at = (sequence: number, ...readings: ReadingGroup['readings'][number][]) =>
    batchEntry({
      position: sequence,
      device: meter,
      sequence,
      groups: [{ timeMs: startMs + sequence * 1_000, about: uri, readings }],
    });
  const world = (...entries: JournalEntry[]) =>
    new FoldWorld().apply([
      enrolmentEntry({ position: 0, device: meter, goods: [uri], label: 'reefer-1' }),
      ...entries,
    ]);

  it('is where it last was fixed, with the age of that fix', () => {
    const folded = world(
      at(1, reading('latitude', 31.5), reading('longitude', -110.9), reading('accuracyM', 8)),
      at(2, reading('latitude', undefined), reading('longitude', -110.8), reading('setPoint', 4)),
    );
    const expected = {
      kind: 'point',
      latitude: 31.5,
      longitude: -110.9,
      accuracyM: 8,
      basis: 'observed',
      observedMs: startMs + 1_000,
    };
    expect(folded.twin('container', uri).place).toMatchObject(expected);
    expect(folded.twin('container', uri).observedMs).toBe(startMs + 2_000);
    // The unit travels with its container, so it is not at the yard that enrolled it.
    expect(folded.twin('device', meter).place).toMatchObject(expected);
  });

  it('is nowhere until it was fixed', () => {
    const folded = world(at(1, reading('setPoint', 4), reading('latitude', 31.5)));
    expect(folded.twin('container', uri)).not.toHaveProperty('place');
    expect(folded.twin('device', meter).place).toMatchObject({ basis: 'declared' });
  });

  it('needs an ISO 6346 number', () => {
    const wrong = 'urn:epc:id:bic:nonsense';
    const folded = new FoldWorld().apply([
      enrolmentEntry({ position: 0, device: meter, goods: [wrong] }),
      batchEntry({
        position: 1,
        device: meter,
        sequence: 1,
        groups: [{ timeMs: startMs, about: wrong, readings: [reading('setPoint', 4)] }],
      }),
    ]);
    expect(folded.has('container', wrong)).toBe(false);
  });
});

describe('gas flow', () => {
  const operator = 'did:web:gasline.example';
  const uri = `${operator}/gas-flow/emerson-2026-11-21-C4711`;

  it('is gas of one point, day and contract, and is where it was measured', () => {
    const groups = [
      {
        timeMs: startMs,
        about: uri,
        readings: [reading('baseVolumeTotal', 40_216, { unit: 'MTQ' }), reading('stream', 1)],
      },
    ];
    const twin = new FoldWorld()
      .apply([
        enrolmentEntry({
          position: 0,
          device: meter,
          organisation: operator,
          goods: [`${operator}/`],
        }),
        batchEntry({ position: 1, device: meter, sequence: 1, groups }),
      ])
      .twin('gas-flow', uri);
    expect(twin).toMatchObject({
      label: 'Gas flow emerson-2026-11-21-C4711',
      aliases: [{ scheme: 'gas-flow', scope: operator, value: 'emerson-2026-11-21-C4711' }],
      attributes: { baseVolumeTotal: { value: 40_216, unit: 'MTQ', quality: 'good' } },
      place: { kind: 'facility', name: facility.name },
      control: { possessor: { party: operator } },
    });
  });
});

describe('parcel', () => {
  const carrier = 'did:web:carrier.example';
  const uri = `${carrier}/parcel/1Z%20999%2FAA1`;
  const scan = (sequence: number, ...readings: ReadingGroup['readings'][number][]) =>
    batchEntry({
      position: sequence,
      device: meter,
      sequence,
      groups: [{ timeMs: startMs + sequence * 1_000, about: uri, readings }],
    });
  const world = (...entries: JournalEntry[]) =>
    new FoldWorld()
      .apply([
        enrolmentEntry({
          position: 0,
          device: meter,
          organisation: carrier,
          goods: [`${carrier}/`],
        }),
        ...entries,
      ])
      .twin('parcel', uri);

  it('is at the station that scanned it last, under the number of its carrier', () => {
    const twin = world(
      scan(1, reading('scanEvent', 'inducted'), reading('parcelMass', 1.34, { unit: 'KGM' })),
      scan(2, reading('scanEvent', 'held')),
    );
    expect(twin).toMatchObject({
      label: 'Parcel 1Z 999/AA1',
      aliases: [{ scheme: 'parcel', scope: carrier, value: '1Z 999/AA1' }],
      attributes: { scanEvent: { value: 'held' }, parcelMass: { value: 1.34, unit: 'KGM' } },
      place: { kind: 'facility', name: facility.name, observedMs: startMs + 2_000 },
      control: { possessor: { party: carrier } },
    });
  });

  it('is where a scanner in somebody’s hand was', () => {
    const twin = world(scan(1, reading('latitude', 35.05), reading('longitude', -89.98)));
    expect(twin.place).toMatchObject({ kind: 'point', latitude: 35.05, basis: 'observed' });
  });

  it('of another organisation has no twin', () => {
    const folded = new FoldWorld().apply([
      enrolmentEntry({ position: 0, device: meter, organisation: carrier, goods: [`${carrier}/`] }),
      batchEntry({
        position: 1,
        device: meter,
        sequence: 1,
        groups: [{ timeMs: startMs, about: 'urn:parcel:1', readings: [reading('scanEvent', 'x')] }],
      }),
    ]);
    expect(folded.has('parcel', 'urn:parcel:1')).toBe(false);
  });
});

describe('device and facility', () => {
  const enrolment = enrolmentEntry({ position: 0, device: meter });

  it('an enrolment makes both, before anything is heard', () => {
    const world = new FoldWorld().apply([enrolment]);
    const device = world.twin('device', meter);
    expect(device).toMatchObject({
      label: `fc-1 · ${facility.name}`,
      keyLocation: 'gateway-file',
      observedMs: 0,
      relations: { facility: twinId(tenant, 'facility', facility.id) },
    });
    expect(device.attributes['profile']).toMatchObject({
      value: 'test-profile',
      basis: 'declared',
    });
    expect(world.twin('facility', facility.id)).toMatchObject({
      label: facility.name,
      place: { kind: 'facility', basis: 'declared', latitude: facility.latitude },
      relations: { 'device fc-1': device.id },
      attributes: { devices: { value: 1 }, unlocode: { value: 'USNCE' } },
    });
  });

  it('a device that is enrolled elsewhere leaves its old facility', () => {
    const moved = { ...facility, id: `${facility.id}-2`, name: 'Elsewhere' };
    const world = new FoldWorld().apply([
      enrolment,
      enrolmentEntry({ position: 1, device: meter, facility: moved }),
    ]);
    expect(world.twin('facility', facility.id).attributes['devices']?.value).toBe(0);
    expect(world.twin('facility', moved.id).attributes['devices']?.value).toBe(1);
    expect(world.twin('device', meter).label).toBe('fc-1 · Elsewhere');
  });

  it('readings about nothing else are the device’s own', () => {
    const groups = [
      { timeMs: startMs, readings: [reading('rollingSpeed', 11.2, { unit: 'MTS' })] },
    ];
    const batch = batchEntry({ position: 1, device: meter, sequence: 1, groups });
    const { attributes } = new FoldWorld().apply([enrolment, batch]).twin('device', meter);
    expect(attributes['rollingSpeed']).toMatchObject({ value: 11.2, unit: 'MTS' });
    expect(attributes['sequence']?.value).toBe(1);
  });

  it('shows what the device signed as lost', () => {
    const loss = { fromMs: startMs, toMs: startMs + 500, count: 12, cause: 'timeout' as const };
    const batch = batchEntry({ position: 1, device: meter, sequence: 1, losses: [loss] });
    const { attributes } = new FoldWorld().apply([enrolment, batch]).twin('device', meter);
    expect(attributes['lostValues']?.value).toBe(12);
    expect(attributes['lastLoss']).toMatchObject({
      value: '12 values, timeout',
      observedMs: loss.toMs,
    });
  });
});
