/**
 * Brings a site to the state that a field engineer and her organisation leave behind: keys made,
 * devices enrolled, documents published. Every step is the command that she would type.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../../devices/io/directory.ts';
import type { Random } from '../../devices/runtime.ts';
import { allEnded, type Launcher, runCommand } from './child.ts';
import type { ScenarioSite } from './scenario.ts';
import { type Setting, writeSettings } from './settings.ts';

/** Folders of one site below the scenario's directory. */
export interface SiteFolders {
  readonly site: string;
  readonly wallet: string;
  readonly published: string;
  readonly simulator: string;
  readonly config: string;
}

export function siteFolders(directory: string, name: string): SiteFolders {
  const site = join(directory, 'sites', name);
  return {
    site,
    wallet: join(directory, 'wallets', name),
    published: join(directory, 'published', name),
    simulator: join(directory, 'simulators', name),
    config: join(site, 'gateway.yaml'),
  };
}

/** Makes a passphrase file (256 random bits in hex, for its owner only) if there is none. */
export function ensurePassphrase(file: string, random: Random): void {
  if (existsSync(file)) return;
  writeFileSync(file, `${Buffer.from(random.bytes(32)).toString('hex')}\n`, { mode: 0o600 });
}

/**
 * Prepares one site and returns the folder of documents that the ingester must be told to trust.
 * What is there already is kept, so that a second start continues.
 */
export async function prepareSite(options: {
  readonly launcher: Launcher;
  readonly random: Random;
  readonly site: ScenarioSite;
  readonly folders: SiteFolders;
  readonly template: string;
  readonly settings: readonly Setting[];
}): Promise<void> {
  const { launcher, site, folders } = options;
  for (const folder of [folders.site, folders.simulator]) makeDirectory(folder);
  ensurePassphrase(join(folders.site, 'passphrase'), options.random);
  writeSettings({
    template: options.template,
    target: folders.config,
    settings: options.settings,
  });
  const enrolments = join(folders.site, 'enrolments');
  if (existsSync(enrolments) && readdirSync(enrolments).length > 0) return;

  // Whatever an interrupted first start left is made again from the beginning.
  for (const folder of [folders.wallet, folders.published, join(folders.site, 'requests')]) {
    rmSync(folder, { recursive: true, force: true });
  }
  makeDirectory(folders.wallet);
  const walletPassphrase = join(folders.wallet, 'passphrase');
  ensurePassphrase(walletPassphrase, options.random);
  const requests = join(folders.site, 'requests');
  await allEnded([
    runCommand(launcher, 'wallet', [
      'init',
      folders.wallet,
      '--did',
      site.organisation.did,
      '--name',
      site.organisation.name,
      '--passphrase-file',
      walletPassphrase,
    ]),
    runCommand(launcher, 'gateway', ['keygen', folders.config]).then(() =>
      runCommand(launcher, 'gateway', ['enrol-request', folders.config, '--out', requests]),
    ),
  ]);
  const facility = join(folders.wallet, 'facility.json');
  writeFileSync(facility, `${JSON.stringify(site.facility, null, 2)}\n`);
  await runCommand(launcher, 'wallet', [
    'enrol',
    folders.wallet,
    ...readdirSync(requests).flatMap((file) => ['--request', join(requests, file)]),
    '--facility',
    facility,
    ...site.goods.flatMap((prefix) => ['--goods', prefix]),
    ...party('--owner', site.owner),
    ...party('--possessor', site.possessor),
    ...party('--bond-liable', site.bondLiable),
    '--out',
    enrolments,
    '--publish',
    folders.published,
  ]);
}

function party(option: string, value: { id: string; name: string } | undefined): string[] {
  return value ? [option, `${value.id}=${value.name}`] : [];
}
