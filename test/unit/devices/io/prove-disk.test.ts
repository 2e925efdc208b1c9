import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
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
    expect(lengths[1]).not.toBe(lengths[0]);
    expect(lengths[2]).not.toBe(lengths[1]);
    expect(statSync(file).mtimeMs).toBe(before);
  });

  it('never sets the length that another thread set, or that is there from the last run', async () => {
    const probe = join(folder, PROBE_FILE);
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.module).then(({ proveCommitted }) => {
        for (let count = 0; count < 3; count += 1) {
          proveCommitted(workerData.file);
          parentPort.postMessage(require('node:fs').statSync(workerData.probe).size);
        }
      });`;
    const module = new URL('../../../../devices/io/prove-disk.ts', import.meta.url).href;
    const lengths: Set<number>[] = [];
    for (let thread = 0; thread < 3; thread += 1) {
      const workerData = { file: join(folder, 'some.db'), module, probe };
      const worker = new Worker(code, { eval: true, workerData });
      const own: number[] = [];
      worker.on('message', (length: number) => own.push(length));
      await new Promise((done) => worker.once('exit', done));
      expect(own).toHaveLength(3);
      expect(own[1]).not.toBe(own[0]);
      expect(own[2]).not.toBe(own[1]);
      lengths.push(new Set(own));
    }
    const all = lengths.flatMap((own) => [...own]);
    expect(new Set(all).size).toBe(all.length);
    // As a process finds it that is the first of its kind: with its own length there already.
    proveCommitted(join(folder, 'some.db'));
    const left = statSync(probe).size;
    proveCommitted(join(folder, 'some.db'));
    expect(statSync(probe).size).not.toBe(left);
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
