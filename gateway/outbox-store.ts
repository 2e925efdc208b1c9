/**
 * The outbox over one database connection: keeps signed tokens until they are settled, and
 * remembers what it could not keep until a batch says so. A key may take its time to sign, so
 * nothing is locked meanwhile: what is signed (outbox-places.ts) is committed in a transaction of
 * its own, which takes the places only if they are still free. Nothing leaves before that commit.
 */
import type { Signer } from '../devices/identity/signer.ts';
import type { FixedFile } from '../devices/io/fixed-file.ts';
import type { Database } from '../devices/io/sqlite.ts';
import { limits } from '../devices/limits.ts';
import type { Log, Random } from '../devices/runtime.ts';
import { countReadings, lossesOf, readSigned, spanOf } from './draft.ts';
import type {
  Appended,
  Carried,
  DeviceMark,
  DeviceSigned,
  Draft,
  ForgetRequest,
  OutboxRow,
  OutboxStats,
  PeekRequest,
  Settled,
  Settlement,
  WhenFull,
} from './outbox.ts';
import type { EpochGuard } from './outbox-counting.ts';
import { ORDINARY, Places, URGENT } from './outbox-places.ts';
import type { Reserve } from './outbox-reserve.ts';
import { Room } from './outbox-room.ts';
import { type Changed, isDiskFull, OutboxRows } from './outbox-rows.ts';
import { nothingYet, type Step, type Working } from './outbox-step.ts';
import type { Paper } from './paper.ts';

export interface OutboxStoreOptions {
  /** Opened with `outboxSchema`. */
  readonly db: Database;
  /** By device DID. */
  readonly signers: Map<string, Signer>;
  readonly bytesMax: number;
  /** `keep-oldest` where absent. */
  readonly whenFull?: WhenFull;
  /** Absent where there is no disk to reserve, as in memory. */
  readonly reserve?: Reserve;
  /** Likewise. */
  readonly lossesFile?: FixedFile;
  /** Absent where nothing but the disk remembers the epochs. */
  readonly epochs?: EpochGuard;
  readonly random: Random;
  readonly log: Log;
}

export class OutboxStore {
  readonly #options: OutboxStoreOptions;
  readonly #rows: OutboxRows;
  readonly #places: Places;
  readonly #room: Room;
  /** Drafts of a device that were dropped since one was kept, and at how many the next says so. */
  readonly #dropped = new Map<string, { drafts: number; sayAt: number }>();

  constructor(options: OutboxStoreOptions) {
    this.#options = options;
    const rows = new OutboxRows(options);
    const transaction = (action: () => void) => rows.transaction(action);
    const places = new Places({ ...options, sql: rows.sql, transaction });
    this.#rows = rows;
    this.#places = places;
    this.#room = new Room({ rows, places, whenFull: options.whenFull ?? 'keep-oldest' });
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
    this.#rows.look();
    const working = nothingYet();
    let tried = 0;
    try {
      for (const draft of drafts) {
        tried += 1;
        const step =
          'token' in draft ? this.#keep(draft, working) : await this.#sign(draft, working);
        working.steps.push(step);
        if (isLate()) break;
      }
      return this.#commit(working);
    } catch (error) {
      // What was signed for these places is never sent, and they are never signed for again.
      this.#settle(working, false);
      if (!isDiskFull(error)) throw error;
      return await this.#goWithout(drafts.slice(0, tried));
    }
  }

  /** Committed rows that are what was signed. Damaged ones leave the outbox and become a loss. */
  peek(request: PeekRequest): OutboxRow[] {
    return this.#rows.peek(request);
  }

  /** Deletes what receipts settled, and counts refusals, in one transaction. */
  settle(settlements: readonly Settlement[]): Settled {
    return this.#rows.settle(settlements);
  }

  /** Keeps a party's paper, as of a wall time; commits before it returns. */
  carry(paper: Paper, atMs: number): Carried {
    return this.#rows.carry(paper, atMs);
  }

  /** Commits before it returns. */
  forget(request: ForgetRequest): void {
    this.#rows.forget(request);
  }

  /** A key that was opened later, for a device that was added. */
  addSigner(signer: Signer): void {
    this.#options.signers.set(signer.did, signer);
  }

  marks(): readonly DeviceMark[] {
    return this.#rows.marks();
  }

  stats(): OutboxStats {
    return this.#rows.stats();
  }

  close(): void {
    this.#rows.close();
  }

  async #sign(draft: Draft, working: Working): Promise<Step> {
    const readings = countReadings(draft);
    // What says that others were dropped may use the reserve, and so may what cannot wait.
    const isVital = readings === 0 || draft.priority === 'urgent';
    if (!isVital && !this.#room.fits(working)) await this.#room.make(draft, working);
    if (!this.#room.fits(working, isVital)) return this.#drop(draft, working);
    this.#dropped.delete(draft.device);
    return this.#signStep(draft, working);
  }

  /** Signs it with all that waits to be said of its device. */
  async #signStep(draft: Draft, working: Working, dropped = 0): Promise<Step> {
    const { device, messages = [] } = draft;
    await this.#places.open(draft, working);
    const taken = this.#rows.losses.take(device);
    const losses = [...taken.map(({ loss }) => loss), ...draft.losses];
    try {
      const rows = await this.#places.sign({ ...draft, losses }, working);
      const lossesSigned = losses.reduce((sum, { count }) => sum + count, 0);
      const appended = {
        batches: rows.length,
        readings: countReadings(draft),
        lossesSigned,
        dropped,
      };
      return { device, messages, taken, lost: [], rows, appended };
    } catch (error) {
      this.#rows.losses.settle(taken);
      throw error;
    }
  }

