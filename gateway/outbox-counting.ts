/**
 * Counts each place on the token before it is signed for, where that is asked: what goes on from an
 * older state, as a machine that was resumed does, then finds that others were there.
 */
import { EdgeError } from '../devices/errors.ts';
import type { CountedPlace } from '../devices/io/key-store.ts';
import { limits } from '../devices/limits.ts';
import type { Log } from '../devices/runtime.ts';
import type { Draft } from './outbox.ts';
import type { Statements } from './outbox-statements.ts';
import type { History, Working } from './outbox-step.ts';
import type { DeviceRow } from './outbox-tables.ts';

/** Where the highest epoch of a device is kept apart from the disk, as in a token. */
export interface EpochGuard {
  /** What is kept, epoch 0 before the first; `undefined` where none can be for this device. */
  read(device: string): Promise<CountedPlace | undefined>;
  /** `true` when the epoch is kept, which is higher than what was read; `false`: read again. */
  raise(device: string, epoch: number, read: CountedPlace): Promise<boolean>;
  /**
   * Counts a place of an epoch that this run has raised, before it is signed for; absent where only
   * epochs are counted. Each place is told `counted` once, whoever asks.
   */
  count?(device: string, place: CountedPlace): Promise<Counting>;
}

/**
 * Whether a place may be signed for. `moved`: somebody else has gone on with this token. `unsure`:
 * the token failed, and has this very place now; whether we or others counted it nobody knows.
 */
export type Counting = 'counted' | 'moved' | 'unsure';

export interface PlaceCounterOptions {
  readonly sql: Statements;
  readonly log: Log;
  readonly epochs?: EpochGuard;
  /** Opens an epoch behind what is known. */
  readonly open: (
    draft: Draft,
    last: DeviceRow,
    working: Working,
    why: 'moved' | 'unsure',
  ) => Promise<DeviceRow>;
}

export class PlaceCounter {
  readonly #options: PlaceCounterOptions;
  #movedInARow = 0;

  constructor(options: PlaceCounterOptions) {
    this.#options = options;
  }

  /** Whether each place is counted, and not only each epoch. */
  get isCounting(): boolean {
    return this.#options.epochs?.count !== undefined;
  }

  /** Looks whether the token still stands where this run left it; if not, a new epoch goes on. */
  async look(draft: Draft, history: History, working: Working): Promise<History> {
    const now = await this.#options.epochs?.read(draft.device);
    const { epoch, sequence } = history.row;
    const isOurs = now === undefined || (now.epoch === epoch && now.sequence === sequence);
    return isOurs ? history : this.#goOn(draft, history, working, 'moved');
  }

  /**
   * Counts the place behind a history, whose batch is composed: a snapshot from between here and
   * the signature signs the same again, and nothing else. Another history, in a new epoch, comes
   * back where the place must not be signed for.
   */
  async count(draft: Draft, history: History, working: Working): Promise<History> {
    const { device } = draft;
    const { epoch, sequence } = history.row;
    const said = await this.#options.epochs?.count?.(device, { epoch, sequence: sequence + 1 });
    if (said === undefined || said === 'counted') {
      this.#movedInARow = 0;
      return history;
    }
    this.#movedInARow += 1;
    if (this.#movedInARow > limits.epochTriesMax) throw contested(device);
    return this.#goOn(draft, history, working, said);
  }

  /** This process is a copy that was resumed, or has one, or cannot know it: in a new epoch. */
  async #goOn(
    draft: Draft,
    { before, row }: History,
    working: Working,
    why: 'moved' | 'unsure',
  ): Promise<History> {
    const { log } = this.#options;
    const { device } = draft;
    const { epoch, sequence } = row;
    const what = 'the token was moved on by others: this gateway is a copy, or has one';
    if (why === 'moved') log.error(what, { device, epoch, sequence });
    else log.warn('the token failed while a place was counted', { device, epoch, sequence });
    return { before, row: await this.#options.open(draft, row, working, why) };
  }

  /**
   * Writes again what others did, where it was written down while a batch of the device was signed
   * that took the losses before it. Part of the transaction, behind what the batches drop.
   */
  keepRolledBack({ rolledBack, steps }: Working): void {
    for (const { device, fromMs, toMs } of rolledBack) {
      const isSaid = steps.some(({ taken }) =>
        taken.some(({ device: did, loss }) => {
          const { cause, fromMs: from, toMs: to } = loss;
          return did === device && cause === 'rolled-back' && from <= fromMs && to >= toMs;
        }),
      );
      if (!isSaid) this.#options.sql.recordLoss.run(device, 'rolled-back', fromMs, toMs, 0, 1);
    }
  }
}

/** Others move the counter of the token whenever this process does. */
export function contested(device: string): EdgeError {
  return new EdgeError('KEY_COUNTER_CONTESTED', `counting the places of ${device}`);
}
