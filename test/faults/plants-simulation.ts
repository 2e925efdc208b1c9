/** Plants that simulated worlds catch, and clocks that jump. */
import type { Plant } from './fault.ts';

export const simulationPlants: readonly Plant[] = [
  {
    name: 'answered-before-written',
    promise: 'durable',
    summary: 'the ingester answers for what it has not written yet',
    changes: [
      {
        module: 'ingest/record',
        find: 'const appended = await journal.append(entries, give);',
        replace: `const appended = entries.map(({ header: { kind } }, at) => (
          { kind, position: size + at, leaf: '0'.repeat(64), result: 'stored' }));
        setImmediate(() => journal.append(entries, give).catch(() => undefined));`,
      },
    ],
    by: { fault: 'simulation', count: 1, seed: 1 },
  },
  {
    name: 'tail-dropped',
    promise: 'durable',
    summary: 'a start takes the newest batch for half written and drops it',
    changes: [
      {
        module: 'gateway/outbox-rows',
        find: 'this.losses = new OutboxLosses(this.sql);',
        replace: `this.losses = new OutboxLosses(this.sql);
        options.db.exec('DELETE FROM batch WHERE id = (SELECT max(id) FROM batch)');`,
      },
    ],
    by: { fault: 'simulation', count: 1, seed: 1 },
  },
  {
    name: 'replay-key-forgotten',
    promise: 'once',
    summary: 'a batch that comes again is taken again',
    changes: [
      {
        module: 'ingest/journal-place',
        find: 'if (here?.digest.equals(digest)) return counting(log.known(here.position));',
        replace: 'if (here?.digest.equals(digest)) near.splice(0);',
      },
      {
        module: 'ingest/journal-place',
        find: 'INSERT INTO replay (',
        replace: 'INSERT OR REPLACE INTO replay (',
      },
      {
        module: 'ingest/journal-place',
        find: 'if (high !== undefined && high.count <= high.sequence) return;',
        replace: 'if (high !== undefined) return;',
      },
    ],
    by: { fault: 'simulation', count: 2, seed: 1 },
  },
  {
    name: 'cursor-apart',
    promise: 'complete',
    summary: 'the cursor is written before the twins, in a transaction of its own',
    changes: [
      {
        module: 'ingest/twins-store',
        find: 'sql.putMeta.run(meta.cursor, meta.nowMs, meta.routes, meta.leaf, foldVersion);',
        replace: '',
      },
      {
        module: 'ingest/twins-store',
        find: 'commit.immediate(change);',
        replace: `const { meta } = change;
        sql.putMeta.run(meta.cursor, meta.nowMs, meta.routes, meta.leaf, foldVersion);
        commit.immediate(change);`,
      },
    ],
    by: { fault: 'simulation', count: 1, seed: 3 },
  },
  {
    name: 'custody-skips',
    promise: 'custody',
    summary: 'a pair of release and acceptance moves goods, whatever step it follows',
    changes: [
      {
        module: 'ingest/fold-custody',
        find: 'const pair = step.previous === custody.head ? pairOf(custody, step) : undefined;',
        replace: 'const pair = pairOf(custody, step);',
      },
      {
        module: 'ingest/fold-custody',
        find: 'if (holder !== undefined) return holder.party.id === did;',
        replace: "if (did !== '') return true;",
      },
    ],
    by: { fault: 'simulation', count: 1, seed: 3 },
  },
  {
    name: 'last-value-again',
    promise: 'unknown',
    summary: 'where a sensor does not answer, what it said last is signed again',
    changes: [
      {
        module: 'gateway/poll',
        find: 'return await Promise.race([read, givenUp]);',
        replace: `const set = await Promise.race([read, givenUp]);
        if (set.samples.length > 0) globalThis.lastSet = set;
        return set.samples.length > 0 ? set : (globalThis.lastSet ?? set);`,
      },
    ],
    by: { fault: 'simulation', count: 1, seed: 1 },
  },
  {
    name: 'silence-not-told',
    promise: 'omission',
    summary: 'a device of which nothing comes any more is not alerted of',
    changes: [
      {
        module: 'ingest/rules/silent',
        find: 'if (expected === undefined || nowMs < expected.dueMs) return undefined;',
        replace: 'if (expected === undefined || nowMs < 2 * expected.dueMs) return undefined;',
      },
    ],
    by: { fault: 'simulation', count: 1, seed: 1 },
  },
  {
    name: 'gap-not-shown',
    promise: 'omission',
    summary: 'batches that are missing between others leave no gap',
    changes: [
      {
        module: 'ingest/fold-holes',
        find: 'holes.push(...holesWithin(epoch));',
        replace: 'if (coarse) holes.push(...holesWithin(epoch));',
      },
    ],
    by: { fault: 'simulation', count: 1, seed: 1 },
  },
  {
    name: 'rollback-as-fork',
    promise: 'rollback',
    summary:
      'two epochs of one counter are taken for one, so that a restored disk looks like a cheat',
    changes: [
      {
        module: 'ingest/journal-place',
        find: 'const { epochCounter, epochNonce, sequence } = key;',
        replace: "const { epochCounter, sequence } = key; const epochNonce = '';",
      },
    ],
    by: { fault: 'simulation', count: 2, seed: 1 },
  },
  {
    name: 'order-by-clock',
    promise: 'order',
    summary: 'what arrives last is current, so that a late batch displaces newer values',
    changes: [
      {
        module: 'ingest/fold-state',
        find: 'if (a.counter !== b.counter) return a.counter - b.counter;',
        replace: `if (a.receivedMs !== b.receivedMs) return a.receivedMs - b.receivedMs;
        if (a.counter !== b.counter) return a.counter - b.counter;`,
      },
    ],
    by: { fault: 'simulation', count: 1, seed: 1 },
  },
  {
    name: 'clock-step-unsigned',
    promise: 'order',
    summary: 'steps of the wall clock are not counted',
    changes: [{ module: 'gateway/clock', find: 'steps += 1;', replace: '' }],
    by: { fault: 'clock-jumps', count: 4, seed: 1 },
  },
  {
    name: 'timers-by-wall-clock',
    promise: 'order',
    summary: 'devices are asked when the wall clock says so',
    changes: [
      {
        module: 'gateway/poll',
        find: 'let due = clock.monotonicMs() + options.phaseMs;',
        replace: 'let due = clock.nowMs() + options.phaseMs;',
      },
      {
        module: 'gateway/poll',
        find: 'Math.max(0, due - clock.monotonicMs())',
        replace: 'Math.max(0, due - clock.nowMs())',
      },
      {
        module: 'gateway/poll',
        find: '(clock.monotonicMs() - due)',
        replace: '(clock.nowMs() - due)',
      },
    ],
    by: { fault: 'clock-jumps', count: 6, seed: 1 },
  },
];
