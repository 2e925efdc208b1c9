import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeDirectory } from '../../../../devices/io/directory.ts';

const folder = mkdtempSync(join(tmpdir(), 'bondline-directory-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('making a directory', () => {
  it('makes the folders above it, with the mode, and does so twice', () => {
    const deep = join(folder, 'a', 'b', 'c');
    makeDirectory(deep, 0o700);
    makeDirectory(deep, 0o700);
    expect(statSync(deep).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  });

  it('gives up below a file', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => makeDirectory(join(folder, 'file', 'below'))).toThrow(/ENOTDIR/);
  });

  it('gives up where nothing can be made, instead of trying for ever', () => {
    expect(() => makeDirectory('/proc/bondline/below')).toThrow(/ENOENT|EACCES|EROFS/);
  });
});
