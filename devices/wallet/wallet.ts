/**
 * An organisation's wallet: its identity, the devices that it enrolled, and the status of each. It
 * lives where the organisation says, never on the authority's host, and signs with its own key.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { StatusEntry } from '../credential/enrolment.ts';
import { EdgeError } from '../errors.ts';
import { webPlaceOf } from '../identity/did-web.ts';
import type { Signer } from '../identity/signer.ts';
import { makeDirectory } from '../io/directory.ts';
import type { Clock, Random } from '../runtime.ts';
import type { DidMethod } from './agent/agent.ts';
import { documentTextOf } from './did-document.ts';
import {
  type Enrolled,
  type EnrolOrder,
  enrolDevices,
  freeIndex,
  reissueAll,
  takenIndexes,
} from './enrol.ts';
import { withLock } from './lock.ts';
import { listUrl, PURPOSES, placeOfUrl, publicPlaceOf } from './place.ts';
import { type PublishOptions, provenPath, publishedFiles } from './publish.ts';
import { openAgent, openSession, type WalletSession, withKeyStore } from './session.ts';
import { type Change, withStatus } from './status.ts';
import {
  type Member,
  readWallet,
  type SignedPaper,
  type WalletFile,
  type WalletKey,
  walletPaths,
  writeOwn,
  writeWallet,
} from './wallet-file.ts';

/** Time and chance of a wallet. */
export interface WalletContext {
  readonly clock: Clock;
  readonly random: Random;
}

export interface Wallet {
  readonly did: string;
  readonly name: string;
  readonly members: readonly Member[];
  /** Where the status lists of an identity that is its key stand. */
  readonly statusUrl: string | undefined;
  /** Its keys, oldest first; the last one signs. */
  readonly keys: readonly WalletKey[];
  /** Bonds, standings and calibrations that it signed with an entry of its lists. */
  readonly papers: readonly SignedPaper[];
  /** Opens the keys for `use`; what happens in it is signed in the organisation's name. */
  withSession<T>(use: (session: WalletSession) => Promise<T>): Promise<T>;
  /** `withSession` for who needs the bare key, as Data Integrity proofs do. */
  withSigner<T>(use: (signer: Signer) => Promise<T>): Promise<T>;
  /** Signs one credential by the agent: JSON text exactly as it is to be signed. */
  issue(payload: string): Promise<Uint8Array>;
  /**
   * Signs an enrolment for each request. The entries of the status lists are on disk before a
   * credential exists, so that no entry is ever given twice.
   * @throws EdgeError WALLET_KEY_REUSED, WALLET_KEY_WEAK, WALLET_ROTATION_REFUSED, WALLET_FULL
   */
  enrol(order: EnrolOrder): Promise<readonly Enrolled[]>;
  /**
   * Makes a new key that signs from now on, and enrols every active device anew with it. The old
   * key's signatures hold until `expiresMs`, or no more where others may have it.
   */
  rotate(old: { readonly expiresMs: number } | 'compromised'): Promise<readonly Enrolled[]>;
  /**
   * Signs what can be taken back, with an entry of both status lists that nothing else ever has;
   * the entry is on disk before the credential leaves the wallet.
   * @throws EdgeError WALLET_FULL
   */
  allot<T>(
    sign: (status: readonly StatusEntry[]) => Promise<T>,
    paperOf: (signed: T) => Omit<SignedPaper, 'index' | 'signedMs'>,
  ): Promise<T>;
  /** Sets or lifts the status of entries; it takes effect when it is published. */
  setStatus(indexes: readonly number[], change: Change): Promise<void>;
  /**
   * Says where the status lists of an identity that is its key will stand. Credentials name that
   * address, so that it stays once there is one. @throws EdgeError CFG_USAGE
   */
  setStatusUrl(url: string): Promise<void>;
  /**
   * Writes the DID document and the status lists below `root`, the root of a web server; lists that
   * stand there with a proof inside are written anew in that form too, since an old one would go on
   * saying what was true. Returns the paths below `root`. @throws EdgeError WALLET_STATUS_URL
   */
  publish(root: string, options?: PublishOptions): Promise<readonly string[]>;
}

/** What a wallet is made for. */
export interface WalletIdentity {
  readonly name: string;
  readonly passphraseFile: string;
  readonly method: DidMethod;
  /** The `did:web`; other methods make their own. */
  readonly did?: string;
  /** A PKCS#11 token in place of the encrypted file; `passphraseFile` has its PIN then. */
  readonly token?: { readonly module: string; readonly label: string };
  /** URL of the organisation's Traceability API, for its DID document. */
  readonly service?: string;
  /** Where the status lists of an identity that is its key will stand (https). */
  readonly statusUrl?: string;
}

