/**
 * A small file whose place on the disk is taken once and that is then written over, so that its
 * content can change when the disk has no room left. Two halves take turns: a power cut in the
 * middle of one leaves the other as it was.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { EdgeError } from '../errors.ts';
import { proveCommitted } from './prove-disk.ts';
import { storeKeyOf } from './store-key.ts';
import { isNoRoom, syncHandle, syncPath } from './write-file.ts';

/** What was written, and its number: each is higher than the one before. */
export interface Numbered {
  readonly number: number;
  readonly text: string;
}

export interface FixedFile {
  /** What was written last and can be read, if anything. */
  read(): Numbered | undefined;
  /**
   * Synced before it returns. `false` where it is too long or, on a file system that never writes
   * in place, the disk is full after all: what was written before is still there.
   *
   * @throws EdgeError DB_DISK_FAILED
   */
  write(content: Numbered): boolean;
  close(): void;
}

/** SHA-256, number (8 bytes) and length (4), then the text; big-endian. */
const HASH_BYTES = 32;
const HEAD_BYTES = HASH_BYTES + 8 + 4;
const [IV_BYTES, TAG_BYTES] = [12, 16];
const BOUND = 'bondline fixed file 1';

/**
 * Opens the file, or makes it with room for `bytes` of text twice. Encrypted where the databases
 * of its folder are (store-key.ts).
 *
 * @throws what the file system throws where it cannot be opened, and has no room
 */
export function openFixedFile(file: string, bytes: number): FixedFile {
  const halfBytes = HEAD_BYTES + bytes;
  const key = sealingKey(file);
  const handle = openWhole(file, 2 * halfBytes);
  const [first, second] = [0, halfBytes].map((at) => ({ at, found: readHalf(at) }));
  let [last, next] = newer(first?.found, second?.found) ? [first, second] : [second, first];

  function readHalf(at: number): Numbered | undefined {
    const half = Buffer.alloc(halfBytes);
    if (readSync(handle, half, 0, halfBytes, at) < HEAD_BYTES) return undefined;
    const length = half.readUInt32BE(HEAD_BYTES - 4);
    if (length > bytes) return undefined;
    const said = half.subarray(HASH_BYTES, HEAD_BYTES + length);
    if (!hashOf(said).equals(half.subarray(0, HASH_BYTES))) return undefined;
    const text = open(half.subarray(HEAD_BYTES, HEAD_BYTES + length), key);
    const number = Number(half.readBigUInt64BE(HASH_BYTES));
    return text === undefined ? undefined : { number, text: text.toString() };
  }

  return {
    read: () => last?.found,
    write({ number, text }) {
      const body = seal(Buffer.from(text), key);
      if (!next || body.length > bytes) return false;
      const half = Buffer.alloc(HEAD_BYTES + body.length);
      half.writeBigUInt64BE(BigInt(number), HASH_BYTES);
      half.writeUInt32BE(body.length, HEAD_BYTES - 4);
      body.copy(half, HEAD_BYTES);
      hashOf(half.subarray(HASH_BYTES)).copy(half);
      try {
        for (let done = 0; done < half.length; ) {
          done += writeSync(handle, half, done, half.length - done, next.at + done);
        }
        fdatasyncSync(handle);
      } catch (cause) {
        if (isNoRoom(cause)) return false;
        throw new EdgeError('DB_DISK_FAILED', `writing ${file}`, { cause });
      }
      proveCommitted(file);
      next.found = { number, text };
      [last, next] = [next, last];
      return true;
    },
    close: () => closeSync(handle),
  };
}

function newer(a: Numbered | undefined, b: Numbered | undefined): boolean {
  return (a?.number ?? -1) > (b?.number ?? -1);
}

/** Opened to be written in place; zeros up to its end, so that the disk has given the room. */
function openWhole(file: string, bytes: number): number {
  const handle = openSync(file, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    const have = fstatSync(handle).size;
    for (let at = have; at < bytes; ) {
      at += writeSync(handle, Buffer.alloc(bytes - at), 0, bytes - at, at);
    }
    if (have < bytes) {
      syncHandle(handle, file);
      syncPath(dirname(file));
    }
    return handle;
  } catch (error) {
    closeSync(handle);
    throw error;
  }
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** A key of its own, made of that of the folder. */
function sealingKey(file: string): Uint8Array | undefined {
  const key = storeKeyOf(file);
  if (key === undefined) return undefined;
  return new Uint8Array(hkdfSync('sha256', Buffer.from(key, 'hex'), '', BOUND, 32));
}

function seal(text: Buffer, key: Uint8Array | undefined): Buffer {
  if (key === undefined) return text;
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const sealed = Buffer.concat([cipher.update(text), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

/** `undefined` where it was sealed with another key, or with none. */
function open(body: Buffer, key: Uint8Array | undefined): Buffer | undefined {
  if (key === undefined) return body;
  if (body.length < IV_BYTES + TAG_BYTES) return undefined;
  const [iv, tag] = [body.subarray(0, IV_BYTES), body.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)];
  const opener = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  try {
    const sealed = body.subarray(IV_BYTES + TAG_BYTES);
    return Buffer.concat([opener.setAuthTag(tag).update(sealed), opener.final()]);
  } catch {
    return undefined;
  }
}
