/**
 * A chunk on its way through the admission's threads: handed to one, taken back, or with one
 * message of it judged apart.
 */
import { strict as assert } from 'node:assert';
import { type Chunk, type ChunkItem, chunkOf, type JudgedChunk, messageOf } from './admitter.ts';
import { type Deferred, deferred } from './apply-deferred.ts';

/** A chunk that is to be judged. */
export interface Job {
  readonly chunk: Chunk;
  /** Messages of it that are judged apart. */
  readonly late: Promise<JudgedChunk>[];
  readonly done: Deferred<JudgedChunk>;
}

/** A message that is judged apart from the others of its chunk. */
export interface Apart {
  /** Its number in the chunk. */
  readonly item: number;
  /** A chunk of it alone: what the others stand in may be in the journal by now. */
  readonly chunk: Chunk;
  readonly done: Deferred<JudgedChunk>;
}

/** A chunk in or before a thread. */
export interface Handed {
  readonly number: number;
  readonly job: Job;
  /**
   * It is judged elsewhere, but for one message of it: what this thread says of the others is not
   * waited for.
   */
  apart?: Apart | undefined;
  isElsewhere?: boolean;
}

export function createJob(chunk: Chunk): Job {
  return { chunk, late: [], done: deferred<JudgedChunk>() };
}

/** Its message at `item` is judged by itself; returns the job without it. */
export function setApart(handed: Handed, item: number): Job {
  const { job } = handed;
  const message = messageOf(job.chunk, itemAt(job.chunk, item));
  const done = deferred<JudgedChunk>();
  // Nobody may have asked for it yet when it fails.
  done.promise.catch(() => {});
  handed.apart = { item, done, chunk: chunkOf([message]) };
  job.late.push(done.promise);
  return { ...job, chunk: { ...job.chunk, items: job.chunk.items.filter((_, at) => at !== item) } };
}

/** Nothing more is waited for from the thread that it was handed to. */
export function settle(handed: Handed): void {
  handed.apart = undefined;
  handed.isElsewhere = true;
}

/** A job of the one message that was set apart. */
export function jobOf({ chunk, done }: Apart): Job {
  const job = createJob(chunk);
  job.done.promise.then(done.resolve, done.reject);
  return job;
}

/** @throws AssertionError where there is none at `at` */
export function itemAt({ items }: Chunk, at: number): ChunkItem {
  const item = items[at];
  assert(item, 'a message has a number of its chunk');
  return item;
}

/** It is judged, but for what is judged apart. */
export function resolveJob(
  { chunk, done, late }: Job,
  judged: Pick<JudgedChunk, 'admissions' | 'trustPosition'> & Partial<Chunk>,
): void {
  done.resolve({ ...chunk, ...judged, ...(late.length > 0 && { late }) });
}
