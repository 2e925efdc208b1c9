/**
 * One Modbus connection to a host and port, shared by the units behind it, in turn.
 *
 * The rule that keeps a late answer from being taken for another's: ONE request is in flight on a
 * connection, and a connection on which a request got no answer, or anything but its answer, is
 * closed and never read again. The next request opens a new one.
 */
import modbusSerial from 'modbus-serial';
import type { LossCause } from '../../../devices/reading.ts';
import type { Clock, Random } from '../../../devices/runtime.ts';
import { type Backoff, createBackoff } from '../backoff.ts';
import { answerBytes, type Block } from './plan.ts';
import { type FrameCounts, ModbusPort } from './port.ts';

// A CommonJS module that names its own default.
const ModbusClient = modbusSerial.default;
type ModbusClient = InstanceType<typeof ModbusClient>;

export interface Question {
  readonly unitId: number;
  readonly block: Block;
  /** For connecting, and again for the answer; waiting for one's turn does not count. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type Answer = Data | Exception | Missing;

/** The bytes of the registers (or bits), `answerBytes(block)` of them. */
export interface Data {
  readonly kind: 'data';
  readonly data: Buffer;
}

/** The device answered that it will not; `code` as in Application Protocol V1.1b3 §7. */
export interface Exception {
  readonly kind: 'exception';
  readonly code: number;
}

/** Nothing that can be relied on came. */
export interface Missing {
  readonly kind: 'missing';
  readonly cause: LossCause;
  /** The device's side had accepted the connection. */
  readonly reached: boolean;
  readonly detail: string;
}

export interface LinkCounts extends FrameCounts {
  requests: number;
  timeouts: number;
  connects: number;
}

interface Waiting {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  settled: boolean;
}

/** A connection with what modbus-serial needs to speak on it in both register widths. */
interface Line {
  readonly port: ModbusPort;
  readonly standard: ModbusClient;
  readonly enron: ModbusClient;
}

/**
 * Every register is wide for a client with this setting. modbus-serial goes by address ranges;
 * here the profile says what is wide, so the range of narrow registers is one that no address is
 * in. The request is the same in both dialects; only the length of the answer differs.
 */
const ALL_WIDE = { _enron: true, _enronTables: { shortRange: [-2, -1] } };

export class ModbusLink {
  readonly counts: LinkCounts = {
    requests: 0,
    timeouts: 0,
    connects: 0,
    foreignFrames: 0,
    corruptFrames: 0,
  };

  readonly #host: string;
  readonly #port: number;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #backoff: Backoff;
  readonly #queue: Waiting[] = [];
  #busy = false;
  #closed = false;
  #line: Line | undefined;
  #failure: Missing = missing('absent', false, 'not connected');
  /** Ends what is under way now, connecting or asking. */
  #settle: ((answer: Answer) => void) | undefined;

  constructor(options: {
    readonly host: string;
    readonly port: number;
    readonly clock: Clock;
    readonly random: Random;
  }) {
    this.#host = options.host;
    this.#port = options.port;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#backoff = createBackoff(options);
  }

