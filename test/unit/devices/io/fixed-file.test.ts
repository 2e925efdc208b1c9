import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FixedFile, openFixedFile } from '../../../../devices/io/fixed-file.ts';
import { useStoreKey } from '../../../../devices/io/store-key.ts';

const BYTES = 300;
let directory = '';
let file = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fixed-file-'));
  file = join(directory, 'noted');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function withFile<T>(action: (opened: FixedFile) => T): T {
  const opened = openFixedFile(file, BYTES);
  try {
    return action(opened);
  } finally {
    opened.close();
  }
}

const read = () => withFile((opened) => opened.read());
const write = (number: number, text: string) =>
  withFile((opened) => opened.write({ number, text }));

describe('a file of fixed size', () => {
  it('has its place on the disk from the start, and never more', () => {
    expect(read()).toBeUndefined();
    const { size } = statSync(file);
    expect(size).toBeGreaterThan(2 * BYTES);
    for (let number = 1; number < 6; number += 1) {
      expect(write(number, 'x'.repeat(number * 50))).toBe(true);
      expect(read()).toEqual({ number, text: 'x'.repeat(number * 50) });
    }
    expect(write(6, 'x'.repeat(BYTES + 1))).toBe(false);
    expect(read()?.number).toBe(5);
    expect(statSync(file).size).toBe(size);
  });

  it('is what was written last or before that, whatever happens to its bytes', () => {
    write(1, 'the first');
    write(2, 'the second');
    const sound = readFileSync(file);
    const change = fc.record({
      at: fc.nat(sound.length - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    });
    const isOneOfThem = ({ at, bytes }: { at: number; bytes: Uint8Array }) => {
      const changed = Buffer.from(sound);
      changed.set(bytes.subarray(0, sound.length - at), at);
      writeFileSync(file, changed);
      const found = read();
      if (changed.equals(sound)) expect(found?.number).toBe(2);
      expect([undefined, 'the first', 'the second']).toContain(found?.text);
    };
    fc.assert(fc.property(change, isOneOfThem), { numRuns: 500 });
    // Cut off in the middle of a write, the other half is there.
    for (let cut = 0; cut < 60; cut += 1) {
      writeFileSync(file, sound);
      write(3, 'the third');
      const whole = readFileSync(file);
      const from = whole.findIndex((byte, at) => byte !== sound[at]);
      writeFileSync(
        file,
        Buffer.concat([whole.subarray(0, from + cut), sound.subarray(from + cut)]),
      );
      expect(['the second', 'the third']).toContain(read()?.text);
    }
  });

  it('is sealed in a folder that has a key', () => {
    useStoreKey(directory, Buffer.alloc(32, 7));
    write(1, 'did:key:zSomebody');
    expect(readFileSync(file).includes('Somebody')).toBe(false);
    expect(read()).toEqual({ number: 1, text: 'did:key:zSomebody' });
    useStoreKey(directory, Buffer.alloc(32, 8));
    expect(read()).toBeUndefined();
  });
});
