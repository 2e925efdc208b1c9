import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isContainerNumber } from '../../../../devices/container-number.ts';
import { createRoute, distanceM, placeAt } from '../../../../simulators/behaviours/route.ts';
import { border } from '../../../../simulators/scenarios/border/border.ts';
import {
  containers,
  operators,
  owners,
  sureties,
} from '../../../../simulators/scenarios/border/parties.ts';
import {
  borderRoutes,
  hamiltonMill,
  necheStation,
  nogalesYard,
  pipelineLine,
  scheduleD,
  truckCorridor,
  unlocodes,
} from '../../../../simulators/scenarios/border/places.ts';
import { hasShared, sharedPath } from '../../../support/shared.ts';

type Row = readonly string[];

/** Rows of a CSV file without quotes in the columns that are used here. */
function rows(...path: string[]): Row[] {
  // Collected even where it is skipped, so a missing file must not throw here.
  if (!hasShared) return [];
  const text = readFileSync(sharedPath('data', ...path), 'latin1');
  return text.split('\n').map((line) => line.split(','));
}

describe.skipIf(!hasShared)('the places of the border', () => {
  const towns = ['US', 'CA', 'MX'].flatMap((country) => rows('unlocode', `${country}.csv`));
  const town = (code: string) => towns.find(([country, place]) => `${country}${place}` === code);

  it.each(Object.entries(unlocodes))('%s is %s in UN/LOCODE', (name, code) => {
    const [, , title = ''] = town(code) ?? [];
    // Accents differ between encodings; the letters before the first one must agree.
    expect(title.toLowerCase().slice(0, 5)).toBe(name.slice(0, 5));
  });

  it.each(Object.entries(scheduleD))('%s is port %s of Schedule D', (name, code) => {
    const port = rows('ports', 'schedule-d-selected.csv').find(([known]) => known === code);
    expect(port?.[1]?.toLowerCase()).toBe(name);
  });

  it.each([necheStation, hamiltonMill, nogalesYard])('$name lies near its town', (place) => {
    const row = town(place.unlocode ?? '') ?? [];
    const [latitude, longitude] = [Number(row[8]), Number(row[9])];
    const km = distanceM([longitude, latitude], [place.longitude, place.latitude]) / 1000;
    expect(km).toBeLessThan(20);
  });

  it('have the crossing at Neche where the U.S. EIA has it', () => {
    const file = sharedPath('data', 'pipelines', 'eia-liquids-border-crossings-us-201606.geojson');
    const { features } = JSON.parse(readFileSync(file, 'utf8'));
    const crossing = features.find(
      ({ properties }: { properties: { Pipeline: string } }) =>
        properties.Pipeline === 'Line 1, 2, 3, 4, 67 (Alberta Clipper)',
    );
    const [longitude, latitude] = crossing.geometry.coordinates;
    expect(
      distanceM([longitude, latitude], [necheStation.longitude, necheStation.latitude]),
    ).toBeLessThan(2);
  });

  it('start the pipeline line where the Canada Energy Regulator has its key point', () => {
    const point = rows('cer', 'key_points.csv').find(([id]) => id === 'KP0016');
    expect([Number(point?.[4]), Number(point?.[3])]).toEqual(pipelineLine.geometry.coordinates[0]);
  });
});

describe('the lines of the border', () => {
  it('are all marked as planned and named once', () => {
    const { features } = borderRoutes;
    expect(features.every(({ properties }) => properties.planned)).toBe(true);
    expect(new Set(features.map(({ properties }) => properties.name)).size).toBe(features.length);
  });

  it('pass the station at the distance that it states', () => {
    const route = createRoute(pipelineLine.geometry.coordinates);
    const at = placeAt(route, necheStation.line?.distanceM ?? 0);
    expect(distanceM(at, [necheStation.longitude, necheStation.latitude])).toBeLessThan(1);
    expect(necheStation.line?.route).toBe(pipelineLine.properties.name);
  });

  it('have way points every hundred kilometres at most, and containers on them', () => {
    const { distancesM, lengthM } = createRoute(truckCorridor.geometry.coordinates);
    const legs = distancesM.slice(1).map((distance, index) => distance - (distancesM[index] ?? 0));
    expect(Math.max(...legs)).toBeLessThan(100_000);
    for (const { startKm } of containers) expect(startKm * 1000).toBeLessThan(lengthM - 20_000);
  });
});

describe('the parties of the border', () => {
  it('are made up and say so', () => {
    const named = [...Object.values(owners), ...Object.values(sureties)];
    const all = [...named.map(({ id, name }) => ({ did: id, name })), ...Object.values(operators)];
    for (const { did, name } of all) {
      expect(did).toMatch(/^did:web:[a-z-]+\.example$/);
      expect(name).toMatch(/\(demonstration\)$/);
    }
  });

  it('have containers with right check digits', () => {
    expect(containers).toHaveLength(4);
    for (const { container } of containers) expect(isContainerNumber(container)).toBe(true);
  });
});

describe('the scenario border', () => {
  it('scopes each site to its own organisation', () => {
    expect(border.sites.map(({ name }) => name)).toEqual(['neche', 'hamilton', 'nogales']);
    for (const { organisation, facility, goods } of border.sites) {
      expect(String(facility['id'])).toMatch(new RegExp(`^${organisation.did}/facility/`));
      for (const uri of goods) {
        expect(uri.startsWith(`${organisation.did}/`) || uri.startsWith('urn:epc:id:bic:')).toBe(
          true,
        );
      }
    }
  });

  it('tells each gateway where its devices were reached', () => {
    const settings = border.sites.map((site) =>
      site.connect({ host: 'h', port: 1, url: 'u', certificate: 'c' }),
    );
    expect(settings[0]).toContainEqual([['devices', 0, 'connection', 'port'], 1]);
    expect(settings[1]).toContainEqual([['devices', 0, 'connection', 'url'], 'u']);
    expect(settings[2]).toHaveLength(4);
    expect(settings[2]).toContainEqual([['devices', 3, 'connection', 'url'], 'u']);
  });
});
