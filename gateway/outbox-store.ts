/**
 * The outbox over one database connection: gives each batch its place in its device's history,
 * keeps signed tokens until they are settled, and remembers what it could not keep until a batch
 * says so. Calls must not overlap (outbox-local.ts sees to that), because signing may take a
 * while and nothing may look into the transaction meanwhile.
 */
import { strict as assert } from 'node:assert';
import type { Batch, BatchDraft } from '../devices/credential/batch.ts';
import { composeBatch, readBatch } from '../devices/credential/batch-wire.ts';
import { openToken, signToken } from '../devices/credential/jws.ts';
import { isRefusal } from '../devices/credential/refusal.ts';
import { credentialDigest } from '../devices/envelope.ts';
import type { Signer } from '../devices/identity/signer.ts';
import { type Database, sqliteCode } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import type { Loss } from '../devices/reading.ts';
import type { Log, Random } from '../devices/runtime.ts';
import { countReadings, spanOf, splitDraft } from './draft.ts';
import { join } from './losses.ts';
import type {
  Appended,
  DeviceMark,
  DeviceSigned,
  Draft,
  ForgetRequest,
  OutboxRow,
  OutboxStats,
  PeekRequest,
  Settled,
  Settlement,
} from './outbox.ts';
import { prepareStatements } from './outbox-statements.ts';
import { type BatchRow, type DeviceRow, hashRow, isIntact } from './outbox-tables.ts';

export interface OutboxStoreOptions {
  /** Opened with `outboxSchema`. */
  readonly db: Database;
  /** By device DID. */
  readonly signers: Map<string, Signer>;
  readonly bytesMax: number;
  readonly random: Random;
  readonly log: Log;
}

/** What a transaction changes beyond the database; taken over when it has committed. */
interface Working {
  readonly devices: Map<string, DeviceRow>;
  readonly rows: { device: string; readings: number; bytes: number }[];
  /** Keys of `unrecorded` that are in the database or in a batch now. */
  readonly recorded: Set<string>;
}

export class OutboxStore {
  readonly #options: OutboxStoreOptions;
  readonly #sql: ReturnType<typeof prepareStatements>;
  /** Devices whose epoch this run has opened, as committed. */
  readonly #devices = new Map<string, DeviceRow>();
  readonly #waiting = new Map<string, { rows: number; readings: number }>();
  /** Losses that could not be written either, because the disk is full. */
  readonly #unrecorded = new Map<string, { device: string; loss: Loss }>();
  #bytes = 0;
  #damaged = 0;

  constructor(options: OutboxStoreOptions) {
    this.#options = options;
    this.#sql = prepareStatements(options.db);
    for (const { device, rows, readings, bytes } of this.#sql.totals.all()) {
      this.#waiting.set(device, { rows, readings });
      this.#bytes += bytes;
    }
  }

