import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSecret, secretSchema } from '../../../../devices/io/secret.ts';
import { compileChecker } from '../../../../devices/schema.ts';

let directory = '';
let file = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'secret-'));
  file = join(directory, 'passphrase');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const unreadable = { code: 'KEY_PASSPHRASE_UNREADABLE' };

describe('a secret in a file', () => {
  it.each([
    ['a line', 'correct horse\n', 'correct horse'],
    ['a line without its end', 'correct horse', 'correct horse'],
    ['a line as Windows ends it', 'correct horse\r\nmore', 'correct horse'],
    ['blanks, which belong to it', '  horse \n', '  horse '],
    ['other alphabets', 'лошадь 馬\n', 'лошадь 馬'],
  ])('is its first line: %s', async (_, content, secret) => {
    writeFileSync(file, content);
    expect(await readSecret({ file }, 'the passphrase')).toBe(secret);
  });

  it.each([
    ['an empty file', ''],
    ['an empty first line', '\nsecret\n'],
  ])('is none: %s', async (_, content) => {
    writeFileSync(file, content);
    await expect(readSecret({ file }, 'it')).rejects.toMatchObject(unreadable);
  });

  it('names the file that cannot be read, and never what is in another', async () => {
    const missing = join(directory, 'none');
    const error = await readSecret({ file: missing }, 'it').catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ ...unreadable, message: expect.stringContaining(missing) });
    mkdirSync(file);
    await expect(readSecret({ file }, 'it')).rejects.toMatchObject(unreadable);
  });
});

describe('a credential of systemd', () => {
  it('is the file that it put into its folder', async () => {
    writeFileSync(file, 'from systemd\n');
    chmodSync(file, 0o400);
    const environment = { CREDENTIALS_DIRECTORY: directory };
    const place = { credential: 'passphrase' };
    expect(await readSecret(place, 'it', { environment })).toBe('from systemd');
    const other = { credential: 'another' };
    await expect(readSecret(other, 'it', { environment })).rejects.toMatchObject(unreadable);
  });

  it.each([{}, { CREDENTIALS_DIRECTORY: '' }, { CREDENTIALS_DIRECTORY: undefined }])(
    'is none where systemd handed nothing over: %j',
    async (environment) => {
      const asked = readSecret({ credential: 'passphrase' }, 'it', { environment });
      await expect(asked).rejects.toMatchObject({
        ...unreadable,
        message: expect.stringContaining('"passphrase"'),
      });
    },
  );
});

describe('a secret that a person types', () => {
  it('is asked for by name', async () => {
    const prompts: string[] = [];
    const askSecret = async (prompt: string) => {
      prompts.push(prompt);
      return 'typed';
    };
    expect(await readSecret({ terminal: true }, 'PIN of the token', { askSecret })).toBe('typed');
    expect(prompts).toEqual(['PIN of the token: ']);
  });

  it('is none where nobody sits at a terminal, or nothing was typed', async () => {
    const place = { terminal: true } as const;
    await expect(readSecret(place, 'it')).rejects.toMatchObject(unreadable);
    const askSecret = async () => '';
    await expect(readSecret(place, 'it', { askSecret })).rejects.toMatchObject(unreadable);
  });
});

describe('a place of a secret', () => {
  const isPlace = compileChecker(secretSchema);

  it.each([{ file: 'a' }, { credential: 'bondline-passphrase' }, { terminal: true }])(
    'is one of three: %j',
    (place) => expect(isPlace(place)).toBe(true),
  );

  it.each([
    {},
    { file: 'a', terminal: true },
    { file: '' },
    { credential: '..' },
    { credential: '.hidden' },
    { credential: 'a/b' },
    { credential: '' },
    { terminal: false },
    { passphrase: 'secret' },
  ])('is nothing else: %j', (place) => expect(isPlace(place)).toBe(false));
});
