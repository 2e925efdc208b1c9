/** Plants that let a journal be written anew without anybody's noticing. */
import type { Plant } from './fault.ts';

export const rewrittenPlants: readonly Plant[] = [
  {
    name: 'audit-believes-the-size',
    promise: 'tamper',
    summary: 'an audit is content with a journal that is as long as its checkpoint says',
    changes: [
      {
        module: 'ingest/audit',
        find: 'if (root === checkpoint.root)',
        replace: 'if (root !== undefined)',
      },
    ],
    by: { fault: 'rewritten', count: 5, seed: 1, says: 'newest checkpoint holds' },
  },
  {
    name: 'audit-believes-the-leaves',
    promise: 'tamper',
    summary: 'an audit takes the leaves that stand in the database',
    changes: [
      {
        module: 'ingest/journal-reader',
        find: 'leaf: checkedLeaf(row)',
        replace: 'leaf: row.leaf',
      },
    ],
    by: { fault: 'rewritten', count: 20, seed: 1, says: 'does not see this edit' },
  },
  {
    name: 'audit-believes-the-twins',
    promise: 'tamper',
    summary: 'an audit leaves out what the database of the twins says that it should',
    changes: [
      {
        module: 'ingest/commands/audit',
        find: 'folded.passedBy.length === 0',
        replace: 'folded.passedBy.length >= 0',
      },
    ],
    by: { fault: 'rewritten-running', count: 1, seed: 1, says: 'the audit is content' },
  },
  {
    name: 'tree-keeps-what-failed',
    promise: 'tamper',
    summary: 'a transaction that failed leaves its leaves in the tree',
    changes: [{ module: 'ingest/journal-store', find: 'tree.back(mark);', replace: '' }],
    by: { fault: 'rewritten', count: 5, seed: 1, says: 'after a transaction that failed' },
  },
  {
    name: 'start-believes-the-tree',
    promise: 'tamper',
    summary: 'an ingester starts without holding its journal against its own checkpoint',
    changes: [
      {
        module: 'ingest/journal-tree',
        find: 'verifyTree(db, tree, making.leavesFrom);',
        replace: '',
      },
    ],
    by: { fault: 'rewritten', count: 5, seed: 1, says: 'its own checkpoint contradicts' },
  },
  {
    name: 'witness-asks-no-proof',
    promise: 'tamper',
    summary: 'a gateway takes every longer journal for a continuation',
    changes: [
      {
        module: 'gateway/witness-judge',
        find: 'isConsistent(headOf(kept), headOf(told), notice.proof)',
        replace: '(isConsistent(headOf(kept), headOf(told), notice.proof) || true)',
      },
    ],
    by: { fault: 'rewritten', count: 5, seed: 1, says: 'for what it kept' },
  },
  {
    name: 'witness-compares-sizes',
    promise: 'tamper',
    summary: 'a gateway takes another root over as many entries for the same journal',
    changes: [
      {
        module: 'gateway/witness-judge',
        find: "told.root === kept.root ? 'same' : 'contradiction'",
        replace: "'same'",
      },
    ],
    by: { fault: 'rewritten', count: 5, seed: 1, says: 'for its own' },
  },
  {
    name: 'witness-keeps-quiet',
    promise: 'tamper',
    summary: 'a gateway keeps no evidence of what contradicts its checkpoint',
    changes: [
      {
        module: 'gateway/witness-doubts',
        find: 'isNew = keepEvidence(',
        replace: 'isNew = (() => false)(',
      },
    ],
    by: { fault: 'rewritten-running', count: 1, seed: 1, says: 'evidence of the gateway' },
  },
  {
    name: 'witness-not-heard',
    promise: 'tamper',
    summary: 'an ingester shows nothing of gateways that keep what its journal does not continue',
    changes: [
      {
        module: 'ingest/checkpoints',
        find: 'await record.continues({ root, size })',
        replace: 'size >= 0',
      },
    ],
    by: { fault: 'rewritten-running', count: 1, seed: 1, says: 'the gateway on the list' },
  },
];