  /**
   * Asks one question when its turn comes. Never rejects: what went wrong is in the answer. An
   * abort resolves at once.
   */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        question,
        settled: false,
        resolve: (answer) => {
          waiting.settled = true;
          question.signal.removeEventListener('abort', abort);
          resolve(answer);
        },
      };
      const abort = () => {
        if (!waiting.settled) waiting.resolve(missing('not-running', false, 'told to stop'));
      };
      if (this.#closed || question.signal.aborted) {
        abort();
        return;
      }
      question.signal.addEventListener('abort', abort, { once: true });
      this.#queue.push(waiting);
      if (!this.#busy) void this.#serve();
    });
  }

  /** Gives up what is under way and closes. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#fail(missing('not-running', false, 'closed'));
    for (const waiting of this.#queue.splice(0)) {
      if (!waiting.settled) waiting.resolve(missing('not-running', false, 'closed'));
    }
  }

  async #serve(): Promise<void> {
    this.#busy = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (next.settled) continue;
      const answer = await this.#takeTurn(next.question);
      if (!next.settled) next.resolve(answer);
    }
    this.#busy = false;
  }

  async #takeTurn(question: Question): Promise<Answer> {
    if (this.#line?.port.isUsedUp) this.#drop();
    if (this.#line === undefined) {
      // While it rests, the reason is the one that made it rest.
      if (this.#backoff.waiting()) return { ...this.#failure, reached: false };
      const failure = await this.#within(question, 'absent', (settle) => this.#connect(settle));
      if (failure?.kind === 'missing') {
        this.#failure = failure;
        if (failure.cause !== 'not-running') this.#backoff.fail();
        return failure;
      }
      this.#backoff.succeed();
    }
    const line = this.#line;
    if (line === undefined) return missing('absent', true, 'the device closed the connection');
    const foreignBefore = this.counts.foreignFrames;
    const answer = await this.#within(question, 'timeout', (settle) => {
      this.counts.requests += 1;
      send(line, question, (answer) => {
        // The frame was whole and meant for us, but holds more or less than was asked for.
        if (answer.kind === 'missing') this.counts.corruptFrames += 1;
        settle(answer);
      });
    });
    if (answer === undefined) return missing('absent', true, 'the device closed the connection');
    if (answer.kind !== 'missing' || answer.cause !== 'timeout') return answer;
    this.counts.timeouts += 1;
    // Something did come, but to no question that was open: that is not silence.
    const foreign = this.counts.foreignFrames > foreignBefore;
    return foreign ? missing('nonsense', true, 'answers to other questions only') : answer;
  }

  /**
   * Runs `start` until it settles, the deadline or the abort signal ends it. Whatever is
   * `missing` also costs the connection: nothing that comes later on it is ever read.
   */
  #within(
    question: Question,
    late: 'absent' | 'timeout',
    start: (settle: (answer: Answer | undefined) => void) => void,
  ): Promise<Answer | undefined> {
    const { timeoutMs, signal } = question;
    return new Promise((resolve) => {
      const settle = (answer: Answer | undefined) => {
        if (this.#settle !== settle) return;
        this.#settle = undefined;
        cancel();
        signal.removeEventListener('abort', abort);
        if (answer?.kind === 'missing') this.#drop();
        resolve(answer);
      };
      const abort = () => settle(missing('not-running', false, 'told to stop'));
      const cancel = this.#clock.after(timeoutMs, () =>
        settle(missing(late, late === 'timeout', `no answer within ${timeoutMs} ms`)),
      );
      this.#settle = settle;
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) abort();
      else start(settle);
    });
  }

  /** Settles with `undefined` when the connection is up. */
  #connect(settle: (answer: Answer | undefined) => void): void {
    const port: ModbusPort = new ModbusPort({
      host: this.#host,
      port: this.#port,
      firstId: Math.floor(this.#random.fraction() * 0x1_0000),
      counts: this.counts,
      onOpen: () => {
        if (this.#line?.port !== port) return;
        this.counts.connects += 1;
        settle(undefined);
      },
      events: {
        onCorrupt: (reason) => this.#lost(port, missing('nonsense', true, reason)),
        onClose: (reason) => this.#lost(port, missing('absent', port.wasOpen, reason)),
      },
    });
    const standard = new ModbusClient(port);
    const enron = Object.assign(new ModbusClient(port), ALL_WIDE);
    standard.open();
    enron.open();
    this.#line = { port, standard, enron };
  }

  /** The connection itself ended, or is no longer to be believed. */
  #lost(port: ModbusPort, answer: Answer): void {
    if (this.#line?.port === port) this.#fail(answer);
  }

  #fail(answer: Answer): void {
    if (this.#settle === undefined) this.#drop();
    else this.#settle(answer);
  }

  #drop(): void {
    const line = this.#line;
    this.#line = undefined;
    line?.port.destroy();
  }
}

/** Puts the question to modbus-serial; `settle` is called at most once by the first answer. */
function send(line: Line, question: Question, settle: (answer: Answer) => void): void {
  const { unitId, block } = question;
  const client = block.width === 'enron' ? line.enron : line.standard;
  // Both clients hear every answer; the id tells the one that is meant from the other.
  line.port._transactionIdWrite = block.width === 'enron' ? 2 : 1;
  const take = (error: unknown, result: { readonly buffer: Buffer } | undefined) => {
    settle(toAnswer(block, error, result));
  };
  switch (block.code) {
    case 1:
      client.writeFC1(unitId, block.address, block.quantity, take);
      break;
    case 2:
      client.writeFC2(unitId, block.address, block.quantity, take);
      break;
    case 3:
      client.writeFC3(unitId, block.address, block.quantity, take);
      break;
    case 4:
      client.writeFC4(unitId, block.address, block.quantity, take);
      break;
  }
}

function toAnswer(
  block: Block,
  error: unknown,
  result: { readonly buffer: Buffer } | undefined,
): Answer {
  if (error instanceof Error) {
    const code = 'modbusCode' in error ? error.modbusCode : undefined;
    if (typeof code === 'number') return { kind: 'exception', code };
    return missing('nonsense', true, error.message);
  }
  if (result === undefined || result.buffer.length !== answerBytes(block)) {
    return missing('nonsense', true, 'an answer of the wrong length');
  }
  return { kind: 'data', data: result.buffer };
}

function missing(cause: LossCause, reached: boolean, detail: string): Missing {
  return { kind: 'missing', cause, reached, detail };
}
