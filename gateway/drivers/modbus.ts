/** The Modbus driver: reads coils, discrete inputs and registers; it cannot write. */
import { limits } from '../../devices/limits.ts';
import type { PointDefinition } from '../../devices/profile.ts';
import type { LossCause, Sample } from '../../devices/reading.ts';
import type {
  CertificateState,
  Connection,
  ConnectionState,
  Driver,
  DriverContext,
  SampleSet,
} from '../driver.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import { createDeviceLog, type DeviceLog } from './device-log.ts';
import { withArchives } from './modbus/archived.ts';
import { certificatesOf } from './modbus/certificates.ts';
import { type Cuts, relearn } from './modbus/learn.ts';
import {
  type Data,
  type Exception,
  type Missing,
  ModbusLink,
  type Place,
  type Question,
} from './modbus/link.ts';
import { placeOnDevice, readingMistakes, requestLimits } from './modbus/options.ts';
import {
  type Block,
  type PlacedPoint,
  planBlocks,
  type RequestLimits,
  samplesOf,
  splitBlock,
} from './modbus/plan.ts';
import {
  checkLine,
  type LineSettings,
  lineOf,
  type ModbusSettings,
  nameOf,
  retriesOf,
  settings,
} from './modbus/settings.ts';

export type { ModbusSettings } from './modbus/settings.ts';

type Points = Readonly<Record<string, PointDefinition>>;

/** Exceptions that a whole block gets when one part of it is not there (V1.1b3 §7). */
const ILLEGAL_DATA_ADDRESS = 2;
const ILLEGAL_DATA_VALUE = 3;
/** A gateway says that the device behind it is not there, or did not answer. */
const GATEWAY_PATH_UNAVAILABLE = 10;
const GATEWAY_TARGET_SILENT = 11;

/**
 * A Modbus driver with links of its own: the devices that it opens share one connection for each
 * address, on which their requests take turns.
 */
export function createModbusDriver(): Driver<ModbusSettings> {
  const links = new Map<string, SharedLink>();
  return {
    name: 'modbus',
    summary:
      'Modbus TCP, RTU, RTU over TCP and TLS: registers and bits, function codes 1 to 4, never a write.',
    settings,
    check: (device, points) => [...checkLine(device), ...readingMistakes(device, points)],
    async open(device, points, context) {
      const line = lineOf(device, context.resolvePath);
      const shared = links.get(line.key) ?? {
        link: new ModbusLink({ line, clock: context.clock, random: context.random }),
        line,
        users: 0,
      };
      links.set(line.key, shared);
      shared.users += 1;
      if (JSON.stringify(shared.line) !== JSON.stringify(line)) {
        const { device: name } = context;
        context.log.warn(`device ${name}: shares a line that has other settings`, {
          line: line.key,
        });
      }
      const connection = new ModbusConnection(device, points, context, shared, () => {
        shared.users -= 1;
        if (shared.users > 0) return;
        links.delete(line.key);
        shared.link.close();
      });
      const { archives } = context;
      if (archives === undefined) return connection;
      const { gapMs = limits.archiveGapMsDefault, zoneMinutes = 0 } = device.archives ?? {};
      const { timeoutMs, unitId } = device;
      const ask = (question: Question) => shared.link.ask(question);
      const how = { archives, points, context, gapMs, zoneMinutes, timeoutMs, unitId, ask };
      return withArchives(connection, how);
    },
  };
}

/** A line with the devices on it; the settings are those of the first that opened it. */
interface SharedLink {
  readonly link: ModbusLink;
  readonly line: LineSettings;
  users: number;
}

export const modbusDriver = createModbusDriver();

const CLOSED: Missing = {
  kind: 'missing',
  cause: 'not-running',
  reached: false,
  detail: 'closed',
};

/** What came of asking for some blocks. */
interface Outcome {
  /** In order of their answers; without data when the device refused with an exception. */
  readonly answered: { readonly block: Block; readonly answer: Data | Exception }[];
  readonly unanswered: readonly Block[];
  readonly failure?: Missing;
}

/** The requests that read some points, and what was learnt of them. */
interface Plan {
  readonly names: readonly string[];
  readonly cuts: Cuts;
  blocks: Block[];
  /** Pieces of blocks that were refused are among them. */
  isTorn: boolean;
}

class ModbusConnection implements Connection {
  readonly #device: ModbusSettings;
  readonly #points: Points;
  readonly #context: DriverContext;
  readonly #link: ModbusLink;
  readonly #line: LineSettings;
  readonly #place: Place;
  readonly #backoff: Backoff;
  readonly #log: DeviceLog;
  readonly #release: () => void;
  #closed = false;
  readonly #closing = new AbortController();
  #watched: AbortSignal | undefined;
  readonly #limits: RequestLimits;
  #plan: Plan | undefined;
  /** When the device's pause after its last answer is over, monotonic. */
  #restsUntilMs = 0;
  #lastCause: LossCause = 'absent';
  /** Why the last read failed; `undefined` when it did not. */
  #reason: string | undefined;

