/** `npm start` as a newcomer uses it: installed and built already, run, and ended with Ctrl-C. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';

const start = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'bondline-start-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Processes whose command line or environment names our directory: all that the run started. */
function started(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && commandOf(pid).includes(directory));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

describe('npm start', () => {
  it('passes arguments and the exit code through, and keeps standard output for results', () => {
    const help = spawnSync(process.execPath, [start, '--help'], { encoding: 'utf8' });
    expect(help.status).toBe(0);
    expect(help.stdout).toMatch(/^bondline-sim run SCENARIO/);
    const wrong = spawnSync(process.execPath, [start, '--nonsense'], { encoding: 'utf8' });
    expect(wrong.status).toBe(2);
    expect(wrong.stdout).toBe('');
    expect(wrong.stderr).toContain('CFG_USAGE');
  });

  it('ends every process at Ctrl-C, sooner than they started', async () => {
    const spawnedAt = performance.now();
    const args = [start, '--data', directory];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    const up = new Promise<void>((resolve) => {
      const hear = (chunk: Buffer) => {
        said += chunk.toString();
        // The address of the console is told when every process runs.
        if (/http:\/\/\S+/.test(said) && started().length >= 5) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
    });
    await Promise.race([up, closed]);
    expect(child.exitCode, said).toBeNull();
    const startMs = performance.now() - spawnedAt;
    const toldAt = performance.now();
    child.kill('SIGINT');
    expect(await closed, said).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(startMs);
    expect(started()).toEqual([]);
  });

  it('says so where Ctrl-C comes while the sites are set up, and goes on with the next start', async () => {
    const args = [start, '--data', directory, '--fresh', '--for', '3', '--json'];
    // As a terminal does it, Ctrl-C reaches every process of the group.
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = spawn(process.execPath, args, { stdio: [...stdio], detached: true });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
    const isAtWallets = () => started().some((pid) => /wallet.cli/.test(commandOf(pid)));
    try {
      await eventually(isAtWallets, 'a wallet is made', 60_000);
    } finally {
      process.kill(-Number(child.pid), 'SIGINT');
    }
    expect(await closed, said).toBe(0);
    expect(said.trim()).toMatch(/stopped while the sites were set up/);
    expect(said).not.toMatch(/SIM_/);
    expect(started()).toEqual([]);
    const again = spawnSync(
      process.execPath,
      args.filter((one) => one !== '--fresh'),
      {
        encoding: 'utf8',
      },
    );
    expect(again.status, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout).total.lost).toBe(0);
  }, 120_000);
});
