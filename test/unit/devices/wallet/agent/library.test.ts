/** The wallet where the agent's packages are not installed, as on a gateway box. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'wallet-bare-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'pass'), 'secret\n');

const cli = fileURLToPath(new URL('../../../../../devices/wallet/cli.ts', import.meta.url));
/** Resolution as it is without the optional packages. */
const bare = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(name, context, next) {
      if (!/^@(sphereon|veramo)\\//.test(name)) return next(name, context);
      const missing = new Error('Cannot find package ' + name);
      throw Object.assign(missing, { code: 'ERR_MODULE_NOT_FOUND' });
    },
  });
`)}`;

async function run(...args: string[]) {
  const all = ['--import', bare, cli, ...args];
  return promisify(execFile)(process.execPath, all).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

describe('without the packages of the agent', () => {
  it('help and mistakes need none of them, and what signs says what to install', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, stderr: '' });
    expect(await run('rotate', folder)).toMatchObject({ code: 2 });
    const wallet = join(folder, 'w');
    const identity = ['--did', 'did:web:mill.example', '--name', 'Mill'];
    const made = await run('init', wallet, ...identity, '--passphrase-file', join(folder, 'pass'));
    expect(made.code).toBe(1);
    expect(made.stderr).toMatch(/WALLET_PACKAGE_MISSING.*npm ci, without --omit=optional/s);
    // Nothing half done: the next attempt finds an empty folder.
    expect(readdirSync(wallet).filter((name) => name.endsWith('.json'))).toEqual([]);
  });
});
