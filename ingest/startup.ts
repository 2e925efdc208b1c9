/** What a start needs besides wiring: the receipt key, the rules in force, what was found. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EdgeError } from '../devices/errors.ts';
import type { KeyStore, Signer } from '../devices/io/key-store.ts';
import type { SecretAccess } from '../devices/io/secret.ts';
import { readStoreKey, useStoreKey } from '../devices/io/store-key.ts';
import { formatTime, type Log } from '../devices/runtime.ts';
import type { Apply } from './apply.ts';
import type { IngestConfig } from './config.ts';
import type { Control } from './control.ts';
import type { OpenJournal } from './journal.ts';
import type { Rule } from './rule.ts';

const LABEL = 'receipt';

/** What damaged nodes of the journal's tree cost: nothing, since they follow from the entries. */
export const MENDED =
  'stored nodes of the journal’s tree were damaged: they are made anew from its entries';

/** The key that signs receipts; the first start makes it. */
export async function receiptSigner(keys: KeyStore): Promise<Signer> {
  if (!keys.list().some(({ label }) => label === LABEL)) await keys.create(LABEL, 'ES256');
  return keys.signer(LABEL);
}

/**
 * Says what the last run left. Where it did not end in order, the one line tells what was found and
 * repaired: the end of the journal is verified by then, and twins that are behind catch up.
 */
export function sayFound(options: {
  readonly apply: Pick<Apply, 'applied' | 'cursor'>;
  readonly journal: OpenJournal;
  readonly left: Control | undefined;
  readonly log: Log;
}): void {
  const { apply, journal, left, log } = options;
  const { copy, isMended, size, trust, last } = journal.found;
  if (isMended) log.warn(MENDED);
  if (copy !== undefined) log.info('the journal was copied before its update', { copy });
  const tick = last.find(({ header }) => header.kind === 'tick');
  const lastTick = tick && formatTime(tick.header.receivedMs);
  if (left === undefined) {
    log.info('opened the journal', { entries: size, trust: trust.length, lastTick });
    return;
  }
  const found = { entries: size, twinsBehind: size - apply.cursor(), lastTick, pid: left.pid };
  const whole = 'the last run did not end in order: the end of the journal is whole, the twins';
  const say = (how: string) => log.warn(`${whole} ${how}`, found);
  if (found.twinsBehind === 0) say('are up to date');
  else
    void apply.applied(size).then(
      () => say('were behind and have caught up'),
      // Why it ended is said where it ends.
      () => {},
    );
}

/**
 * The bytes of a `rules` entry: the content of the route files, and each alert rule with its
 * version. The same content gives the same bytes.
 *
 * @throws EdgeError CFG_UNREADABLE
 */
export function rulesInForce(routeFiles: readonly string[], rules: readonly Rule[]): Uint8Array {
  const routes = routeFiles.map((file) => {
    try {
      const { features } = JSON.parse(readFileSync(file, 'utf8')) as { features?: unknown };
      return { type: 'FeatureCollection', name: basename(file), features };
    } catch (cause) {
      throw new EdgeError('CFG_UNREADABLE', `reading the routes ${file}`, { cause });
    }
  });
  const versions = Object.fromEntries(rules.map(({ name, version }) => [name, version]));
  return Buffer.from(JSON.stringify({ routes, rules: versions }));
}

/** Where the built console lies, seen from the module at `moduleUrl` in the source or the build. */
export function consoleDirectory(moduleUrl: string): string {
  const path = moduleUrl.endsWith('.ts') ? '../dist/ingest/console' : './console';
  return fileURLToPath(new URL(path, moduleUrl));
}

/**
 * From now on the databases are opened with their key, if the configuration names one; returns it.
 *
 * @throws EdgeError as `readStoreKey` does
 */
export async function useEncryption(
  { encryption, ingester }: IngestConfig,
  passphrase: string,
  access: SecretAccess,
): Promise<Uint8Array | undefined> {
  if (encryption === undefined) return undefined;
  const key = await readStoreKey(encryption, passphrase, access);
  useStoreKey(ingester.data, key);
  return key;
}
