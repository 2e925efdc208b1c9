/**
 * One Modbus line, shared by the units behind it, in turn: a host and port, or a serial port.
 *
 * What keeps a late answer from being taken for another's: with Modbus TCP, a transaction id that
 * no other question has (mbap.ts); without ids, the order of the answers (order.ts), for which a
 * question of another shape goes ahead where the shape of the next one is in doubt.
 */
import { limits } from '../../../devices/limits.ts';
import type { Clock, Random } from '../../../devices/runtime.ts';
import { type Backoff, createBackoff } from '../backoff.ts';
import type { Shown } from './certificates.ts';
import type { ReadRequest } from './client.ts';
import { dial, type Line } from './dial.ts';
import type { Asked, Framing, FramingEvents } from './frame.ts';
import { MbapFraming } from './mbap.ts';
import { OpenQuestions, type Outcome } from './open-questions.ts';
import { AnswerOrder } from './order.ts';
import {
  type Answer,
  askedOf,
  isUnreachable,
  type Missing,
  missing,
  newCounts,
  type Question,
  toAnswer,
} from './question.ts';
import { otherRequests } from './resolve.ts';
import { RtuFraming } from './rtu.ts';
import type { LineSettings } from './settings.ts';
import { LineSlack, type Seat } from './slack.ts';

export type { Answer, Data, Exception, Missing, Question } from './question.ts';

interface Waiting {
  readonly question: Question;
  readonly seat: Seat;
  readonly resolve: (answer: Answer) => void;
  settled: boolean;
  attempts: number;
  /** The request that is on the wire for it. */
  asked?: Asked;
}

/** A device's place on a line. */
export interface Place {
  readonly seat: Seat;
  begin(): void;
  stop(): void;
  leave(): void;
}

export class ModbusLink {
  readonly counts = newCounts();

  readonly #settings: LineSettings;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: Backoff;
  /** When the first address may be tried again while another is in use. */
  readonly #returning: Backoff;
  readonly #order = new AnswerOrder();
  readonly #slack: LineSlack;
  readonly #stop = new AbortController();
  readonly #queue: Waiting[] = [];
  /** Questions without an answer yet: in the queue, or having their turn. */
  readonly #asking = new Set<Waiting>();
  #turns = 0;
  readonly #open: OpenQuestions;
  #isPumping = false;
  #isTryingFirst = false;
  #line: Line | undefined;
  /** A connection to the first address, to be used once nothing is under way on the other. */
  #better: Line | undefined;
  #mbap: MbapFraming | undefined;
  /** The address to try next. */
  #at = 0;
  #rotation = 0;
  /** First silences of units in a row, with nothing heard between them. */
  #silences = 0;
  #quietAtMs = 0;
  #failure: Missing = missing('absent', false, 'not connected');

  constructor(options: {
    readonly line: LineSettings;
    readonly clock: Clock;
    readonly random: Random;
  }) {
    this.#settings = options.line;
    this.#clock = options.clock;
    this.#open = new OpenQuestions(options.clock);
    this.#random = options.random;
    this.#backoff = createBackoff(options);
    this.#returning = createBackoff(options);
    this.#slack = new LineSlack(options.clock);
  }

  /**
   * A device takes a seat on the line; `begin` says that it starts to read, `stop` gives up what it
   * asks, and `leave` frees the seat as well.
   */
  join(): Place {
    const seat = this.#slack.join();
    return {
      seat,
      begin: () => this.#slack.begin(seat),
      stop: () => this.#giveUp(seat),
      leave: () => {
        this.#slack.leave(seat);
        this.#giveUp(seat);
      },
    };
  }

