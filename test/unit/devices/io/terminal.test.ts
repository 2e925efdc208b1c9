import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askSecretAt } from '../../../../devices/io/terminal.ts';
import { limits } from '../../../../devices/limits.ts';
import { hasPeer } from '../../../support/peers.ts';

/** A keyboard that a test types at, and what was done to its terminal. */
class Keyboard extends EventEmitter {
  isRaw = false;
  isPaused = true;
  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }
  resume(): void {
    this.isPaused = false;
  }
  pause(): void {
    this.isPaused = true;
  }
  type(text: string | Uint8Array): void {
    this.emit('data', Buffer.from(text));
  }
}

function ask() {
  const keyboard = new Keyboard();
  let screen = '';
  const write = (text: string) => {
    screen += text;
  };
  const answer = askSecretAt(keyboard, { write })('PIN: ');
  return { keyboard, answer, screen: () => screen };
}

describe('a secret at a terminal', () => {
  it('is the line that is typed, and nothing of it is shown', async () => {
    const { keyboard, answer, screen } = ask();
    expect(keyboard).toMatchObject({ isRaw: true, isPaused: false });
    for (const key of 'horse') keyboard.type(key);
    expect(screen()).toBe('PIN: ');
    keyboard.type('\r');
    expect(await answer).toBe('horse');
    expect(screen()).toBe('PIN: \n');
    expect(keyboard).toMatchObject({ isRaw: false, isPaused: true });
    expect(keyboard.listenerCount('data') + keyboard.listenerCount('end')).toBe(0);
  });

  it.each([
    ['pasted with its line end and more', 'horse\nmore', 'horse'],
    ['corrected', 'hort\u007fse\u0008\u0008se\n', 'horse'],
    ['corrected beyond its beginning', '\u007f\u007fhorse\n', 'horse'],
    ['of other alphabets', 'лошадь馬🐎\u007f\n', 'лошадь馬'],
    ['empty', '\n', ''],
  ])('may be %s', async (_, typed, secret) => {
    const { keyboard, answer } = ask();
    keyboard.type(typed);
    expect(await answer).toBe(secret);
  });

  it('has a longest length', async () => {
    const { keyboard, answer } = ask();
    keyboard.type('x'.repeat(limits.secretCharactersMax + 5));
    keyboard.type('\n');
    expect(await answer).toHaveLength(limits.secretCharactersMax);
  });

  it.each([
    ['Ctrl-C', (keyboard: Keyboard) => keyboard.type('hor\u0003')],
    ['Ctrl-D', (keyboard: Keyboard) => keyboard.type('\u0004')],
    ['the end of the terminal', (keyboard: Keyboard) => keyboard.emit('end')],
  ])('is given up with %s, and the terminal is as before', async (_, giveUp) => {
    const { keyboard, answer, screen } = ask();
    giveUp(keyboard);
    await expect(answer).rejects.toMatchObject({ code: 'KEY_PASSPHRASE_UNREADABLE' });
    expect(keyboard).toMatchObject({ isRaw: false, isPaused: true });
    expect(screen()).toBe('PIN: \n');
  });

  it.skipIf(!hasPeer('socat'))(
    'is not echoed by a real terminal',
    async () => {
      const terminal = new URL('../../../../devices/io/terminal.ts', import.meta.url).href;
      const program = `import { askSecretAt } from '${terminal}';
      const secret = await askSecretAt(process.stdin, process.stdout)('PIN: ');
      process.stdout.write('it has ' + secret.length + ' marks\\n');`;
      const node = `EXEC:${process.execPath} ask.mjs,pty,setsid,ctty,stderr`;
      const folder = mkdtempSync(join(tmpdir(), 'terminal-'));
      try {
        writeFileSync(join(folder, 'ask.mjs'), program);
        const child = spawn('socat', ['STDIO', node], {
          cwd: folder,
          stdio: ['pipe', 'pipe', 'inherit'],
        });
        let screen = '';
        child.stdout.on('data', (bytes) => {
          screen += String(bytes);
          if (screen.endsWith('PIN: ')) child.stdin.write('correct horse\r');
        });
        await new Promise((resolve) => child.once('close', resolve));
        expect(screen).toContain('it has 13 marks');
        expect(screen).not.toContain('horse');
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    20_000,
  );
});
