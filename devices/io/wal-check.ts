/**
 * Finds out whether a WAL has committed transactions that SQLite will not see. SQLite ends the
 * recovery of a WAL at the first frame whose checksum is wrong, without a word. Behind a torn
 * write that is right; where a bit rotted in an earlier frame, all that was committed behind it
 * vanishes.
 *
 * The two are told apart by what stands behind the wrong frame. With `synchronous=FULL` a commit is
 * synced before the next transaction writes a frame, so that a power cut leaves at most one
 * transaction in pieces, the last. Frames are chained: the checksum of each begins with the one
 * that is stored in the frame before it, so that a chain can be followed from any frame on. Where a
 * commit is followed in its chain by one more frame, that frame is of another transaction, and
 * proves that the commit and all before it had been synced. What a dropped transaction left behind
 * newer frames, with the same salts, is a chain of its own in which nothing follows the commit.
 *
 * The frame in which a chain begins cannot be verified: the one before it is what is damaged. Its
 * mark of a commit counts where its header lies in one sector, which disks write as a whole.
 *
 * A WAL whose own header is damaged SQLite ignores altogether. A power cut leaves such a header
 * too, while the WAL is begun anew: then all of its frames had been moved into the database before.
 * So that is rot only where the newest pages of a proven chain are not those of the database.
 *
 * It relies on what SQLite does unless told otherwise: the header of a WAL that is begun anew is
 * synced before its first frame, and commits are not repeated to fill a sector
 * (SQLITE_POWERSAFE_OVERWRITE). Lost ends of the file, and damage in the last transaction, look
 * like a power cut and cannot be told from one. In encrypted databases the checksums are over what
 * is stored; a page that is moved into the database is encrypted anew there, so that it is compared
 * decrypted.
 *
 * Format: https://www.sqlite.org/fileformat2.html, section 4; what SQLite makes of it: wal.c,
 * walIndexRecover and walDecodeFrame.
 */
import { createDecipheriv } from 'node:crypto';
import { closeSync, existsSync, ftruncateSync, openSync, readSync, statSync } from 'node:fs';
import { EdgeError } from '../errors.ts';
import { storeKeyOf } from './store-key.ts';
import { syncHandle } from './write-file.ts';

/** What SQLite will not see of a WAL, at least. */
export interface RottenWal {
  /** Frames that it will see: up to the last commit before the damage. */
  readonly seen: number;
  /** Frames behind them, up to the last of a proven chain, damaged ones included. */
  readonly frames: number;
  /** Commits among those. */
  readonly transactions: number;
}

const HEADER = 32;
const FRAME_HEADER = 24;
/** What disks write as a whole. */
const SECTOR = 512;
/** Checksums are over big-endian words with the first, over little-endian ones with the other. */
const [MAGIC_BIG, MAGIC_LITTLE] = [0x377f0683, 0x377f0682];
const PAGE_SIZES = [512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536];
/** Frames in which a chain is looked for where the header does not say of what size they are. */
const GUESSED_FRAMES = 64;

type Sum = readonly [number, number];

/** How the frames of a WAL are made. */
interface Form {
  readonly pageSize: number;
  readonly isBig: boolean;
  readonly salts: Buffer;
  /** The first frame is chained to it; absent where the header is damaged. */
  readonly start?: Sum;
}

interface Frame {
  readonly page: number;
  /** Pages of the database after the commit; 0 where the transaction goes on. */
  readonly committed: number;
  readonly salts: Buffer;
  readonly stored: Sum;
  /** Page number and commit mark: the first eight bytes. */
  readonly head: Buffer;
  readonly body: Buffer;
}

/**
 * Looks at the WAL of the database at `file`, which must not have been opened for writing since the
 * last run: afterwards it may be written over. Beside a writer, what it finds is what the next
 * start would not see.
 *
 * @throws EdgeError DB_DISK_FAILED, CFG_DIRECTORY_UNWRITABLE
 */
export function findRottenWal(file: string): RottenWal | undefined {
  return reading(file, () => {
    const found = look(file);
    if (found === undefined) return undefined;
    // A frame that a running writer had half written is whole the second time.
    const again = look(file);
    return again?.seen === found.seen ? again : undefined;
  });
}

/** The same for a person. */
export function sayRotten({ frames, seen, transactions }: RottenWal): string {
  return (
    `frame ${seen + 1} of the WAL or one soon behind it was changed by the disk; ` +
    `${transactions} committed transactions (${frames} frames) from there on cannot be seen`
  );
}

