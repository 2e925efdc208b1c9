/** A process of `run.ts` that runs the worlds that it is told to, one after the other. */
import { runWorld, type WorldResult } from './run-world.ts';

export interface WorkerAnswer {
  readonly result: WorldResult;
  /** What the world cost, milliseconds of one core. */
  readonly cpuMs: number;
}

process.on('message', (order) => {
  const { hours, seed } = order as { seed: number; hours: number };
  const before = process.cpuUsage();
  void runWorld(seed, hours)
    .catch((error: unknown): WorldResult => {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      const sums = { lost: 0, doubled: 0, wrong: 1 };
      return { seed, hours, broken: [why], sums, counts: {}, trace: '' };
    })
    .then((result) => {
      const { system, user } = process.cpuUsage(before);
      const answer: WorkerAnswer = { result, cpuMs: Math.round((system + user) / 1_000) };
      process.send?.(answer);
    });
});
