/**
 * What happened while nobody listened, from the history that the server keeps (HistoryRead of raw
 * values, OPC 10000-4 §5.11.3 and 10000-11 §6.4.3). Values come in the order of their source
 * times over all points, page by page, within bounds; each is marked, so that everybody sees that
 * it was not heard live.
 */
import { limits } from '../../../devices/limits.ts';
import type { Sample } from '../../../devices/reading.ts';
import { type Clock, dateOf } from '../../../devices/runtime.ts';
import type { SampleSet } from '../../driver.ts';
import { deadline } from '../deadline.ts';
import { chunks } from './calls.ts';
import type { ItemPlan, ValueItem } from './plan.ts';
import type { Repeats } from './repeats.ts';
import { rangeOf, type ServiceContext, transact } from './services.ts';
import { sampleOfValue, type WireDataValue } from './value.ts';

export interface HistoryOptions {
  readonly services: ServiceContext;
  readonly plan: ItemPlan;
  readonly repeats: Repeats;
  /** From when nothing is known, by our clock. */
  readonly sinceMs: number;
  /**
   * A gap that is on disk: from when on nothing of a point is signed, by our clock, and the source
   * time of its value that was durable last, also before a restart.
   */
  readonly border?: {
    fromOf(point: string): number;
    lastMs(point: string): number | undefined;
  };
  /** What was delivered so far is durable. */
  readonly onProgress?: () => void;
  /** Resolves when the samples are durable. */
  readonly deliver: (set: SampleSet) => Promise<void>;
  readonly signal: AbortSignal;
}

export interface HistoryResult {
  /** Values that were delivered. */
  readonly values: number;
  /** Points whose gap is filled as far as the server knows. */
  readonly filled: ReadonlySet<string>;
  /** Points whose history broke off, and up to which source time it reached. */
  readonly partly: ReadonlyMap<string, number>;
  /** Source times of the delivered values, rising. */
  readonly newestBefore: (timeMs: number) => number | undefined;
}

/** One node whose history is being read. */
interface Reader {
  readonly item: ValueItem;
  readonly startMs: number;
  /** Values of the beginning itself came before. */
  readonly isStrict: boolean;
  continuation: Buffer | undefined;
  /** Everything up to here has been read. */
  reachedMs: number;
  state: 'more' | 'done' | 'refused';
}

/** Fills the gap of all points whose server keeps history. */
export async function fillFromHistory(options: HistoryOptions): Promise<HistoryResult> {
  const { plan, repeats, deliver, signal } = options;
  const { clock } = options.services;
  const readers = plan.values
    .filter(({ historic }) => historic)
    .map((item): Reader => {
      const startMs = startOf(item, options);
      // What stands at the border is signed; only in one run do we know values of one time apart.
      const isStrict = item.parts.every(({ point }) => options.repeats.lastMs(point) === undefined);
      return {
        item,
        startMs,
        isStrict,
        continuation: undefined,
        reachedMs: startMs,
        state: 'more',
      };
    });
  const stopAt = clock.monotonicMs() + limits.opcuaHistoryMs;
  const perNode = pageOf(readers.length);
  const times: number[] = [];
  let waiting: Sample[] = [];
  let values = 0;
  repeats.seam();
  for (;;) {
    const open = readers.filter(({ state }) => state === 'more');
    for (const group of groupsByStart(open)) {
      waiting.push(...(await readPages(options, group, perNode)));
    }
    // Up to the horizon nothing earlier can come any more.
    const behind = readers.filter(({ state }) => state === 'more');
    const horizonMs = Math.min(...behind.map(({ reachedMs }) => reachedMs));
    const ready = waiting.filter((sample) => (sample.sourceTimeMs ?? 0) <= horizonMs);
    waiting = waiting.filter((sample) => (sample.sourceTimeMs ?? 0) > horizonMs);
    const fresh = inOrder(ready).filter((sample) => !repeats.isRepeat(sample));
    for (const samples of chunks(fresh.map(marked), limits.opcuaHistoryValues)) {
      await deliver({ samples });
      options.onProgress?.();
    }
    for (const { sourceTimeMs } of fresh) if (sourceTimeMs !== undefined) times.push(sourceTimeMs);
    values += fresh.length;
    const spent = clock.monotonicMs() > stopAt || values > limits.opcuaHistoryValuesMax;
    if (behind.length === 0 || spent || signal.aborted) break;
  }
  await release(options.services, readers);
  // What the subscription says next may still overlap with what was read.
  repeats.seam();
  return resultOf(readers, values, times);
}

function resultOf(
  readers: readonly Reader[],
  values: number,
  times: readonly number[],
): HistoryResult {
  const filled = new Set<string>();
  const partly = new Map<string, number>();
  for (const { item, reachedMs, state } of readers) {
    for (const { point } of item.parts) {
      if (state === 'done') filled.add(point);
      if (state === 'more') partly.set(point, reachedMs);
    }
  }
  const newestBefore = (timeMs: number) => times.findLast((time) => time <= timeMs);
  return { values, filled, partly, newestBefore };
}

/** Values of one node in one answer: few where there are many nodes, so that memory is bounded. */
function pageOf(nodes: number): number {
  const share = Math.floor((50 * limits.opcuaHistoryValues) / Math.max(1, nodes));
  return Math.max(10, Math.min(limits.opcuaHistoryValues, share));
}

/**
 * The value that came last, by the clock of its source, whatever that says: what is missing comes
 * after it. With a deadband the server kept silent about older ones on purpose.
 */