/**
 * Makes a wallet in `folder`.
 *
 * @throws EdgeError WALLET_EXISTS, DID_INVALID, WALLET_UNWRITABLE, WALLET_PACKAGE_MISSING, KEY_…
 */
export async function createWallet(
  folder: string,
  identity: WalletIdentity,
  context: WalletContext,
): Promise<Wallet> {
  const { did: wanted, method, name, passphraseFile, service, statusUrl, token } = identity;
  const web = method === 'web' ? { did: wanted ?? '', fragment: 'key-1' } : undefined;
  if (web && !webPlaceOf(web.did)) throw new EdgeError('DID_INVALID', `${wanted} is no did:web`);
  const addressed =
    statusUrl === undefined ? {} : { statusUrl: checkedStatusUrl(statusUrl, wanted) };
  if (readWallet(folder)) throw new EdgeError('WALLET_EXISTS', `making a wallet in ${folder}`);
  makeFolder(folder);
  return withLock(folder, context.clock, async () => {
    const paths = walletPaths(folder);
    const at = { folder, passphraseFile, token, clock: context.clock };
    const file = await withKeyStore(at, async (store) => {
      const agent = await openAgent(store);
      const made = await agent.create({ label: 'organisation', method, ...(web && { web }) });
      const createdMs = context.clock.nowMs();
      const publicJwk = { ...store.list().find(({ label }) => label === made.label)?.publicJwk };
      const fresh: WalletFile = {
        bondlineWallet: 2,
        did: made.did,
        name,
        createdMs,
        passphraseFile: resolve(passphraseFile),
        ...(service !== undefined && { service }),
        ...(token && { token }),
        ...addressed,
        keys: [{ label: made.label, keyId: made.keyId, publicJwk, createdMs }],
        members: [],
      };
      writeOwn(paths.did, documentTextOf(fresh));
      return fresh;
    });
    writeWallet(folder, file);
    return openWallet(folder, context);
  });
}

/**
 * Opens the wallet in `folder`. The passphrase file is the one named when it was made, unless
 * another is given; it is read when something is signed.
 *
 * @throws EdgeError WALLET_MISSING, DOC_INVALID
 */
export function openWallet(
  folder: string,
  context: WalletContext,
  passphraseFile?: string,
): Wallet {
  const { clock } = context;
  let file = mustRead(folder);
  const { did, name } = file;

  function withSession<T>(use: (session: WalletSession) => Promise<T>): Promise<T> {
    const { token } = file;
    const at = { folder, passphraseFile: passphraseFile ?? file.passphraseFile, token, clock };
    return withKeyStore(at, async (store) => use(await openSession(store, file, clock)));
  }

  /** One change at a time, on what is on disk now: another command may have written since. */
  function change<T>(how: (now: WalletFile) => Promise<T>): Promise<T> {
    return withLock(folder, clock, () => {
      file = mustRead(folder);
      return how(file);
    });
  }

  function save(next: WalletFile): void {
    writeWallet(folder, next);
    file = next;
  }

  const issuedFolder = walletPaths(folder).issued;
  const wallet: Wallet = {
    did,
    name,
    get members() {
      return file.members;
    },
    get statusUrl() {
      return file.statusUrl;
    },
    get keys() {
      return file.keys;
    },
    get papers() {
      return file.papers ?? [];
    },
    withSession,
    withSigner: (use) => withSession(({ signer }) => use(signer)),
    issue: (payload) => withSession((session) => session.issue(payload)),

    enrol: (order) =>
      change((now) =>
        withSession(async (session) => {
          const place = publicPlaceOf(now);
          const { enrolled, members } = await enrolDevices(order, {
            ...{ file: now, place, session, context, issuedFolder },
          });
          keepIssued(issuedFolder, enrolled);
          save({ ...now, members: [...members] });
          return enrolled;
        }),
      ),

    rotate: (old) =>
      change(async (now) => {
        if (!webPlaceOf(now.did)) throw new EdgeError('WALLET_NOT_WEB', 'replacing its key');
        const place = publicPlaceOf(now);
        const next = await withNewKey(old, { folder, file: now, passphraseFile, clock });
        file = next;
        const { enrolled, members } = await withSession((session) =>
          reissueAll({ file: next, place, session, context, issuedFolder }),
        );
        keepIssued(issuedFolder, enrolled);
        save({ ...next, members: [...members] });
        writeOwn(walletPaths(folder).did, documentTextOf(next));
        return enrolled;
      }),

    setStatus: (indexes, how) =>
      change(async (now) => {
        save(withStatus(now, indexes, how, clock.nowMs()));
      }),

    allot: (signIt, paperOf) =>
      change(async (now) => {
        const { index, status } = freeEntry(now, context.random);
        const signed = await signIt(status);
        const paper = { ...paperOf(signed), index, signedMs: clock.nowMs() };
        save({ ...now, papers: [...(now.papers ?? []), paper] });
        return signed;
      }),

    setStatusUrl: (url) => change(async (now) => save(withStatusUrl(now, url))),

    publish: (root, options = {}) =>
      change((now) => withSession((session) => publishTo(root, now, { options, session, clock }))),
  };
  return wallet;
}

