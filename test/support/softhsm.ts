/** A SoftHSM2 with a folder of tokens of its own, used through its PKCS#11 library. */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const SOFTHSM_MODULE = '/usr/lib/softhsm/libsofthsm2.so';

export interface SoftHsm {
  readonly module: string;
  readonly pin: string;
  /** What processes need that use it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Makes a token of this label. */
  addToken(label: string): void;
  /** Pulls a token out; the function that is returned plugs it in again. */
  takeToken(label: string): () => void;
  /** Every byte that it keeps on disk. */
  bytes(): Buffer;
  /** Runs OpenSC's pkcs11-tool as a user who has the PIN; resolves with what it prints. */
  tool(token: string, ...args: string[]): string;
  remove(): void;
}

/** Sets SOFTHSM2_CONF of this process, since the library is loaded into it. */
export function makeSoftHsm(): SoftHsm {
  const folder = mkdtempSync(join(tmpdir(), 'softhsm-'));
  const tokens = join(folder, 'tokens');
  const conf = join(folder, 'softhsm2.conf');
  const pin = '4321';
  mkdirSync(tokens);
  const lines = [`directories.tokendir = ${tokens}`, 'objectstore.backend = file'];
  writeFileSync(conf, `${[...lines, 'log.level = ERROR'].join('\n')}\n`);
  process.env['SOFTHSM2_CONF'] = conf;
  const environment = { SOFTHSM2_CONF: conf };
  const env = { ...process.env, ...environment };
  return {
    module: SOFTHSM_MODULE,
    pin,
    environment,
    addToken(label) {
      const args = ['--init-token', '--free', '--label', label, '--so-pin', '87654321'];
      execFileSync('softhsm2-util', [...args, '--pin', pin], { env, stdio: 'ignore' });
    },
    takeToken(label) {
      const padded = label.padEnd(32);
      const name = readdirSync(tokens).find((one) =>
        readFileSync(join(tokens, one, 'token.object')).includes(padded),
      );
      if (name === undefined) throw new Error(`there is no token ${label}`);
      const [here, away] = [join(tokens, name), join(folder, name)];
      renameSync(here, away);
      return () => renameSync(away, here);
    },
    bytes() {
      const files = readdirSync(tokens, { recursive: true, withFileTypes: true });
      const found = files.filter((entry) => entry.isFile());
      return Buffer.concat(
        found.map(({ name, parentPath }) => readFileSync(join(parentPath, name))),
      );
    },
    tool(token, ...args) {
      const login = ['--token-label', token, '--login', '--pin', pin];
      const all = ['--module', SOFTHSM_MODULE, ...login, ...args];
      return execFileSync('pkcs11-tool', all, { env, encoding: 'utf8', stdio: 'pipe' });
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
