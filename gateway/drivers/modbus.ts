/** The Modbus TCP driver: reads coils, discrete inputs and registers; it cannot write. */
import { limits } from '../../devices/limits.ts';
import type { PointDefinition } from '../../devices/profile.ts';
import type { LossCause, Sample } from '../../devices/reading.ts';
import { type SchemaMistake, type Static, Type } from '../../devices/schema.ts';
import type { Connection, Driver, DriverContext, SampleSet } from '../driver.ts';
import { type Backoff, createBackoff } from './backoff.ts';
import { createDeviceLog, type DeviceLog } from './device-log.ts';
import { type Data, type Exception, type Missing, ModbusLink } from './modbus/link.ts';
import {
  type Block,
  holdsBits,
  type PlacedPoint,
  planBlocks,
  quantityMax,
  samplesOf,
  sizeOf,
  splitBlock,
} from './modbus/plan.ts';

const settings = Type.Object(
  {
    host: Type.String({
      description: 'Host name or address of the device, or of the gateway to its serial line.',
      minLength: 1,
      maxLength: 253,
      examples: ['192.168.1.10'],
    }),
    port: Type.Integer({
      description: 'TCP port (number).',
      default: 502,
      minimum: 1,
      maximum: 65_535,
    }),
    unitId: Type.Integer({
      description:
        'Unit id of the device (number). Devices with the same host and port share a connection.',
      default: 1,
      minimum: 0,
      maximum: 255,
    }),
    timeoutMs: Type.Integer({
      description: 'How long this device may take to accept and to answer a request (ms).',
      default: limits.modbusTimeoutMsDefault,
      minimum: limits.modbusTimeoutMsMin,
      maximum: limits.modbusTimeoutMsMax,
    }),
  },
  { additionalProperties: false },
);

export type ModbusSettings = Static<typeof settings>;

type Points = Readonly<Record<string, PointDefinition>>;

/** Exceptions that a whole block gets when one part of it is not there (V1.1b3 §7). */
const ILLEGAL_DATA_ADDRESS = 2;
const ILLEGAL_DATA_VALUE = 3;
/** A gateway says that the device behind it is not there, or did not answer. */
const GATEWAY_PATH_UNAVAILABLE = 10;
const GATEWAY_TARGET_SILENT = 11;

const ADDRESSES = 65_536;

/**
 * A Modbus driver with links of its own: the devices that it opens share one connection for each
 * host and port, on which their requests take turns.
 */
export function createModbusDriver(): Driver<ModbusSettings> {
  const links = new Map<string, { readonly link: ModbusLink; users: number }>();
  return {
    name: 'modbus',
    summary: 'Modbus TCP: registers and bits, function codes 1 to 4, never a write.',
    settings,
    check,
    async open(device, points, context) {
      const key = `${device.host}:${device.port}`;
      const shared = links.get(key) ?? {
        link: new ModbusLink({ ...device, ...context }),
        users: 0,
      };
      links.set(key, shared);
      shared.users += 1;
      return new ModbusConnection(device, points, context, shared.link, () => {
        shared.users -= 1;
        if (shared.users > 0) return;
        links.delete(key);
        shared.link.close();
      });
    },
  };
}

export const modbusDriver = createModbusDriver();

function check(_: ModbusSettings, points: Points): SchemaMistake[] {
  return Object.entries(points).flatMap(([name, point]) => {
    const message = mistakeOf(point);
    return message === undefined ? [] : [{ path: [], message: `point ${name} ${message}` }];
  });
}

function mistakeOf(point: PointDefinition): string | undefined {
  const place = point.modbus;
  if (place === undefined) return 'has no modbus place; give it a table and an address';
  const size = sizeOf(place);
  if (size === undefined) {
    return `is ${place.encoding.type}, so it needs "registers": how many it covers`;
  }
  if (holdsBits(place) && place.encoding.type !== 'bool') {
    return `is a ${place.table}, which is one bit; its encoding type must be bool`;
  }
  if (size < 1 || size > quantityMax(place)) {
    return `covers ${size} registers; one request reads 1 to ${quantityMax(place)}`;
  }
  if (place.address < 0 || place.address + size > ADDRESSES) {
    return `ends at address ${place.address + size - 1}; addresses are 0 to ${ADDRESSES - 1}`;
  }
  return undefined;
}

/** What came of asking for some blocks. */
interface Outcome {
  /** In order of their answers; without data when the device refused with an exception. */
  readonly answered: { readonly block: Block; readonly answer: Data | Exception }[];
  readonly unanswered: readonly Block[];
  readonly failure?: Missing;
}