  /**
   * There is no room for its readings. The first time, and whenever as many again were dropped, a
   * batch without them says so at once; until then it is written down.
   */
  async #drop(draft: Draft, working: Working): Promise<Step> {
    const { device, messages = [] } = draft;
    const dropped = countReadings(draft);
    const lost = lossesOf(draft);
    const { drafts, sayAt } = this.#dropped.get(device) ?? { drafts: 0, sayAt: 1 };
    const isDue = dropped > 0 && drafts + 1 >= sayAt && this.#room.fits(working, true);
    this.#dropped.set(device, { drafts: drafts + 1, sayAt: isDue ? 2 * sayAt : sayAt });
    if (isDue) return this.#signStep({ ...draft, groups: [], losses: lost }, working, dropped);
    const appended = { batches: 0, readings: 0, lossesSigned: 0, dropped };
    return { device, messages, taken: [], lost, rows: [], appended };
  }

  /** A batch with a signature, a place and a name already: only stored. */
  #keep({ message, priority: named, token, witness }: DeviceSigned, working: Working): Step {
    const batch = readSigned(token);
    const readings = countReadings(batch);
    const messages = message === undefined ? [] : [message];
    if (!this.#room.fits(working)) this.#room.makeAtOnce(working);
    if (!this.#room.fits(working)) {
      const appended = { batches: 0, readings: 0, lossesSigned: 0, dropped: readings };
      const lost = lossesOf({ ...batch, losses: [] });
      return { device: witness, messages, taken: [], lost, rows: [], appended };
    }
    const { device, digest, epoch, sequence, closedMs: closed_ms } = batch;
    const { fromMs: from_ms, toMs: to_ms } = spanOf(batch);
    const span = { from_ms, to_ms, closed_ms, bytes: token.length };
    const place = { device, epoch: epoch.counter, nonce: epoch.nonce, sequence, digest };
    working.bytes += token.length;
    const appended = { batches: 1, readings, lossesSigned: 0, dropped: 0 };
    const priority = named === 'urgent' ? URGENT : ORDINARY;
    const rows = [{ ...place, readings, ...span, token, witness, priority, level: 0 }];
    return { device: witness, messages, taken: [], lost: [], rows, appended };
  }

  #commit(working: Working): Appended[] {
    const appended: Appended[] = [];
    const changed: Changed = { added: [], gone: [] };
    this.#rows.commit(() => {
      this.#places.take(working);
      this.#writeThinned(working, changed);
      for (const step of working.steps) appended.push(this.#write(step, changed));
      this.#places.keepRolledBack(working);
    });
    this.#settle(working, true);
    this.#rows.count(changed);
    return appended;
  }

  #settle(working: Working, isCommitted: boolean): void {
    this.#places.settle(working, isCommitted);
    for (const { taken } of working.steps) this.#rows.losses.settle(taken);
  }

  #writeThinned({ thinned }: Working, { added, gone }: Changed): void {
    for (const { device, lost, removed, rows } of thinned) {
      for (const id of removed) {
        const row = this.#rows.sql.remove.get(id);
        if (row) gone.push(row);
      }
      for (const loss of lost) this.#rows.losses.record(device, loss);
      added.push(...rows.filter((row) => this.#rows.insert(row)));
    }
  }

  #write(step: Step, { added }: Changed): Appended {
    const { appended, device, lost, messages, rows, taken } = step;
    const { losses, sql } = this.#rows;
    for (const name of messages) sql.rememberMessage.run(device, name);
    if (messages.length > 0) sql.trimMessages.run(device, device, limits.mqttRememberedMax);
    losses.drop(taken);
    for (const loss of lost) losses.record(device, loss);
    const inserted = rows.filter((row) => this.#rows.insert(row));
    added.push(...inserted);
    if (inserted.length === rows.length) return appended;
    // A device sent the same bytes again: they are there already.
    return { batches: 0, readings: 0, lossesSigned: 0, dropped: 0 };
  }

  /**
   * The disk is full: nothing of the drafts is kept. With the room of the reserve, batches without
   * readings say so at once; what does not even fit there is remembered for the next ones.
   */
  async #goWithout(drafts: readonly (Draft | DeviceSigned)[]): Promise<Appended[]> {
    this.#options.log.error('the disk is full; readings are not kept');
    const wholes = drafts.map(wholeOf);
    this.#rows.noteBeside(
      wholes.flatMap(({ device, draft }) => lossesOf(draft).map((loss) => ({ device, loss }))),
    );
    const appended: Appended[] = wholes.map(({ draft }) => ({
      ...{ batches: 0, readings: 0, lossesSigned: 0, dropped: countReadings(draft) },
    }));
    if (!this.#rows.release()) return appended;
    this.#rows.takeBeside();
    const said = new Set<string>();
    for (const [index, draft] of drafts.entries()) {
      if ('token' in draft || said.has(draft.device)) continue;
      said.add(draft.device);
      const { messages: _, suppressed: _count, ...rest } = draft;
      const working = nothingYet();
      try {
        working.steps.push(await this.#signStep({ ...rest, groups: [], losses: [] }, working));
        const [{ lossesSigned } = { lossesSigned: 0 }] = this.#commit(working);
        appended[index] = { ...(appended[index] as Appended), lossesSigned };
      } catch (error) {
        this.#settle(working, false);
        if (!isDiskFull(error)) throw error;
        break;
      }
    }
    return appended;
  }
}

/** What it says, and whose next batch tells that it is lost. */
function wholeOf(given: Draft | DeviceSigned) {
  if (!('token' in given)) return { device: given.device, draft: given };
  return { device: given.witness, draft: { ...readSigned(given.token), losses: [] } };
}