/**
 * Makes a WAL that is not rotten ready for the one who is about to write, and is alone with it.
 *
 * A killed process may have left a transaction that was written and not synced: it is synced before
 * the next one is written, or two could be in pieces. A WAL that SQLite ignores for its header is
 * emptied: walIndexRecover takes the salts from such a header before it verifies it, and the frames
 * that were moved long ago would stand behind the new ones with the same salts.
 *
 * @throws EdgeError DB_DISK_FAILED, CFG_DIRECTORY_UNWRITABLE
 */
export function settleWal(file: string): void {
  const wal = `${file}-wal`;
  reading(file, () => {
    const size = statSync(wal, { throwIfNoEntry: false })?.size ?? 0;
    if (size === 0) return;
    const handle = openSync(wal, 'r+');
    try {
      const header = read(handle, 0, HEADER);
      if (header !== undefined && headerForm(header) === undefined) ftruncateSync(handle, 0);
      syncHandle(handle, wal);
    } finally {
      closeSync(handle);
    }
  });
}

/** Gives failures of the file system the codes that opening the database would give them. */
function reading<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    const isDisk = (cause as NodeJS.ErrnoException).code === 'EIO';
    const code = isDisk ? 'DB_DISK_FAILED' : 'CFG_DIRECTORY_UNWRITABLE';
    throw new EdgeError(code, `looking at the WAL of ${file}`, { cause });
  }
}

function look(file: string): RottenWal | undefined {
  const wal = `${file}-wal`;
  if ((statSync(wal, { throwIfNoEntry: false })?.size ?? 0) <= HEADER) return undefined;
  const handle = openSync(wal, 'r');
  try {
    const before = read(handle, 0, HEADER);
    const form = before && (headerForm(before) ?? guessForm(handle));
    if (before === undefined || form === undefined) return undefined;
    const { pages, ...found } = scan(handle, form);
    // A writer began the WAL anew meanwhile.
    if (read(handle, 0, HEADER)?.equals(before) !== true) return undefined;
    if (found.frames === 0) return undefined;
    const isMoved = form.start === undefined && areIn(file, pages, handle, form);
    return isMoved ? undefined : found;
  } finally {
    closeSync(handle);
  }
}

/** As the header says, unless it is damaged. */
function headerForm(header: Buffer): Form | undefined {
  const magic = header.readUInt32BE(0);
  const pageSize = header.readUInt32BE(8);
  const isBig = magic === MAGIC_BIG;
  const isKnown = (isBig || magic === MAGIC_LITTLE) && PAGE_SIZES.includes(pageSize);
  const start = sum(header.subarray(0, HEADER - 8), isBig, [0, 0]);
  if (!isKnown || !isSame(start, sumAt(header, HEADER - 8))) return undefined;
  return { pageSize, isBig, salts: header.subarray(16, 24), start };
}

/** As the frames themselves show. */
function guessForm(handle: number): Form | undefined {
  for (const isBig of [false, true]) {
    for (const pageSize of PAGE_SIZES) {
      const salts = saltsOf(handle, pageSize, isBig);
      if (salts) return { pageSize, isBig, salts };
    }
  }
  return undefined;
}

/** Salts of the first two frames that are chained, which are those of the newest begin. */
function saltsOf(handle: number, pageSize: number, isBig: boolean): Buffer | undefined {
  let before: Frame | undefined;
  for (let at = 0; at < GUESSED_FRAMES; at += 1) {
    const frame = frameAt(handle, at, pageSize);
    if (frame === undefined) return undefined;
    const isNext = before && before.page > 0 && before.salts.equals(frame.salts);
    if (before && isNext && isChained(frame, before.stored, isBig)) return frame.salts;
    before = frame;
  }
  return undefined;
}

/** A chain behind the damage. */
interface Chain {
  /** A commit stands in it. */
  isCommitted: boolean;
  /** Something follows that commit. */
  isProven: boolean;
  /** Where the frames of each page stand that are not committed yet. */
  readonly open: Map<number, number>;
  readonly pages: Map<number, number>;
}

