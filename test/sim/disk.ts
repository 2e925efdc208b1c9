/**
 * The disk of a simulated machine: real SQLite files, of which a power cut leaves an image. A cut
 * can fall before a commit, while it is written (the log is torn at a byte), or after it is on disk
 * and before anybody hears of it. A full disk is SQLite's own refusal.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import type { Database } from '../../devices/io/sqlite.ts';
import type { Chance } from './chance.ts';

/** Where in a commit the power goes. */
export type Moment = 'before' | 'torn' | 'after';

/** What a program sees of a power cut, were there anybody left to see it. */
export class PowerCut extends Error {
  constructor(moment: Moment) {
    super(`the power went ${moment === 'torn' ? 'while' : moment} a commit was written`);
  }
}

const disks = new Map<string, Disk>();
const makeTransaction = SqliteDatabase.prototype.transaction;

// Every commit of both halves goes through `transaction`, so that a disk sees it from there.
SqliteDatabase.prototype.transaction = function transaction(this: Database, action: never) {
  const made = makeTransaction.call(this, action);
  const disk = disks.get(this.name);
  if (disk === undefined) return made;
  const seen =
    (mode: 'default' | 'deferred' | 'immediate' | 'exclusive') =>
    (...parameters: unknown[]) =>
      disk.commit(this, () => made[mode](...parameters));
  const { default: always, ...modes } = {
    default: seen('default'),
    deferred: seen('deferred'),
    immediate: seen('immediate'),
    exclusive: seen('exclusive'),
    database: this,
  };
  return Object.assign(always, { default: always, ...modes });
} as never;

/** Path of copies of a database's files as they were at one moment. */
export type Image = string;

const ENDINGS = ['', '-wal'] as const;

export class Disk {
  readonly #directory: string;
  readonly #chance: Chance;
  readonly #onCut: () => void;
  /** Called after each commit that is on disk, with the connection that wrote it. */
  readonly #onCommit: (db: Database) => void;
  #file: string | undefined;
  #images = 0;
  #isOn = false;
  #planned: { commits: number; moment: Moment } | undefined;
  #isFull = false;
  #db: Database | undefined;

  constructor(options: {
    readonly directory: string;
    readonly chance: Chance;
    readonly onCut: () => void;
    readonly onCommit: (db: Database) => void;
  }) {
    this.#directory = options.directory;
    this.#chance = options.chance;
    this.#onCut = options.onCut;
    this.#onCommit = options.onCommit;
    mkdirSync(options.directory, { recursive: true });
  }

  /** Opens the database as the last cut left it; `open` is given its path. */
  start<T>(open: (file: string) => T): T {
    this.#file ??= this.#nextFile();
    disks.set(this.#file, this);
    this.#isOn = true;
    return open(this.#file);
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  /** The power goes at a commit to come. */
  plan(commits: number, moment: Moment): void {
    this.#planned = { commits, moment };
  }

  /** From now on the file cannot grow, or it can again. */
  fill(isFull: boolean): void {
    this.#isFull = isFull;
    if (this.#db?.open) bound(this.#db, isFull);
  }

  /** The power is gone now: what is left is what was committed. */
  cut(): void {
    if (!this.#isOn || this.#file === undefined) return;
    this.#leave(copyImage(this.#file, this.#nextFile()));
  }

  /** What the disk holds now, to be put back later. */
  snapshot(): Image | undefined {
    return this.#file === undefined ? undefined : copyImage(this.#file, this.#nextFile());
  }

  /** Somebody puts an older image back while the machine is off. */
  restore(image: Image): void {
    if (this.#file !== undefined) copyImage(image, this.#file);
  }

  /** A look at the committed rows, also while the machine is off. */
  look<T>(read: (db: Database) => T): T | undefined {
    if (this.#file === undefined) return undefined;
    if (this.#isOn && this.#db?.open) return read(this.#db);
    const db = new SqliteDatabase(this.#file);
    try {
      return read(db);
    } finally {
      db.close();
    }
  }

  commit<T>(db: Database, run: () => T): T {
    // A transaction within a transaction is no commit; neither is one of a machine that is off.
    if (db.inTransaction || !this.#isOn || db.name !== this.#file) return run();
    if (this.#db !== db) {
      this.#db = db;
      if (this.#isFull) bound(db, true);
    }
    const planned = this.#planned;
    if (planned === undefined) return this.#seen(db, run());
    planned.commits -= 1;
    if (planned.commits > 0) return this.#seen(db, run());
    this.#planned = undefined;
    const image = this.#nextFile();
    if (planned.moment !== 'after') copyImage(this.#file, image);
    if (planned.moment !== 'before') run();
    if (planned.moment === 'after') {
      this.#onCommit(db);
      copyImage(this.#file, image);
    } else if (planned.moment === 'torn') tear(image, this.#file, this.#chance);
    this.#leave(image);
    this.#onCut();
    throw new PowerCut(planned.moment);
  }

  remove(): void {
    this.cut();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #seen<T>(db: Database, result: T): T {
    this.#onCommit(db);
    return result;
  }

  /** The machine is off; its programs keep a file that nobody looks at any more. */
  #leave(image: Image): void {
    const old = this.#file as string;
    disks.delete(old);
    this.#isOn = false;
    this.#planned = undefined;
    this.#db = undefined;
    this.#file = image;
    for (const ending of [...ENDINGS, '-shm']) rmSync(`${old}${ending}`, { force: true });
  }

  #nextFile(): string {
    this.#images += 1;
    return join(this.#directory, `${this.#images}.db`);
  }
}

/** SQLite refuses with SQLITE_FULL what needs a page more than there are. */
function bound(db: Database, isFull: boolean): void {
  const pages = isFull ? Number(db.pragma('page_count', { simple: true })) : 1_073_741_823;
  db.pragma(`max_page_count = ${pages}`);
}

function copyImage(from: Image, to: Image): Image {
  for (const ending of ENDINGS) {
    if (existsSync(`${from}${ending}`)) copyFileSync(`${from}${ending}`, `${to}${ending}`);
    else rmSync(`${to}${ending}`, { force: true });
  }
  rmSync(`${to}-shm`, { force: true });
  return to;
}

/**
 * What a cut leaves while the log is written: the bytes from before, and of those that are new only
 * the first. Where the commit also moved pages from the log to the database, that had not begun.
 */
function tear(image: Image, written: Image, chance: Chance): void {
  const read = (path: string) => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0));
  const [old, next] = [read(`${image}-wal`), read(`${written}-wal`)];
  let from = 0;
  while (from < old.length && old[from] === next[from]) from += 1;
  const to = chance.between(from, Math.max(from, next.length - 1));
  writeFileSync(`${image}-wal`, Buffer.concat([next.subarray(0, to), old.subarray(to)]));
}
