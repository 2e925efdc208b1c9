/**
 * Backups of an ingester: journal and twins as of one moment in a folder of their own, with a page
 * that says what is in it. One is believed only when it was read again and folded anew.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EdgeError } from '../devices/errors.ts';
import { makeDirectory } from '../devices/io/directory.ts';
import { PROBE_FILE } from '../devices/io/prove-disk.ts';
import { backUpDatabase } from '../devices/io/sqlite.ts';
import { useStoreKey } from '../devices/io/store-key.ts';
import { findRottenWal, sayRotten } from '../devices/io/wal-check.ts';
import { syncPath, writeFileDurably } from '../devices/io/write-file.ts';
import { compileChecker, type Static, Type } from '../devices/schema.ts';
import { Applier } from './apply-engine.ts';
import { foldPlugins } from './apply-plugins.ts';
import { rebuildTwins } from './apply-rebuild.ts';
import { openJournalReader } from './journal-reader.ts';
import { openTwinsStore } from './twins-store.ts';

const count = Type.Integer({ minimum: 0 });

const pageSchema = Type.Object({
  bondlineBackup: Type.Literal(1),
  /** Wall time at which it was made. */
  madeMs: count,
  name: Type.String(),
  tenant: Type.String(),
  /** Entries of the journal, its last leaf (hexadecimal), and when that entry was received. */
  entries: count,
  leaf: Type.String(),
  newestMs: count,
  encrypted: Type.Boolean(),
  /** Whether the files of the key store are in it, encrypted as they were. */
  keys: Type.Boolean(),
  /** All files but this page, by their path in the folder. */
  files: Type.Array(Type.Object({ path: Type.String(), bytes: count, sha256: Type.String() })),
});

export type BackupPage = Static<typeof pageSchema>;

const isPage = compileChecker(pageSchema);

const PAGE_FILE = 'backup.json';
const JOURNAL = 'journal.db';
const TWINS = 'twins.db';
/** Twins on their way to the end of the journal. */
const WORK = 'twins.work';

export interface BackupOptions {
  readonly data: string;
  readonly out: string;
  readonly name: string;
  readonly tenant: string;
  /** Of the databases, where they are encrypted. */
  readonly key: Uint8Array | undefined;
  /** Further files, and where in the backup they go. */
  readonly files: readonly { readonly from: string; readonly to: string }[];
  readonly hasKeys: boolean;
  readonly nowMs: number;
}

/**
 * Makes one, also while the ingester runs. The folder is there whole, or not at all.
 *
 * @throws EdgeError IN_BACKUP_OCCUPIED, CFG_DIRECTORY_UNWRITABLE, IN_JOURNAL_DAMAGED where entries
 *   would be missing from it, and as the databases do
 */
export function makeBackup(options: BackupOptions): BackupPage {
  const { data, key, out } = options;
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new EdgeError('IN_BACKUP_OCCUPIED', `making the backup ${out}`);
  }
  const rotten = findRottenWal(join(data, JOURNAL));
  if (rotten) throw new EdgeError('IN_JOURNAL_DAMAGED', `copying ${data}: ${sayRotten(rotten)}`);
  const part = `${out}.part`;
  return inFolder(out, () => {
    rmSync(part, { recursive: true, force: true });
    makeDirectory(part, 0o700);
    if (key !== undefined) useStoreKey(part, key);
    // The twins first: they are then never ahead of the journal, and are brought up to it here.
    if (existsSync(join(data, TWINS))) backUpDatabase(join(data, TWINS), join(part, WORK));
    backUpDatabase(join(data, JOURNAL), join(part, JOURNAL));
    const state = catchUp(part);
    for (const { from, to } of options.files) copyDurably(from, join(part, to));
    const files = filesBelow(part).map((path) => ({ path, ...measure(join(part, path)) }));
    const page: BackupPage = {
      bondlineBackup: 1,
      madeMs: Math.round(options.nowMs),
      ...{ name: options.name, tenant: options.tenant, ...state },
      ...{ encrypted: key !== undefined, keys: options.hasKeys, files },
    };
    writeFileDurably(join(part, PAGE_FILE), `${JSON.stringify(page, null, 2)}\n`, 0o600);
    renameSync(part, out);
    syncPath(dirname(out));
    return page;
  });
}

/** Folds what came between the two copies, so that both are of one moment. */
function catchUp(folder: string): Pick<BackupPage, 'entries' | 'leaf' | 'newestMs'> {
  const journal = openJournalReader(join(folder, JOURNAL));
  const store = openTwinsStore(join(folder, WORK));
  try {
    const entries = journal.size();
    new Applier({ journal, store, plugins: foldPlugins }).drain(entries);
    const [last] = entries === 0 ? [] : journal.read(entries - 1, 1);
    const leaf = journal.leaf(entries - 1) ?? '';
    return { entries, leaf, newestMs: last?.header.receivedMs ?? 0 };
  } finally {
    store.close();
    journal.close();
    // A copy has no WAL, so that reading it leaves nothing beside it.
    backUpDatabase(join(folder, WORK), join(folder, TWINS));
    for (const ending of ['', '-wal', '-shm']) rmSync(join(folder, WORK + ending), { force: true });
  }
}

export interface ProvenBackup {
  readonly page: BackupPage;
  /** Twins that the journal gives, each as it was kept. */
  readonly twins: number;
}

/**
 * Reads all of a backup again: each file, each leaf of the journal and that its positions have no
 * hole, and that the twins folded anew equal those that are in it.
 *
 * @throws EdgeError IN_BACKUP_DAMAGED, and as the databases do
 */
