/**
 * Room in the outbox: how much there is, and what gives way when there is none. Everything that
 * gives way is told in a signed loss that names its place, and urgent batches never do.
 */
import { limits } from '../devices/limits.ts';
import type { Draft, WhenFull } from './outbox.ts';
import type { Places } from './outbox-places.ts';
import { lossesOfBatch } from './outbox-row.ts';
import type { Changed, OutboxRows } from './outbox-rows.ts';
import type { Working } from './outbox-step.ts';
import { draftOfRun, findRun } from './outbox-thin.ts';

export interface RoomOptions {
  readonly rows: OutboxRows;
  readonly places: Places;
  readonly whenFull: WhenFull;
}

/** Stands before each disclosure of a token. */
const TILDE = 0x7e;

export class Room {
  readonly #options: RoomOptions;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Whether another batch fits; what is vital may go beyond, up to the reserve. */
  fits({ bytes }: Working, isVital = false): boolean {
    const { rows } = this.#options;
    const more = isVital ? limits.outboxReserveBytes : -limits.batchBytesMax;
    return rows.bytes + bytes <= rows.bytesMax + more;
  }

  /** Makes room for a draft, as the policy has it; where that helps, `fits` says so afterwards. */
  async make(draft: Draft, working: Working): Promise<void> {
    if (this.#options.whenFull === 'thin-out') {
      for (let step = 0; step < limits.outboxThinStepsMax && !this.fits(working); step += 1) {
        if (!(await this.#thin(draft, working))) break;
      }
    }
    this.makeAtOnce(working);
  }

  /** Likewise without a key: nothing becomes aggregates, the oldest go. */
  makeAtOnce(working: Working): void {
    const { rows, whenFull } = this.#options;
    const most = rows.bytesMax - limits.batchBytesMax;
    // With so small a limit nothing would be won.
    if (whenFull === 'keep-oldest' || most <= 0 || this.fits(working)) return;
    const wanted = most - Math.min(limits.outboxGiveWayBytes, most / 8);
    while (rows.bytes + working.bytes > wanted && this.#giveWay(working));
  }

  /** Lets the oldest batches go that can wait; `false` where there is none. */
  #giveWay(working: Working): boolean {
    const { rows } = this.#options;
    const isTaken = takenIds(working);
    const oldest = rows.sql.ordinary.all(limits.outboxThinBatches + isTaken.size);
    const found = oldest.filter(({ id }) => !isTaken.has(id));
    const sound = rows.sound(found);
    const changed: Changed = { added: [], gone: [] };
    rows.transaction(() => {
      changed.gone.length = 0;
      for (const { batch, row } of sound) {
        const removed = rows.sql.remove.get(row.id);
        if (removed) changed.gone.push(removed);
        const by = row.witness ?? row.device;
        for (const loss of lossesOfBatch(batch, row.digest, 'given-way', by)) {
          rows.losses.record(by, loss);
        }
      }
    });
    rows.count(changed);
    return found.length > 0;
  }

  /** Makes one batch of aggregates of several; `false` where none can become coarser. */
  async #thin(draft: Draft, working: Working): Promise<boolean> {
    const { places, rows } = this.#options;
    const isTaken = takenIds(working);
    const run = findRun({
      sql: rows.sql,
      canSign: (did) => rows.canSign(did),
      isTaken: (id) => isTaken.has(id),
      sound: (found) => rows.sound(found),
    });
    if (run === undefined) return false;
    const { draft: summed, lost } = draftOfRun(run, draft);
    // What could be shown alone can be so as an aggregate too.
    const isSelective = run.rows.some(({ row }) => row.token.includes(TILDE));
    const { selective = { decoys: true } } = run.device === draft.device ? draft : {};
    const whole = { ...summed, ...(isSelective && { selective }) };
    await places.open(whole, working);
    const made = await places.sign(whole, working, run.level + 1);
    const removed = run.rows.map(({ row }) => row.id);
    working.bytes -= run.rows.reduce((sum, { row }) => sum + row.token.length, 0);
    working.thinned.push({ device: run.device, rows: made, removed, lost });
    return true;
  }
}

function takenIds({ thinned }: Working): Set<number> {
  return new Set(thinned.flatMap(({ removed }) => removed));
}
