/**
 * The ledger of a simulated device: one line for every value that it really served, so that a
 * run can be settled afterwards: each line must be in the journal or in a signed loss.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { EdgeError } from '../devices/errors.ts';
import { makeDirectory } from '../devices/io/directory.ts';
import type { Clock } from '../devices/runtime.ts';

/** One value as it left the device. */
export interface LedgerEntry {
  /** Wall time at which it was served. */
  readonly timeMs: number;
  /** The device's name at its site, e.g. `fc-1`. */
  readonly device: string;
  /** The point's name in the profile. */
  readonly point: string;
  /** The bytes exactly as served, lower-case hex. */
  readonly rawHex: string;
}

/** Where served values are noted. */
export interface Ledger {
  serve(entry: LedgerEntry): void;
  /** Writes what is buffered; nothing may be served afterwards. Idempotent. */
  close(): void;
}

const FLUSH_MS = 200;
const FLUSH_LINES = 5_000;

/**
 * Opens a ledger that appends to `file` (made with its folder if missing). Lines are written at
 * least every 200 ms and on close.
 * @throws EdgeError SIM_LEDGER_UNWRITABLE
 */
export function openLedger(file: string, clock: Clock): Ledger {
  const handle = openFile(file);
  let lines: string[] = [];
  let closed = false;
  let cancel: (() => void) | undefined;

  function flush(): void {
    cancel?.();
    cancel = undefined;
    if (lines.length === 0) return;
    const text = Buffer.from(lines.join(''));
    lines = [];
    for (let at = 0; at < text.length; ) at += writeSync(handle, text, at);
  }

  return {
    serve(entry) {
      if (closed) return;
      // Written out by hand: it is several times faster than JSON.stringify of an object, and the
      // ledger must not be what limits a load test. Names are JSON-escaped, hex needs no escape.
      const device = JSON.stringify(entry.device);
      lines.push(
        `{"timeMs":${entry.timeMs},"device":${device},"point":"${entry.point}","rawHex":"${entry.rawHex}"}\n`,
      );
      if (lines.length >= FLUSH_LINES) flush();
      else cancel ??= clock.after(FLUSH_MS, flush);
    },
    close() {
      if (closed) return;
      closed = true;
      flush();
      closeSync(handle);
    },
  };
}

/** A ledger that keeps its entries in memory, for tests and small runs. */
export function memoryLedger(): Ledger & { readonly entries: readonly LedgerEntry[] } {
  const entries: LedgerEntry[] = [];
  return {
    entries,
    serve: (entry) => void entries.push(entry),
    close() {},
  };
}

/** A ledger that keeps nothing, for load that nobody settles. */
export const noLedger: Ledger = { serve() {}, close() {} };

/** All entries of a ledger file, in the order in which they were served. */
export function readLedger(file: string): LedgerEntry[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerEntry);
}

function openFile(file: string): number {
  try {
    makeDirectory(dirname(file));
    return openSync(file, 'a');
  } catch (cause) {
    throw new EdgeError('SIM_LEDGER_UNWRITABLE', `opening ledger ${file}`, { cause });
  }
}
