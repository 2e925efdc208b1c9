/**
 * The border scenario: crude oil at Neche, steel at Hamilton, refrigerated fruit on its way over
 * Nogales. Data only; places.ts and parties.ts hold what it is made of.
 */
import type { Scenario } from '../scenario.ts';
import { containers, operators, owners, sureties } from './parties.ts';
import { borderRoutes, hamiltonMill, necheStation, nogalesYard } from './places.ts';

/** Small pipeline batches, so that a short run sees one end: about two minutes of flow. */
const DEMONSTRATION_BATCH_BARRELS = 400;

const facility = (place: object): Readonly<Record<string, unknown>> => ({ ...place });

export const border: Scenario = {
  name: 'border',
  summary: 'Crude oil, steel and refrigerated fruit in bond over three crossings.',
  sites: [
    {
      name: 'neche',
      organisation: operators.northline,
      facility: facility(necheStation),
      goods: [`${operators.northline.did}/batch/`],
      owner: owners.crude,
      possessor: asParty(operators.northline),
      bondLiable: sureties.pipeline,
      devices: {
        profile: 'liquid-flow-computer',
        port: 5020,
        args: ['--name', 'fc-1', '--seed', '1', '--batch', String(DEMONSTRATION_BATCH_BARRELS)],
      },
      connect: ({ host, port }) => [
        [['devices', 0, 'connection', 'host'], host],
        [['devices', 0, 'connection', 'port'], port],
      ],
    },
    {
      name: 'hamilton',
      organisation: operators.lakehead,
      facility: facility(hamiltonMill),
      goods: [`${operators.lakehead.did}/heat/`, `${operators.lakehead.did}/piece/`],
      owner: owners.steel,
      possessor: asParty(operators.lakehead),
      bondLiable: sureties.steel,
      devices: {
        profile: 'steel-line',
        port: 4840,
        // A heat every 9 s instead of every 45 minutes, so that a short run sees several.
        args: ['--name', 'line-1', '--seed', '2', '--pace', '300'],
      },
      connect: ({ url, certificate }) => [
        [['devices', 0, 'connection', 'url'], url],
        [['devices', 0, 'connection', 'serverCertificate'], certificate],
      ],
    },
    {
      name: 'nogales',
      organisation: operators.sonora,
      facility: facility(nogalesYard),
      goods: containers.map(({ container }) => `urn:epc:id:bic:${container}`),
      owner: owners.produce,
      possessor: asParty(operators.sonora),
      bondLiable: sureties.road,
      devices: {
        profile: 'reefer',
        port: 1884,
        args: [
          '--seed',
          '3',
          ...containers.flatMap(({ container, startKm }) => [
            '--container',
            `${container}@${startKm}`,
          ]),
        ],
      },
      connect: ({ url }) =>
        containers.map((_, index) => [['devices', index, 'connection', 'url'], url] as const),
    },
  ],
  routes: borderRoutes,
  ports: { http: 8080, mqtt: 1883 },
};

function asParty(operator: { did: string; name: string }) {
  return { id: operator.did, name: operator.name };
}
