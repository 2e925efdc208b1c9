/**
 * The folder by which papers reach a running gateway: a file stands there whole and durable until
 * the paper is durable in the outbox. What cannot be taken is put aside, never deleted.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { isRefusal } from '../devices/credential/refusal.ts';
import { makeDirectory } from '../devices/io/directory.ts';
import { writeFileDurably } from '../devices/io/write-file.ts';
import { limits } from '../devices/limits.ts';
import type { Log } from '../devices/runtime.ts';
import type { Outbox } from './outbox.ts';
import { type Paper, readPaper } from './paper.ts';

/** Below the data directory. */
const FOLDER = 'carry';
/** Below that, for what was put aside. */
const REFUSED = 'refused';

/** Where the running gateway looks for papers. */
export function paperFolder(dataDirectory: string): string {
  return join(dataDirectory, FOLDER);
}

/** Puts a paper where the running gateway finds it; returns its file when it is durable. */
export function placePaper(folder: string, { digest, token }: Paper): string {
  makeDirectory(folder);
  const file = join(folder, `${digest}.paper`);
  writeFileDurably(file, token);
  return file;
}

/** Whether the gateway put a file of this name aside. */
export function isPutAside(folder: string, name: string): boolean {
  return existsSync(join(folder, REFUSED, name));
}

export interface PaperTaker {
  /**
   * Takes what stands in the folder into the outbox; says whether anything came. Rejects only when
   * the outbox does: what is wrong with a file is said once, and the file stays.
   */
  take(): Promise<boolean>;
}

export function createPaperTaker(options: {
  readonly folder: string;
  readonly outbox: Pick<Outbox, 'carry'>;
  readonly log: Log;
}): PaperTaker {
  const { folder, log, outbox } = options;
  let said = new Set<string>();

  function say(file: string, reason: string): void {
    if (said.has(file)) return;
    if (said.size >= limits.papersAtOnce) said = new Set();
    said.add(file);
    log.warn('a paper cannot be carried now', { file, reason });
  }

  /** What stands in a file that is a paper; any other file is put aside. */
  function read(name: string): Paper | undefined {
    const bytes = readBounded(join(folder, name));
    const paper = bytes && readPaper(bytes);
    if (paper && !isRefusal(paper)) return paper;
    const reason = paper?.reason ?? `it is no file of at most ${limits.credentialBytesMax} bytes`;
    putAside(folder, name);
    log.warn('a paper is put aside', { file: name, reason });
    return undefined;
  }

  async function takeOne(name: string): Promise<boolean> {
    const paper = orSay(name, () => read(name));
    if (paper === undefined) return false;
    const carried = await outbox.carry(paper);
    if (carried === 'full') {
      say(name, 'the outbox is full');
      return false;
    }
    orSay(name, () => rmSync(join(folder, name), { force: true }));
    const { digest, family, party } = paper;
    if (carried === 'kept') log.info('carries a paper', { family, party, digest });
    return carried === 'kept';
  }

  function orSay<T>(name: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      say(name, String(error));
      return undefined;
    }
  }

  return {
    async take() {
      let isNew = false;
      for (const name of orSay(folder, () => namesIn(folder)) ?? []) {
        isNew = (await takeOne(name)) || isNew;
      }
      return isNew;
    },
  };
}

/** Whole files only: one that is being written begins with a dot. */
function namesIn(folder: string): string[] {
  if (!existsSync(dirname(folder))) return [];
  makeDirectory(folder);
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name);
  return names.sort().slice(0, limits.papersAtOnce);
}

/** The bytes of a file, or `undefined` where it is no file or has more than a paper can have. */
export function readBounded(file: string): Uint8Array | undefined {
  const handle = openSync(file, 'r');
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > limits.credentialBytesMax) return undefined;
    const bytes = Buffer.alloc(stat.size);
    return bytes.subarray(0, readSync(handle, bytes));
  } finally {
    closeSync(handle);
  }
}

function putAside(folder: string, name: string): void {
  const aside = join(folder, REFUSED);
  makeDirectory(aside);
  renameSync(join(folder, name), join(aside, name));
}
