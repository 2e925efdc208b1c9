/** The promises that the suite attacks, by key; docs/guarantees.md says each in full. */
export const promiseKeys = [
  'durable',
  'order',
  'once',
  'omission',
  'complete',
  'rot',
  'bounded',
  'fresh',
  'custody',
  'poison',
  'fail-safe',
  'restore',
  'rollback',
] as const;

export type PromiseKey = (typeof promiseKeys)[number];