export function proveBackup(
  folder: string,
  key: Uint8Array | undefined,
  onProgress?: (done: number, all: number) => void,
): ProvenBackup {
  const page = readPage(folder);
  for (const { bytes, path, sha256 } of page.files) {
    const file = join(folder, path);
    const found = existsSync(file) ? measure(file) : undefined;
    if (found?.bytes === bytes && found.sha256 === sha256) continue;
    throw new EdgeError('IN_BACKUP_DAMAGED', `${file} is not what was written`);
  }
  return { page, twins: proveFold(folder, { page, key, onProgress }) };
}

interface Proof {
  readonly page: BackupPage;
  readonly key: Uint8Array | undefined;
  readonly onProgress: ((done: number, all: number) => void) | undefined;
}

function proveFold(folder: string, { key, onProgress, page }: Proof): number {
  if (key !== undefined) useStoreKey(folder, key);
  const [journalFile, twinsFile] = [join(folder, JOURNAL), join(folder, TWINS)];
  try {
    const journal = openJournalReader(journalFile);
    const [size, leaf] = [journal.size(), journal.leaf(page.entries - 1) ?? ''];
    journal.close();
    if (size !== page.entries || leaf !== page.leaf) {
      throw new EdgeError('IN_BACKUP_DAMAGED', `the journal of ${folder} ends elsewhere`);
    }
    const folded = rebuildTwins({ journalFile, twinsFile, ...(onProgress && { onProgress }) });
    if (folded.equal && folded.entries === page.entries) return folded.twins;
    const [first = 'the twins end elsewhere'] = folded.differences;
    throw new EdgeError('IN_BACKUP_DAMAGED', `folding the journal of ${folder}: ${first}`);
  } catch (cause) {
    if (cause instanceof EdgeError && cause.code === 'DB_KEY_WRONG') throw cause;
    if (cause instanceof EdgeError && cause.code === 'IN_BACKUP_DAMAGED') throw cause;
    throw new EdgeError('IN_BACKUP_DAMAGED', `reading ${folder}`, { cause });
  }
}

/** Folder below the data directory in which a copy is proven before it takes its place. */
const RESTORING = '.restoring';
/** What may stand in a data directory into which one is restored. */
const NOTHING: readonly string[] = ['lock.db', 'lock.db-journal', PROBE_FILE, RESTORING];

/**
 * Restores a backup into an empty data directory, which the caller has locked: copied, proven
 * there, and only then put in its place.
 *
 * @throws EdgeError IN_RESTORE_OCCUPIED, IN_BACKUP_DAMAGED, CFG_DIRECTORY_UNWRITABLE
 */
export function restoreBackup(options: {
  readonly from: string;
  readonly data: string;
  readonly key: Uint8Array | undefined;
  readonly onProgress?: (done: number, all: number) => void;
}): ProvenBackup {
  const { data, from, key, onProgress } = options;
  const there = readdirSync(data).find((name) => !NOTHING.includes(name));
  if (there !== undefined) {
    throw new EdgeError('IN_RESTORE_OCCUPIED', `restoring into ${data}, where ${there} is`);
  }
  const made = join(data, RESTORING);
  return inFolder(data, () => {
    rmSync(made, { recursive: true, force: true });
    makeDirectory(made, 0o700);
    for (const { path } of readPage(from).files) {
      if (existsSync(join(from, path))) copyDurably(join(from, path), join(made, path));
    }
    copyDurably(join(from, PAGE_FILE), join(made, PAGE_FILE));
    const proven = proveBackup(made, key, onProgress);
    // The journal first: twins are made of it, never the other way round.
    for (const name of [JOURNAL, TWINS, 'uplink']) {
      if (existsSync(join(made, name))) renameSync(join(made, name), join(data, name));
    }
    syncPath(data);
    rmSync(made, { recursive: true, force: true });
    return proven;
  });
}

/** @throws EdgeError IN_BACKUP_DAMAGED */
function readPage(folder: string): BackupPage {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(folder, PAGE_FILE), 'utf8'));
  } catch (cause) {
    throw new EdgeError('IN_BACKUP_DAMAGED', `reading ${join(folder, PAGE_FILE)}`, { cause });
  }
  // A path must not lead out of the folder.
  if (isPage(value) && value.files.every(({ path }) => /^[\w.-]+(\/[\w.-]+)?$/.test(path))) {
    if (value.files.every(({ path }) => !path.split('/').includes('..'))) return value;
  }
  throw new EdgeError('IN_BACKUP_DAMAGED', `${join(folder, PAGE_FILE)} is no page of a backup`);
}

/** Relative paths of the files in a folder and those directly below it. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((one) =>
      one.isDirectory()
        ? readdirSync(join(folder, one.name)).map((name) => `${one.name}/${name}`)
        : [one.name],
    )
    .sort();
}

const CHUNK_BYTES = 1024 * 1024;

function measure(file: string): { bytes: number; sha256: string } {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  const handle = openSync(file, 'r');
  try {
    for (let read = readSync(handle, chunk); read > 0; read = readSync(handle, chunk)) {
      hash.update(chunk.subarray(0, read));
    }
  } finally {
    closeSync(handle);
  }
  return { bytes: statSync(file).size, sha256: hash.digest('hex') };
}

function copyDurably(from: string, to: string): void {
  makeDirectory(dirname(to), 0o700);
  copyFileSync(from, to);
  syncPath(to);
  syncPath(dirname(to));
}

/** What the file system says gets a code that an operator can look up. */
function inFolder<T>(folder: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof EdgeError) throw cause;
    throw new EdgeError('CFG_DIRECTORY_UNWRITABLE', `writing ${basename(folder)}`, { cause });
  }
}