function startOf(item: ValueItem, { border, repeats, sinceMs }: HistoryOptions): number {
  const known = item.parts.map(({ point }) => {
    const lastMs = repeats.lastMs(point) ?? border?.lastMs(point) ?? sinceMs;
    const fromMs = border?.fromOf(point) ?? sinceMs;
    // What was signed as a loss since is not filled any more.
    return fromMs > sinceMs ? Math.max(lastMs, fromMs) : lastMs;
  });
  const lastMs = Math.min(...known);
  return item.deadband ? Math.max(lastMs, sinceMs - limits.clockSkewMs) : lastMs;
}

/** Nodes that can be asked in one call: a call has one beginning for all of them. */
function groupsByStart(readers: readonly Reader[]): Reader[][] {
  const sorted = [...readers].sort((a, b) => a.startMs - b.startMs);
  return chunks(sorted, limits.opcuaHistoryNodes);
}

/** One page of each reader; what is older than the reader's own beginning is left out. */
async function readPages(
  options: HistoryOptions,
  readers: readonly Reader[],
  perNode: number,
): Promise<Sample[]> {
  const { plan, services } = options;
  const { clock } = services;
  const answered = await ask(services, readers, perNode).catch(() => undefined);
  const gatewayTimeMs = clock.nowMs();
  const samples: Sample[] = [];
  for (const [index, reader] of readers.entries()) {
    const result = answered?.[index];
    if (!result || result.statusCode.value >>> 30 >= 2) {
      reader.state = 'refused';
      reader.continuation = undefined;
      continue;
    }
    const values = result.historyData?.dataValues ?? [];
    const point = result.continuationPoint;
    const hasMore = point !== null && point !== undefined && point.length > 0 && values.length > 0;
    reader.continuation = hasMore ? point : undefined;
    reader.state = hasMore ? 'more' : 'done';
    for (const value of values) {
      const timeMs = value.sourceTimestamp?.getTime();
      if (timeMs === undefined || timeMs < reader.startMs) continue;
      if (reader.isStrict && timeMs === reader.startMs) continue;
      reader.reachedMs = Math.max(reader.reachedMs, timeMs);
      for (const part of reader.item.parts) {
        samples.push(sampleOfValue(part, value, gatewayTimeMs, plan.types));
      }
    }
  }
  return samples;
}

interface HistoryAnswer {
  readonly statusCode: { readonly value: number };
  readonly continuationPoint?: Buffer | null;
  readonly historyData?: { readonly dataValues?: readonly WireDataValue[] | null } | null;
}

async function ask(
  services: ServiceContext,
  readers: readonly Reader[],
  perNode: number,
): Promise<readonly HistoryAnswer[]> {
  const { clock, opcua, session } = services;
  const { HistoryReadRequest, ReadRawModifiedDetails } = opcua.client;
  const startMs = Math.min(...readers.map((reader) => reader.startMs));
  const request = new HistoryReadRequest({
    historyReadDetails: new ReadRawModifiedDetails({
      isReadModified: false,
      startTime: dateOf(startMs),
      endTime: dateOf(endOf(clock, startMs)),
      numValuesPerNode: perNode,
      returnBounds: false,
    }),
    // Both.
    timestampsToReturn: 2,
    releaseContinuationPoints: false,
    nodesToRead: readers.map(nodeToRead),
  });
  const asked = transact(session, request);
  const response = await deadline(clock, limits.opcuaRequestMs, 'reading history', asked);
  const { results } = response as { readonly results?: readonly HistoryAnswer[] | null };
  return results ?? [];
}

/** Now, with room for a source whose clock is fast, and never before the beginning. */
function endOf(clock: Clock, startMs: number): number {
  return Math.max(clock.nowMs(), startMs) + limits.clockSkewMs;
}

function nodeToRead({ item, continuation }: Reader) {
  const { indexRange, nodeId } = item;
  return {
    nodeId,
    ...(indexRange !== undefined && { indexRange: rangeOf(indexRange) }),
    ...(continuation && { continuationPoint: continuation }),
  };
}

/** A server keeps a continuation point until it is told not to. */
async function release(services: ServiceContext, readers: readonly Reader[]): Promise<void> {
  const open = readers.filter(({ continuation }) => continuation !== undefined);
  const { clock, opcua, session } = services;
  const { HistoryReadRequest, ReadRawModifiedDetails } = opcua.client;
  for (const chunk of chunks(open, limits.opcuaHistoryNodes)) {
    const request = new HistoryReadRequest({
      historyReadDetails: new ReadRawModifiedDetails({}),
      releaseContinuationPoints: true,
      nodesToRead: chunk.map(nodeToRead),
    });
    const asked = transact(session, request);
    // A courtesy: a server that does not hear it forgets them with the session.
    await deadline(clock, limits.opcuaRequestMs, 'ending history', asked).catch(() => undefined);
  }
}

/** By source time; values of one time stay in the order in which they came. */
function inOrder(samples: readonly Sample[]): Sample[] {
  return [...samples].sort((a, b) => (a.sourceTimeMs ?? 0) - (b.sourceTimeMs ?? 0));
}

/** Status of a value that was read from history. */
const HISTORY = 'opcua:history';

function marked(sample: Sample): Sample {
  const { status } = sample;
  return { ...sample, status: status === undefined ? HISTORY : `${HISTORY}; ${status}` };
}
