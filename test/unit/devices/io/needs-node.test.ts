import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const project = fileURLToPath(new URL('../../../..', import.meta.url));

/** Imports the check in a process that believes to be Node `version`, then says "on". */
function startAs(version: string) {
  const versions = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
  const check = JSON.stringify(`${project}devices/io/needs-node.ts`);
  const program = `${versions} await import(${check}); console.log('on');`;
  const args = ['--input-type=module', '-e', program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('the Node that a command needs', () => {
  it.each(['20.20.2', '22.12.0'])('is not %s, which is told in one line', (version) => {
    const { status, stdout, stderr } = startAs(version);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^[^\n]*22\.13[^\n]*\n$/);
    expect(stderr).toContain(version);
  });

  it.each(['22.13.0', '23.0.0', '24.21.0'])('is %s', (version) => {
    expect(startAs(version)).toEqual({ status: 0, stdout: 'on\n', stderr: '' });
  });

  it('is the one that package.json asks for', () => {
    const manifest = JSON.parse(readFileSync(`${project}package.json`, 'utf8'));
    expect(manifest.engines.node).toBe('>=22.13');
  });
});
