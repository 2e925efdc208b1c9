/**
 * Parties with wallets beside an ingester: they sign with the built `bondline-wallet`, and what
 * they signed is handed over with the built `bondline-ingest`.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../../devices/limits.ts';
import { digestMultibase } from '../../devices/profile.ts';
import { systemClock, systemRandom } from '../../devices/runtime.ts';
import { runWallet } from '../../devices/wallet/commands.ts';
import { payloadOf } from '../../ingest/apply-payload.ts';
import { openJournalStore } from '../../ingest/journal-store.ts';
import type { Submitted } from '../../ingest/party-submit.ts';
import { mustRun } from './commands.ts';
import { type IngesterFolder, runIngest } from './ingester.ts';

/** Wallets, forms and signed files in the folder of an ingester. */
export interface PaperFolder {
  at(...names: string[]): string;
  /** Makes the wallet of `did:web:NAME.example`. */
  party(name: string, called: string): Promise<void>;
  /** Has the ingester trust the DID documents of parties. */
  trust(...names: string[]): Promise<void>;
  /** Signs a form of this text; returns the file that was written. */
  sign(name: string, kind: string, form: string, ...options: string[]): Promise<string>;
  /** Signs a release by one party, and its acceptance by another; returns the accepted file. */
  handOver(from: string, to: string, form: string): Promise<string>;
  submit(file: string): Promise<Submitted>;
  /** Has a party publish its status lists, and gives them to the ingester by hand. */
  publish(name: string): Promise<void>;
}

/** Runs a command of the wallet, and gives what it printed. */
type RunWallet = (args: readonly string[]) => Promise<string>;

const builtWallet: RunWallet = (args) => mustRun('wallet', args);

/** The same program without a process for each command, where the wallet is not what is shown. */
export const walletHere: RunWallet = async (args) => {
  const said = { out: '', err: '' };
  const io = {
    out: (text: string) => {
      said.out += text;
    },
    err: (text: string) => {
      said.err += text;
    },
  };
  const code = await runWallet(args, io, { clock: systemClock, random: systemRandom });
  if (code !== 0) throw new Error(said.err);
  return said.out;
};

export function paperFolder(folder: IngesterFolder, wallet = builtWallet): PaperFolder {
  const at = (...names: string[]) => join(folder.directory, ...names);
  let forms = 0;
  const sign: PaperFolder['sign'] = async (name, kind, form, ...options) => {
    forms += 1;
    const file = at(`form-${forms}.yaml`);
    writeFileSync(file, form);
    const given = [...kind.split(' '), file, '--wallet', at(name, 'wallet'), '--json', ...options];
    return fileOf(await wallet(['sign', ...given]));
  };
  return {
    at,
    sign,
    async party(name, called) {
      mkdirSync(at(name));
      const identity = ['--did', `did:web:${name}.example`, '--name', called];
      const secret = ['--passphrase-file', at('passphrase')];
      await wallet(['init', at(name, 'wallet'), ...identity, ...secret]);
    },
    async trust(...names) {
      const files = names.map((name) => at(name, 'wallet', 'did.json'));
      await mustRun('ingest', ['trust', folder.config, 'add', ...files]);
    },
    async handOver(from, to, form) {
      const released = await sign(from, 'custody release', form);
      const theirs = ['--wallet', at(to, 'wallet'), '--documents', at(from, 'wallet'), '--json'];
      return fileOf(await wallet(['sign', 'custody', 'accept', released, ...theirs]));
    },
    async submit(file) {
      const { out, err } = await runIngest('submit', folder.config, file, '--json');
      const [one] = out === '' ? [] : (JSON.parse(out) as { submitted: Submitted[] }).submitted;
      if (one === undefined) throw new Error(`nothing was submitted: ${err}`);
      return one;
    },
    async publish(name) {
      const site = at(name, 'site');
      await wallet(['publish', at(name, 'wallet'), '--out', site]);
      const lists = readdirSync(join(site, 'status')).map((file) => join(site, 'status', file));
      await mustRun('ingest', ['trust', folder.config, 'add', ...lists]);
    },
  };
}

const LONG_MS = 2 * limits.statusStaleMs;

/**
 * Leaves the journal of an ingester that is ended as it is when its last look that found this list
 * was long ago: since then its web server is gone.
 */
export function foundLongAgo({ data }: IngesterFolder, list: string): void {
  const store = openJournalStore(join(data, 'journal.db'));
  const named = store.statusLists().find(({ bytes }) => payloadOf(bytes)['id'] === list);
  if (named === undefined) throw new Error(`the ingester has no list ${list}`);
  const receivedMs = Math.round(systemClock.nowMs()) - LONG_MS;
  const checked = [{ list, digest: named.header.digest }];
  const bytes = Buffer.from(JSON.stringify({ atMs: receivedMs, checked }));
  const digest = digestMultibase(bytes);
  const { tenant } = named.header;
  store.append([{ header: { version: 1, tenant, kind: 'tick', receivedMs, digest }, bytes }]);
  store.close();
}

function fileOf(said: string): string {
  const [one] = (JSON.parse(said) as { signed: { file: string }[] }).signed;
  if (one === undefined) throw new Error('nothing was signed');
  return one.file;
}