class ModbusConnection implements Connection {
  readonly #device: ModbusSettings;
  readonly #points: Points;
  readonly #context: DriverContext;
  readonly #link: ModbusLink;
  readonly #backoff: Backoff;
  readonly #log: DeviceLog;
  readonly #release: () => void;
  #closed = false;
  #reading: AbortController | undefined;
  #plan: { readonly names: readonly string[]; blocks: Block[] } | undefined;
  #lastCause: LossCause = 'absent';

  constructor(
    device: ModbusSettings,
    points: Points,
    context: DriverContext,
    link: ModbusLink,
    release: () => void,
  ) {
    this.#device = device;
    this.#points = points;
    this.#context = context;
    this.#link = link;
    this.#backoff = createBackoff(context);
    this.#log = createDeviceLog(context);
    this.#release = release;
  }

  async read(names: readonly string[], signal: AbortSignal): Promise<SampleSet> {
    if (this.#closed) return lost(names, 'not-running');
    // A unit that is silent costs the others on its line one timeout, then rests.
    if (this.#backoff.waiting()) return lost(names, this.#lastCause);
    const plan = this.#planFor(names);
    const reading = new AbortController();
    const abort = () => reading.abort();
    this.#reading = reading;
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const outcome = await this.#ask(plan.blocks, reading.signal);
    signal.removeEventListener('abort', abort);
    if (this.#closed) return lost(names, 'not-running');
    this.#learn(plan, outcome);
    this.#judge(outcome);
    return this.#toSet(outcome);
  }

  counters(): Readonly<Record<string, number>> {
    return { ...this.#link.counts };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#reading?.abort();
    this.#release();
  }

  #planFor(names: readonly string[]): { readonly names: readonly string[]; blocks: Block[] } {
    const known = this.#plan;
    if (known !== undefined && sameNames(known.names, names)) return known;
    const placed: PlacedPoint[] = names.flatMap((point) => {
      const place = this.#points[point]?.modbus;
      return place === undefined ? [] : [{ point, place }];
    });
    this.#plan = { names: [...names], blocks: planBlocks(placed) };
    return this.#plan;
  }

  /**
   * Asks block after block. A block that the device refuses because part of it is not there is
   * asked again in halves. The first block without an answer ends it: each of the others would
   * cost a timeout more.
   */
  async #ask(blocks: readonly Block[], signal: AbortSignal): Promise<Outcome> {
    const answered: Outcome['answered'] = [];
    const left = [...blocks];
    for (let block = left.shift(); block !== undefined; block = left.shift()) {
      const { unitId, timeoutMs } = this.#device;
      const answer = await this.#link.ask({ unitId, block, timeoutMs, signal });
      if (answer.kind === 'missing') {
        return { answered, unanswered: [block, ...left], failure: answer };
      }
      const halves = isRefusedInPart(answer) ? splitBlock(block) : undefined;
      if (halves !== undefined) left.unshift(...halves);
      else answered.push({ block, answer });
      if (isUnreachable(answer) && left.length > 0) {
        const detail = `the gateway says exception ${answer.code}`;
        const failure: Missing = { kind: 'missing', cause: 'timeout', reached: true, detail };
        return { answered, unanswered: left, failure };
      }
    }
    return { answered, unanswered: [] };
  }

  /**
   * Keeps what a read taught: blocks that had to be split stay split, and the block that got no
   * answer goes last, so that one bad place never hides those behind it.
   */
  #learn(plan: { blocks: Block[] }, outcome: Outcome): void {
    const [failed, ...others] = outcome.unanswered;
    const blocks = [...outcome.answered.map(({ block }) => block), ...others];
    plan.blocks = failed === undefined ? blocks : [...blocks, failed];
  }

  #judge({ answered, failure }: Outcome): void {
    if (failure === undefined || answered.length > 0) this.#backoff.succeed();
    if (failure === undefined) this.#log.well();
    if (failure === undefined || failure.cause === 'not-running') return;
    this.#lastCause = failure.cause;
    // A link that cannot connect has a back-off of its own.
    if (answered.length === 0 && failure.reached) this.#backoff.fail();
    const { host, port, unitId } = this.#device;
    const { foreignFrames, corruptFrames, timeouts } = this.#link.counts;
    this.#log.trouble(failure.cause, {
      peer: `${host}:${port}`,
      unitId,
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

function lost(points: readonly string[], cause: LossCause): SampleSet {
  return { samples: [], missing: { points, cause } };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, index) => name === b[index]));
}
