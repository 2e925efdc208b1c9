/** What the driver counts for one device, for metrics and for an operator who asks. */
const names = [
  'reconnects',
  'resumedSubscriptions',
  'createdSubscriptions',
  'lossesReported',
  'repeatedValues',
  'repeatedNotifications',
  'foreignNotifications',
  'sequenceJumps',
  'historyValues',
  'unchangedChecks',
  'deadItems',
  'refusedDeadbands',
] as const;

export type CounterName = (typeof names)[number];

export interface Tally {
  add(name: CounterName, count?: number): void;
  counters(): Readonly<Record<CounterName, number>>;
}

/** All counters, from 0. */
export function createTally(): Tally {
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<CounterName, number>;
  return {
    add: (name, count = 1) => {
      counts[name] += count;
    },
    counters: () => ({ ...counts }),
  };
}