  /**
   * Asks one question when its turn comes. Never rejects: what went wrong is in the answer. An
   * abort of its signal, or `stop` of its seat where it has one, resolves at once.
   */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve) => {
      const { seat = this.#slack.guest(), signal } = question;
      const waiting: Waiting = {
        question,
        seat,
        settled: false,
        attempts: 0,
        resolve: (answer) => {
          if (waiting.settled) return;
          waiting.settled = true;
          this.#asking.delete(waiting);
          if (question.seat === undefined) signal.removeEventListener('abort', abort);
          resolve(answer);
        },
      };
      const abort = () => this.#stopAsking(waiting);
      if (this.#stop.signal.aborted || signal.aborted) return abort();
      // Whoever has a seat says by it when to stop: a listener costs more than the question.
      if (question.seat === undefined) signal.addEventListener('abort', abort, { once: true });
      this.#asking.add(waiting);
      this.#queue.push(waiting);
      void this.#pump();
    });
  }

  #stopAsking(waiting: Waiting): void {
    const stopped = missing('not-running', false, 'told to stop');
    waiting.resolve(stopped);
    if (waiting.asked !== undefined) this.#open.settle(waiting.asked, stopped);
  }

  #giveUp(seat: Seat): void {
    for (const waiting of [...this.#asking]) {
      if (waiting.seat === seat) this.#stopAsking(waiting);
    }
  }

  /** The certificate of the device at the address that is connected, on a secured line. */
  shown(): Shown | undefined {
    const certificate = this.#line?.port.shown();
    const address = this.#settings.addresses[this.#line?.at ?? 0];
    return certificate && address && { address, certificate };
  }

  /** Gives up what is under way and closes. Idempotent. */
  close(): void {
    this.#stop.abort();
    const closed = missing('not-running', false, 'closed');
    this.#drop(closed);
    this.#better?.port.destroy();
    for (const waiting of this.#queue.splice(0)) waiting.resolve(closed);
  }

  /** Starts turns while there is room for them on the connection. */
  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#turns < this.#settings.inFlight) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      if (next.settled) continue;
      if (!this.#renew()) {
        this.#queue.unshift(next);
        break;
      }
      const { seat, question } = next;
      const waitMs = this.#slack.waitMs(seat, question.timeoutMs, next.attempts > 0);
      if (waitMs === undefined) {
        next.resolve(missing('timeout', false, 'silent, and the line has no time to spare for it'));
        continue;
      }
      const failure = this.#line === undefined ? await this.#connect(question) : undefined;
      if (failure !== undefined) next.resolve(failure);
      else void this.#serve(next, waitMs);
    }
    this.#isPumping = false;
  }

  /** Ends a connection that is used up or not the best; false while something is under way. */
  #renew(): boolean {
    if (this.#better === undefined && this.#line?.port.isUsedUp !== true) return true;
    if (this.#turns > 0) return false;
    this.#line?.port.destroy();
    this.#line = this.#better;
    this.#better = undefined;
    return true;
  }

  async #serve(waiting: Waiting, waitMs: number): Promise<void> {
    this.#turns += 1;
    const answer = await this.#takeTurn(waiting, waitMs);
    this.#turns -= 1;
    const { question, settled } = waiting;
    const mayBeAskedAgain = answer.kind === 'missing' && answer.reached && !settled;
    if (mayBeAskedAgain && waiting.attempts < (question.retries ?? 0)) {
      waiting.attempts += 1;
      this.counts.retries += 1;
      this.#queue.push(waiting);
    } else {
      waiting.resolve(answer);
    }
    void this.#tryFirst(question.timeoutMs);
    void this.#pump();
  }

  async #takeTurn(waiting: Waiting, waitMs: number): Promise<Answer> {
    const { question } = waiting;
    if (this.#settings.framing === 'rtu') {
      for (let n = 0; this.#order.isDoubtful(askedOf(question)); n += 1) {
        if (n === limits.modbusResolvesMax) {
          return missing('nonsense', true, 'answers that may belong to earlier questions');
        }
        const other = { ...question, anyLength: false, block: this.#otherThan(question) };
        this.counts.orderRequests += 1;
        const answer = await this.#put(waiting, other, waitMs, true);
        if (answer === 'alive' || answer.kind !== 'missing') continue;
        this.#rotation += 1;
        return answer;
      }
    }
    const answer = await this.#put(waiting, question, waitMs, false);
    if (answer === 'alive') return missing('nonsense', true, 'an answer to an earlier question');
    if (answer.kind === 'exception') this.counts.exceptions += 1;
    return answer;
  }

  /** A request whose answer cannot be taken for that to the question, of a shape not in doubt. */
  #otherThan(question: Question): ReadRequest {
    const others = otherRequests(question.block, question.anyLength === true);
    const turned = others.map((_, i) => others[(i + this.#rotation) % others.length]);
    const isSure = (block: ReadRequest | undefined) =>
      block !== undefined && !this.#order.isDoubtful(askedOf({ ...question, block }));
    return turned.find(isSure) ?? turned[0] ?? question.block;
  }

  /** Puts one request on the line and waits for what comes of it. */
  async #put(
    waiting: Waiting,
    question: Question,
    waitMs: number,
    takesLife: boolean,
  ): Promise<Outcome> {
    const { seat } = waiting;
    // Not awaited elsewhere: the pump must see the transaction id taken when it goes on.
    if (this.#settings.quietMs > 0) await this.#quiet(question.signal);
    const line = this.#line;
    if (line === undefined || waiting.settled) {
      return missing('absent', true, 'the device closed the connection');
    }
    const asked = askedOf(question);
    const startMs = this.#clock.monotonicMs();
    const before = { heard: line.heard, foreign: this.counts.foreignFrames };
    waiting.asked = asked;
    this.counts.requests += 1;
    const answered = this.#open.open(asked, waitMs, takesLife);
    line.client.read(question.block, asked);
    const answer = await answered;
    const tookMs = this.#clock.monotonicMs() - startMs;
    this.#quietAtMs = startMs + tookMs + this.#settings.quietMs;
    if (answer === 'alive' || answer.kind !== 'missing') {
      this.#silences = 0;
      if (line.at === 0) this.#returning.succeed();
      // A gateway that answers in place of a silent unit has waited for it, and the line with it.
      if (isUnreachable(answer)) this.#slack.silent(seat, tookMs);
      else this.#slack.answered(seat, tookMs);
      return answer;
    }
    line.port.giveUp(asked);
    if (answer.cause !== 'timeout') return answer;
    this.counts.timeouts += 1;
    this.#judgeSilence(line, seat, { tookMs, isDeaf: line.heard === before.heard });
    // Something did come, but to no question that was open: that is not silence.
    const isForeign = this.counts.foreignFrames > before.foreign;
    return isForeign ? missing('nonsense', true, 'answers to other questions only') : answer;
  }

  /** A question went unanswered: is the unit silent, or the connection dead? */
  #judgeSilence(line: Line, seat: Seat, how: { tookMs: number; isDeaf: boolean }): void {
    const wasSilent = seat.isSilent;
    this.#slack.silent(seat, how.tookMs);
    if (!how.isDeaf) return;
    if (!wasSilent) this.#silences += 1;
    const isAlive = this.#slack.othersAnswer(seat) && this.#silences < 2;
    const [{ kind } = { kind: 'tcp' }, second] = this.#settings.addresses;
    // A serial port is the same after it was opened again.
    if (isAlive || this.#line !== line || (kind === 'serial' && second === undefined)) return;
    this.#silences = 0;
    this.#at = (line.at + 1) % this.#settings.addresses.length;
    this.#drop(missing('timeout', true, 'the connection is silent'));
  }

  /** Waits for the silence that a serial line wants between two frames. */
  async #quiet(signal: AbortSignal): Promise<void> {
    const restMs = this.#quietAtMs - this.#clock.monotonicMs();
    if (restMs > 0) await this.#clock.sleep(restMs, signal);
  }

  /** Connects to the first address that can be reached, beginning with the one that is due. */
  async #connect({ timeoutMs, signal }: Question): Promise<Missing | undefined> {
    // While it rests, the reason is the one that made it rest.
    if (this.#backoff.waiting()) return { ...this.#failure, reached: false };
    const { addresses } = this.#settings;
    for (let tried = 0; tried < addresses.length; tried += 1) {
      const dialled = await this.#dial(this.#at, timeoutMs, signal);
      if (dialled === 'aborted') return missing('not-running', false, 'told to stop');
      if ('line' in dialled) {
        this.#line = dialled.line;
        this.#backoff.succeed();
        // The first is left alone for a while after it failed.
        if (this.#at > 0) this.#returning.fail();
        return undefined;
      }
      this.#failure = missing('absent', false, dialled.failure);
      this.#at = (this.#at + 1) % addresses.length;
    }
    this.#backoff.fail();
    return this.#failure;
  }

  /** While a backup is in use: opens the first address beside it, to go back to it. */
  async #tryFirst(timeoutMs: number): Promise<void> {
    if (this.#line === undefined || this.#line.at === 0 || this.#better !== undefined) return;
    if (this.#isTryingFirst || this.#returning.waiting()) return;
    this.#isTryingFirst = true;
    const dialled = await this.#dial(0, timeoutMs, this.#stop.signal);
    this.#isTryingFirst = false;
    if (dialled === 'aborted') return;
    // Until it has answered a question it may fail again, and is then left alone for longer.
    this.#returning.fail();
    if ('line' in dialled) this.#better = dialled.line;
  }

  async #dial(at: number, timeoutMs: number, signal: AbortSignal): ReturnType<typeof dial> {
    const address = this.#settings.addresses[at];
    if (address === undefined) return { failure: 'no such address' };
    const either = AbortSignal.any([signal, this.#stop.signal]);
    const dialled = await dial({
      address,
      at,
      framing: (events) => this.#frame(events),
      counts: this.counts,
      clock: this.#clock,
      timeoutMs,
      signal: either,
      onAnswer: (asked, body) => this.#open.settle(asked, toAnswer(body)),
      onSpoilt: (asked, why) => {
        const isAlive = why === 'doubtful';
        const damaged = missing('nonsense', true, 'a damaged frame');
        this.#open.settle(asked, isAlive ? 'alive' : damaged);
      },
      onLost: (line, { cause, detail }) => {
        if (this.#better === line) this.#better = undefined;
        if (this.#line === line) this.#drop(missing(cause, true, detail));
      },
    });
    if (dialled !== 'aborted' && 'line' in dialled) {
      this.counts.connects += 1;
      if (at > 0) this.counts.backupUses += 1;
    }
    return dialled;
  }

  #frame(events: FramingEvents): Framing {
    if (this.#settings.framing === 'rtu') return new RtuFraming(this.#order, this.#clock, events);
    // Ids go on where the last connection stopped.
    const firstId = this.#mbap?.nextId ?? Math.floor(this.#random.fraction() * 0x1_0000);
    this.#mbap = new MbapFraming(firstId, events);
    return this.#mbap;
  }

  /** Ends the connection and every question on it. */
  #drop(answer: Missing): void {
    const line = this.#line;
    this.#line = undefined;
    for (const asked of this.#open.settleAll(answer)) line?.port.giveUp(asked);
    line?.port.destroy();
  }
}