function mustRead(folder: string): WalletFile {
  const file = readWallet(folder);
  if (!file) throw new EdgeError('WALLET_MISSING', `opening the wallet in ${folder}`);
  return file;
}

/** Writes what is published below `root`; see `Wallet.publish`. */
async function publishTo(
  root: string,
  file: WalletFile,
  at: {
    readonly options: PublishOptions;
    readonly session: WalletSession;
    readonly clock: Clock;
  },
): Promise<readonly string[]> {
  const { clock, options, session } = at;
  const place = publicPlaceOf(file);
  const isProven = PURPOSES.some((purpose) => existsSync(join(root, provenPath(place, purpose))));
  const files = await publishedFiles(file, place, {
    options: isProven ? { ...options, form: 'both' } : options,
    ...{ session, nowMs: clock.nowMs() },
  });
  for (const [path, content] of files) put(root, path, content);
  return [...files.keys()];
}

function withStatusUrl(file: WalletFile, url: string): WalletFile {
  const statusUrl = checkedStatusUrl(url, file.did);
  if (file.statusUrl !== undefined && file.statusUrl !== statusUrl && takenIndexes(file).size > 0) {
    const what = `what the wallet signed says that its status lists stand at ${file.statusUrl}`;
    throw new EdgeError('CFG_USAGE', `--status-url ${url}: ${what}`);
  }
  return { ...file, statusUrl };
}

/** The address in the one form in which it is kept. @throws EdgeError CFG_USAGE */
function checkedStatusUrl(url: string, did = ''): string {
  if (webPlaceOf(did)) {
    throw new EdgeError('CFG_USAGE', `--status-url is for did:key and did:jwk; ${did} says where`);
  }
  if (placeOfUrl(url)) return url.replace(/\/$/, '');
  const example = 'https://files.you.example/status';
  throw new EdgeError('CFG_USAGE', `--status-url ${url} is no plain https address like ${example}`);
}

/** The wallet with one more key, which signs from now on. */
async function withNewKey(
  old: { readonly expiresMs: number } | 'compromised',
  at: { folder: string; file: WalletFile; passphraseFile: string | undefined; clock: Clock },
): Promise<WalletFile> {
  const { clock, file, folder } = at;
  const number = file.keys.length + 1;
  const label = `organisation-${number}`;
  const web = { did: file.did, fragment: `key-${number}` };
  const passphraseFile = at.passphraseFile ?? file.passphraseFile;
  return withKeyStore({ folder, passphraseFile, token: file.token, clock }, async (store) => {
    const made = await (await openAgent(store, file)).create({ label, method: 'web', web });
    const publicJwk = { ...store.list().find((key) => key.label === label)?.publicJwk };
    const createdMs = clock.nowMs();
    const ends = old === 'compromised' ? { revokedMs: createdMs } : old;
    const keys = file.keys.map((key, index) => ({
      ...key,
      // Keys that ended before keep their end.
      ...(index === file.keys.length - 1 && ends),
    }));
    return { ...file, keys: [...keys, { label, keyId: made.keyId, publicJwk, createdMs }] };
  });
}

/** What was signed is kept: a rotation signs it anew with the same terms. */
function keepIssued(folder: string, enrolled: readonly Enrolled[]): void {
  makeFolder(folder);
  for (const { member, token } of enrolled) writeOwn(join(folder, `${member.digest}.jwt`), token);
}

function put(root: string, path: string, content: string | Uint8Array): void {
  const file = join(root, path);
  makeFolder(dirname(file));
  writeOwn(file, content);
}

/** Makes a folder and those above it. @throws EdgeError WALLET_UNWRITABLE */
export function makeFolder(folder: string): void {
  try {
    makeDirectory(folder);
  } catch (cause) {
    throw new EdgeError('WALLET_UNWRITABLE', `making the folder ${folder}`, { cause });
  }
}

/** An entry of both status lists that nobody has yet. */
function freeEntry(file: WalletFile, random: Random): { index: number; status: StatusEntry[] } {
  const place = publicPlaceOf(file);
  const index = freeIndex(takenIndexes(file), random);
  const status = PURPOSES.map((purpose) => ({ purpose, list: listUrl(place, purpose), index }));
  return { index, status };
}