  /**
   * Signs the drafts and commits all of them in one transaction, or none.
   *
   * @throws what SQLite throws when the store fails, but for a full disk: then nothing is kept,
   *   the drafts count as dropped and the next batch of the device says so.
   */
  async append(drafts: readonly (Draft | DeviceSigned)[]): Promise<Appended[]> {
    const { db } = this.#options;
    const working: Working = { devices: new Map(), rows: [], recorded: new Set() };
    try {
      db.exec('BEGIN IMMEDIATE');
      const appended: Appended[] = [];
      for (const draft of drafts) {
        if ('token' in draft) appended.push(this.#keepOne(draft, working));
        else appended.push(await this.#appendOne(draft, working));
      }
      db.exec('COMMIT');
      this.#takeOver(working);
      return appended;
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      if (!sqliteCode(error).startsWith('SQLITE_FULL')) throw error;
      this.#options.log.error('the disk is full; readings are not kept');
      return drafts.map((draft) => this.#remember(draft));
    }
  }

  /** Committed, intact rows. Damaged ones leave the outbox and become a loss. */
  peek(request: PeekRequest): OutboxRow[] {
    const found: OutboxRow[] = [];
    const { upTo = Number.MAX_SAFE_INTEGER, device, except = [], count } = request;
    let { after } = request;
    while (found.length < count) {
      const wanted = count - found.length;
      const rows =
        device === undefined
          ? this.#sql.peek.all(after, upTo, JSON.stringify(except), wanted)
          : this.#sql.peekDevice.all(device, after, upTo, wanted);
      for (const row of rows) {
        after = row.id;
        if (isIntact(row)) found.push(toOutboxRow(row));
        else this.#dropDamaged(row);
      }
      if (rows.length < wanted) break;
    }
    return found;
  }

  /** Deletes what receipts settled, and counts refusals, in one transaction. */
  settle(settlements: readonly Settlement[]): Settled {
    const gone: { device: string; readings: number; bytes: number }[] = [];
    const settled = { accepted: 0, refused: 0 };
    this.#inTransaction(() => {
      for (const { digest, outcome, code = 'unknown' } of settlements) {
        const row = this.#sql.take.get(digest);
        if (!row) continue;
        gone.push(row);
        settled[outcome] += row.readings;
        if (outcome === 'refused') this.#sql.refuse.run(row.device, code, row.readings);
      }
    });
    for (const row of gone) this.#count(row, -1);
    return settled;
  }

  /** Commits before it returns. */
  forget({ device, messages }: ForgetRequest): void {
    this.#inTransaction(() => {
      if (messages === 'all') this.#sql.forgetAll.run(device);
      else for (const name of messages) this.#sql.forget.run(device, name);
    });
  }

  /** A key that was opened later, for a device that was added. */
  addSigner(signer: Signer): void {
    this.#options.signers.set(signer.did, signer);
  }

  marks(): readonly DeviceMark[] {
    return this.#sql.marks.all().map((mark) => ({
      ...mark,
      messages: this.#sql.messages.all(mark.device).map(({ name }) => name),
    }));
  }

  stats(): OutboxStats {
    const devices = Object.fromEntries([...this.#waiting].map(([did, sums]) => [did, { ...sums }]));
    const sums = [...this.#waiting.values()];
    return {
      lastId: this.#sql.lastId.get()?.seq ?? 0,
      rows: sums.reduce((sum, { rows }) => sum + rows, 0),
      readings: sums.reduce((sum, { readings }) => sum + readings, 0),
      bytes: this.#bytes,
      damaged: this.#damaged,
      devices,
    };
  }

  close(): void {
    this.#options.db.close();
  }

  async #appendOne(draft: Draft, working: Working): Promise<Appended> {
    const readings = countReadings(draft);
    this.#rememberMessages(draft.device, draft.messages ?? []);
    // Batches without readings may use a reserve: they are what says that others were dropped.
    const reserve = readings === 0 ? limits.outboxReserveBytes : -limits.batchBytesMax;
    if (this.#bytesWith(working) > this.#options.bytesMax + reserve) {
      for (const loss of lossesOf(draft)) this.#recordLoss(draft.device, loss);
      return { batches: 0, readings: 0, lossesSigned: 0, dropped: readings };
    }
    const whole = {
      ...draft,
      losses: [...this.#takeLosses(draft.device, working), ...draft.losses],
    };
    const batches = await this.#signAndInsert(whole, working);
    const lossesSigned = whole.losses.reduce((sum, { count }) => sum + count, 0);
    return { batches, readings, lossesSigned, dropped: 0 };
  }

  /** A batch with a signature, a place and a name already: only stored. */
  #keepOne({ message, token, witness }: DeviceSigned, working: Working): Appended {
    const batch = readSigned(token);
    const readings = countReadings(batch);
    this.#rememberMessages(witness, message === undefined ? [] : [message]);
    if (this.#bytesWith(working) > this.#options.bytesMax - limits.batchBytesMax) {
      for (const loss of lossesOf({ ...batch, losses: [] })) this.#recordLoss(witness, loss);
      return { batches: 0, readings: 0, lossesSigned: 0, dropped: readings };
    }
    const { device, digest, epoch, sequence, closedMs: closed_ms } = batch;
    const { fromMs: from_ms, toMs: to_ms } = spanOf(batch);
    const span = { from_ms, to_ms, closed_ms, bytes: token.length };
    const place = { device, epoch: epoch.counter, sequence, digest };
    const row = { ...place, readings, ...span, token, witness };
    const { changes } = this.#sql.keep.run({ ...row, hash: hashRow(row) });
    if (changes > 0) working.rows.push(row);
    return { batches: changes, readings: changes * readings, lossesSigned: 0, dropped: 0 };
  }

  #bytesWith({ rows }: Working): number {
    return this.#bytes + rows.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #rememberMessages(device: string, names: readonly string[]): void {
    for (const name of names) this.#sql.rememberMessage.run(device, name);
    if (names.length > 0) this.#sql.trimMessages.run(device, device, limits.mqttRememberedMax);
  }

  /** Signs the draft as one batch, or as several when its credential would be too large. */
  async #signAndInsert(draft: BatchDraft, working: Working): Promise<number> {
    const { random } = this.#options;
    const signer = this.#options.signers.get(draft.device);
    assert(signer, `there is no key for ${draft.device}`);
    const before = working.devices.get(draft.device) ?? this.#devices.get(draft.device);
    const device = before ?? this.#openEpoch(draft.device);
    const sequence = device.sequence + 1;
    const previous = device.last_digest && { id: device.last_id, digest: device.last_digest };
    const place = {
      epoch: {
        counter: device.epoch,
        nonce: device.nonce,
        ...(device.follows !== null && { follows: device.follows }),
      },
      sequence,
      ...(previous && { previous }),
    };
    const ids = { credential: uuid(random.bytes(16)), event: uuid(random.bytes(16)) };
    const payload = composeBatch(draft, place, ids);
    const token = await signToken({ payload, signer, typ: 'vc+jwt' });
    if (token.length > limits.batchBytesMax) {
      const [first, second] = splitDraft(draft);
      const batches = await this.#signAndInsert(first, working);
      return batches + (await this.#signAndInsert(second, working));
    }
    const digest = credentialDigest(token);
    const { fromMs, toMs } = spanOf(draft);
    const row = {
      device: draft.device,
      epoch: device.epoch,
      sequence,
      digest,
      readings: countReadings(draft),
      from_ms: fromMs,
      to_ms: toMs,
      closed_ms: draft.closedMs,
      bytes: token.length,
      token,
    };
    const moved = { ...device, sequence, last_id: ids.credential, last_digest: digest };
    this.#sql.insert.run({ ...row, hash: hashRow(row) });
    const next = { ...moved, last_ms: Math.trunc(toMs) };
    this.#sql.move.run(next);
    working.devices.set(draft.device, next);
    working.rows.push(row);
    return 1;
  }

  /** A new epoch behind the last digest; it is stored with its first batch. */
  #openEpoch(did: string): DeviceRow {
    const last = this.#sql.device.get(did);
    return {
      did,
      epoch: (last?.epoch ?? 0) + 1,
      nonce: Buffer.from(this.#options.random.bytes(16)).toString('hex'),
      follows: last?.last_digest ?? null,
      sequence: 0,
      last_id: last?.last_id ?? '',
      last_digest: last?.last_digest ?? '',
      last_ms: last?.last_ms ?? 0,
    };
  }

  #recordLoss(device: string, { cause, fromMs, toMs, count }: Loss): void {
    this.#sql.recordLoss.run(device, cause, Math.trunc(fromMs), Math.trunc(toMs), count);
  }

  /** What is remembered for the device, to be signed in this transaction. */
  #takeLosses(device: string, working: Working): Loss[] {
    const losses: Loss[] = this.#sql.takeLosses.all(device);
    for (const [key, entry] of this.#unrecorded) {
      if (entry.device !== device || working.recorded.has(key)) continue;
      working.recorded.add(key);
      losses.push(entry.loss);
    }
    return losses;
  }

  /** Keeps in memory that a draft could not be kept; bounded by devices times causes. */
  #remember(given: Draft | DeviceSigned): Appended {
    const draft = 'token' in given ? { ...readSigned(given.token), losses: [] } : given;
    const device = 'token' in given ? given.witness : given.device;
    for (const loss of lossesOf(draft)) {
      const key = `${device} ${loss.cause}`;
      const known = this.#unrecorded.get(key);
      const { points: _, ...whole } = known ? join(known.loss, loss) : loss;
      this.#unrecorded.set(key, { device, loss: whole });
    }
    return { batches: 0, readings: 0, lossesSigned: 0, dropped: countReadings(draft) };
  }

  #takeOver(working: Working): void {
    for (const [did, row] of working.devices) this.#devices.set(did, row);
    for (const row of working.rows) this.#count(row, 1);
    for (const key of working.recorded) this.#unrecorded.delete(key);
  }

  #count(row: { device: string; readings: number; bytes: number }, sign: 1 | -1): void {
    const sums = this.#waiting.get(row.device) ?? { rows: 0, readings: 0 };
    const rows = sums.rows + sign;
    if (rows === 0) this.#waiting.delete(row.device);
    else this.#waiting.set(row.device, { rows, readings: sums.readings + sign * row.readings });
    this.#bytes += sign * row.bytes;
  }

  #dropDamaged(row: BatchRow): void {
    this.#inTransaction(() => {
      this.#sql.remove.run(row.id);
      const [fromMs, toMs] = [row.from_ms, row.to_ms].sort((a, b) => a - b) as [number, number];
      const count = Math.max(1, row.readings);
      const loss = { fromMs, toMs, count, cause: 'damaged' } as const;
      this.#recordLoss(row.witness ?? row.device, loss);
    });
    this.#count(row, -1);
    this.#damaged += 1;
    const { device, id } = row;
    this.#options.log.error('a stored batch is damaged and will not be sent', { device, id });
  }

  #inTransaction(action: () => void): void {
    this.#options.db.transaction(action).immediate();
  }
}

