/** Further real gateways of a site, each with a folder, keys and an enrolment of its own. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun } from '../../support/commands.ts';
import { type Site, siteOrganisation } from '../../support/site.ts';

/**
 * Sets one up like the first one, by the commands that a person would type; it is not started.
 * Returns its configuration.
 */
export async function addGateway(options: {
  readonly site: Site;
  /** The site's folder. */
  readonly directory: string;
  readonly name: string;
  /** Address of the broker that it speaks to. */
  readonly url: string;
}): Promise<string> {
  const { directory, name, site } = options;
  const folder = join(directory, name);
  mkdirSync(folder);
  const config = join(folder, 'gateway.yaml');
  const text = readFileSync(site.gatewayConfig, 'utf8')
    .replace('passphraseFile: passphrase', 'passphraseFile: ../passphrase')
    .replace(site.mqtt, options.url);
  writeFileSync(config, text);
  const [requests, published] = [join(folder, 'requests'), join(folder, 'published')];
  await mustRun('gateway', ['keygen', config]);
  await mustRun('gateway', ['enrol-request', config, '--out', requests]);
  const files = readdirSync(requests).flatMap((file) => ['--request', join(requests, file)]);
  await mustRun('wallet', [
    ...['enrol', join(directory, 'wallet'), ...files],
    ...['--facility', join(directory, 'facility.json')],
    ...['--goods', `${siteOrganisation}/batch/`],
    ...['--out', join(folder, 'enrolments'), '--publish', published],
  ]);
  await mustRun('ingest', ['trust', site.ingestConfig, 'add', published]);
  return config;
}
