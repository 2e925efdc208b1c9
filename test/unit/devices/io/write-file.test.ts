import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeFileDurably } from '../../../../devices/io/write-file.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'write-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('writing durably', () => {
  it('replaces a file whole, with the mode that is asked for', () => {
    const file = join(folder, 'a');
    writeFileDurably(file, 'one', 0o600);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = statSync(file).ino;
    writeFileDurably(file, Buffer.alloc(1_000_000, 0x61));
    expect(readFileSync(file)).toHaveLength(1_000_000);
    // Another file took its place: who had the old one open still reads the old one.
    expect(statSync(file).ino).not.toBe(before);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  it('leaves nothing behind when it fails', () => {
    expect(() => writeFileDurably(join(folder, 'no', 'a'), 'x')).toThrow(/ENOENT/);
    expect(readdirSync(folder)).toEqual([]);
    // A folder of the file's name: the rename fails after the content was written.
    writeFileDurably(join(folder, 'b'), 'x');
    expect(() => writeFileDurably(folder, 'x')).toThrow();
    expect(readdirSync(folder)).toEqual(['b']);
  });
});
