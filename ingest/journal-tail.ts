/**
 * Looks at the end of a journal whose last run did not end in order: what was written last is what
 * a crash could have left in pieces. The rest is compared with its leaves whenever it is read.
 */
import { EdgeError } from '../devices/errors.ts';
import { openDatabase } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import { digestBytes } from './journal-place.ts';
import { createReader } from './journal-reader.ts';
import { journalSchema } from './journal-schema.ts';

/**
 * Reads the last entries of the journal at `file`, `limits.tailEntries` at most: positions without
 * a hole, each entry as its leaf says, each batch in its place of the index. Returns how many.
 *
 * @throws EdgeError IN_JOURNAL_DAMAGED where one is not so
 */
export function verifyTail(file: string): number {
  const db = openDatabase(file, { readonly: true, schema: journalSchema });
  const reader = createReader(db);
  const placeOf = db.prepare<
    [string, number, string, number],
    { position: number; digest: Buffer }
  >(
    `SELECT position, digest FROM replay JOIN device ON device.id = replay.device
     WHERE did = ? AND epoch_counter = ? AND epoch_nonce = ? AND sequence = ?`,
  );
  try {
    const size = reader.size();
    const from = Math.max(0, size - limits.tailEntries);
    for (let at = from; at < size; ) {
      const page = reader.read(at, limits.apiEntriesMax, limits.tailPageBytes);
      for (const { header, position } of page) {
        const { batch, digest, kind } = header;
        if (kind !== 'batch' || batch === undefined) continue;
        const { device, epochCounter, epochNonce, sequence } = batch;
        const place = placeOf.get(device, epochCounter, epochNonce, sequence);
        if (place?.position === position && place.digest.equals(digestBytes(digest))) continue;
        throw new EdgeError('IN_JOURNAL_DAMAGED', `the index has no batch at position ${position}`);
      }
      // The highest position says how many there must be.
      if (page.length === 0) throw new EdgeError('IN_JOURNAL_DAMAGED', `no journal entry ${at}`);
      at += page.length;
    }
    return size - from;
  } finally {
    reader.close();
  }
}
