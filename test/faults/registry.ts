/** All faults, in the order in which they are run and printed. */
import { strict as assert } from 'node:assert';
import type { Fault } from './fault.ts';

/** A file of `kinds/`; loaded when it is needed, since a shard needs but one. */
interface Kind {
  readonly names: readonly string[];
  readonly load: () => Promise<object>;
}

const kinds: readonly Kind[] = [
  {
    names: ['sigkill-gateway', 'sigkill-ingester', 'sigkill-both', 'sigkill-starts'],
    load: () => import('./kinds/sigkill.ts'),
  },
  {
    names: ['orderly-stop', 'orderly-stop-mosquitto'],
    load: () => import('./kinds/orderly-stop.ts'),
  },
  {
    names: [
      ...['power-cut-gateway', 'power-cut-ingester'],
      ...['power-cut-gateway-unsynced', 'power-cut-ingester-unsynced'],
    ],
    load: () => import('./kinds/power-cut.ts'),
  },
  {
    names: [
      ...['failing-calls-outbox', 'failing-calls-journal', 'failing-calls-files'],
      ...['lying-syncs-outbox', 'lying-syncs-journal', 'lying-syncs-files'],
    ],
    load: () => import('./kinds/failing-calls.ts'),
  },
  {
    names: ['failing-syncs-gateway', 'failing-syncs-ingester'],
    load: () => import('./kinds/failing-syncs.ts'),
  },
  {
    names: ['disk-full', 'file-size-limit', 'read-only', 'no-descriptors', 'memory-limit'],
    load: () => import('./kinds/exhaustion.ts'),
  },
  {
    names: ['bit-flips-outbox', 'bit-flips-journal'],
    load: () => import('./kinds/bit-flips.ts'),
  },
  { names: ['outbox-full', 'outbox-rows'], load: () => import('./kinds/outbox.ts') },
  { names: ['forwarding'], load: () => import('./kinds/forwarding.ts') },
  { names: ['lying-broker'], load: () => import('./kinds/lying-broker.ts') },
  { names: ['comeback'], load: () => import('./kinds/comeback.ts') },
  { names: ['restart-storm'], load: () => import('./kinds/restart-storm.ts') },
  { names: ['connections'], load: () => import('./kinds/connections.ts') },
  { names: ['overload'], load: () => import('./kinds/overload.ts') },
  { names: ['packed'], load: () => import('./kinds/packed.ts') },
  {
    names: [
      ...['parsers-field', 'parsers-uplink', 'parsers-credentials'],
      ...['parsers-files', 'parsers-requests', 'parsers-http'],
    ],
    load: () => import('./kinds/parsers.ts'),
  },
  { names: ['two-histories'], load: () => import('./kinds/two-histories.ts') },
  { names: ['rewritten'], load: () => import('./kinds/rewritten.ts') },
  { names: ['rewritten-running'], load: () => import('./kinds/rewritten-running.ts') },
  { names: ['restore'], load: () => import('./kinds/restore.ts') },
  { names: ['import'], load: () => import('./kinds/import.ts') },
  { names: ['flood'], load: () => import('./kinds/flood.ts') },
  { names: ['poison'], load: () => import('./kinds/poison.ts') },
  { names: ['simulation'], load: () => import('./kinds/simulation.ts') },
  { names: ['offline'], load: () => import('./kinds/offline.ts') },
  { names: ['clock-jumps'], load: () => import('./kinds/clock-jumps.ts') },
];

/** @throws AssertionError where a file of `kinds/` has others than are named here */
export async function loadFaults(): Promise<readonly Fault[]> {
  return (await Promise.all(kinds.map(loadKind))).flat();
}

/** One of them; `undefined` where there is none of the name. */
export async function loadFault(name: string): Promise<Fault | undefined> {
  const kind = kinds.find(({ names }) => names.includes(name));
  return kind && (await loadKind(kind)).find((fault) => fault.name === name);
}

async function loadKind({ load, names }: Kind): Promise<readonly Fault[]> {
  const found = new Map(
    Object.values(await load())
      .filter(isFault)
      .map((one) => [one.name, one]),
  );
  assert.deepEqual([...found.keys()].sort(), [...names].sort(), 'the faults of a kind');
  return names.flatMap((name) => found.get(name) ?? []);
}

function isFault(value: unknown): value is Fault {
  return typeof value === 'object' && value !== null && 'counts' in value && 'run' in value;
}
