/**
 * The promises, held against a simulated world after each of its steps: a commit of an outbox, a
 * commit of the journal, a receipt, a transaction of the twins; and against all that is left at the
 * end. Each promise has a file of its own; what they look at is in facts.ts and applied.ts.
 */
import { createHash } from 'node:crypto';
import type { TwinState } from '../../ingest/fold-state.ts';
import type { JournalEntry } from '../../ingest/store.ts';
import type { Twin } from '../../ingest/twin.ts';
import { type AppliedWorld, applyTo, nothingApplied } from './applied.ts';
import { checkBounds } from './check-bounded.ts';
import { type CustodyChain, checkHead } from './check-custody.ts';
import { checkGone, checkNothingLost, checkReceipt } from './check-durable.ts';
import { checkGapAlerts, checkGaps, nothingBounded } from './check-omission.ts';
import { checkCounts, checkPlaces, checkStored, type Held, nothingHeld } from './check-once.ts';
import { checkNewest } from './check-order.ts';
import { checkTwins, type LiveTwins, nothingCompared } from './check-rebuilt.ts';
import { checkRebuilt, checkRollbacks } from './check-restore.ts';
import { checkServed, type Served } from './check-served.ts';
import { checkSilence, nothingHeard } from './check-silence.ts';
import { checkJudged } from './check-trust.ts';
import { type Facts, noFacts, noteCommit, noteStored } from './facts.ts';
import type { Office } from './office.ts';
import { HEARTBEAT_MS } from './organisation.ts';
import type { OutboxChange } from './outbox-changes.ts';

/** What broken promises come to. */
export interface Sums {
  lost: number;
  doubled: number;
  wrong: number;
}

/** Broken promises that are told; the first ones say most. */
const BROKEN_MAX = 20;

export class Watch {
  readonly facts: Facts = noFacts();
  /** Sentences about broken promises, in the order in which they broke. */
  readonly broken: string[] = [];
  readonly sums: Sums = { lost: 0, doubled: 0, wrong: 0 };
  /** Steps after which promises were checked. */
  steps = 0;
  readonly chain: CustodyChain & { steps: CustodyChain['steps'][number][] };
  readonly #held: Held = nothingHeld();
  readonly #compared = nothingCompared();
  readonly #bounded = nothingBounded();
  readonly #heard = nothingHeard();
  readonly #served: (device: string) => Served;
  readonly #nowMs: () => number;
  readonly #trace = createHash('sha256');
  #applied: AppliedWorld = nothingApplied();

  constructor(options: {
    /** What the sensor of a device gave. */
    readonly served: (device: string) => Served;
    readonly nowMs: () => number;
    /** The goods whose custody the holders pass on. */
    readonly goods: string;
  }) {
    this.#served = options.served;
    this.#nowMs = options.nowMs;
    this.chain = { goods: options.goods, steps: [] };
  }

  /** What was looked at: twins compared with a fold anew, histories beyond a bound, silences. */
  get counts(): {
    compared: number;
    coarseHistories: number;
    shortHistories: number;
    silent: number;
  } {
    return { compared: this.#compared.twins, ...this.#bounded, silent: this.#heard.silent };
  }

  /** Digest of all steps, what they were about and when: the same seed gives the same. */
  get trace(): string {
    return this.#trace.copy().digest('hex');
  }

  /** An outbox committed; `isPutBack` when its disk was just put back to an older state. */
  committed(station: string, change: OutboxChange, isPutBack: boolean): void {
    const moved = noteCommit(this.facts, station, change);
    this.#step('outbox', station, ...moved.added.map(({ digest }) => digest), ...moved.gone);
    this.#say('doubled', checkPlaces(this.facts, moved));
    this.#say('lost', checkGone(this.facts, moved, isPutBack));
  }

  /** The journal committed. */
  stored(entries: readonly JournalEntry[]): void {
    const stored = noteStored(this.facts, entries);
    this.#compared.fold.stored(entries);
    this.#step('journal', ...entries.map(wordOf));
    const served = (device: string) => this.#served(device).count;
    this.#say('doubled', checkStored(this.facts, this.#held, stored, served));
    this.#say('wrong', checkJudged(this.facts, entries));
  }

  /** A receipt is about to leave. */
  receipted(token: Uint8Array): void {
    this.#step('receipt');
    this.#say('lost', checkReceipt(this.facts, token));
  }

  /** The twins committed, or were found as they are at a start. */
  applied(
    { changed, cursor }: { changed: readonly TwinState[]; cursor: number },
    view: (state: TwinState) => Twin,
    live: LiveTwins,
  ): void {
    this.#step('twins', String(cursor));
    this.#applied = applyTo(this.#applied, this.facts, cursor);
    this.#say('doubled', checkCounts(this.#applied, changed));
    this.#say('wrong', checkNewest(this.#applied, changed));
    this.#say(
      'wrong',
      checkGaps(this.facts, this.#applied, { changed, view, bounded: this.#bounded }),
    );
    const silence = { changed, view, isFound: live.isFound, heartbeatMs: HEARTBEAT_MS };
    this.#say('wrong', checkSilence(this.#heard, this.#applied, silence));
    this.#say('wrong', checkHead(this.#applied, this.chain, changed));
    this.#say('wrong', checkTwins(this.#compared, live, changed));
  }

  /** Now and then: what is too dear for each step. */
  looked(now: Parameters<typeof checkBounds>[1]): void {
    this.#say('wrong', checkBounds(this.facts, now));
  }

  rebuilt(office: Office): void {
    const { live, rebuilt } = office.rebuild();
    this.#say('wrong', checkRebuilt(live, rebuilt));
  }

  /** At the end, when everything was mended and came to rest. */
  ended(office: Office): void {
    this.#say('lost', checkNothingLost(this.facts));
    this.#say('lost', checkServed(this.facts, this.#served));
    const alerts = (device: string) => office.alerts(device);
    this.#say('wrong', checkRollbacks(this.#applied, alerts));
    this.#say('wrong', checkGapAlerts(this.facts, this.#applied, alerts));
    this.rebuilt(office);
  }

  /** Something that no promise allows. */
  say(sentence: string): void {
    this.#say('wrong', [sentence]);
  }

  #step(...words: readonly string[]): void {
    this.steps += 1;
    this.#trace.update(`${this.#nowMs()} ${words.join(' ')}\n`);
  }

  #say(what: keyof Sums, sentences: readonly string[]): void {
    this.sums[what] += sentences.length;
    for (const sentence of sentences) {
      if (this.broken.length >= BROKEN_MAX) return;
      this.broken.push(`${new Date(this.#nowMs()).toISOString()} ${sentence}`);
    }
  }
}

/** A digest of what was refused may be one of a signature, which no seed gives. */
function wordOf({ header: { digest, kind } }: JournalEntry): string {
  return kind === 'refusal' ? kind : `${kind} ${digest}`;
}
