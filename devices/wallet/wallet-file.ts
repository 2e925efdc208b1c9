/** A wallet's own memory on disk: whose it is, its keys, and the enrolments that it signed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EdgeError } from '../errors.ts';
import { writeFileDurably } from '../io/write-file.ts';
import { compileChecker, type Static, Type } from '../schema.ts';

const VERSION = 2;

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
    /** The device DID that this one replaces. */
    supersedes: Type.Optional(text),
  },
  closed,
);

/** What was signed of another party or of a device, and can be taken back. */
const paperSchema = Type.Object(
  {
    /** Entry of both status lists; never given to an enrolment or to another paper. */
    index: Type.Integer({ minimum: 0 }),
    kind: text,
    /** Its own number: of a bond, of a certificate. */
    number: text,
    /** DID of the party or device that it is about. */
    about: text,
    /** Id of the credential. */
    id: text,
    signedMs: time,
    revokedMs: Type.Optional(time),
    suspendedMs: Type.Optional(time),
  },
  closed,
);

const keySchema = Type.Object(
  {
    /** Its name in the key store. */
    label: text,
    /** DID URL under which it signs. */
    keyId: text,
    publicJwk: Type.Record(text, text),
    createdMs: time,
    /** A key that was replaced signs no more, and what it signed holds until then. */
    expiresMs: Type.Optional(time),
    /** A key that others may have: what is first seen after this proves nothing. */
    revokedMs: Type.Optional(time),
  },
  closed,
);

const common = {
  did: text,
  name: text,
  createdMs: time,
  /** Where the passphrase (or PIN) stands unless a command names another file. */
  passphraseFile: text,
};

const walletSchema = Type.Object(
  {
    bondlineWallet: Type.Literal(VERSION),
    ...common,
    /** Base URL of the organisation's Traceability API, shown in its DID document. */
    service: Type.Optional(text),
    /** Where the status lists of an identity that is its key stand; a `did:web` says it itself. */
    statusUrl: Type.Optional(text),
    /** Where the keys are, if not in the encrypted file: PKCS#11 library and token. */
    token: Type.Optional(Type.Object({ module: text, label: text }, closed)),
    /** Oldest first; the last one signs. */
    keys: Type.Array(keySchema, { minItems: 1 }),
    members: Type.Array(memberSchema),
    /** Absent in wallets that never signed one. */
    papers: Type.Optional(Type.Array(paperSchema)),
  },
  closed,
);

/** Version 1 had one key, whose public part stands in did.json. */
const firstSchema = Type.Object(
  { bondlineWallet: Type.Literal(1), ...common, members: Type.Array(memberSchema) },
  closed,
);
const firstDocument = Type.Object({
  verificationMethod: Type.Tuple([
    Type.Object({ id: text, publicKeyJwk: Type.Record(text, text) }),
  ]),
});

/** A wallet's own file. */
export type WalletFile = Static<typeof walletSchema>;
/** One enrolment that was signed. */
export type Member = Static<typeof memberSchema>;
/** One bond, standing or calibration that was signed. */
export type SignedPaper = Static<typeof paperSchema>;
/** One key of the organisation. */
export type WalletKey = Static<typeof keySchema>;

const check = compileChecker(walletSchema);
const checkFirst = compileChecker(firstSchema);
const checkFirstDocument = compileChecker(firstDocument);

/** Paths inside a wallet's folder. */
export function walletPaths(folder: string) {
  return {
    wallet: join(folder, 'wallet.json'),
    keys: join(folder, 'keys.json'),
    did: join(folder, 'did.json'),
    /** Every credential that the wallet signed, by its digest. */
    issued: join(folder, 'issued'),
  };
}

/** The wallet in a folder, or `undefined` when it holds none. @throws EdgeError DOC_INVALID */
export function readWallet(folder: string): WalletFile | undefined {
  const file = walletPaths(folder).wallet;
  const value = readJson(file);
  if (value === undefined || check(value)) return value;
  if (checkFirst(value)) {
    const document = readJson(walletPaths(folder).did);
    if (checkFirstDocument(document)) {
      const [{ id: keyId, publicKeyJwk }] = document.verificationMethod;
      const { alg: _, ...publicJwk } = publicKeyJwk;
      const { createdMs } = value;
      const keys = [{ label: 'organisation', keyId, publicJwk, createdMs }];
      return { ...value, bondlineWallet: VERSION, keys };
    }
  }
  throw new EdgeError('DOC_INVALID', `reading the wallet ${file}: wrong form`);
}

function readJson(file: string): unknown {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new EdgeError('DOC_UNREADABLE', `reading the wallet ${file}`, { cause });
  }
  try {
    return JSON.parse(content);
  } catch (cause) {
    throw new EdgeError('DOC_INVALID', `reading the wallet ${file}`, { cause });
  }
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