  constructor(
    device: ModbusSettings,
    points: Points,
    context: DriverContext,
    { line, link }: SharedLink,
    release: () => void,
  ) {
    this.#device = device;
    this.#points = points;
    this.#context = context;
    this.#link = link;
    this.#line = line;
    this.#place = link.join();
    this.#limits = requestLimits(device);
    this.#backoff = createBackoff(context);
    this.#log = createDeviceLog(context);
    this.#release = release;
  }

  async read(names: readonly string[], signal: AbortSignal): Promise<SampleSet> {
    if (this.#closed) return lost(names, 'not-running');
    // A unit that is silent costs the others on its line one timeout, then rests.
    if (this.#backoff.waiting()) return lost(names, this.#lastCause);
    this.#place.begin();
    const plan = this.#planFor(names);
    this.#watch(signal);
    const outcome = await this.#ask(plan.blocks, signal);
    if (this.#closed) return lost(names, 'not-running');
    this.#learn(plan, outcome);
    this.#judge(outcome);
    return this.#toSet(outcome);
  }

  state(): ConnectionState {
    if (this.#reason === undefined) return { up: true };
    return { up: false, reason: this.#reason };
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.#link.counts };
  }

  certificates(): readonly CertificateState[] {
    return certificatesOf(this.#line.addresses, this.#link.shown());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    this.#watched?.removeEventListener('abort', this.#stop);
    this.#place.leave();
    this.#release();
  }

  readonly #stop = () => this.#place.stop();

  /** One listener is kept while reads come with the same signal. */
  #watch(signal: AbortSignal): void {
    if (signal === this.#watched) return;
    this.#watched?.removeEventListener('abort', this.#stop);
    signal.addEventListener('abort', this.#stop);
    this.#watched = signal;
  }

  #planFor(names: readonly string[]): Plan {
    const known = this.#plan;
    if (known !== undefined && sameNames(known.names, names)) return known;
    const placed: PlacedPoint[] = names.flatMap((point) => {
      const place = this.#points[point]?.modbus;
      return place === undefined ? [] : [{ point, place: placeOnDevice(place, this.#device) }];
    });
    const blocks = planBlocks(placed, this.#limits);
    this.#plan = { names: [...names], cuts: new Set(), blocks, isTorn: false };
    return this.#plan;
  }

  /** Asks for the blocks, as many at the same time as the device allows. */
  async #ask(blocks: readonly Block[], signal: AbortSignal): Promise<Outcome> {
    const { inFlight } = this.#line;
    if (inFlight === 1 || blocks.length === 1 || this.#pauseMs > 0) {
      return this.#askInTurn(blocks, signal);
    }
    const outcomes: (Outcome | undefined)[] = blocks.map(() => undefined);
    let next = 0;
    let failure: Missing | undefined;
    const ask = async () => {
      for (let at = next; at < blocks.length && failure === undefined; at = next) {
        next += 1;
        const outcome = await this.#askInTurn(blocks.slice(at, at + 1), signal);
        outcomes[at] = outcome;
        failure ??= outcome.failure ?? unreachableIn(outcome);
      }
    };
    await Promise.all(Array.from({ length: Math.min(inFlight, blocks.length) }, ask));
    const failed = outcomes.flatMap((outcome) => outcome?.unanswered ?? []);
    const unanswered = [...failed, ...blocks.slice(next)];
    const answered = outcomes.flatMap((outcome) => outcome?.answered ?? []);
    if (failure === undefined || unanswered.length === 0) return { answered, unanswered };
    return { answered, unanswered, failure };
  }

  /**
   * Asks block after block. A block that the device refuses because part of it is not there is
   * asked again in halves. The first block without an answer ends it: each of the others would
   * cost a timeout more.
   */
  async #askInTurn(blocks: readonly Block[], signal: AbortSignal): Promise<Outcome> {
    const answered: Outcome['answered'] = [];
    const left = [...blocks];
    const { timeoutMs, unitId } = this.#device;
    const { seat } = this.#place;
    const retries = retriesOf(this.#device);
    for (let block = left.shift(); block !== undefined; block = left.shift()) {
      // A device without a pause is asked in the very turn of its read.
      const restMs = this.#restMs();
      if (restMs > 0) await this.#context.clock.sleep(restMs, this.#either(signal));
      if (this.#closed) return { answered, unanswered: [block, ...left], failure: CLOSED };
      const answer = await this.#link.ask({ unitId, block, timeoutMs, retries, seat, signal });
      this.#restsUntilMs = this.#context.clock.monotonicMs() + this.#pauseMs;
      if (answer.kind === 'missing') {
        return { answered, unanswered: [block, ...left], failure: answer };
      }
      const halves = isRefusedInPart(answer) ? splitBlock(block) : undefined;
      if (halves !== undefined) left.unshift(...halves);
      else answered.push({ block, answer });
      const failure = unreachableIn({ answered });
      if (failure !== undefined && left.length > 0) return { answered, unanswered: left, failure };
    }
    return { answered, unanswered: [] };
  }

  /** Ends what waits when the caller says so, and when the connection is closed. */
  #either(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }

  /** What is left of the pause that the device wants after an answer. */
  #restMs(): number {
    return this.#pauseMs === 0 ? 0 : this.#restsUntilMs - this.#context.clock.monotonicMs();
  }

  get #pauseMs(): number {
    return this.#device.requests?.pauseMs ?? 0;
  }

  /**
   * Keeps what a read taught: what was refused stays apart, and the block that got no answer goes
   * last, so that one bad place never hides those behind it.
   */
  #learn(plan: Plan, outcome: Outcome): void {
    const [failed, ...others] = outcome.unanswered;
    const asked = outcome.answered.map(({ block, answer }) => ({
      block,
      isRefused: isRefusedInPart(answer),
    }));
    plan.isTorn ||= asked.some(({ block }) => block.halfOf !== undefined);
    const known = plan.isTorn
      ? relearn(asked, plan.cuts, this.#limits)
      : asked.map(({ block }) => block);
    const blocks = [...known, ...others];
    plan.blocks = failed === undefined ? blocks : [...blocks, failed];
  }

  #judge(outcome: Outcome): void {
    // A gateway that answers in place of the device says what a timeout says.
    const failure = outcome.failure ?? unreachableIn(outcome);
    if (failure?.cause === 'not-running') return;
    this.#reason = failure?.detail;
    if (failure === undefined) {
      this.#backoff.succeed();
      this.#log.well();
      return;
    }
    this.#lastCause = failure.cause;
    const isDead = outcome.answered.every(({ answer }) => isUnreachable(answer));
    if (!isDead) this.#backoff.succeed();
    // A link that cannot connect has a back-off of its own.
    else if (failure.reached) this.#backoff.fail();
    const { foreignFrames, corruptFrames, timeouts } = this.#link.counts;
    this.#log.trouble(failure.cause, {
      peer: this.#line.addresses.map(nameOf).join(' or '),
      unitId: this.#device.unitId,
      detail: failure.detail,
      timeouts,
      foreignFrames,
      corruptFrames,
    });
  }

  #toSet({ answered, unanswered, failure }: Outcome): SampleSet {
    const nowMs = this.#context.clock.nowMs();
    const samples = answered.flatMap(({ block, answer }) =>
      answer.kind === 'data'
        ? samplesOf(block, answer.data, nowMs)
        : refusedSamples(block, answer.code, nowMs),
    );
    if (failure === undefined) return { samples };
    const points = unanswered.flatMap((block) => block.items.map((item) => item.point));
    return { samples, missing: { points, cause: failure.cause } };
  }
}

/** A refusal is an answer: it is signed as a bad value, with the protocol's own word for why. */
function refusedSamples(block: Block, code: number, gatewayTimeMs: number): Sample[] {
  return block.items.map(({ point, encoding }) => ({
    point,
    rawHex: '',
    encoding,
    quality: 'bad',
    status: `modbus:exception:${code}`,
    gatewayTimeMs,
  }));
}

function isRefusedInPart(answer: Data | Exception): boolean {
  if (answer.kind !== 'exception') return false;
  return answer.code === ILLEGAL_DATA_ADDRESS || answer.code === ILLEGAL_DATA_VALUE;
}

function isUnreachable(answer: Data | Exception): answer is Exception {
  if (answer.kind !== 'exception') return false;
  return answer.code === GATEWAY_PATH_UNAVAILABLE || answer.code === GATEWAY_TARGET_SILENT;
}

/** What the answers of a gateway say about the device behind it. */
function unreachableIn({ answered }: Pick<Outcome, 'answered'>): Missing | undefined {
  const found = answered.map(({ answer }) => answer).find(isUnreachable);
  if (found === undefined) return undefined;
  const detail = `the gateway says exception ${found.code}`;
  return { kind: 'missing', cause: 'timeout', reached: true, detail };
}

function lost(points: readonly string[], cause: LossCause): SampleSet {
  return { samples: [], missing: { points, cause } };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, index) => name === b[index]));
}
