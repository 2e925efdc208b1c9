/**
 * Admission in worker threads: verification and JSON never run on the main thread. A message that
 * ends a thread, or that it comes to no end with, is refused for good; the thread is replaced, and
 * the other messages do not wait for it.
 */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { EdgeError, explain } from '../devices/errors.ts';
import { workerUrl } from '../devices/io/worker.ts';
import { limits } from '../devices/limits.ts';
import { digestMultibase } from '../devices/profile.ts';
import type { Clock, Log } from '../devices/runtime.ts';
import type { Admission } from './admit.ts';
import {
  createJob,
  type Handed,
  itemAt,
  type Job,
  jobOf,
  resolveJob,
  setApart,
  settle,
} from './admit-job.ts';
import type { AdmitReply } from './admit-serve.ts';
import { type AdmitThread, excessOf, startThread } from './admit-thread.ts';
import {
  type Admitter,
  type Chunk,
  chunkOf,
  type JudgedChunk,
  messageOf,
  unpacked,
} from './admitter.ts';
import { createPoisonBook, type Poison, poisonAdmission } from './poison.ts';
import type { Inbound } from './source.ts';
import { yieldProcessor } from './work-clock.ts';

/** Chunks that wait in or before one worker, so that it never waits for the main thread. */
const CHUNKS_EACH = 2;

export interface AdmitPoolOptions {
  readonly workers: number;
  readonly tenant: string;
  /** The journal, in which enrolments are looked up. */
  readonly journalFile: string;
  /** Poisons that came before. */
  readonly poisons: readonly Poison[];
  readonly clock: Clock;
  readonly log: Log;
  /** The module that each thread runs; it ends in `serveAdmission`. */
  readonly module?: URL;
}

/** Starts `workers` threads, and a few more for a while when messages hold threads up. */
export function startAdmitPool(options: AdmitPoolOptions): Admitter {
  assert(options.workers >= 1, 'admission needs a worker');
  return new AdmitPool(options);
}

class AdmitPool implements Admitter {
  readonly capacity: number;
  private readonly options: AdmitPoolOptions;
  private readonly module: URL;
  private readonly poisons;
  /** When each status list was last found at its address: the journal does not say all of it. */
  private readonly checks = new Map<string, number>();
  /** Nor does it say which keys are our own. */
  private readonly own = new Set<string>();
  private threads: AdmitThread[] = [];
  /** What waits for a thread, in order. */
  private readonly queue: Job[] = [];
  /** Threads that were lost since one judged a chunk, and no message was at fault. */
  private losses = 0;
  private failure: EdgeError | undefined;
  private isClosing = false;
  /** Until then some threads more stand by. */
  private calmMs = Number.NEGATIVE_INFINITY;
  private lookedMs: number | undefined;
  private startedMs = Number.NEGATIVE_INFINITY;
  private saidMs = Number.NEGATIVE_INFINITY;
  private unsaid = 0;

  constructor(options: AdmitPoolOptions) {
    this.options = options;
    this.capacity = options.workers * CHUNKS_EACH;
    this.module = options.module ?? workerUrl('./admit-worker', import.meta.url);
    this.poisons = createPoisonBook(options.poisons);
    for (let at = 0; at < options.workers; at += 1) this.start(false);
  }

