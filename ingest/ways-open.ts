/** Opens what the configuration names as ways in, with the certificates that they need. */
import { EdgeError } from '../devices/errors.ts';
import type { KeyStore } from '../devices/io/key-store.ts';
import type { Log } from '../devices/runtime.ts';
import type { Ingest, IngesterOptions } from './ingest.ts';
import type { Source } from './source.ts';
import type { Uplink } from './uplink.ts';
import { startIngesterUplink } from './uplink-start.ts';
import { type Ways, withPort } from './ways.ts';

/** What is asked of the options, and the sources that a configuration may name. */
type Known<K extends keyof IngesterOptions> = Pick<IngesterOptions, K> & {
  readonly known: ReadonlyMap<string, Source>;
};

/** Certificates, where a source is configured that needs them. */
export async function uplinkOf(
  { clock, config, log, known }: Known<'clock' | 'config' | 'log'>,
  running: Pick<Ingest, 'receive' | 'trust'> & { readonly keys: KeyStore; readonly did: string },
): Promise<Uplink | undefined> {
  const isNeeded = config.sources.some(({ connection, source }) =>
    known.get(source)?.needsUplink(connection),
  );
  return isNeeded ? startIngesterUplink({ ...running, config, clock, log }) : undefined;
}

/** Opens the configured sources and returns their addresses. @throws EdgeError as they do */
export async function openSources(
  { config, known, log, ports }: Known<'config' | 'log' | 'ports'>,
  ways: Ways,
  uplink: Uplink | undefined,
): Promise<string[]> {
  const addresses: string[] = [];
  for (const { source: name, connection } of config.sources) {
    const source = known.get(name);
    if (source === undefined) throw new EdgeError('CFG_INVALID', `there is no source ${name}`);
    const port = connection['port'];
    const opened = await withPort(
      typeof port === 'number' ? port : 0,
      (chosen) =>
        ways.open(
          source,
          port === undefined ? connection : { ...connection, port: chosen },
          uplink,
        ),
      { any: ports === 'any', say: (taken) => sayTaken(log, 'the uplink', taken) },
    );
    const how = opened.security === 'tls' ? 'over mutual TLS 1.3' : 'in plain text, loopback only';
    log.info(`taking credentials ${how}`, { source: name, address: opened.address });
    addresses.push(opened.address);
  }
  return addresses;
}

/** Says that a port was taken, and by what another one is used now. */
export function sayTaken(log: Log, what: string, port: number): void {
  log.warn(`port ${port} is taken; ${what} uses another`);
}
