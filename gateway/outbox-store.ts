/**
 * The outbox over one database connection: gives each batch its place in its device's history,
 * keeps signed tokens until they are settled, and remembers what it could not keep until a batch
 * says so. A key may take its time to sign, so nothing is locked meanwhile: what is signed is
 * committed in a transaction of its own, which takes the places only if they are still free.
 */
import { strict as assert } from 'node:assert';
import { composeBatch } from '../devices/credential/batch-wire.ts';
import { signToken } from '../devices/credential/jws.ts';
import { signBatchSelectively } from '../devices/credential/sd-jwt-issue.ts';
import { credentialDigest } from '../devices/envelope.ts';
import type { Signer } from '../devices/identity/signer.ts';
import { type Database, sqliteCode } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import type { Loss } from '../devices/reading.ts';
import type { Log, Random } from '../devices/runtime.ts';
import { countReadings, lossesOf, readSigned, spanOf, splitDraft } from './draft.ts';
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
import { type NewRow, nothingYet, type Step, type Working } from './outbox-step.ts';
import { type BatchRow, type DeviceRow, hashRow, isIntact } from './outbox-tables.ts';

/** `batch.priority`. */
const URGENT = 0;
const ORDINARY = 1;

export interface OutboxStoreOptions {
  /** Opened with `outboxSchema`. */
  readonly db: Database;
  /** By device DID. */
  readonly signers: Map<string, Signer>;
  readonly bytesMax: number;
  readonly random: Random;
  readonly log: Log;
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
   * Signs the drafts, one after the other, and commits them in one transaction, or none. Where
   * `isLate` says after a draft that it has taken long, those signed until then are committed, and
   * the answer has only theirs; the caller asks for the others again. One call with drafts to sign
   * at a time; any other method may be called meanwhile.
   *
   * @throws what the key throws, and what SQLite throws when the store fails, but for a full disk:
   *   then nothing is kept, the drafts count as dropped and the next batch of the device says so.
   */
  async append(
    drafts: readonly (Draft | DeviceSigned)[],
    isLate: () => boolean = () => false,
  ): Promise<Appended[]> {
    const working = nothingYet();
    for (const draft of drafts) {
      const step = 'token' in draft ? this.#keep(draft, working) : await this.#sign(draft, working);
      working.steps.push(step);
      if (isLate()) break;
    }
    return this.#commit(working, drafts.slice(0, working.steps.length));
  }