/** What is lost when the draft is not kept: its readings, and what it would have said was lost. */
function lossesOf(draft: BatchDraft): Loss[] {
  const count = countReadings(draft);
  if (count === 0) return [...draft.losses];
  return [{ ...spanOf(draft), count, cause: 'storage-full' }, ...draft.losses];
}

/** A driver has judged it; what is not a batch here is a mistake of ours. */
function readSigned(token: Uint8Array): Batch & { readonly digest: string } {
  const opened = openToken(token, limits.batchBytesMax);
  assert(!isRefusal(opened), 'a device-signed batch is judged before it is kept');
  const batch = readBatch(opened.payload);
  assert(!isRefusal(batch), 'a device-signed batch is judged before it is kept');
  return { ...batch, digest: opened.digest };
}

function toOutboxRow({ id, digest, device, readings, token }: BatchRow): OutboxRow {
  return { id, digest, device, readings, token };
}

/** RFC 9562 §5.4 (version 4) of 16 random bytes. */
function uuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes);
  hex[6] = ((hex[6] ?? 0) & 0x0f) | 0x40;
  hex[8] = ((hex[8] ?? 0) & 0x3f) | 0x80;
  const text = hex.toString('hex');
  const parts = [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20)];
  return `urn:uuid:${parts.join('-')}-${text.slice(20)}`;
}
