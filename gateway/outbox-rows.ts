/**
 * The rows of the outbox and what is counted of them: looks at them, lets them go, and takes out
 * those that a disk has damaged. Everything that is written goes through here.
 */
import type { Batch } from '../devices/credential/batch.ts';
import { afterCommit } from '../devices/io/checkpoint.ts';
import type { FixedFile } from '../devices/io/fixed-file.ts';
import { type Database, sqliteCode } from '../devices/io/sqlite.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { Loss } from '../devices/reading.ts';
import type { Log } from '../devices/runtime.ts';
import type {
  Carried,
  DeviceMark,
  ForgetRequest,
  OutboxRow,
  OutboxStats,
  PeekRequest,
  Settled,
  Settlement,
} from './outbox.ts';
import { OutboxLosses } from './outbox-losses.ts';
import { type LossBeside, type LossesBeside, openLossesBeside } from './outbox-losses-beside.ts';
import { URGENT } from './outbox-places.ts';
import type { Reserve } from './outbox-reserve.ts';
import { judgeRow, lossOfDamaged } from './outbox-row.ts';
import { prepareStatements, type Statements } from './outbox-statements.ts';
import type { NewRow } from './outbox-step.ts';
import { type BatchRow, hashOfHead, hashRow } from './outbox-tables.ts';
import type { Paper } from './paper.ts';

export interface OutboxRowsOptions {
  readonly db: Database;
  /** By device DID. */
  readonly signers: { has(did: string): boolean };
  readonly bytesMax: number;
  readonly reserve?: Reserve;
  /** Where losses are noted while the disk is full; absent where they are in memory only. */
  readonly lossesFile?: FixedFile;
  readonly log: Log;
}

/** What a transaction did to the rows, for the counts. */
export interface Changed {
  readonly added: NewRow[];
  /** Rows that left without a receipt. */
  readonly gone: Removed[];
}

/** A row that left. */
export interface Removed {
  readonly device: string;
  readonly readings: number;
  readonly bytes: number;
}

interface Damaged {
  readonly row: BatchRow;
  readonly fault: string;
}

export class OutboxRows {
  readonly sql: Statements;
  readonly losses: OutboxLosses;
  readonly #options: OutboxRowsOptions;
  readonly #beside: LossesBeside;
  readonly #waiting = new Map<string, { rows: number; readings: number }>();
  #bytes = 0;
  #bytesMax: number;
  #damaged = 0;
  #gaveWay = 0;

