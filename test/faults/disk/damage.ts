/** Damages a database's files as a bad disk does: bits, torn and swapped pages, lost ends. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Chance } from '../../sim/chance.ts';

/** Bytes of a database and of its WAL, as they lay on the disk at one moment. */
export interface Files {
  readonly db: Buffer;
  readonly wal: Buffer;
}

/** SQLite's page here, and the unit in which disks fail. */
const PAGE = 4_096;
const SECTOR = 512;

const suffixes = { db: '', wal: '-wal' } as const;

export function readFiles(file: string): Files {
  return { db: readFileSync(file), wal: readFileSync(`${file}${suffixes.wal}`) };
}

export function writeFiles(file: string, files: Files): void {
  writeFileSync(file, files.db);
  writeFileSync(`${file}${suffixes.wal}`, files.wal);
}

/** A damaged copy, and what was done to it in a few words. */
export function damage(files: Files, chance: Chance): { files: Files; what: string } {
  const part = chance.happens(files.db.length / (files.db.length + files.wal.length))
    ? 'db'
    : 'wal';
  const bytes = Buffer.from(files[part]);
  const { damaged, what } = damageBytes(bytes, chance);
  return { files: { ...files, [part]: damaged }, what: `${part}: ${what}` };
}

function damageBytes(bytes: Buffer, chance: Chance): { damaged: Buffer; what: string } {
  const at = chance.between(0, bytes.length - 1);
  const sector = at - (at % SECTOR);
  const kind = chance.between(0, 9);
  if (kind <= 4) {
    const bit = chance.between(0, 7);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
    return { damaged: bytes, what: `bit ${bit} of byte ${at} flipped` };
  }
  if (kind === 5) {
    Buffer.from(chance.bytes(8)).copy(bytes, at);
    return { damaged: bytes, what: `8 bytes from ${at} on are noise` };
  }
  if (kind === 6) {
    bytes.fill(0, sector, Math.min(sector + SECTOR, bytes.length));
    return { damaged: bytes, what: `the sector at ${sector} is empty` };
  }
  if (kind === 7) {
    // The write of a page ended in its middle: the rest is what stood elsewhere before.
    const from = chance.between(0, Math.max(0, bytes.length - PAGE));
    const end = Math.min(sector - (sector % PAGE) + PAGE, bytes.length);
    Buffer.from(bytes.subarray(from, from + Math.max(0, end - sector))).copy(bytes, sector);
    return { damaged: bytes, what: `torn from ${sector} to ${end}` };
  }
  if (kind === 8) return { damaged: bytes.subarray(0, at), what: `cut off at ${at}` };
  const pages = Math.floor(bytes.length / PAGE);
  const [one, other] = [chance.between(0, pages - 1) * PAGE, chance.between(0, pages - 1) * PAGE];
  const kept = Buffer.from(bytes.subarray(one, one + PAGE));
  bytes.copy(bytes, one, other, other + PAGE);
  kept.copy(bytes, other);
  return { damaged: bytes, what: `pages at ${one} and ${other} swapped` };
}