/** The newest committed frame of each page in proven chains, too. */
function scan(handle: number, form: Form): RottenWal & { readonly pages: Map<number, number> } {
  const { isBig, pageSize, salts, start } = form;
  const pages = new Map<number, number>();
  let isBroken = start === undefined;
  let seed = start;
  let chain = beginChain(false);
  let [seen, end, commits, transactions] = [0, 0, 0, 0];
  for (let at = 0; ; at += 1) {
    const frame = frameAt(handle, at, pageSize);
    if (frame === undefined) break;
    const isOwn = frame.salts.equals(salts) && frame.page > 0;
    const isCommit = isOwn && frame.committed > 0;
    const isNext = isOwn && seed !== undefined && isChained(frame, seed, isBig);
    seed = isOwn ? frame.stored : undefined;
    if (!isBroken && isNext) {
      if (isCommit) [seen, commits] = [at + 1, 0];
      continue;
    }
    isBroken = true;
    if (isCommit) commits += 1;
    if (!isNext) {
      chain = beginChain(isCommit && isInOneSector(at, pageSize));
      continue;
    }
    extend(chain, frame, at);
    if (!chain.isProven) continue;
    [end, transactions] = [at + 1, commits];
    for (const [page, place] of chain.pages) pages.set(page, place);
    chain.pages.clear();
  }
  return { seen, frames: Math.max(0, end - seen), transactions, pages };
}

function beginChain(isCommitted: boolean): Chain {
  return { isCommitted, isProven: false, open: new Map(), pages: new Map() };
}

function extend(chain: Chain, { committed, page }: Frame, at: number): void {
  if (chain.isCommitted) chain.isProven = true;
  chain.open.set(page, at);
  if (committed === 0) return;
  chain.isCommitted = true;
  for (const [page, place] of chain.open) if (page <= committed) chain.pages.set(page, place);
  chain.open.clear();
}

function isInOneSector(at: number, pageSize: number): boolean {
  const offset = HEADER + at * (FRAME_HEADER + pageSize);
  return (offset % SECTOR) + FRAME_HEADER <= SECTOR;
}

/** Whether the database has these pages as they stand in these frames. */
function areIn(
  file: string,
  pages: ReadonlyMap<number, number>,
  wal: number,
  { pageSize }: Form,
): boolean {
  if (!existsSync(file)) return false;
  const database = openSync(file, 'r');
  const key = storeKeyOf(file);
  try {
    return [...pages].every(([page, at]) => {
      const stored = read(database, (page - 1) * pageSize, pageSize);
      const moved = frameAt(wal, at, pageSize)?.body;
      if (stored === undefined || moved === undefined) return false;
      return plain(stored, page, key).equals(plain(moved, page, key));
    });
  } finally {
    closeSync(database);
  }
}

/** Bytes at the end of an encrypted page: its IV, then an HMAC. */
const [IV, RESERVED] = [16, 80];
/** The first page begins with a salt in plain text. */
const SALT = 16;

/** What is in a page that SQLCipher 4 encrypted: AES-256-CBC, with the key as it is. */
function plain(bytes: Buffer, page: number, key: string | undefined): Buffer {
  if (key === undefined || bytes.length <= SALT + RESERVED) return bytes;
  const end = bytes.length - RESERVED;
  const iv = bytes.subarray(end, end + IV);
  const cipher = createDecipheriv('aes-256-cbc', Buffer.from(key, 'hex'), iv).setAutoPadding(false);
  return cipher.update(bytes.subarray(page === 1 ? SALT : 0, end));
}

function frameAt(handle: number, at: number, pageSize: number): Frame | undefined {
  const bytes = read(handle, HEADER + at * (FRAME_HEADER + pageSize), FRAME_HEADER + pageSize);
  if (bytes === undefined) return undefined;
  return {
    page: bytes.readUInt32BE(0),
    committed: bytes.readUInt32BE(4),
    salts: bytes.subarray(8, 16),
    stored: sumAt(bytes, 16),
    head: bytes.subarray(0, 8),
    body: bytes.subarray(FRAME_HEADER),
  };
}

/** `undefined` where the file ends before. */
function read(handle: number, offset: number, length: number): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(length);
  return readSync(handle, bytes, 0, length, offset) === length ? bytes : undefined;
}

function isChained({ body, head, page, stored }: Frame, seed: Sum, isBig: boolean): boolean {
  return page > 0 && isSame(sum(body, isBig, sum(head, isBig, seed)), stored);
}

/** Section 4.2 of the format, over pairs of words of 32 bits. */
function sum(bytes: Buffer, isBig: boolean, seed: Sum): Sum {
  let [a, b] = seed;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 8) {
    a = (a + view.getUint32(at, !isBig) + b) >>> 0;
    b = (b + view.getUint32(at + 4, !isBig) + a) >>> 0;
  }
  return [a, b];
}

function sumAt(bytes: Buffer, at: number): Sum {
  return [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)];
}

function isSame(a: Sum, b: Sum): boolean {
  return a[0] === b[0] && a[1] === b[1];
}