  constructor(options: OutboxRowsOptions) {
    this.#options = options;
    this.#bytesMax = options.bytesMax;
    this.sql = prepareStatements(options.db);
    this.losses = new OutboxLosses(this.sql);
    this.#beside = openLossesBeside(options.lossesFile, this.sql.takenBeside.get() ?? 0);
    this.#recount();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that it may hold: less than was configured while the disk is full. */
  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** Looks whether a disk that was full has room again. */
  look(): void {
    const { bytesMax, reserve } = this.#options;
    this.takeBeside();
    if (this.#bytesMax < bytesMax && reserve?.restore()) this.#bytesMax = bytesMax;
  }

  /** Notes losses that the database has no room for; they outlive a crash all the same. */
  noteBeside(losses: readonly LossBeside[]): void {
    if (this.#beside.add(losses)) return;
    this.#options.log.error('until the disk has room, only memory knows what is lost');
  }

  /** Takes in what was noted beside the database, where the disk has room for that. */
  takeBeside(): void {
    if (this.#beside.isEmpty()) return;
    try {
      this.commit(() => this.losses.takeIn(this.#beside));
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return;
    }
    this.#beside.clear();
  }

  /** The disk is full: gives the reserve back; `false` where there is none any more. */
  release(): boolean {
    const { reserve } = this.#options;
    if (reserve) this.#bytesMax = Math.min(this.#bytesMax, this.#bytes);
    return reserve?.release() ?? false;
  }

  canSign(did: string): boolean {
    return this.#options.signers.has(did);
  }

  /** Committed rows that are what was signed. Damaged ones leave the outbox and become a loss. */
  peek(request: PeekRequest): OutboxRow[] {
    const found: OutboxRow[] = [];
    const { closedFromMs, count, device, except = [], upTo, urgent } = request;
    const { peek, peekDevice, peekUrgent } = this.sql;
    const statement = device === undefined ? (urgent ? peekUrgent : peek) : peekDevice;
    const held = except.map((one) => [one.device, one.closedFromMs ?? Number.MIN_SAFE_INTEGER]);
    const which = {
      device: device ?? '',
      upTo: upTo ?? Number.MAX_SAFE_INTEGER,
      closedFrom: closedFromMs ?? Number.MIN_SAFE_INTEGER,
      held: JSON.stringify(Object.fromEntries(held)),
    };
    let { after, bytesMax: bytesLeft = Number.MAX_SAFE_INTEGER } = request;
    while (found.length < count && bytesLeft > 0) {
      const wanted = count - found.length;
      const rows = statement.iterate({ ...which, after, count: wanted });
      const damaged: Damaged[] = [];
      let read = 0;
      for (const row of rows) {
        read += 1;
        after = row.id;
        const { fault } = judgeRow(row);
        if (fault === undefined) {
          found.push(toOutboxRow(row));
          bytesLeft -= row.token.length;
        } else damaged.push({ row, fault });
        if (bytesLeft <= 0) break;
      }
      // The connection writes nothing while it reads.
      this.#dropDamaged(damaged);
      if (read < wanted) break;
    }
    return found;
  }

  /**
   * Deletes what receipts settled, and counts refusals, in one transaction. Where the disk has no
   * room even for that, nothing is settled: the rows are sent again, and get the same receipts.
   */
  settle(settlements: readonly Settlement[]): Settled {
    const gone: Removed[] = [];
    const settled = { accepted: 0, refused: 0 };
    try {
      this.transaction(() => {
        gone.length = 0;
        Object.assign(settled, { accepted: 0, refused: 0 });
        for (const { bytes, code = 'unknown', digest, outcome } of settlements) {
          if (bytes !== undefined && !this.#isOf(digest, bytes)) continue;
          const row = this.sql.take.get(digest);
          if (!row) continue;
          gone.push(row);
          settled[outcome] += row.readings;
          if (outcome === 'refused') this.sql.refuse.run(row.device, code, row.readings);
        }
      });
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#options.log.error('the disk is full; what was received stays in the outbox');
      return { accepted: 0, refused: 0, undone: true };
    }
    for (const row of gone) this.#count(row, -1);
    return settled;
  }

  /** Whether the row has these very bytes: what was changed on the way is not what was refused. */
  #isOf(digest: string, bytes: string): boolean {
    const token = this.sql.token.get(digest)?.token;
    return token !== undefined && digestMultibase(token) === bytes;
  }

  /** Keeps a party's paper, as of a wall time; commits before it returns. */
  carry({ digest, family, party, token }: Paper, atMs: number): Carried {
    if (this.#bytes + token.length > this.#bytesMax) return 'full';
    const place = { device: party, epoch: 0, sequence: 0, digest, readings: 0, level: 0 };
    const time = Math.trunc(atMs);
    const span = { from_ms: time, to_ms: time, closed_ms: time, bytes: token.length };
    const row = { ...place, ...span, token, priority: URGENT, paper: family };
    let isNew = false;
    try {
      this.transaction(() => {
        isNew = this.insert(row);
      });
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return 'full';
    }
    if (isNew) this.#count(row, 1);
    return isNew ? 'kept' : 'known';
  }

  /** Commits before it returns. */
  forget({ device, messages }: ForgetRequest): void {
    this.transaction(() => {
      if (messages === 'all') this.sql.forgetAll.run(device);
      else for (const name of messages) this.sql.forget.run(device, name);
    });
  }

  /** Stores a row; `false` where it is there already. Part of a transaction. */
  insert(row: NewRow): boolean {
    const { carry, insert, keep } = this.sql;
    const statement = row.paper ? carry : row.witness ? keep : insert;
    const sealed = { ...row, hash: hashRow(row), head: hashOfHead(row) };
    return statement.run(sealed).changes > 0;
  }

  /** Counts what a transaction did, when it is committed. */
  count({ added, gone }: Changed): void {
    for (const row of gone) {
      this.#count(row, -1);
      this.#gaveWay += row.readings;
    }
    for (const row of added) this.#count(row, 1);
  }

  /** The batches of rows that may be relied on; damaged ones leave the outbox. */
  sound(rows: readonly BatchRow[]): { readonly row: BatchRow; readonly batch: Batch }[] {
    const damaged: Damaged[] = [];
    const found = rows.flatMap((row) => {
      const { batch, fault } = judgeRow(row);
      if (fault !== undefined) damaged.push({ row, fault });
      return batch === undefined ? [] : [{ row, batch }];
    });
    this.#dropDamaged(damaged);
    return found;
  }

  marks(): readonly DeviceMark[] {
    return this.sql.marks.all().map((mark) => ({
      ...mark,
      messages: this.sql.messages.all(mark.device).map(({ name }) => name),
    }));
  }

  stats(): OutboxStats {
    const devices = Object.fromEntries([...this.#waiting].map(([did, sums]) => [did, { ...sums }]));
    const sums = [...this.#waiting.values()];
    return {
      lastId: this.sql.lastId.get()?.seq ?? 0,
      rows: sums.reduce((sum, { rows }) => sum + rows, 0),
      readings: sums.reduce((sum, { readings }) => sum + readings, 0),
      bytes: this.#bytes,
      damaged: this.#damaged,
      gaveWay: this.#gaveWay,
      devices,
    };
  }

  /** Commits `action`, which may run twice: once more with the reserve where the disk is full. */
  transaction(action: () => void): void {
    try {
      this.commit(action);
    } catch (error) {
      if (!isDiskFull(error) || !this.release()) throw error;
      this.commit(action);
    }
  }

  /** Commits `action`, or nothing of it. */
  commit(action: () => void): void {
    this.#options.db.transaction(action).immediate();
    afterCommit(this.#options.db);
  }

  close(): void {
    this.#options.db.close();
    this.#options.lossesFile?.close();
  }

  #dropDamaged(damaged: readonly Damaged[]): void {
    if (damaged.length === 0) return;
    const found = damaged.map(({ row }) => this.#lossesOf(row));
    this.transaction(() => {
      for (const { row } of damaged) this.sql.remove.get(row.id);
      for (const { losses, witness } of found) {
        for (const loss of losses) this.losses.record(witness, loss);
      }
    });
    // The columns may be what is damaged, and with them what was counted.
    this.#recount();
    this.#damaged += damaged.length;
    const what = 'a stored batch is damaged and will not be sent';
    for (const { fault, row } of damaged) {
      this.#options.log.error(what, { device: row.device, id: row.id, fault });
    }
  }

  #lossesOf(row: BatchRow): { readonly witness: string; readonly losses: readonly Loss[] } {
    // A paper is its party's, who has it too: no reading is lost with it.
    if (row.paper) return { witness: row.device, losses: [] };
    const found = lossOfDamaged(row, this.sql, (did) => this.canSign(did));
    if (found) return found;
    const guess = { fromMs: 0, toMs: 0, count: 1, cause: 'damaged', estimated: true } as const;
    return { witness: row.device, losses: [guess] };
  }

  #recount(): void {
    this.#waiting.clear();
    this.#bytes = 0;
    for (const { device, rows, readings, bytes } of this.sql.totals.all()) {
      this.#waiting.set(device, { rows, readings });
      this.#bytes += bytes;
    }
  }

  #count(row: Removed, sign: 1 | -1): void {
    const sums = this.#waiting.get(row.device) ?? { rows: 0, readings: 0 };
    const rows = sums.rows + sign;
    if (rows === 0) this.#waiting.delete(row.device);
    else this.#waiting.set(row.device, { rows, readings: sums.readings + sign * row.readings });
    this.#bytes += sign * row.bytes;
  }
}

/** Whether SQLite says that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error).startsWith('SQLITE_FULL');
}

function toOutboxRow(row: BatchRow): OutboxRow {
  const { id, digest, device, readings, closed_ms: closedMs, token, priority, paper } = row;
  const urgent = priority === URGENT;
  return { id, digest, device, readings, closedMs, token, urgent, ...(paper && { paper }) };
}
