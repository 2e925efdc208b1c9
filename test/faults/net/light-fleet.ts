/** Light gateways and the papers by which an ingester trusts the devices behind them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../../devices/runtime.ts';
import { mustRun } from '../../support/commands.ts';
import { enrol, memoryOrganisation, type Organisation } from '../../support/identity.ts';
import { someProfile } from '../../support/signed-batch.ts';
import { LightGateway } from './light-gateway.ts';

export interface FleetOptions {
  readonly count: number;
  readonly random: Random;
  /** The ingester's configuration; it runs. */
  readonly ingestConfig: string;
  /** An empty folder for their papers, which the caller removes. */
  readonly folder: string;
  /** Who enrols their devices; by default somebody new. */
  readonly organisation?: Organisation;
  /** Others whose word counts. */
  readonly trusted?: readonly Organisation[];
}

/** Makes them and has their devices enrolled; they are not connected yet. */
export async function makeLightGateways(options: FleetOptions): Promise<LightGateway[]> {
  const { folder, organisation = memoryOrganisation('did:web:light.example', 'Light') } = options;
  const { trusted = [] } = options;
  mkdirSync(folder, { recursive: true });
  for (const [at, { document }] of [organisation, ...trusted].entries()) {
    writeFileSync(join(folder, `did-${at}.json`), JSON.stringify(document));
  }
  const gateways = Array.from({ length: options.count }, () => new LightGateway(options.random));
  for (const [at, { device, did }] of gateways.entries()) {
    const { token } = await enrol(organisation, {
      device: device.signer.did,
      gateway: did,
      label: `light-${at}`,
      profile: someProfile,
      nowMs: Date.now() - 3_600_000,
      goods: ['did:web:northline.example/batch/', 'did:web:light.example/'],
    });
    writeFileSync(join(folder, `light-${at}.jwt`), token);
  }
  await mustRun('ingest', ['trust', options.ingestConfig, 'add', folder]);
  return gateways;
}

/** What the fleet knows of a journal that holds `stored`: what was accepted and is not there. */
export function judgeFleet(
  gateways: readonly LightGateway[],
  stored: ReadonlySet<string>,
): { readonly lost: string[]; readonly wrong: string[] } {
  const lost = gateways.flatMap(({ accepted }) =>
    [...accepted.keys()]
      .filter((digest) => !stored.has(digest))
      .map((digest) => `${digest} was receipted and is nowhere`),
  );
  const wrong = gateways.flatMap(({ troubles }) => troubles);
  const waiting = gateways.reduce((sum, gateway) => sum + gateway.waiting, 0);
  if (waiting > 0) wrong.push(`${waiting} batches of light gateways still waited at the end`);
  return { lost, wrong };
}
