/** What a command said reaches its reader, however slowly that reads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const file = fileURLToPath(new URL('../../../../devices/io/end-process.ts', import.meta.url));
/** Far more than what a pipe holds. */
const LENGTH = 5_000_000;

/**
 * A command that writes `LENGTH` bytes at once, says so, and ends with 3; it also listens, and a
 * signal alone does not end it.
 */
function start() {
  const program = `
    import { allowReaderToLeave, endProcess } from ${JSON.stringify(file)};
    allowReaderToLeave(process);
    setInterval(() => {}, 1000);
    process.on('SIGTERM', () => {});
    process.stdout.write('x'.repeat(${LENGTH}));
    process.stderr.write('written');
    await endProcess(process, 3);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  return { child, closed, written: once(child.stderr, 'data') };
}

describe('the end of a command', () => {
  it('waits until a slow reader has everything', async () => {
    const { child, closed, written } = start();
    await written;
    let length = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
    });
    expect(await closed).toEqual([3, null]);
    expect(length).toBe(LENGTH);
  });

  it('does not wait for a reader that has gone', async () => {
    const { child, closed, written } = start();
    await written;
    child.stdout.destroy();
    child.stderr.resume();
    expect(await closed).toEqual([3, null]);
  });

  it('does not wait once it is told to go', async () => {
    const { child, closed, written } = start();
    await written;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await gone).toEqual([3, null]);
    child.stdout.resume();
    await closed;
  });
});