  /** Committed, intact rows. Damaged ones leave the outbox and become a loss. */
  peek(request: PeekRequest): OutboxRow[] {
    const found: OutboxRow[] = [];
    const { upTo = Number.MAX_SAFE_INTEGER, device, except = [], count, urgent } = request;
    const peekAll = urgent ? this.#sql.peekUrgent : this.#sql.peek;
    let { after, bytesMax: bytesLeft = Number.MAX_SAFE_INTEGER } = request;
    while (found.length < count && bytesLeft > 0) {
      const wanted = count - found.length;
      const rows =
        device === undefined
          ? peekAll.iterate(after, upTo, JSON.stringify(except), wanted)
          : this.#sql.peekDevice.iterate(device, after, upTo, wanted);
      const damaged: BatchRow[] = [];
      let read = 0;
      for (const row of rows) {
        read += 1;
        after = row.id;
        if (isIntact(row)) {
          found.push(toOutboxRow(row));
          bytesLeft -= row.token.length;
        } else damaged.push(row);
        if (bytesLeft <= 0) break;
      }
      // The connection writes nothing while it reads.
      for (const row of damaged) this.#dropDamaged(row);
      if (read < wanted) break;
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

  async #sign(draft: Draft, working: Working): Promise<Step> {
    const { device, messages = [] } = draft;
    const readings = countReadings(draft);
    // Batches without readings may use a reserve: they are what says that others were dropped.
    const reserve = readings === 0 ? limits.outboxReserveBytes : -limits.batchBytesMax;
    if (this.#bytes + working.bytes > this.#options.bytesMax + reserve) {
      const appended = { batches: 0, readings: 0, lossesSigned: 0, dropped: readings };
      return { device, messages, taken: [], lost: lossesOf(draft), rows: [], appended };
    }
    const taken = this.#storedLosses(device, working);
    const losses = [...taken, ...this.#unrecordedLosses(device, working), ...draft.losses];
    const rows = await this.#signBatches({ ...draft, losses }, working);
    const lossesSigned = losses.reduce((sum, { count }) => sum + count, 0);
    const appended = { batches: rows.length, readings, lossesSigned, dropped: 0 };
    return { device, messages, taken, lost: [], rows, appended };
  }

  /** A batch with a signature, a place and a name already: only stored. */
  #keep({ message, priority: named, token, witness }: DeviceSigned, working: Working): Step {
    const batch = readSigned(token);
    const readings = countReadings(batch);
    const messages = message === undefined ? [] : [message];
    if (this.#bytes + working.bytes > this.#options.bytesMax - limits.batchBytesMax) {
      const appended = { batches: 0, readings: 0, lossesSigned: 0, dropped: readings };
      const lost = lossesOf({ ...batch, losses: [] });
      return { device: witness, messages, taken: [], lost, rows: [], appended };
    }
    const { device, digest, epoch, sequence, closedMs: closed_ms } = batch;
    const { fromMs: from_ms, toMs: to_ms } = spanOf(batch);
    const span = { from_ms, to_ms, closed_ms, bytes: token.length };
    const place = { device, epoch: epoch.counter, sequence, digest };
    working.bytes += token.length;
    const appended = { batches: 1, readings, lossesSigned: 0, dropped: 0 };
    const priority = named === 'urgent' ? URGENT : ORDINARY;
    const rows = [{ ...place, readings, ...span, token, witness, priority }];
    return { device: witness, messages, taken: [], lost: [], rows, appended };
  }

  /** Signs the draft as one batch, or as several when its credential would be too large. */
  async #signBatches(draft: Draft, working: Working): Promise<NewRow[]> {
    const { random } = this.#options;
    const signer = this.#options.signers.get(draft.device);
    assert(signer, `there is no key for ${draft.device}`);
    const { before, row: last } = this.#historyOf(draft.device, working);
    const sequence = last.sequence + 1;
    const previous = last.last_digest && { id: last.last_id, digest: last.last_digest };
    const place = {
      epoch: {
        counter: last.epoch,
        nonce: last.nonce,
        ...(last.follows !== null && { follows: last.follows }),
      },
      sequence,
      ...(previous && { previous }),
    };
    const ids = { credential: uuid(random.bytes(16)), event: uuid(random.bytes(16)) };
    const payload = composeBatch(draft, place, ids);
    const { selective } = draft;
    const token = selective
      ? await signBatchSelectively({ payload, signer, random, ...selective })
      : await signToken({ payload, signer, typ: 'vc+jwt' });
    if (token.length > limits.batchBytesMax) {
      const [first, second] = splitDraft(draft);
      const rows = await this.#signBatches(first, working);
      return [...rows, ...(await this.#signBatches(second, working))];
    }
    const digest = credentialDigest(token);
    const { fromMs: from_ms, toMs: to_ms } = spanOf(draft);
    const moved = { sequence, last_id: ids.credential, last_digest: digest };
    const row = { ...last, ...moved, last_ms: Math.trunc(to_ms) };
    working.devices.set(draft.device, { before, row });
    working.bytes += token.length;
    const span = { from_ms, to_ms, closed_ms: draft.closedMs, bytes: token.length };
    const { device } = draft;
    const readings = countReadings(draft);
    const priority = draft.priority === 'urgent' ? URGENT : ORDINARY;
    return [{ device, epoch: last.epoch, sequence, digest, readings, ...span, token, priority }];
  }

  /** Where the device's history stands, with what is signed here and not committed. */
  #historyOf(did: string, working: Working): { before: DeviceRow | undefined; row: DeviceRow } {
    const known = working.devices.get(did);
    if (known) return known;
    const committed = this.#devices.get(did);
    if (committed) return { before: committed, row: committed };
    const before = this.#sql.device.get(did);
    return { before, row: this.#openEpoch(did, before) };
  }

  #commit(working: Working, drafts: readonly (Draft | DeviceSigned)[]): Appended[] {
    try {
      const appended: Appended[] = [];
      const added: NewRow[] = [];
      this.#inTransaction(() => {
        for (const [did, { before, row }] of working.devices) this.#move(did, before, row);
        for (const step of working.steps) appended.push(this.#write(step, added));
      });
      for (const [did, { row }] of working.devices) this.#devices.set(did, row);
      for (const row of added) this.#count(row, 1);
      for (const key of working.recorded) this.#unrecorded.delete(key);
      return appended;
    } catch (error) {
      if (!sqliteCode(error).startsWith('SQLITE_FULL')) throw error;
      this.#options.log.error('the disk is full; readings are not kept');
      return drafts.map((draft) => this.#remember(draft));
    }
  }

  /** Takes the places that were signed for; nobody else may have had them meanwhile. */
  #move(did: string, before: DeviceRow | undefined, row: DeviceRow): void {
    const now = this.#sql.device.get(did);
    const isFree = now?.last_digest === before?.last_digest && now?.nonce === before?.nonce;
    assert(isFree, `the history of ${did} went on while its next batch was signed`);
    this.#sql.move.run(row);
  }

  #write({ appended, device, lost, messages, rows, taken }: Step, added: NewRow[]): Appended {
    for (const name of messages) this.#sql.rememberMessage.run(device, name);
    if (messages.length > 0) {
      this.#sql.trimMessages.run(device, device, limits.mqttRememberedMax);
    }
    for (const loss of taken) this.#sql.takeLoss.run(loss.count, device, loss.cause);
    if (taken.length > 0) this.#sql.dropTakenLosses.run(device);
    for (const loss of lost) this.#recordLoss(device, loss);
    const inserted = rows.filter((row) => {
      const hash = hashRow(row);
      const statement = row.witness ? this.#sql.keep : this.#sql.insert;
      return statement.run({ ...row, hash }).changes > 0;
    });
    added.push(...inserted);
    if (inserted.length === rows.length) return appended;
    // A device sent the same bytes again: they are there already.
    return { batches: 0, readings: 0, lossesSigned: 0, dropped: 0 };
  }

  /** A new epoch behind the last digest; it is stored with its first batch. */
  #openEpoch(did: string, last: DeviceRow | undefined): DeviceRow {
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

  /** What is remembered on disk for the device, once in a commit. */
  #storedLosses(device: string, { lossesOf }: Working): Loss[] {
    if (lossesOf.has(device)) return [];
    lossesOf.add(device);
    return this.#sql.losses.all(device);
  }

  /** What is remembered in memory alone for the device, once in a commit. */
  #unrecordedLosses(device: string, { recorded }: Working): Loss[] {
    const losses: Loss[] = [];
    for (const [key, entry] of this.#unrecorded) {
      if (entry.device !== device || recorded.has(key)) continue;
      recorded.add(key);
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

function toOutboxRow({ id, digest, device, readings, token, priority }: BatchRow): OutboxRow {
  return { id, digest, device, readings, token, urgent: priority === URGENT };
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
