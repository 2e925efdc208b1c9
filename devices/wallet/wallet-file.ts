/** What a wallet remembers: whose it is, and which entry of its status lists belongs to whom. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../errors.ts';
import { writeFileDurably } from '../io/write-file.ts';
import { compileChecker, type Static, Type } from '../schema.ts';

const VERSION = 1;

const closed = { additionalProperties: false } as const;
const text = Type.String();
const time = Type.Integer();

const memberSchema = Type.Object(
  {
    /** Entry of both status lists; never given to another enrolment. */
    index: Type.Integer({ minimum: 0 }),
    device: text,
    gateway: text,
    label: text,
    /** Id and digest of the enrolment credential. */
    enrolment: text,
    digest: text,
    enrolledMs: time,
    revokedMs: Type.Optional(time),
    suspendedMs: Type.Optional(time),
  },
  closed,
);

const walletSchema = Type.Object(
  {
    bondlineWallet: Type.Literal(VERSION),
    did: text,
    name: text,
    createdMs: time,
    /** Where the passphrase stands unless a command names another file. */
    passphraseFile: text,
    members: Type.Array(memberSchema),
  },
  closed,
);

/** A wallet's own file. */
export type WalletFile = Static<typeof walletSchema>;
/** One enrolment that was signed. */
export type Member = Static<typeof memberSchema>;

const check = compileChecker(walletSchema);

/** Paths inside a wallet's folder. */
export function walletPaths(folder: string): { wallet: string; keys: string; did: string } {
  return {
    wallet: join(folder, 'wallet.json'),
    keys: join(folder, 'keys.json'),
    did: join(folder, 'did.json'),
  };
}

/** The wallet in a folder, or `undefined` when it holds none. @throws EdgeError DOC_INVALID */
export function readWallet(folder: string): WalletFile | undefined {
  const file = walletPaths(folder).wallet;
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EdgeError('DOC_UNREADABLE', `reading the wallet ${file}`, { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new EdgeError('DOC_INVALID', `reading the wallet ${file}`, { cause });
  }
  if (!check(value)) throw new EdgeError('DOC_INVALID', `reading the wallet ${file}: wrong form`);
  return value;
}

/** Writes the wallet's file; readable by its owner only. @throws EdgeError WALLET_UNWRITABLE */
export function writeWallet(folder: string, wallet: WalletFile): void {
  writeOwn(walletPaths(folder).wallet, `${JSON.stringify(wallet, null, 2)}\n`, 0o600);
}

/** Writes a file of the wallet whole or not at all. @throws EdgeError WALLET_UNWRITABLE */
export function writeOwn(file: string, content: string | Uint8Array, mode = 0o644): void {
  try {
    writeFileDurably(file, content, mode);
  } catch (cause) {
    throw new EdgeError('WALLET_UNWRITABLE', `writing ${file}`, { cause });
  }
}
