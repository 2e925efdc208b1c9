/**
 * Where the passphrase or PIN of a key store comes from: a file, a credential that systemd hands
 * over, or a person at the terminal. Configurations name the place, never the secret.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../errors.ts';
import { type Static, Type } from '../schema.ts';

const closed = { additionalProperties: false } as const;

/** A place of a secret as a configuration names it; exactly one member. */
export const secretSchema = Type.Object(
  {
    file: Type.Optional(
      Type.String({
        description: 'Path of a file with the secret in its first line.',
        minLength: 1,
        maxLength: 4096,
      }),
    ),
    credential: Type.Optional(
      Type.String({
        description: 'Name of a credential that systemd hands over (LoadCredential=).',
        // systemd.exec(5): a file name; without dots alone it cannot lead out of its folder.
        pattern: '^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$',
        examples: ['bondline-passphrase'],
      }),
    ),
    terminal: Type.Optional(
      Type.Literal(true, { description: 'Ask at the terminal at each start, without echo.' }),
    ),
  },
  { ...closed, minProperties: 1, maxProperties: 1 },
);

/** A place of a secret; a path in it is absolute by the time it is read. */
export type SecretPlace = Static<typeof secretSchema>;

/** What the process lends for reading a secret. */
export interface SecretAccess {
  /** Environment variables: systemd says in CREDENTIALS_DIRECTORY where it put credentials. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Asks a person, without echo; absent where nobody sits at the terminal. */
  readonly askSecret?: (prompt: string) => Promise<string>;
}

/**
 * The secret, one line without its end. `what` names it for the person who is asked.
 *
 * @throws EdgeError KEY_PASSPHRASE_UNREADABLE
 */
export async function readSecret(
  place: SecretPlace,
  what: string,
  { environment = {}, askSecret }: SecretAccess = {},
): Promise<string> {
  if (place.file !== undefined) return firstLine(place.file);
  if (place.credential !== undefined) {
    const directory = environment['CREDENTIALS_DIRECTORY'];
    if (directory) return firstLine(join(directory, place.credential));
    const why = `systemd handed over no credentials, so not "${place.credential}" either`;
    throw new EdgeError('KEY_PASSPHRASE_UNREADABLE', why);
  }
  if (!askSecret) {
    throw new EdgeError('KEY_PASSPHRASE_UNREADABLE', `nobody is at a terminal to type ${what}`);
  }
  const typed = await askSecret(`${what}: `);
  if (typed === '')
    throw new EdgeError('KEY_PASSPHRASE_UNREADABLE', `nothing was typed as ${what}`);
  return typed;
}

function firstLine(file: string): string {
  const what = `reading the secret in ${file}`;
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new EdgeError('KEY_PASSPHRASE_UNREADABLE', what, { cause });
  }
  const [line = ''] = content.split(/\r?\n/, 1);
  if (line === '') throw new EdgeError('KEY_PASSPHRASE_UNREADABLE', `${what}: it is empty`);
  return line;
}