  admit(chunk: Chunk): Promise<JudgedChunk> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    const job = createJob(chunk);
    this.queue.push(this.withoutKnown(job));
    this.dispatch();
    return job.done.promise;
  }

  trust(news: Parameters<Admitter['trust']>[0]): void {
    for (const { atMs, list } of news.checks ?? []) this.checks.set(list, atMs);
    for (const did of news.own ?? []) this.own.add(did);
    for (const thread of this.threads) thread.tell(news);
  }

  async close(): Promise<void> {
    this.isClosing = true;
    // They end by themselves, so that none is stopped in the middle of a look into the journal.
    const ended = this.threads.map(({ worker }) => once(worker, 'exit'));
    for (const thread of this.threads) {
      if (thread.isSuspect) void thread.worker.terminate();
      else thread.close();
    }
    await Promise.all(ended);
  }

  private start(catchUp: boolean): void {
    const { journalFile, tenant } = this.options;
    const thread = startThread(
      this.module,
      { tenant, journalFile, catchUp },
      {
        said: (one, reply) => this.hear(one, reply),
        ended: (one, error) => this.lose(one, error),
      },
    );
    this.threads.push(thread);
    this.startedMs = this.options.clock.monotonicMs();
    const checks = [...this.checks].map(([list, atMs]) => ({ list, atMs }));
    thread.tell({ entries: [], position: 0, checks, own: [...this.own] });
  }

  /** Hands out what waits, oldest first, to the threads that have the least to do. */
  private dispatch(): void {
    while (this.queue.length > 0) {
      const free = this.threads.filter(
        (one) => one.isReady && !one.isSuspect && !one.isClosing && one.handed.length < CHUNKS_EACH,
      );
      const [best] = free.sort((a, b) => weightOf(a) - weightOf(b));
      const job = best && this.queue.shift();
      if (!best || !job) break;
      if (job.chunk.items.length === 0) resolveJob(job, { admissions: [], trustPosition: 0 });
      else best.hand(job);
    }
    this.look();
  }

  /** Starts and ends threads, so that as many are there as are wanted. */
  private balance(): void {
    if (this.isClosing || this.failure !== undefined) return;
    const nowMs = this.options.clock.monotonicMs();
    const wanted = this.options.workers + (nowMs < this.calmMs ? limits.admitSpares : 0);
    const usable = this.threads.filter((one) => !one.isSuspect && !one.isClosing);
    const worn = usable.filter(({ isWorn }) => isWorn);
    if (usable.some(({ isReady }) => !isReady)) return;
    const isWanted = usable.length < wanted || (usable.length === wanted && worn.length > 0);
    const isDue = nowMs - this.startedMs >= limits.admitReplaceMs;
    if (usable.length < this.options.workers || (isWanted && isDue)) this.start(true);
    const idle = usable.filter((one) => !one.isWorn && one.handed.length === 0);
    for (const one of [...worn, ...idle].slice(0, Math.max(0, usable.length - wanted))) one.close();
  }

  private hear(thread: AdmitThread, reply: AdmitReply): void {
    if (!this.threads.includes(thread)) return;
    if (reply.type === 'failed') {
      const { code = 'IN_WORKER_LOST', message } = reply;
      this.fail(new EdgeError(code, 'judging credentials', { cause: new Error(message) }));
      return;
    }
    if (reply.type === 'ready') {
      thread.isReady = true;
      if (reply.thread !== undefined) thread.name = reply.thread;
    } else {
      this.losses = 0;
      this.take(thread, reply);
    }
    this.balance();
    this.dispatch();
  }

  private take(thread: AdmitThread, reply: Extract<AdmitReply, { type: 'judged' }>): void {
    const handed = thread.handed.shift();
    thread.judged += 1;
    assert(handed, 'a chunk is judged once');
    const { admissions, threw, trustPosition, unpacked: anew } = reply;
    const { apart, isElsewhere, job } = handed;
    if (threw) {
      thread.isWorn = true;
      this.sayReplaced('a message made it throw');
    }
    if (isElsewhere) return;
    if (apart !== undefined) {
      // It came to an end after all.
      thread.isSuspect = false;
      const admission = admissions[apart.item];
      assert(admission, 'each message is judged');
      const own = anew ? chunkOf([messageOf(anew, itemAt(anew, apart.item))]) : apart.chunk;
      this.learnFrom(apart.chunk, [admission]);
      apart.done.resolve({ ...own, admissions: [admission], trustPosition });
      return;
    }
    this.learnFrom(job.chunk, admissions);
    resolveJob(job, { ...anew, admissions, trustPosition });
  }

  /** A thread ended by itself; the message that it was at is the reason, where it was at one. */
  private lose(thread: AdmitThread, error: unknown): void {
    if (!this.threads.includes(thread)) return;
    const isOver = this.isClosing || (thread.isClosing && thread.handed.length === 0);
    const why = explain(error);
    if (!isOver && !this.blame(thread, why)) this.losses += 1;
    this.giveUp(thread);
    if (isOver) return;
    if (this.losses > limits.admitLossesMax) {
      this.fail(new EdgeError('IN_WORKER_LOST', 'judging credentials', { cause: error }));
      return;
    }
    this.sayReplaced(why);
    this.balance();
    this.dispatch();
  }

  /** Quarantines the message that a thread is at; whether it is at one. */
  private blame(thread: AdmitThread, why: string): boolean {
    const at = thread.at();
    if (at === undefined) return false;
    const { handed, progress } = at;
    // Where another thread judges it, that one will find out.
    if (handed.isElsewhere) return true;
    this.takeBack(thread, progress.item);
    const { apart } = handed;
    if (apart !== undefined && apart.item !== progress.item) {
      // It was slow and nothing worse, as was the one that is set apart now.
      settle(handed);
      this.queue.unshift(jobOf(apart));
      return true;
    }
    this.quarantine(handed, progress.isUnpacked, why);
    return true;
  }

  private giveUp(thread: AdmitThread): void {
    this.takeBack(thread);
    // It may have said what it found of a message apart, and nobody listens any more.
    for (const { apart } of thread.handed) if (apart) this.queue.unshift(jobOf(apart));
    this.threads = this.threads.filter((one) => one !== thread);
  }

  /**
   * What a thread was handed is judged by others; of the chunk that it is in, the message at
   * `item` alone is left to it.
   */
  private takeBack(thread: AdmitThread, item?: number): void {
    const back: Job[] = [];
    for (const handed of thread.handed) {
      if (handed.isElsewhere || handed.apart) continue;
      if (item !== undefined && handed === thread.at()?.handed) back.push(setApart(handed, item));
      else {
        handed.isElsewhere = true;
        back.push(handed.job);
      }
    }
    this.queue.unshift(...back);
  }

  private quarantine(handed: Handed, isUnpacked: boolean, why: string): void {
    const { apart } = handed;
    assert(apart, 'what is quarantined was set apart');
    settle(handed);
    const message = messageOf(apart.chunk, itemAt(apart.chunk, 0));
    this.learn(message.bytes);
    apart.done.resolve(this.refused(isUnpacked ? unpacked(message) : message, why));
  }

  private learnFrom(chunk: Chunk, admissions: readonly Admission[]): void {
    for (const [at, { code }] of admissions.entries()) {
      if (code === 'IN_POISON') this.learn(messageOf(chunk, itemAt(chunk, at)).bytes);
    }
  }

  /** Remembered, so that it never reaches a thread again. */
  private learn(bytes: Uint8Array): void {
    this.poisons.learn({ length: bytes.length, digest: digestMultibase(bytes) });
    this.calmMs = this.options.clock.monotonicMs() + limits.admitCalmMs;
  }

  private refused(message: Inbound, why: string): JudgedChunk {
    const admissions = [poisonAdmission(message, this.options.tenant, why)];
    return { ...chunkOf([message]), admissions, trustPosition: 0 };
  }

  /** The job without messages that are known to be poison; the journal knows them too. */
  private withoutKnown(job: Job): Job {
    const { chunk, late } = job;
    const known = chunk.items.filter((item) => this.poisons.has(messageOf(chunk, item).bytes));
    if (known.length === 0) return job;
    for (const item of known) {
      late.push(Promise.resolve(this.refused(messageOf(chunk, item), 'it came again')));
    }
    return {
      ...job,
      chunk: { ...chunk, items: chunk.items.filter((one) => !known.includes(one)) },
    };
  }

  /** Looks after the threads, as long as one has something to do or is one too many. */
  private look(): void {
    const { clock } = this.options;
    if (this.lookedMs !== undefined || this.isClosing || this.failure !== undefined) return;
    const isBusy = this.queue.length > 0 || this.threads.some((one) => one.handed.length > 0);
    if (!isBusy && this.threads.length === this.options.workers) return;
    this.lookedMs = clock.monotonicMs();
    clock.after(limits.admitLookMs, () => {
      const nowMs = clock.monotonicMs();
      const sinceMs = nowMs - (this.lookedMs ?? nowMs);
      this.lookedMs = undefined;
      for (const thread of this.threads) this.lookAt(thread, thread.workedMs(sinceMs));
      this.balance();
      this.dispatch();
    });
  }

  private lookAt(thread: AdmitThread, workedMs: number): void {
    const { admitColdPatienceMs, admitPatienceMs, admitWarmChunks } = limits;
    const isWarm = thread.isTried || thread.judged >= admitWarmChunks;
    const patienceMs = isWarm ? admitPatienceMs : admitColdPatienceMs;
    const why = excessOf(thread, workedMs);
    if (why !== undefined) {
      this.blame(thread, why);
      this.giveUp(thread);
      void thread.worker.terminate();
      this.sayReplaced(why);
    } else if (workedMs >= patienceMs && !thread.isSuspect) {
      const suspects = this.threads.filter(({ isSuspect }) => isSuspect);
      const at = thread.at();
      if (at === undefined || suspects.length >= limits.admitSuspectsMax) return;
      thread.isSuspect = true;
      // Its place in the queue of the processor cannot be had back, so that it is replaced.
      thread.isWorn = true;
      yieldProcessor(thread.name);
      this.calmMs = this.options.clock.monotonicMs() + limits.admitCalmMs;
      this.takeBack(thread, at.progress.item);
    }
  }

  private sayReplaced(why: string): void {
    const nowMs = this.options.clock.monotonicMs();
    this.unsaid += 1;
    if (nowMs - this.saidMs < limits.tellMs) return;
    const times = this.unsaid;
    this.saidMs = nowMs;
    this.unsaid = 0;
    this.options.log.error('a thread that judges credentials is replaced', { why, times });
  }

  private fail(error: EdgeError): void {
    this.failure ??= error;
    for (const job of this.queue.splice(0)) job.done.reject(error);
    for (const { handed } of this.threads) {
      for (const { apart, job } of handed) {
        job.done.reject(error);
        apart?.done.reject(error);
      }
    }
  }
}

/** Less is better: what it has to do, and that it is to be replaced. */
function weightOf({ handed, isWorn }: AdmitThread): number {
  return handed.length + (isWorn ? 0.5 : 0);
}
