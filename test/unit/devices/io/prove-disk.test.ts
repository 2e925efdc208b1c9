import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROBE_FILE, proveCommitted, proveReplaced } from '../../../../devices/io/prove-disk.ts';
import { openDatabase } from '../../../../devices/io/sqlite.ts';
import { writeFileDurably } from '../../../../devices/io/write-file.ts';

/** The lying disk itself is the fault `lying-syncs` of `test/faults`. */
describe('proof that the disk still takes changes', () => {
  let folder: string;
  const fault = expect.objectContaining({ code: 'DB_DISK_FAILED' });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'prove-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('changes a file beside the database each time, and none of what counts', () => {
    const file = join(folder, 'some.db');
    openDatabase(file, { schema: ['CREATE TABLE one (id INTEGER)'] }).close();
    const before = statSync(file).mtimeMs;
    const lengths = [0, 1, 2].map(() => {
      proveCommitted(file);
      return statSync(join(folder, PROBE_FILE)).size;
    });
    expect(new Set(lengths).size).toBe(3);
    expect(statSync(file).mtimeMs).toBe(before);
  });

  it('leaves nothing behind a file that was replaced', () => {
    writeFileDurably(join(folder, 'control.json'), '{}');
    expect(readdirSync(folder)).toEqual(['control.json']);
  });

  it('fails where the folder is gone, and so takes nothing', () => {
    const gone = join(folder, 'gone', 'some.db');
    expect(() => proveCommitted(gone)).toThrow(fault);
    expect(() => proveReplaced(gone, `${gone}.part`)).toThrow(fault);
  });

  it('fails where the probe can be no file', () => {
    mkdirSync(join(folder, PROBE_FILE));
    expect(() => proveCommitted(join(folder, 'some.db'))).toThrow(fault);
  });
});
