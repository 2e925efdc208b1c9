/**
 * One whole site as it stands in the field: an ingester that trusts an organisation, and a gateway
 * whose devices that organisation enrolled. Every step is the command that a person would type.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, RunningCommand } from './commands.ts';
import { copyKeptSite, keepSite } from './kept-site.ts';
import { freePort } from './ports.ts';

export interface SiteOptions {
  /** A folder of its own, which the caller removes. */
  readonly directory: string;
  /** Items of `devices` in the gateway's configuration, as YAML or JSON. */
  readonly devices: readonly string[];
  /** Prefix of the goods that the devices may report on, below the organisation's DID. */
  readonly goods: string;
  /** An external broker for the uplink; absent: the ingester's own. */
  readonly broker?: string;
  /** Further ways into the ingester, as items of its `sources`, beside the plain one. */
  readonly sources?: readonly string[];
  /** Mutual TLS by this way, joined by invitation, and stores that are encrypted at rest. */
  readonly secure?: 'mqtt' | 'https';
  /** Further lines of the ingester's configuration. */
  readonly ingestLines?: readonly string[];
  /** Name of sites with these devices and goods, of which one run enrols but the first. */
  readonly like?: string;
}

export const siteOrganisation = 'did:web:site.example';

/** A site whose ingester runs and whose devices are enrolled; the gateway is not started yet. */
export class Site {
  readonly ingestConfig: string;
  readonly gatewayConfig: string;
  readonly journalFile: string;
  readonly #options: SiteOptions;
  readonly #running = new Set<RunningCommand>();
  /** Addresses and DID that the ingester printed last. */
  #ready: Readonly<Record<string, unknown>> = {};

  private constructor(options: SiteOptions) {
    this.#options = options;
    this.ingestConfig = join(options.directory, 'ingest.yaml');
    this.gatewayConfig = join(options.directory, 'gateway.yaml');
    this.journalFile = join(options.directory, 'ingest-data', 'journal.db');
  }

  /** Makes keys, enrols the devices and tells the ingester whom to trust. */
  static async create(options: SiteOptions): Promise<{ site: Site; ingester: RunningCommand }> {
    const site = new Site(options);
    mkdirSync(options.directory, { recursive: true });
    const isEnrolled = copyKeptSite(options.like, options.directory);
    writeFileSync(site.#file('passphrase'), 'a passphrase for one test only\n', { mode: 0o600 });
    // Later starts take the same ports, as a gateway expects.
    site.#writeIngestConfig(await freePort(), options.broker ? 0 : await freePort());
    if (options.secure) await mustRun('ingest', ['store', site.ingestConfig, 'keygen']);
    let ingester = await site.startIngester();
    if (options.secure) await site.#invite();
    site.#writeGatewayConfig();
    if (options.secure) await site.#join();
    if (isEnrolled) return { site, ingester };
    await site.#enrol();
    if (options.like !== undefined) {
      await ingester.stop();
      keepSite(options.like, options.directory);
      ingester = await site.startIngester();
    }
    return { site, ingester };
  }

  /** Base of the ingester's HTTP interface, without a slash at its end. */
  get http(): string {
    return String(this.#ready['http']).replace(/\/$/, '');
  }

  get mqtt(): string {
    return this.#options.broker ?? String(this.#ready['mqtt']);
  }

  async startIngester(): Promise<RunningCommand> {
    const command = this.beginIngester();
    this.#ready = await command.ready();
    return command;
  }

  /** Starts the ingester and waits for nothing. */
  beginIngester(): RunningCommand {
    return this.start('ingest', ['run', this.ingestConfig, '--json', '--attached']);
  }

  /** Starts the gateway; resolves when it has signed something. */
  async startGateway(...more: string[]): Promise<RunningCommand> {
    const command = this.beginGateway(...more);
    await command.line((line) => Number(line['signed']) > 0);
    return command;
  }

  /** Starts the gateway and waits for nothing. */
  beginGateway(...more: string[]): RunningCommand {
    return this.start('gateway', ['run', this.gatewayConfig, '--json', '--attached', ...more]);
  }

  /** Starts any command; it ends with the site at the latest. */
  start(...args: ConstructorParameters<typeof RunningCommand>): RunningCommand {
    const command = new RunningCommand(...args);
    this.#running.add(command);
    void command.exited.then(() => this.#running.delete(command));
    return command;
  }

  /** Ends everything that still runs. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((command) => command.kill()));
  }

  #file(...parts: string[]): string {
    return join(this.#options.directory, ...parts);
  }

  get #invitation(): string {
    return this.#file('site.invitation.json');
  }

  async #invite(): Promise<void> {
    await mustRun('ingest', ['uplink', this.ingestConfig, 'invite', '--out', this.#invitation]);
  }

  async #join(): Promise<void> {
    await mustRun('gateway', ['store', this.gatewayConfig, 'keygen']);
    await mustRun('gateway', ['join', this.gatewayConfig, this.#invitation]);
  }

  #writeIngestConfig(http: number, mqtt: number): void {
    const { broker, ingestLines = [], secure, sources = [] } = this.#options;
    if (secure) {
      this.#writeSecureIngestConfig(ingestLines);
      return;
    }
    const source = broker
      ? `{ source: mqtt, connection: { url: "${broker}" } }`
      : `{ source: embedded, connection: { host: 127.0.0.1, port: ${mqtt} } }`;
    const lines = [
      'ingester: { name: site, tenant: test, data: ./ingest-data }',
      'keys: { store: file, path: ingest-keys.json, passphraseFile: passphrase }',
      `http: { host: 127.0.0.1, port: ${http} }`,
      `sources: [ ${[source, ...sources].join(', ')} ]`,
      ...ingestLines,
    ];
    writeFileSync(this.ingestConfig, `${lines.join('\n')}\n`);
  }

  #writeSecureIngestConfig(more: readonly string[]): void {
    const lines = [
      'ingester: { name: site, tenant: test, data: ./ingest-data }',
      'keys: { store: file, path: ingest-keys.json, passphraseFile: passphrase }',
      'http: { host: 127.0.0.1, port: 0 }',
      'uplink: { names: [127.0.0.1] }',
      'encryption: { key: { file: ingest-store.key } }',
      'sources:',
      '  - { source: https, connection: { host: 127.0.0.1, port: 0 } }',
      '  - { source: embedded, connection: { host: 127.0.0.1, port: 0, tls: true } }',
      ...more,
    ];
    writeFileSync(this.ingestConfig, `${lines.join('\n')}\n`);
  }

  /** Lines that say how the gateway reaches its ingester, and how it keeps what waits. */
  #uplinkLines(): string[] {
    const { secure } = this.#options;
    if (secure) {
      const invited = `{ invitation: site.invitation.json, sink: ${secure} }`;
      return [`uplink: ${invited}`, 'encryption: { key: { file: gateway-store.key } }'];
    }
    const ingester = String(this.#ready['ingester']);
    return [`uplink: { sink: mqtt, ingester: "${ingester}", connection: { url: "${this.mqtt}" } }`];
  }

  #writeGatewayConfig(): void {
    const lines = [
      `gateway: { name: site, organisation: "${siteOrganisation}", data: ./gateway-data }`,
      'keys: { store: file, path: gateway-keys.json, passphraseFile: passphrase }',
      `facility: ${siteOrganisation}/facility/one`,
      ...this.#uplinkLines(),
      'devices:',
      ...this.#options.devices.map((device) => `  - ${device}`),
    ];
    writeFileSync(this.gatewayConfig, `${lines.join('\n')}\n`);
  }

  async #enrol(): Promise<void> {
    const facility = this.#file('facility.json');
    const place = { name: 'One', latitude: 48.99929, longitude: -97.53103, accuracyM: 50 };
    writeFileSync(facility, JSON.stringify({ id: `${siteOrganisation}/facility/one`, ...place }));
    const [wallet, requests] = [this.#file('wallet'), this.#file('requests')];
    await mustRun('wallet', [
      ...['init', wallet, '--did', siteOrganisation, '--name', 'Site'],
      ...['--passphrase-file', this.#file('passphrase')],
    ]);
    await mustRun('gateway', ['keygen', this.gatewayConfig]);
    await mustRun('gateway', ['enrol-request', this.gatewayConfig, '--out', requests]);
    const published = this.#file('published');
    const files = readdirSync(requests).flatMap((file) => ['--request', join(requests, file)]);
    await mustRun('wallet', [
      ...['enrol', wallet, ...files, '--facility', facility],
      ...['--goods', `${siteOrganisation}/${this.#options.goods}`],
      ...['--out', this.#file('enrolments'), '--publish', published],
    ]);
    await mustRun('ingest', ['trust', this.ingestConfig, 'add', published]);
  }
}
